"""The learning curve of a model: loss and exact match by epoch, of each ensemble member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from henkan.drawing import html
from henkan.drawing.chart import Axis, Line, line_chart


@dataclass
class Curve:
    """The learning curve of one model.

    Attributes:
        epochs: the numbers of the epochs.
        losses: mean training loss of each epoch, in nats per symbol.
        exact_matches: share of the validation set that is predicted exactly after each epoch, from 0 to 1, or None.
        kept: index of the epoch whose weights are kept, or None.
    """

    epochs: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    exact_matches: list[float | None] = field(default_factory=list)
    kept: int | None = None

    @property
    def best(self) -> float | None:
        """Exact match after the epoch whose weights are kept."""
        return None if self.kept is None else self.exact_matches[self.kept]


def curves_of(metrics: Mapping[str, Any]) -> list[Curve]:
    """Return the learning curve of each member of a model; see `henkan.storage.metrics_schema`."""
    curves = []
    for history in metrics.get("members", [metrics]):
        records, kept = history.get("epochs", []), history.get("best_epoch")
        epochs = [each["epoch"] for each in records]
        curves.append(
            Curve(
                epochs,
                [each["loss"] for each in records],
                [each["exact_match"] for each in records],
                epochs.index(kept) if kept in epochs else None,
            )
        )
    return curves


def learning_curve(curves: Sequence[Curve], epochs: int | None = None) -> str:
    """Draw learning curves, as HTML with SVG.

    Args:
        curves: of each ensemble member.
        epochs: the planned number of epochs, for the axis; None: as many as there are.

    Returns:
        the charts of loss and, if there is a validation set, exact match, with a legend for several members; empty if
        no epoch has ended.
    """
    numbers = [number for number, curve in enumerate(curves) if curve.epochs]
    curves = [curves[number] for number in numbers]
    if not curves:
        return ""
    single = len(curves) == 1
    colours = [html.COLOURS[number % len(html.COLOURS)] for number in numbers]
    axis = Axis("epoch", low=1, high=epochs if epochs != 1 else None, whole=True)
    positive = any(loss > 0 for curve in curves for loss in curve.losses)
    losses = [
        Line([*zip(curve.epochs, curve.losses, strict=True)], html.ORANGE if single else colour)
        for curve, colour in zip(curves, colours, strict=True)
    ]
    charts = [line_chart(losses, axis, Axis("training loss (nats per symbol)", log=positive))]
    if any(match is not None for curve in curves for match in curve.exact_matches):
        matches = [
            Line([*zip(curve.epochs, curve.exact_matches, strict=True)], colour, curve.kept)
            for curve, colour in zip(curves, colours, strict=True)
        ]
        shares = Axis("exact match (validation set)", low=0, high=1, percent=True)
        charts.append(line_chart(matches, axis, shares, _note(curves[0]) * single))
    drawn = f'<div class="henkan-row">{"".join(charts)}</div>'
    names = [(f"model {number + 1}", colour) for number, colour in zip(numbers, colours, strict=True)]
    return drawn if single else drawn + html.legend(names)


def _note(curve: Curve) -> str:
    if curve.kept is None or curve.best is None:
        return ""
    return f"{curve.best:.2%} in epoch {curve.epochs[curve.kept]}"
