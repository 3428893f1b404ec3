"""Checks that compare the two sides of pairs, or the strings of one side with each other."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log
from statistics import median

from henkan.errors import Message
from henkan.text.feature_tags import detect_tag_separator
from henkan.text.sample import Column, Finding, Sample
from henkan.text.target_symbols import SAMPLE, are_symbols

HEADERS = frozenset(
    (
        "adjective", "answer", "base", "base_form", "completion", "correct", "corrected", "date",
        "dictionary_form", "english", "entry", "expression", "feminine", "form", "formatted", "formula",
        "french", "german", "grapheme", "graphemes", "hangul", "headword", "hiragana", "infinitive",
        "inflected", "inflected_form", "inflection", "input", "ipa", "japanese", "kana", "kanji", "katakana",
        "key", "label", "latin", "lemma", "lexeme", "masculine", "misspelling", "name", "normalized", "noun",
        "number", "original", "orthography", "output", "past", "past_tense", "phone", "phoneme", "phonemes",
        "phones", "phonetic", "pinyin", "plural", "prediction", "present", "pron", "pronunciation",
        "pronunciations", "query", "question", "raw", "reading", "result", "romaji", "roman", "romanization",
        "romanized", "root", "script", "sentence", "singular", "source", "spanish", "spelling", "src",
        "standard", "stem", "sum", "surface", "target", "text", "tgt", "token", "transcript", "transcription",
        "translation", "transliteration", "trg", "value", "variant", "verb", "word", "word_form", "wordform",
        "words", "x", "y",
    )
)  # fmt: skip
IDENTIFIER = re.compile(r"[^\W\d_][\w .-]{0,30}")
FEWEST_FOR_STATISTICS = 20
FEWEST_FOR_ALPHABETS = 10
FEWEST_FOR_NUMBERS = 50
ALPHABET_NATS = 5.0
"""At least one string must be e^5 times as probable in the alphabet of the other side, and others e times."""

CLIPPED = 50
"""Number of characters of a string that are compared with the alphabets."""

IPA_GREEK = frozenset("βθχ")
ALIKE = frozenset(("LATIN", "CYRILLIC", "GREEK", "FULLWIDTH", "MATHEMATICAL"))
"""Scripts with letters that look alike; no language mixes them in a word."""

SCRIPT_WORDS = ("LETTER", "SYLLABLE", "IDEOGRAPH")


def header(sample: Sample) -> list[Finding]:
    """A row of column names: known names anywhere, or a first row of words whose symbols occur in no other target."""
    sources, targets = sample.source.texts, sample.target.texts
    rows = [
        position
        for position, (source, target) in enumerate(zip(sources, targets, strict=True))
        if target.strip().lower() in HEADERS
        and source.strip().lower() in HEADERS
        and source.strip().lower() != target.strip().lower()
    ]
    if not rows and len(sample) >= FEWEST_FOR_STATISTICS and IDENTIFIER.fullmatch(sources[0]):
        rows = [0] if IDENTIFIER.fullmatch(targets[0]) and _has_own_symbols(sample.target) else []
    if not rows or len(rows) > max(3, 0.01 * len(sample)):
        return []
    what = "the first row looks like a header" if rows == [0] else f"{len(rows):,} rows look like a header"
    them = "it" if len(rows) == 1 else "them"
    example = sample.example(rows[0], sources[rows[0]], targets[rows[0]])
    return [Finding(Message(f"{what} ({example}); delete {them}"), rows)]


def _has_own_symbols(column: Column) -> bool:
    """Whether no symbol of the first string is in another, although this is so for hardly any other string."""
    counts = Counter(symbol for text in column.texts for symbol in set(column.tokenizer.tokenize(text)))
    first = set(column.tokenizer.tokenize(column.texts[0]))

    def is_alone(text: str) -> bool:
        return all(counts[symbol] == 1 for symbol in column.tokenizer.tokenize(text))

    if not first or not is_alone(column.texts[0]):
        return False
    return sum(map(is_alone, column.texts)) <= max(1, 0.01 * len(column.texts))


def line_numbers(sample: Sample) -> list[Finding]:
    """Sources that count the rows, and are unrelated to the targets; or that begin with such a number."""
    if len(sample) < FEWEST_FOR_NUMBERS or sample.step > 1:
        return []
    sources, targets = sample.source.texts, sample.target.texts
    found = [re.match(r"\s*(\d{1,9})(?:[.):]?\s+|[.):]?$)(.*)", source) for source in sources]
    numbers = [int(each[1]) for each in found if each is not None]
    if len(numbers) < len(sources) or any(b - a != 1 for a, b in pairwise(numbers)):
        return []
    only_numbers = not any(each is not None and each[2] for each in found)
    if only_numbers and _are_notations(targets):
        return []
    example = sample.example(0, sources[0], targets[0])
    return [Finding(Message(f"the sources seem to be or to begin with line numbers ({example})", "columns"))]


def _are_notations(targets: Sequence[str]) -> bool:
    """Whether targets end alike at the intervals of number words and other notations of 1, 2, 3 and so on."""

    def alike(interval: int) -> float:
        ends = [a[-1:] == b[-1:] for a, b in zip(targets, targets[interval:], strict=False)]
        return sum(ends) / len(ends)

    return max(map(alike, (8, 10, 12, 16))) > 0.3 + min(map(alike, (7, 9, 11, 13)))


def equal(sample: Sample) -> list[Finding]:
    """Targets that are all the same as their sources."""
    pairs = zip(sample.source.texts, sample.target.texts, strict=True)
    rows = [row for row, (source, target) in enumerate(pairs) if source == target]
    if len(sample) < FEWEST_FOR_STATISTICS or len(rows) < 0.99 * len(sample):
        return []
    return [Finding(Message(f"{sample.count(sample.target, rows)} are the same as their source", "columns"), rows)]


def other_side(sample: Sample) -> list[Finding]:
    """Rows whose columns are swapped, and targets that were left as their source, by the alphabets of the two sides."""
    if len(sample) < FEWEST_FOR_ALPHABETS:
        return []
    weights = _weights(sample)
    scores = [[sum(weights[each] for each in text[:CLIPPED]) for text in column.texts] for column in sample.columns]
    if median(scores[0]) < 1 or median(scores[1]) > -1:
        return []
    rows = list(zip(sample.source.texts, sample.target.texts, *scores, strict=True))
    swapped = [(min(-row[2], row[3]), k) for k, row in enumerate(rows)]
    same = [(row[3] if len(row[0]) > 1 else 0, k) for k, row in enumerate(rows) if row[0] == row[1]]
    found = []
    for evidence, what, advice in (
        (swapped, "seem to be in the wrong column", "swap these columns"),
        (same, "are the same as their source", "correct or delete these lines"),
    ):
        positions = [k for nats, k in evidence if nats > 1]
        if max(evidence, default=(0.0, 0))[0] > ALPHABET_NATS and len(positions) <= 0.3 * len(sample):
            example = sample.example(positions[0], *rows[positions[0]][:2])
            warning = Message(f"{sample.count(sample.target, positions)} {what} ({example}); {advice}")
            found.append(Finding(warning, positions))
    return found


def _weights(sample: Sample) -> Mapping[str, float]:
    """Log of how many times as frequent each character is in the sources as in the targets."""
    counts = [Counter("".join(column.texts)) for column in sample.columns]
    totals = [max(count.total(), 1) for count in counts]
    return {
        each: log((counts[0][each] + 0.5) / totals[0]) - log((counts[1][each] + 0.5) / totals[1])
        for each in counts[0] | counts[1]
    }


def other_script(column: Column) -> list[int]:
    """Strings with letters of another script than nearly all, such as a Cyrillic letter in a Latin word.

    Of other scripts than these, only very few are reported: Japanese text has Latin letters, for example.
    """
    if len(column.texts) < FEWEST_FOR_STATISTICS:
        return []
    counts: Counter[str] = Counter()
    scripts = {each: _script(each) for each in column.characters}
    for character, count in Counter("".join(column.texts)).items():
        counts[scripts[character]] += count
    del counts[""]
    if len(counts) < 2:
        return []
    [(main, count)] = counts.most_common(1)
    others = frozenset(each for each, script in scripts.items() if script not in ("", main))
    found = [position for position, text in enumerate(column.texts) if not others.isdisjoint(text)]
    most = 0.05 if {main, *(scripts[each] for each in others)} <= ALIKE else 0.01
    return found if len(found) <= most * len(column.texts) and count >= 0.9 * counts.total() else []


def _script(character: str) -> str:
    """The script of a letter, as in Unicode's names; empty for other characters."""
    if unicodedata.category(character) not in ("Ll", "Lu", "Lo"):
        return ""
    name = unicodedata.name(character, "").split()
    if not any(word in name for word in SCRIPT_WORDS) and name[:1] != ["CJK"]:
        return ""
    script = "LATIN" if character in IPA_GREEK else name[0]
    return "JAPANESE" if script in ("HIRAGANA", "KATAKANA", "CJK") else script


