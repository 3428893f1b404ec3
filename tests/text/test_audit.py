from henkan.cli.remedies import sentence
from henkan.config import ModelConfig
from henkan.text.audit import audit as audit_tokens
from henkan.text.audit import show_symbol
from henkan.text.pairs import Pairs, hold_out
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.text.tokenizer import tokenizers


def audit(training, others=None, **settings):
    return audit_tokens(TokenizedPairs.of(training, ModelConfig(**settings)), others)


def pairs(*rows):
    return Pairs.of(rows)


def test_clean_data_gives_no_warning():
    found = audit(pairs(("ab", "AB"), ("b c", "BC")), {"dev": pairs(("ba", "BA"))})
    assert found.warnings() == []
    assert (found.rows, found.duplicates, found.ambiguous) == (2, 0, {})
    assert found.source.lengths == (2, 2.5, 3)
    assert found.source.symbols == {"b": 2, "a": 1, " ": 1, "c": 1}
    assert found.summary() == "2 pairs; sources of 2 to 3 symbols (4 distinct); targets of 2 symbols (3 distinct)"


def test_duplicates_and_sources_with_several_targets_are_counted():
    found = audit(pairs(("a", "x"), ("a", "x"), ("a", "y"), ("b", "x")))
    assert (found.duplicates, found.ambiguous) == (1, {"a": ["x", "y"]})
    assert found.summary().endswith("1 duplicate pair; 1 source with several targets")


def test_leaks_and_unknown_symbols_of_other_sets_are_reported():
    training = pairs(("a", "x"), ("b", "y"))
    found = audit(training, {"test": pairs(("a", "x"), ("b", "z"), ("c", "z"), ("ac", "z"))})
    leak = found.leaks["test"]
    assert (leak.rows, leak.sources, leak.pairs, leak.unknown_rows, leak.unknown) == (4, 2, 1, 2, {"c": 2})
    assert [str(warning) for warning in found.warnings()] == [
        "2 of 4 sources in test are also in the training set (1 with the same target), so its exact match is too "
        "optimistic",
        "2 of 4 sources in test have unknown symbols (c)",
    ]


def test_mixed_normalisation_is_reported_unless_text_is_normalised():
    mixed = pairs(("\u00e9", "x"), ("e\u0301", "x"))
    [warning] = audit(mixed).warnings()
    assert warning.problem.startswith("the sources mix composed and decomposed characters (1 NFC, 1 NFD)")
    assert str(warning).endswith('; pass source_normalization="NFC"')
    assert sentence(warning).endswith("; use --source-normalization NFC")
    found = audit(mixed, source_normalization="NFC")
    assert (found.warnings(), found.duplicates) == ([], 1)


def test_invisible_characters_and_padding_are_reported():
    found = audit(pairs(("a\u200bb", "x "), ("a\u00a0b", "\u3000x")))
    assert found.source.invisible == {"U+200B ZERO WIDTH SPACE": 1, "U+00A0 NO-BREAK SPACE": 1}
    assert found.target.padded == 2
    invisible, padded = map(str, found.warnings())
    assert invisible.startswith("the sources contain 2 invisible characters (U+")
    assert padded == "2 targets have leading or trailing whitespace; pass strip=True to remove it"


def test_rare_symbols_and_empty_targets_are_counted():
    found = audit(pairs(*[("ab", "x")] * 3, ("cb", "x"), ("c", "")))
    assert found.source.rare == ["c"]
    assert (found.target.empty, found.target.rare) == (1, [])


def test_features_are_counted_as_symbols():
    found = audit(pairs(("go\tV;PST", "went"), ("go\tV", "go")), features=True)
    assert found.source.symbols == {"\tV": 2, "g": 2, "o": 2, "\tPST": 1}
    assert found.ambiguous == {}
    assert found.source.invisible == {}


def test_sources_that_are_read_alike_are_the_same():
    rows = pairs(("Go\tV;PST", "went"), ("go\tPST; V", "went"), ("go\tV;PST;V", "goed"))
    settings = {"features": True, "tag_separator": ";", "source_case": "lower"}
    found = audit(rows, {"test": pairs(("GO\tPST;V", "went"))}, **settings)
    assert (found.duplicates, found.ambiguous_sources, found.leaks["test"].pairs) == (1, 1, 1)
    as_given = audit(rows, features=True, tag_separator=";", sort_tags=False)
    assert (as_given.duplicates, as_given.ambiguous_sources) == (0, 0)
    tokenizer, _ = tokenizers(ModelConfig(**settings))
    several = Pairs.of((f"{verb}\t{tags}", "x") for verb in "abcdefgh" for tags in ("V;PST", "PST;V"))
    for part in hold_out(several, 0, 0.5, tokenizer.normalize):
        assert len(part) == 8
        assert len({tokenizer.normalize(source) for source in part.sources}) == 4


def test_symbols_that_look_alike_are_shown_differently():
    assert [show_symbol(symbol) for symbol in ("a", " ", "\u0301", "\tV", "a\u0320")] == [
        "a", "' '", "'\\u0301'", "V (feature)", "'a\\u0320'",
    ]  # fmt: skip
