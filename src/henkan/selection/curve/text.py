"""A learning curve as text: a table, a plot of characters, and what to expect from more data."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log2
from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from henkan.selection.curve.learning_curve import LearningCurve

WIDTH, HEIGHT = 64, 9
"""Columns and rows of the plot, without its axes. A terminal with 80 x 24 characters shows it with five sizes."""

COLUMNS = 80

POINT, CURVE, DOUBLED, INTERVAL = "o", ".", "x", "|"


def table(curve: LearningCurve) -> list[str]:
    """Return the lines of a table of the sizes."""
    several = any(each.pairs != each.sources for each in curve.points)
    rows = [["sources", "pairs", "models", "exact match", "sd", "95 % interval", "symbol error rate"]]
    for each in curve.points:
        deviation = "" if each.deviation is None else f"{100 * each.deviation:.2f}"
        interval = f"{100 * each.low:.1f} to {100 * each.high:.1f}"
        match, errors = f"{each.exact_match:.2%}", f"{each.symbol_error_rate:.2%}"
        rows.append([f"{each.sources:,}", f"{each.pairs:,}", f"{each.models}", match, deviation, interval, errors])
    if not several:  # as many pairs as sources
        rows = [row[1:] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def unit(curve: LearningCurve) -> str:
    """Return what sizes count: "pairs", or "sources" if some sources have several pairs."""
    return "pairs" if all(each.pairs == each.sources for each in curve.points) else "sources"


def sentences(curve: LearningCurve) -> list[str]:
    """Return what can be expected from twice the data, in lines of text."""
    expected, fit = curve.expected, curve.fit
    if expected is None or fit is None:
        return wrap(f"{curve.doubled}: nothing can be said; {curve.reason}", COLUMNS)
    now, models = 1 - fit.error(fit.largest), curve.points[-1].models
    mean = "one model" if models == 1 else f"the mean of {models} models"
    return [
        f"{curve.doubled} ({expected.sources:,} {unit(curve)}): {expected.exact_match:.1%} expected "
        f"({100 * expected.low:.1f} to {100 * expected.high:.1f}), {100 * expected.gain:+.1f} points",
        *wrap(
            f"from {now:.1%} on the curve ({100 * expected.gain_low:+.1f} to {100 * expected.gain_high:+.1f} points); "
            f"95 % intervals for {mean} on the same {curve.validation:,} validation sources",
            COLUMNS,
        ),
    ]


def plot(curve: LearningCurve) -> list[str]:
    """Return the lines of a plot of exact match by size, with a logarithmic axis of sizes.

    o is a measured mean, and | its interval; dots are the fitted curve, and x is what it predicts for twice the data.
    """
    if len(curve.points) < 2:
        return []
    expected = curve.expected
    sizes = [each.sources for each in curve.points] + ([] if expected is None else [expected.sources])
    bounds = [(each.low, each.high) for each in curve.points]
    bounds += [] if expected is None else [(expected.low, expected.high)]
    canvas = _Canvas(log2(sizes[0]), log2(sizes[-1]), min(low for low, _ in bounds), max(high for _, high in bounds))
    if curve.fit is not None:
        for column in range(WIDTH):
            canvas.put(column, 1 - curve.fit.error(2 ** canvas.value(column)), CURVE)
    for number, (size, (low, high)) in enumerate(zip(sizes, bounds, strict=True)):
        column, is_point = canvas.column(log2(size)), number < len(curve.points)
        for row in range(canvas.row(high), canvas.row(low) + 1):
            canvas.cells[row][column] = INTERVAL
        match = curve.points[number].exact_match if is_point or expected is None else expected.exact_match
        canvas.put(column, match, POINT if is_point else DOUBLED)
    return canvas.lines(sizes)


class _Canvas:
    """Rows of characters, with axes.

    Args:
        left, right: logarithm of the smallest and the largest size.
        low, high: smallest and largest exact match to show.
    """

    def __init__(self, left: float, right: float, low: float, high: float) -> None:
        self.left, self.right = left, right
        self.bottom, self.top = floor(20 * low) / 20, ceil(20 * high) / 20  # multiples of 5 %
        self.cells = [[" "] * WIDTH for _ in range(HEIGHT)]

    def column(self, size: float) -> int:
        """Return the column of a logarithm of a size."""
        return round((size - self.left) / (self.right - self.left) * (WIDTH - 5)) + 2

    def value(self, column: int) -> float:
        """Return the logarithm of the size of a column."""
        return self.left + (column - 2) / (WIDTH - 5) * (self.right - self.left)

    def row(self, match: float) -> int:
        """Return the row of an exact match."""
        share = (self.top - match) / (self.top - self.bottom)
        return min(HEIGHT - 1, max(0, round(share * (HEIGHT - 1))))

    def put(self, column: int, match: float, mark: str) -> None:
        """Draw a character, if it is within the plot."""
        if self.bottom <= match <= self.top:
            self.cells[self.row(match)][column] = mark

    def lines(self, sizes: Sequence[int]) -> list[str]:
        """Return the lines, with the axes."""
        labels = {0: self.top, HEIGHT // 2: (self.top + self.bottom) / 2, HEIGHT - 1: self.bottom}
        found = [
            (f"{100 * labels[row]:6.1f} % |" if row in labels else " " * 9 + "|") + "".join(cells).rstrip()
            for row, cells in enumerate(self.cells)
        ]
        axis = ["-"] * WIDTH
        for size in sizes:
            axis[self.column(log2(size))] = "+"
        return [*found, " " * 9 + "+" + "".join(axis), self._size_labels(sizes)]

    def _size_labels(self, sizes: Sequence[int]) -> str:
        """Return the sizes, each below its mark; those that would overlap are left out, but not the last."""
        texts = [f"{size:,}" for size in sizes]
        starts = [10 + self.column(log2(size)) - len(text) // 2 for size, text in zip(sizes, texts, strict=True)]
        line, end = "", -1
        last = starts[-1]
        for start, text in zip(starts, texts, strict=True):
            if start > end and (start == last or start + len(text) < last):
                line = line.ljust(start) + text
                end = start + len(text)
        return line
