"""Contexts: n-grams and combinations of feature tags."""

import numpy as np

from henkan.selection.annotation.contexts import Contexts
from henkan.text.tokenizer import Tokenizer


def names(contexts, row):
    return {contexts.name(each) for each in contexts[row].tolist()}


def test_contexts_are_distinct_ngrams_with_beginning_and_end():
    contexts = Contexts.of(["aab", "a", ""], Tokenizer())
    assert names(contexts, 0) == {"a", "b", "#a", "aa", "ab", "b#", "#aa", "aab", "ab#"}
    assert names(contexts, 1) == {"a", "#a", "a#", "#a#"}
    assert len(contexts[2]) == 0
    assert contexts.rows.tolist() == [0] * 9 + [1] * 4


def test_counts_are_numbers_of_sources():
    contexts = Contexts.of(["aa", "ab", "ba"], Tokenizer())
    names = [contexts.name(each) for each in range(len(contexts.symbols))]
    counts = dict(zip(names, contexts.counts(slice(None)).tolist(), strict=True))
    assert (counts["a"], counts["b"], counts["#a"], counts["aa"]) == (3, 2, 2, 1)
    assert contexts.counts(slice(2, None))[names.index("b")] == 1
    part = contexts.take(slice(1, 3))
    assert len(part) == 2
    assert np.array_equal(part[1], contexts[2])


def test_symbols_are_those_of_the_model():
    contexts = Contexts.of(["CH A", "ch  a"], Tokenizer(unit=" ", case="lower"))
    assert np.array_equal(contexts[0], contexts[1])
    assert "# ch a" in names(contexts, 0)


def test_tags_are_combined_with_each_other_and_with_the_end_of_the_text():
    contexts = Contexts.of(["walk\tPST;V", "walk\tV", "\tV"], Tokenizer(features=True, sort_tags=True))
    assert {"PST", "V", "PST V", "k# PST V", "lk# PST V", "alk# PST V", "wal"} <= names(contexts, 0)
    assert "k# V" in names(contexts, 1)
    assert "k# V" not in names(contexts, 0)
    assert names(contexts, 2) >= {"V", "## V"}
