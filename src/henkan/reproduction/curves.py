"""Learning curves of many trainings."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from henkan.reproduction.words import MODELS as TITLES

# Okabe & Ito's colours, which colour-blind people tell apart; each line has a mark of its own as well.
LOOKS = {
    "plain": ("#000000", "o"),
    "reversed": ("#0072b2", "s"),
    "peeky": ("#e69f00", "^"),
    "both": ("#d55e00", "D"),
    "attention": ("#009e73", "v"),
}


def learning_curves(models: Mapping[str, Any], title: str) -> bytes | None:
    """Exact match by epoch: the mean of all seeds, and a band from the least to the most; SVG, None without matplotlib.

    Args:
        models: name -> its figures; see `henkan.reproduction.analysis.summarize`.
        title: of the picture.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator, PercentFormatter
    except ImportError:
        return None
    with rc_context({"svg.hashsalt": "henkan", "svg.fonttype": "path"}):
        figure = Figure(figsize=(8, 4.2), layout="constrained")
        axes = figure.subplots()
        for model, figures in models.items():
            (colour, mark), epochs = LOOKS[model], figures["by_epoch"]
            numbers = range(1, len(epochs) + 1)
            axes.fill_between(
                numbers,
                [e["least"] for e in epochs],
                [e["most"] for e in epochs],
                color=colour,
                alpha=0.13,
                linewidth=0,
            )
            axes.plot(
                numbers, [e["mean"] for e in epochs], color=colour, marker=mark, markersize=4, label=TITLES[model]
            )
        axes.set(xlabel="epoch", ylabel="exact match on unseen pairs", title=title, ylim=(-0.02, 1.02))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
        file = BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
