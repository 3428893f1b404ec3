"""Damage is found, in one warning for each cause, and clean data of many kinds gives none."""

import random
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from henkan.config import ModelConfig
from henkan.text.audit import audit
from henkan.text.pairs import Pairs
from henkan.text.tasks import TASKS
from henkan.text.tokenized_pairs import TokenizedPairs

SYLLABLES = [a + b for a in ("b", "ch", "d", "g", "l", "ll", "m", "n", "rr", "s") for b in "aeiou"]
PHONES = {"ch": "tʃ", "ll": "ʎ", "rr": "r", "g": "ɡ"}
WORDS = ["".join(each) for each in product(SYLLABLES[::3], SYLLABLES[1::4], SYLLABLES[2::11])][::3]
random.Random(0).shuffle(WORDS)
GREEK = str.maketrans("abcdeghilmnorsu", "αβκδεγχιλμνορσυ")


def phones(word):
    for letters, phone in PHONES.items():
        word = word.replace(letters, phone)
    return " ".join(word.replace("t ʃ", "tʃ"))


def warnings(rows, **settings):
    found = audit(TokenizedPairs.of(Pairs.of(rows), ModelConfig(**settings)))
    return [str(warning) for warning in found.warnings()]


LEXICON = [(word, phones(word)) for word in WORDS]
NAMES = [(word.title(), word.translate(GREEK)) for word in WORDS]
BOTH = [pytest.param(LEXICON, {"target_symbols": " "}, id="lexicon"), pytest.param(NAMES, {}, id="transliteration")]


def mojibake(text):
    return text.encode().decode("latin-1")


REPLACED = {
    "note": ("{s} (noun)", "{t}", "sources have brackets"),
    "brackets in targets": ("{s}", "{t}(x)", "targets have brackets"),
    "enclosed": ("{s}", "/{t}/", "targets are in slashes or brackets, and others are not"),
    "comment line": ("# 12", "words", "sources have comments"),
    "old comment line": (";;; 12", "words", "sources have comments"),
    "remark": ("{s}", "{t} # foreign word", "targets have comments"),
    "CSV": ('"{s}"', '"{t}"', "sources and {n} of {all} targets are in quotation marks"),
    "quotes": ("{s}", '"{t}"', "targets are in quotation marks"),
    "empty target": ("{s}", "", "targets are empty"),
    "empty source": (" ", "{t}", "sources are empty"),
    "placeholder": ("{s}", "N/A", "targets are placeholders"),
    "entity": ("{s}&amp;{s}", "{t}", "sources have HTML entities"),
    "lost character": ("{s}\ufffd", "{t}", "sources have the replacement character U+FFFD"),
    "mojibake": ("{s}\u00c3\u00a9", "{t}", "sources are UTF-8 text that was decoded in another encoding"),
    "escape": ("{s}", "{t}\\n", "targets have escape sequences"),
    "spaces": ("{s}  {s}", "{t}", "sources have several spaces in a row"),
    "comma": ("{s}", "{t},", "targets end with a separator"),
    "variants in a target": ("{s}", "{t}, {t}a", "targets list several variants"),
    "homoglyph": ("{s}\u0430", "{t}", "sources have letters of another script than all others"),
    "swapped": ("{t}", "{s}", "targets seem to be in the wrong column"),
    "unconverted": ("{s}", "{s}", "targets are the same as their source"),
}


@pytest.mark.parametrize("damage", REPLACED)
@pytest.mark.parametrize(("rows", "model"), BOTH)
def test_damage_of_a_few_rows_is_found(rows, model, damage):
    """The count is exact, the example is the first damaged row, and there is a single warning."""
    *templates, phrase = REPLACED[damage]
    damaged = [
        tuple(each.format(s=row[0], t=row[1]) for each in templates) if number % 60 == 30 else row
        for number, row in enumerate(rows)
    ]
    count = len(range(30, len(rows), 60))
    found = [each for each in warnings(damaged, **model) if "whitespace" not in each]
    [warning] = found
    phrase = phrase.replace("{n}", str(count)).replace("{all}", str(len(rows)))
    assert warning.startswith(f"{count} of {len(rows)} {phrase}")
    assert "(row 31: " in warning
    assert "; " in warning
    assert "\n" not in warning


