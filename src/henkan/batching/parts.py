"""Divides batches that would need too much memory.

A batch is padded to its longest string, so its memory grows with rows x longest string: one string of 2,000 symbols
among 255 short ones costs as much as 256 strings of 2,000 symbols.
"""

from __future__ import annotations

import numpy as np

from henkan.text.arrays import Array

MAX_SYMBOLS = 2**15
"""Maximum of rows x longest string, on each side (sources, targets): 256 strings of 128 symbols."""

LONG = 64
"""Symbols on each side from which on padding costs more memory than a further batch costs time."""


def divide(lengths: Array, *, sides: int = 1, copies: int = 1) -> list[Array]:
    """Divide the rows of a batch into parts of limited size.

    Batches of ordinary strings are a single part. A batch is divided if it exceeds the limit, or if it has a long
    string and there would be more padding than symbols in the other rows. In the parts, rows x longest string is within
    the limit, except for a single string that exceeds it, and long strings are padded to at most twice their length.

    Args:
        lengths: (N,) number of symbols in each row, on all sides together.
        sides: 2 if source and target are padded, otherwise 1.
        copies: copies of each row in memory: the beam width, or 1.

    Returns:
        row numbers of each part: all rows in their order, or the parts with the longest rows first.
    """
    N, longest, limit, long = len(lengths), int(lengths.max(initial=0)), MAX_SYMBOLS * sides // copies, LONG * sides
    padded = N * longest
    if padded <= limit and (longest <= long or padded <= 2 * int(lengths.sum()) - longest):
        return [np.arange(N)]
    order = np.argsort(-lengths, kind="stable")
    parts, start = [], 0
    while start < N:
        first = int(lengths[order[start]])
        count = max(1, limit // max(first, 1))
        if first > long:
            count = min(count, int(np.count_nonzero(2 * lengths[order[start:]] >= first)))
        parts.append(order[start : start + count])
        start += count
    return parts
