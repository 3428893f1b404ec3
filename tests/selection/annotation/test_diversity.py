"""A greedy choice of sources that cover weighted contexts."""

from itertools import combinations

import numpy as np
import pytest

from henkan.selection.annotation.contexts import Contexts
from henkan.selection.annotation.diversity import context_uncertainty, cover
from henkan.text.tokenizer import Tokenizer


def value(contexts, weights, rows):
    """sum_g w(g) n(g) / (1 + n(g))."""
    counts = sum(np.bincount(contexts[row], minlength=len(weights)) for row in rows)
    return float((weights * counts / (1 + counts)).sum())


def order(contexts, weights, counts=None, urgent=None):
    zeros = np.zeros(len(contexts.symbols))
    found = cover(contexts, weights, zeros if counts is None else counts, zeros if urgent is None else urgent)
    return [row for row, _ in found]


@pytest.fixture
def contexts():
    generator = np.random.default_rng(0)
    return Contexts.of(["".join(generator.choice(list("abcd"), 5)) for _ in range(30)], Tokenizer())


def test_lazy_choice_is_the_greedy_one(contexts):
    weights = np.random.default_rng(1).random(len(contexts.symbols))
    found = order(contexts, weights)
    assert sorted(found) == list(range(30))
    for place, row in enumerate(found):
        values = {other: value(contexts, weights, [*found[:place], other]) for other in found[place:]}
        assert values[row] == pytest.approx(max(values.values()))


def test_choice_is_near_the_best_one(contexts):
    weights = contexts.counts(slice(None)).astype(float)
    best = max(value(contexts, weights, rows) for rows in combinations(range(30), 3))
    assert value(contexts, weights, order(contexts, weights)[:3]) >= (1 - 1 / np.e) * best


def test_near_duplicate_does_not_follow_its_twin():
    contexts = Contexts.of(["schatten", "schattens", "bogen", "vogel"], Tokenizer())
    weights = contexts.counts(slice(None)).astype(float)
    found = order(contexts, weights)
    assert abs(found.index(0) - found.index(1)) > 1


def test_labelled_contexts_add_less():
    contexts = Contexts.of(["abab", "cdcd"], Tokenizer())
    weights = np.ones(len(contexts.symbols))
    assert order(contexts, weights) == [0, 1]
    counts = np.zeros(len(contexts.symbols))
    counts[contexts[0]] = 1
    assert order(contexts, weights, counts) == [1, 0]


def test_urgent_contexts_come_first_until_they_are_covered():
    contexts = Contexts.of(["abcabcabc", "bcabcabca", "q", "qa"], Tokenizer())
    weights, urgent = np.ones(len(contexts.symbols)), np.zeros(len(contexts.symbols))
    weights[contexts[2]] = 0.01
    urgent[[contexts.symbols.index(("q",))]] = 5
    assert order(contexts, weights, urgent=urgent)[0] == 3  # "qa" has the urgent symbol, and more
    assert order(contexts, weights, urgent=urgent)[-1] == 2


def test_uncertainty_is_attributed_to_the_contexts_that_explain_it():
    sources = ["axa", "bxb", "cxc", "aba", "bcb", "cac", "abc", "xa"]
    contexts = Contexts.of(sources, Tokenizer())
    found = context_uncertainty(contexts, np.array([5.0 if "x" in source else 0.1 for source in sources]))
    of = dict(zip(map(contexts.name, range(len(found))), found.tolist(), strict=True))
    assert of["x"] > 3 * max(of["a"], of["b"], of["c"])
    assert (found > 0).all()
    sums = [found[contexts[row]].sum() for row in range(8)]
    assert 3 < np.mean([sums[row] for row in (0, 1, 2, 7)]) < 6
    assert np.mean(sums[3:7]) < 1.5
    assert (context_uncertainty(contexts, np.zeros(8)) == 0).all()
