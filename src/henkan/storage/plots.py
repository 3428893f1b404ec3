"""Plots, drawn with matplotlib, which is optional."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

AXIS_LABELS = {"attention": "attention to the source", "pointer": "pointer", "saliency": "share of saliency"}
"""Kind of weights of an explanation -> label of the source axis."""


def learning_curve(metrics: Mapping[str, Any]) -> bytes | None:
    """Plot loss and exact match by epoch.

    Args:
        metrics: metrics of a model; for an ensemble, the first member is drawn.

    Returns:
        the PNG file, or None if matplotlib is not installed.
    """
    epochs = metrics["epochs"]
    try:
        from matplotlib.figure import Figure  # not pyplot, which needs a display
        from matplotlib.ticker import MaxNLocator, PercentFormatter
    except ImportError:
        return None
    numbers = [epoch["epoch"] for epoch in epochs]
    matches = [epoch["exact_match"] for epoch in epochs]
    measured = bool(epochs) and all(match is not None for match in matches)
    figure = Figure(figsize=(7, 3.2 if not measured else 5), layout="constrained")
    axes = figure.subplots(2 if measured else 1, 1, sharex=True, squeeze=False)[:, 0]
    axes[-1].plot(numbers, [epoch["loss"] for epoch in epochs], marker="o", markersize=4, color="#c44e52")
    axes[-1].set_ylabel("training loss\n(nats per symbol)")
    if any(epoch["loss"] > 0 for epoch in epochs):
        axes[-1].set_yscale("log")
    axes[-1].set_xlabel("epoch")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    if measured:
        axes[0].plot(numbers, matches, marker="o", markersize=4, color="#4c72b0")
        axes[0].set_ylabel("exact match\n(validation pairs)")
        axes[0].set_ylim(-0.03, 1.03)
        axes[0].yaxis.set_major_formatter(PercentFormatter(1))
        kept = metrics["best_epoch"]
        axes[0].set_title(f"exact match {matches[numbers.index(kept)]:.2%} in epoch {kept} (kept)", fontsize=11)
    for axis in axes:
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    file = BytesIO()
    figure.savefig(file, format="png", dpi=120)
    return file.getvalue()


def explanation_picture(
    source: Sequence[str],
    answer: Sequence[str],
    probabilities: Sequence[float],
    weights: Sequence[Sequence[float]],
    *,
    by: str = "attention",
    format: str,
) -> tuple[bytes, list[str]] | None:
    """Plot the probability of each symbol of a prediction, and its weights over the source symbols.

    Args:
        source: S source symbols.
        answer: T symbols of the prediction.
        probabilities: T probabilities of these symbols.
        weights: T lists of S weights.
        by: the kind of weights, a key of `AXIS_LABELS`.
        format: "png" or "svg".

    Returns:
        the image file, and notes about its fonts for the user; or None if matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        return None
    families, notes = _fonts_for("".join([*source, *answer]))
    has_weights = any(map(len, weights))
    height = 1.2 + 0.36 * len(answer)
    with rc_context({"font.family": families, "svg.fonttype": "path"}):
        figure = Figure(figsize=(3.2 + (0.42 * len(source) if has_weights else 0), height), layout="constrained")
        bars, *maps = figure.subplots(
            1,
            2 if has_weights else 1,
            sharey=True,
            squeeze=False,
            width_ratios=[1, max(1.0, len(source) / 4)] if has_weights else [1],
        )[0]
        positions = range(len(answer))
        bars.barh(positions, probabilities, color="#4c72b0")
        bars.set(xlim=(0, 1), xlabel="probability", yticks=list(positions), ylim=(len(answer) - 0.5, -0.5))
        bars.set_yticklabels(answer)
        bars.spines[["top", "right"]].set_visible(False)
        for axis in maps:
            axis.imshow(weights, cmap="Greys", vmin=0, vmax=1, aspect="auto")
            axis.set_xticks(range(len(source)), source)
            axis.xaxis.tick_top()
            axis.set_xlabel(AXIS_LABELS[by])
            axis.tick_params(length=0)
        file = BytesIO()
        with warnings.catch_warnings():  # missing glyphs are reported in the notes
            warnings.filterwarnings("ignore", message="Glyph .* missing")
            figure.savefig(file, format=format, dpi=150)
    return file.getvalue(), notes


def _fonts_for(text: str) -> tuple[list[str], list[str]]:
    """Choose installed fonts that together cover a text, first matplotlib's default; also return notes for the user."""
    from matplotlib.font_manager import fontManager

    families, notes = ["DejaVu Sans"], []
    needed = {character for character in text if not character.isspace()}
    needed -= _characters(fontManager.findfont("DejaVu Sans"))
    fonts = {
        font.fname: font.name
        for font in fontManager.ttflist
        if needed and font.style == "normal" and not font.name.startswith("Last Resort")  # a font that has only boxes
    }
    covers = {path: needed & _characters(path) for path in sorted(fonts)}
    while needed and covers:
        path = max(covers, key=lambda each: len(covers[each] & needed))
        if not covers[path] & needed:
            break
        needed -= covers.pop(path)
        families.append(fonts[path])
        notes.append(f"characters missing from DejaVu Sans are drawn in {fonts[path]}")
    if needed:
        shown = " ".join(sorted(needed)[:10])
        notes.append(
            f"no installed font has {shown}, so boxes are drawn; on Debian, install fonts-noto and fonts-noto-cjk"
        )
    return families, notes


def _characters(path: str) -> set[str]:
    """Return the characters of a font file."""
    from matplotlib.ft2font import FT2Font

    try:
        return set(map(chr, FT2Font(path).get_charmap()))
    except (RuntimeError, OSError):  # a bitmap font, or a damaged one
        return set()
