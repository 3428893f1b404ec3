"""Pictures, drawn with matplotlib where it is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any


def learning_curve(epochs: Sequence[Mapping[str, Any]]) -> bytes | None:
    """Loss and exact match by epoch, as PNG; None without matplotlib.

    Args:
        epochs: the list `epochs` of a model's metrics.
    """
    try:
        from matplotlib.figure import Figure  # no pyplot: it would look for a display
        from matplotlib.ticker import MaxNLocator, PercentFormatter
    except ImportError:
        return None
    numbers = [epoch["epoch"] for epoch in epochs]
    matches = [epoch["exact_match"] for epoch in epochs]
    measured = all(match is not None for match in matches)
    figure = Figure(figsize=(7, 3.2 if not measured else 5), layout="constrained")
    axes = figure.subplots(2 if measured else 1, 1, sharex=True, squeeze=False)[:, 0]
    axes[-1].plot(numbers, [epoch["loss"] for epoch in epochs], marker="o", markersize=4, color="#c44e52")
    axes[-1].set_ylabel("training loss\n(nats a symbol)")
    if any(epoch["loss"] > 0 for epoch in epochs):
        axes[-1].set_yscale("log")
    axes[-1].set_xlabel("epoch")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    if measured:
        axes[0].plot(numbers, matches, marker="o", markersize=4, color="#4c72b0")
        axes[0].set_ylabel("exact match\n(held-out pairs)")
        axes[0].set_ylim(-0.03, 1.03)
        axes[0].yaxis.set_major_formatter(PercentFormatter(1))
        axes[0].set_title(f"exact match {matches[-1]:.2%} after {numbers[-1]} epochs", fontsize=11)
    for axis in axes:
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    file = BytesIO()
    figure.savefig(file, format="png", dpi=120)
    return file.getvalue()