@pytest.mark.parametrize(("rows", "model"), BOTH)
def test_numbered_variants_are_found_beside_their_word(rows, model):
    damaged = [*rows, *((f"{source}(2)", target) for source, target in rows[:3])]
    assert warnings(damaged, **model)[0].startswith(f"3 of {len(damaged)} sources have brackets (row {len(rows) + 1}")


@pytest.mark.parametrize("names", [("word", "pronunciation"), ("Source", "Target"), ("id", "meaning of it")])
@pytest.mark.parametrize(("rows", "model"), BOTH)
def test_header_is_found(rows, model, names):
    [warning] = warnings([names, *rows], **model)
    assert warning == f"the first row looks like a header (row 1: '{names[0]}', '{names[1]}'); delete it"


def test_numbers_among_phones_are_found_in_some_or_all_targets():
    for number in ("0.99", "-0.37", "45.5"):
        for step in (1, 3):
            rows = [(s, f"{number} {t}" if row % step == 0 else t) for row, (s, t) in enumerate(LEXICON)]
            [warning] = warnings(rows, target_symbols=" ")
            assert "targets have decimal numbers among their symbols" in warning
    assert warnings([(s, f"{t} 5 1") for s, t in LEXICON], target_symbols=" ") == []  # tones


def test_a_lexicon_is_not_advised_for_data_without_phones():
    rows = [(f"{s} (old)" if row % 20 == 0 else s, t) for row, (s, t) in enumerate(NAMES)]
    [warning] = warnings(rows)
    assert warning.endswith("; remove them")


def test_line_breaks_and_tabs_of_json_lines_are_not_damage():
    assert warnings([(s, f"{t[:2]}\n{t[2:]}") for s, t in NAMES]) == []


def test_repeated_header_is_found():
    [warning] = warnings([("word", "ipa"), *NAMES[:50], ("word", "ipa"), *NAMES[50:]])
    assert warning == "2 rows look like a header (row 1: 'word', 'ipa'); delete them"


WHOLE = {
    "half of the targets": (
        [(s, t if n % 2 else "") for n, (s, t) in enumerate(NAMES)],
        "185 of 369 targets are empty",
    ),
    "all targets": ([(s, s) for s, _ in NAMES], "targets are the same as their source"),
    "line numbers": (
        [(str(n), s) for n, (s, _) in enumerate(NAMES, 1)],
        "the sources seem to be or to begin with line",
    ),
    "numbered": ([(f"{n}. {s}", t) for n, (s, t) in enumerate(NAMES)], "the sources seem to be or to begin with line"),
    "capitals": (
        [(s.upper() if n % 3 else s.lower(), t) for n, (s, t) in enumerate(NAMES)],
        "sources are in lower case, and others are not",
    ),
    "phones as characters": (LEXICON, "the targets have symbols separated by spaces, but are split into characters"),
    "mojibake": ([(s, mojibake(t)) for s, t in NAMES], "targets are UTF-8 text that was decoded in another encoding"),
    "very long source": ([*NAMES, (NAMES[0][0] * 300, "α")], "1 of 370 sources are much longer than nearly all others"),
    "very long target": ([*NAMES, ("A", NAMES[0][1] * 300)], "1 of 370 targets are much longer than nearly all others"),
}


@pytest.mark.parametrize("damage", WHOLE)
def test_damage_of_the_whole_file_is_found(damage):
    rows, phrase = WHOLE[damage]
    [warning] = warnings(rows)
    assert phrase in warning


def test_feature_tags_are_checked():
    rows = [(f"{word}\t{tags}", word + tags) for word in WORDS[:30] for tags in ("V;PST", "V;PRS", "N;PL")]
    features = {"features": True, "tag_separator": ";"}
    assert warnings(rows, **features) == []
    assert warnings([*rows, ("bade", "x")], **features) == [
        "1 of 91 sources have no feature tags (row 91: 'bade'); add them, or delete these lines"
    ]
    assert warnings([*rows, ("bade\tv;PST", "x")], **features) == [
        "1 feature tags are written in several ways (V and v); write each in one way"
    ]
    assert warnings(rows, features=True, tag_separator=",") == [
        "the feature tags are not separated by ',' (row 1: 'V;PST'); pass tag_separator=\";\""
    ]