def mixed_case(sample: Sample) -> list[Finding]:
    """Words in capitals among words in small letters, whose targets do not differ in this way."""
    texts, targets = sample.source.texts, sample.target.texts
    if sample.source.tokenizer.case != "keep" or not sample.source.are_words:
        return []
    upper = [k for k, text in enumerate(texts) if text.isupper() and sum(map(str.isalpha, text)) > 3]
    lower = [k for k, text in enumerate(texts) if text.islower() and sum(map(str.isalpha, text)) > 3]
    if min(len(upper), len(lower)) < max(3, 0.1 * len(texts)):
        return []
    if sum(texts[k].lower() == targets[k].lower() for k in upper) > 0.5 * len(upper):  # the task is to change the case
        return []
    capitals = [sum(targets[k].isupper() for k in rows) / len(rows) for rows in (upper, lower)]
    if abs(capitals[0] - capitals[1]) > 0.2:
        return []
    rare = min(upper, lower, key=len)
    name = "upper" if rare is upper else "lower"
    count, example = sample.count(sample.source, rare), sample.example(rare[0], texts[rare[0]])
    problem = f"{count} are in {name} case, and others are not ({example})"
    return [Finding(Message(problem, "source_case", {"case": "lower"}), rare)]


def spaced(sample: Sample) -> list[Finding]:
    """Columns of symbols separated by spaces that are split into characters."""
    found = []
    for column, other in (sample.columns, sample.columns[::-1]):
        if column.tokenizer.separator is not None or " " not in column.characters:
            continue
        texts = list(zip(other.texts, column.texts, strict=True))[:: 1 + len(sample) // SAMPLE]
        if are_symbols([(text, separated.split(" ")) for text, separated in texts]):
            row = next(row for row, text in enumerate(column.texts) if " " in text)
            example = sample.example(row, column.texts[row])
            problem = f"the {column.name}s have symbols separated by spaces, but are split into characters ({example})"
            found.append(Finding(Message(problem, "separate_symbols", {"side": column.name})))
    return found


def unsegmented(column: Column) -> list[int]:
    """Strings without the separator between symbols, which become a symbol of their own."""
    separator = column.tokenizer.separator
    if separator is None:
        return []
    counts = Counter(token for text in column.texts for token in set(text.split(separator)))
    return [k for k, text in enumerate(column.texts) if len(text) > 3 and separator not in text and counts[text] < 3]


def tags(sample: Sample) -> list[Finding]:
    """Sources without feature tags; tags with another separator; tags that differ in case only."""
    if not any(sample.tags):
        return []
    found, separator = [], sample.source.tokenizer.tag_separator
    missing = [position for position, each in enumerate(sample.tags) if not each.strip()]
    if missing:
        example = sample.example(missing[0], sample.source.texts[missing[0]])
        count = sample.count(sample.source, missing)
        warning = Message(f"{count} have no feature tags ({example}); add them, or delete these lines")
        found.append(Finding(warning, missing))
    detected = detect_tag_separator("\t" + each for each in sample.tags)
    if detected != separator and not any(separator in each for each in sample.tags):
        problem = f"the feature tags are not separated by {separator!r} ({sample.example(0, sample.tags[0])})"
        found.append(Finding(Message(problem, "tag_separator", {"separator": detected})))
    counts = Counter(tag.strip() for each in sample.tags for tag in each.split(separator))
    folded: dict[str, list[str]] = {}
    for tag in counts:
        folded.setdefault(tag.lower(), []).append(tag)
    several = [" and ".join(sorted(each)) for each in folded.values() if len(each) > 1]
    if several:
        problem = f"{len(several):,} feature tags are written in several ways ({several[0]}); write each in one way"
        found.append(Finding(Message(problem)))
    return found
