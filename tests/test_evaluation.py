"""Figures against what a person counts."""

import pytest

from henkan.converter import Conversion
from henkan.evaluation import NOTHING, Evaluation
from henkan.text.symbols import Cutting


def asked(*triples, **options):
    """An evaluation of (source, target, answer or None for unanswerable)."""
    conversions = [
        Conversion(source, answer, -0.1) if answer is not None else Conversion(source, None, None, "unknown symbol")
        for source, _, answer in triples
    ]
    return Evaluation(conversions, [target for _, target, _ in triples], **options)


def test_exact_match_counts_unanswerable_sources_as_wrong():
    result = asked(("a", "A", "A"), ("b", "B", "b"), ("?", "", None), ("", "", ""))
    assert (result.total, result.correct, result.unanswerable, result.exact_match) == (4, 2, 1, 0.5)
    assert result.word_error_rate == 0.5


def test_no_pairs_at_all():
    result = Evaluation([], [])
    assert (result.exact_match, result.word_error_rate, result.symbol_error_rate) == (0, 0, 0)
    assert result.confusions() == []


@pytest.mark.parametrize(
    ("target", "answer", "rate"),
    [
        ("abc", "", 1),
        ("abc", None, 1),
        ("", "ab", 2),
        ("kitten", "sitting", 3 / 6),
        ("abc", "abc", 0),
        ("ab", "ba", 1),
    ],
)
def test_symbol_error_rate(target, answer, rate):
    assert asked(("s", target, answer)).symbol_error_rate == rate


def test_symbol_error_rate_is_over_all_symbols_and_not_a_mean_of_rates():
    assert asked(("s", "abcdefgh", "abcdefgh"), ("t", "ab", "")).symbol_error_rate == 2 / 10


def test_symbols_are_what_the_separator_makes_of_a_string():
    result = asked(("s", "k aː t", "k a t"), cutting=Cutting(" "))
    assert result.symbol_error_rate == 1 / 3
    assert result.confusions() == [("aː", "a", 1)]


def test_a_source_with_several_targets_accepts_each():
    result = asked(("read", "r i d", "r i d"), ("read", "r ɛ d", "r i d"), cutting=Cutting(" "))
    assert (result.correct, result.exact_match, result.symbol_error_rate) == (2, 1, 0)
    result = asked(("read", "ri:d", "rEd"), ("read", "rɛd", "rEd"))
    assert result.symbol_error_rate == 2 / 6  # each time against the nearer


def test_confusions_the_commonest_first():
    result = asked(("1", "abc", "axc"), ("2", "b", "x"), ("3", "ab", "a"), ("4", "a", "aa"))
    assert result.confusions() == [("b", "x", 2), ("b", NOTHING, 1), (NOTHING, "a", 1)]


def test_exact_match_by_the_length_of_the_source():
    result = asked(("k a", "x", "x"), ("k", "y", "z"), ("o", "y", "y"), source_cutting=Cutting(" "))
    assert result.by_length() == {1: (1, 2), 2: (1, 1)}
