"""A picture of a learning curve, drawn with matplotlib, which is optional."""

from __future__ import annotations

from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from henkan.selection.curve.text import unit

if TYPE_CHECKING:
    from henkan.selection.curve.learning_curve import LearningCurve


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def curve_picture(curve: LearningCurve, *, title: str = "", format: str = "png") -> bytes:
    """Plot exact match by size, with intervals, the fitted curve and what it predicts for twice the data.

    Args:
        curve: the learning curve.
        title: title of the picture.
        format: "png" or "svg".

    Returns:
        the image file.

    Raises:
        ImportError: if matplotlib is not installed; see `can_draw`.
    """
    from matplotlib.figure import Figure  # not pyplot, which needs a display
    from matplotlib.ticker import NullFormatter, NullLocator, PercentFormatter

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    sizes, matches = [each.sources for each in curve.points], np.array([each.exact_match for each in curve.points])
    bounds = np.array([(each.low, each.high) for each in curve.points]).T
    axes.errorbar(
        sizes, matches, np.abs(bounds - matches), fmt="o", color="#4c72b0", capsize=3, label="measured, 95 % interval"
    )
    if curve.fit is not None and curve.expected is not None:
        expected, grid = curve.expected, np.geomspace(sizes[0], curve.expected.sources, 100)
        band = 1 - np.array([curve.fit.band(size) for size in grid.tolist()])
        axes.plot(grid, [1 - curve.fit.error(size) for size in grid.tolist()], color="#55a868", label="fitted curve")
        axes.fill_between(grid, band[:, 0], band[:, 1], color="#55a868", alpha=0.2, linewidth=0)
        axes.errorbar(
            [expected.sources],
            [expected.exact_match],
            [[expected.exact_match - expected.low], [expected.high - expected.exact_match]],
            fmt="D",
            color="#c44e52",
            markerfacecolor="white",
            capsize=3,
            label=f"{curve.doubled}: {expected.exact_match:.1%} ({expected.low:.1%} to {expected.high:.1%})",
        )
        sizes = [*sizes, expected.sources]
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel(f"training {unit(curve)}")
    axes.set_ylabel(f"exact match\n({curve.validation:,} validation sources)")
    axes.set_title(title, fontsize=11)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="best", fontsize=9, frameon=False)
    file = BytesIO()
    figure.savefig(file, format=format, dpi=150)
    return file.getvalue()
