"""Choose sources that together cover the contexts of a pool, with uncertain contexts first.

The value of labelled sources is a weighted sum over contexts g, where n(g) of the labelled sources have g:

    F = sum_g w(g) f(n(g)),    f(n) = n / (1 + n),    f(n + 1) - f(n) = 1 / ((1 + n) (2 + n))

The gain of a source is what its labels add to F. A context that has often been labelled adds little, so that similar
sources do not follow each other. F is submodular: the greedy choice reaches at least 1 - 1/e of the largest value
(Nemhauser, Wolsey & Fisher, 1978), and every beginning of the ranking is such a choice. Gains only decrease, so a
source is compared again only when it comes first (Minoux, 1978). Feature-based functions of this kind select training
data in Wei, Iyer & Bilmes (2015).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np

from henkan.selection.annotation.contexts import Contexts
from henkan.text.arrays import Array

STEPS = 10
"""Updates of the uncertainty of contexts; later ones change it little."""


def context_uncertainty(contexts: Contexts, uncertainty: Array) -> Array:
    """Divide the uncertainty of sources among their contexts.

    The uncertainty u(x) of a source is explained by its contexts: u(x) is about the sum of t(g) over its contexts g.
    Each update gives a context its share of every source in proportion to t, as in expectation maximisation for a sum
    of Poisson variables, and takes the mean over the sources with the context and one source of the mean uncertainty.

        t(g) <- (m + sum_{x with g} u(x) t(g) / sum_{h in x} t(h)) / (1 + number of x with g)

    Args:
        contexts: the contexts of n sources.
        uncertainty: (n,) not negative, such as negative log-probabilities of predictions.

    Returns:
        (contexts,) t.
    """
    rows, flat, size = contexts.rows, contexts.flat, len(contexts.symbols)
    mean = uncertainty.sum() / max(1, len(flat))
    if mean == 0:
        return np.zeros(size)
    found, frequencies = np.full(size, mean), np.bincount(flat, minlength=size)
    for _ in range(STEPS):
        totals = np.bincount(rows, found[flat], minlength=len(contexts))
        shares = found[flat] * (uncertainty / np.maximum(totals, np.finfo(float).tiny))[rows]
        found = (mean + np.bincount(flat, shares, minlength=size)) / (1 + frequencies)
    return found


def cover(contexts: Contexts, weights: Array, counts: Array, urgent: Array) -> Iterator[tuple[int, Array]]:
    """Yield sources in the order of a greedy choice; the first of several equal ones.

    Args:
        contexts: the contexts of n sources.
        weights: (contexts,) w.
        counts: (contexts,) number of sources with each context that are labelled already.
        urgent: (contexts,) weights of contexts that are covered before all others, until one source with them has been
            chosen; 0 for the others.

    Yields:
        a row, and the gains of its contexts, in the order of `contexts[row]`.
    """
    labelled, urgent = counts.astype(float), urgent.astype(float)
    values = weights / ((1 + labelled) * (2 + labelled))  # of one more source with each context
    heap = [(*_negative_gains(contexts, row, urgent, values), row) for row in range(len(contexts))]
    heapq.heapify(heap)
    while heap:
        row = heap[0][-1]
        heapq.heapreplace(heap, (*_negative_gains(contexts, row, urgent, values), row))
        if heap[0][-1] != row:  # its gain has decreased below that of another one
            continue
        heapq.heappop(heap)
        found = contexts[row]
        yield row, values[found]
        urgent[found] = 0
        labelled[found] += 1
        values[found] = weights[found] / ((1 + labelled[found]) * (2 + labelled[found]))


def _negative_gains(contexts: Contexts, row: int, urgent: Array, values: Array) -> tuple[float, float]:
    found = contexts[row]
    return -float(urgent[found].sum()), -float(values[found].sum())