def clean():
    choose = random.Random(0)
    numbers = [(f"{number}", f"{number:b}") for number in range(800)]
    yield "lexicon", LEXICON, " "
    yield "transliteration", NAMES, "characters"
    yield "notation of numbers in order", numbers, "characters"
    yield "tones", [(word, phones(word).replace("a", "ã³³").replace("e", "ɛ⁵¹")) for word in WORDS], " "
    yield (
        "X-SAMPA",
        [(word, word.replace("r", "r\\").replace("a", "{").replace("o", '"O')) for word in WORDS],
        "characters",
    )
    yield (
        "capitals to small letters",
        [(word.upper() if len(word) % 2 else word, word) for word in WORDS],
        "characters",
    )
    yield "swapped case", [(w, w.swapcase()) for w in (w.upper() if len(w) % 2 else w for w in WORDS)], "characters"
    yield "corrections", [(word.replace("ll", "l"), word) for word in WORDS], "characters"
    yield "classes", [(word, choose.choice(("yes", "no", "none"))) for word in WORDS], "characters"
    yield "addresses", [(f"{a.title()} (jr.), {b}", f"<{a}@{b}.com>") for a, b in pairwise(WORDS)], "characters"
    yield "formulas", [(f"({a}+{b})*2", f"2*{a}+2*{b}") for a, b in product("abcxyz", range(40))], "characters"
    yield "markup", [(f"<b>{word}</b> &amp; \\alpha", f"{word} # {word}") for word in WORDS], "characters"
    yield (
        "Persian",
        [(f"{a}\u200c\u0647\u0627", b) for a, b in zip("\u06a9\u0633\u062f" * 123, WORDS, strict=True)],
        "characters",
    )
    for seed in range(2):
        sentences = []
        for _ in range(300):
            words = choose.choices(WORDS, k=choose.randint(3, 12))
            words[1] = choose.choice([words[1], f"({words[1]})", f'"{words[1]}"', f"{words[1]},"])
            sentences.append(" ".join(words).capitalize() + choose.choice(".?!"))
        yield f"sentences {seed}", [(each, each.upper()) for each in sentences], "characters"
    for name, task in TASKS.items():
        pairs = task.generate(700, seed=1)
        yield f"task {name}", list(zip(pairs.sources, pairs.targets, strict=True)), "characters"


@pytest.mark.parametrize(("rows", "symbols"), [pytest.param(*each, id=name) for name, *each in clean()])
def test_clean_data_gives_no_warning(rows, symbols):
    assert warnings(rows, target_symbols=symbols) == []


def test_many_pairs_are_sampled_evenly(monkeypatch):
    monkeypatch.setattr("henkan.text.sample.ROWS", 100)
    rows = [(source, target if number % 4 else "") for number, (source, target) in enumerate(NAMES)]
    [warning] = warnings(rows)
    assert warning.startswith("about ")


@given(
    st.lists(st.tuples(*[st.text(st.sampled_from('aé\u00c3\ufffd\u0430日1 \t\\n"(/#;,&|[)]\ud800'))] * 2), max_size=60)
)
@settings(derandomize=True, database=None, deadline=None)
def test_any_pairs_can_be_checked(rows):
    for model in ({}, {"features": True, "tag_separator": ";", "target_symbols": " "}):
        assert not any("\n" in warning for warning in warnings(rows, **model))


def test_hint_for_sources_in_one_case():
    def hints(*sources, **settings):
        found = audit(TokenizedPairs.of(Pairs.of((each, "x") for each in sources), ModelConfig(**settings)))
        return [str(hint) for hint in found.hints()]

    assert hints("AB-1", "C\u00c9") == [
        "all letters of the sources are in upper case, so the model does not learn others; "
        'pass source_case="upper" to read both cases'
    ]
    assert hints("ab") == [hints("AB")[0].replace("upper", "lower")]
    assert hints("ab", "aB") == hints("12", "34") == hints("\u65e5\u672c", "\u10d0\u10d1") == []
    assert hints("AB", source_case="lower") == []
    assert hints("ab\tV", features=True) == hints("ab")
