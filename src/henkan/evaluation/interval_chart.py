"""Intervals as inline SVG. Positions are percentages of the width, so that a chart fits any column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from henkan.evaluation.intervals import Interval

ROW = 16
"""Height of an interval in pixels."""

MARGIN = 3.0
"""Percent of the width to the left and to the right of the scale, for the dots."""


@dataclass(frozen=True)
class Mark:
    """A value with its interval.

    Attributes:
        value: the value.
        interval: its 95 % interval.
        color: index of the colour of its model; None: the colour of the text.
    """

    value: float
    interval: Interval
    color: int | None = None


@dataclass(frozen=True)
class Scale:
    """A linear scale from `low` to `high` with tick marks at multiples of `step`."""

    low: float
    high: float
    step: float

    @classmethod
    def around(cls, marks: Sequence[Mark], *, include: float | None = None) -> Scale:
        """Create a scale that contains all intervals, with two to five steps."""
        limits = [limit for each in marks for limit in each.interval] + ([] if include is None else [include])
        low, high = min(limits, default=0.0), max(limits, default=1.0)
        width = max(high - low, 1e-3)
        step = 10.0 ** floor(log10(width))
        step = next(step * factor for factor in (0.2, 0.5, 1, 2, 5) if width / (step * factor) <= 5)
        return cls(floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step, step)

    def position(self, value: float) -> float:
        """Return the position of a value in percent of the width."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return MARGIN + (100 - 2 * MARGIN) * share

    @property
    def ticks(self) -> list[float]:
        """The values with tick marks."""
        return [self.low + step * self.step for step in range(round((self.high - self.low) / self.step) + 1)]


def interval_svg(marks: Sequence[Mark], scale: Scale, label: str) -> str:
    """Draw intervals below each other: a line from limit to limit, and a dot at the value.

    Args:
        marks: the intervals.
        scale: the common scale.
        label: description for readers who do not see the picture; already escaped.
    """
    height = ROW * len(marks)
    parts = [
        f'<line class="{"zero" if abs(tick) < scale.step / 1e6 else "tick"}" x1="{scale.position(tick):.2f}%" '
        f'x2="{scale.position(tick):.2f}%" y1="0" y2="{height}"/>'
        for tick in scale.ticks
    ]
    for row, mark in enumerate(marks):
        y, color = ROW * row + ROW // 2, "" if mark.color is None else f' class="model-{mark.color}"'
        low, value, high = map(scale.position, (mark.interval.low, mark.value, mark.interval.high))
        parts.append(
            f'<g{color}><line class="interval" x1="{low:.2f}%" x2="{high:.2f}%" y1="{y}" y2="{y}"/>'
            f'<circle cx="{value:.2f}%" cy="{y}" r="4"/></g>'
        )
    return f'<svg role="img" aria-label="{label}" width="100%" height="{height}">{"".join(parts)}</svg>'


def axis_svg(scale: Scale, unit: str) -> str:
    """Draw the numbers of a scale in percent, with a unit after the last one."""
    digits = max(0, -floor(log10(scale.step * 100) + 1e-9))
    texts = []
    for row, tick in enumerate(scale.ticks):
        last = row == len(scale.ticks) - 1
        anchor = "start" if row == 0 else "end" if last else "middle"
        number = f"{100 * tick + 0.0:.{digits}f}".replace("-", "\u2212")
        texts.append(
            f'<text x="{0 if row == 0 else 100 if last else scale.position(tick):.2f}%" y="12" '
            f'text-anchor="{anchor}">{number}{unit if last else ""}</text>'
        )
    return f'<svg class="axis" aria-hidden="true" width="100%" height="16">{"".join(texts)}</svg>'
