"""Line charts as SVG, which a notebook shows without a plotting library."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil, floor, isfinite, log10
from operator import itemgetter

WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 24, 34
"""Margins around the area of the lines, for the labels; all in pixels."""

STEPS = (1, 2, 5, 10)
MOST_POINTS = 2 * WIDTH
"""Of a line with more points, extremes are drawn: a notebook may refuse large outputs, and shows no more anyway."""


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes:
        points: x and y of each point; points with a y that is not finite, or None, are left out.
        colour: its colour.
        mark: index of a point to mark by a dot, or None.
    """

    points: Sequence[tuple[float, float | None]]
    colour: str
    mark: int | None = None


@dataclass(frozen=True)
class Axis:
    """An axis of a chart.

    Attributes:
        label: what it shows, with the unit.
        low, high: its ends; None: the smallest and the largest value.
        log: whether it is logarithmic. Values of 0 and less are then left out.
        percent: whether values are shares, labelled in percent.
        whole: whether its labels are whole numbers.
    """

    label: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    percent: bool = False
    whole: bool = False

    def fitted(self, values: Sequence[float]) -> Axis:
        """Return the axis with both ends, for these values."""
        low = min(values, default=1.0) if self.low is None else self.low
        high = max(values, default=1.0) if self.high is None else self.high
        if low == high:
            low, high = (low / 2, high * 2) if self.log else (low - 0.5, high + 0.5)
        elif self.log:  # space between the lines and the edges
            space = (high / low) ** 0.05
            low, high = low / space if self.low is None else low, high * space if self.high is None else high
        return Axis(self.label, low, high, self.log, self.percent, self.whole)

    def position(self, value: float) -> float:
        """Return where a value is between the ends, which must be known: 0 at the low end and 1 at the high end."""
        low, high = self.low or 0.0, self.high or 0.0
        if self.log:
            low, high, value = log10(low), log10(high), log10(value)
        return (value - low) / (high - low)

    def ticks(self) -> list[tuple[float, str]]:
        """Return the values with a label, and the labels."""
        low, high = self.low or 0.0, self.high or 0.0
        values = _log_ticks(low, high) if self.log else _linear_ticks(low, high, whole=self.whole)
        return [(value, f"{value:.4g}" if not self.percent else f"{100 * value:.4g} %") for value in values]


def line_chart(lines: Sequence[Line], x: Axis, y: Axis, note: str = "") -> str:
    """Draw lines.

    Args:
        lines: the lines, the last on top.
        x, y: the axes.
        note: text above the lines, at the right.

    Returns:
        an SVG element, `WIDTH` by `HEIGHT` pixels. Text has the colour of the text around it.
    """
    shown = [[(a, b) for a, b in line.points if _can_show(b, y)] for line in lines]
    x = x.fitted([a for points in shown for a, _ in points])
    y = y.fitted([b for points in shown for _, b in points if b is not None])
    parts = [_labels(y.label, x.label, note), *_grid(x, y)]
    for line, points in zip(lines, shown, strict=True):
        places = _thinned([_place(a, b, x, y) for a, b in points if b is not None])
        path = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="1.8" '
            'stroke-linejoin="round" stroke-linecap="round"/>'
        )
        if len(places) == 1:  # a line needs two points
            parts.append(_dot(*places[0], line.colour))
        if line.mark is not None and _can_show(line.points[line.mark][1], y):
            across, down = line.points[line.mark]
            parts.append(_dot(*_place(across, down or 0.0, x, y), line.colour))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{html.escape(f"{y.label} by {x.label}")}">{"".join(parts)}</svg>'
    )


def _thinned(places: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Return points that look like all of them: of many, the highest and the lowest of each part of the line."""
    if len(places) <= MOST_POINTS:
        return places
    size = -(-2 * len(places) // MOST_POINTS)
    parts = [places[start : start + size] for start in range(0, len(places), size)]
    extremes = [sorted({min(part, key=itemgetter(1)), max(part, key=itemgetter(1))}) for part in parts]
    return [places[0], *chain.from_iterable(extremes), places[-1]]


def _can_show(value: float | None, axis: Axis) -> bool:
    return value is not None and isfinite(value) and (value > 0 or not axis.log)


def _place(across: float, down: float, x: Axis, y: Axis) -> tuple[float, float]:
    """Return the pixels of a point, from the left and from the top."""
    return (
        LEFT + x.position(across) * (WIDTH - LEFT - RIGHT),
        HEIGHT - BOTTOM - y.position(down) * (HEIGHT - TOP - BOTTOM),
    )


def _labels(above: str, below: str, note: str) -> str:
    right, bottom = WIDTH - RIGHT, HEIGHT - 4
    return (
        f'<text x="0" y="12" style="font-weight:600">{html.escape(above)}</text>'
        f'<text x="{right}" y="{bottom}" text-anchor="end" opacity="0.75">{html.escape(below)}</text>'
        f'<text x="{right}" y="12" text-anchor="end" opacity="0.75">{html.escape(note)}</text>'
    )


def _grid(x: Axis, y: Axis) -> list[str]:
    """The lines and labels of the axes."""
    left, right, bottom, parts = LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, []
    for value, label in y.ticks():
        _, down = _place(x.low or 0.0, value, x, y)
        parts.append(
            f'<path d="M{left} {down:.1f}H{right}" stroke="currentColor" stroke-opacity="0.15"/>'
            f'<text x="{left - 6}" y="{down + 4:.1f}" text-anchor="end" opacity="0.75">{label}</text>'
        )
    for value, label in x.ticks():
        across, _ = _place(value, y.low or 0.0, x, y)
        parts.append(
            f'<path d="M{across:.1f} {bottom}v4" stroke="currentColor" stroke-opacity="0.5"/>'
            f'<text x="{across:.1f}" y="{bottom + 16}" text-anchor="middle" opacity="0.75">{label}</text>'
        )
    parts.append(f'<path d="M{left} {bottom}H{right}" stroke="currentColor" stroke-opacity="0.5"/>')
    return parts


def _dot(across: float, down: float, colour: str) -> str:
    return f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3.5" fill="{colour}"/>'


def _linear_ticks(low: float, high: float, *, whole: bool, wanted: int = 5) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten, at most `wanted` + 1."""
    power = 10.0 ** floor(log10((high - low) / wanted))
    step = next(power * each for each in STEPS if power * each * wanted >= (high - low) * 0.999)
    if whole:
        step = max(1.0, step)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [each * step for each in range(first, last + 1)]


def _log_ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return powers of ten, with 2 and 5 times these where the range is small, or ticks of a linear axis."""
    exponents = range(floor(log10(low)), ceil(log10(high)) + 1)
    found: list[float] = []
    for factors, most in (((1, 2, 5), wanted + 1), ((1,), wanted)):
        found = [each * 10.0**power for power in exponents for each in factors if low <= each * 10.0**power <= high]
        if 2 <= len(found) <= most:
            return found
    every = -(-len(found) // wanted)
    return found[::every] if len(found) > 1 else _linear_ticks(low, high, whole=False, wanted=4)
