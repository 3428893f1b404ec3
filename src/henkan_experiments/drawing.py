"""The report's figures, drawn with matplotlib if it is installed.

Colours are those of Okabe and Ito (2008), which are distinguishable with any kind of colour vision; markers differ as
well, for printing in black and white.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from henkan_experiments.formatting import Results, label_title, model_title

# model -> colour, marker
LINE_STYLES = {
    "plain": ("#000000", "o"),
    "reversed": ("#0072B2", "s"),
    "peeky": ("#E69F00", "^"),
    "both": ("#D55E00", "D"),
    "attention": ("#009E73", "v"),
}
OTHER_LINE_STYLES = (("#CC79A7", "P"), ("#56B4E9", "X"), ("#999999", "*"))

WIDTH = 7.3  # inches: about 700 px at the figure's natural size
RC_PARAMS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "henkan",  # makes the SVG reproducible to the byte
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "lines.markersize": 5,
    "lines.linewidth": 1.4,
}
SOURCE_SYMBOLS = ("H", "T", "U", "+", "H", "T", "U")


def draw_experiments(results: Mapping[str, Any]) -> dict[str, bytes]:
    """Draw the results of `run_experiments`.

    Returns:
        file name -> SVG; empty without matplotlib, or without any model.
    """
    if not results["saliency"]:
        return {}
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure  # no pyplot: it would look for a display
    except ImportError:
        return {}
    drawn = {}
    for name, (draw, height) in FIGURES.items():
        with rc_context(RC_PARAMS):
            figure = Figure(figsize=(WIDTH, height), layout="constrained")
            draw(figure, results[name.removesuffix(".svg")])
            handles, labels = figure.axes[0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside upper center", ncols=min(5, len(labels)), frameon=False)
            drawn[name] = _svg(figure)
    return drawn


def learning_curves(models: Mapping[str, Any], title: str) -> bytes | None:
    """Exact match by epoch: the mean over seeds and a band from minimum to maximum.

    Args:
        models: model -> its figures; see `henkan_experiments.analysis.summarize`.
        title: title of the figure.

    Returns:
        SVG; None without matplotlib.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError:
        return None
    with rc_context(RC_PARAMS):
        figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
        axes = figure.subplots()
        for model, figures in models.items():
            style, epochs = line_style(model, models), figures["by_epoch"]
            numbers = range(1, len(epochs) + 1)
            least, most, means = ([epoch[part] for epoch in epochs] for part in ("least", "most", "mean"))
            axes.fill_between(numbers, least, most, color=style["color"], alpha=0.13, linewidth=0)
            axes.plot(numbers, means, **style)
        axes.set(xlabel="epoch", ylabel="exact match on the test set", title=title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _percent_axis(axes)
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
        return _svg(figure)


def _svg(figure: Any) -> bytes:
    file = BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None}, facecolor="white")
    return file.getvalue()


def line_style(model: str, models: Mapping[str, Any]) -> dict[str, Any]:
    """A model's colour, marker and label."""
    others = [name for name in models if name not in LINE_STYLES]
    colour, marker = LINE_STYLES.get(model) or OTHER_LINE_STYLES[others.index(model) % len(OTHER_LINE_STYLES)]
    return {"color": colour, "marker": marker, "label": model_title(model)}


def _saliency(figure: Any, results: Results) -> None:
    panels = figure.subplots(2, 2, sharey="row", sharex="col")
    for row, (part, what) in enumerate(
        (("first", "the answer's first symbol"), ("answer", "all digits of the answer"))
    ):
        by_position, by_distance = panels[row]
        for model, numbers in results.items():
            style, shares, errors = line_style(model, results), numbers[part]["shares"], numbers[part]["shares_error"]
            positions, steps = range(len(shares)), numbers["steps_to_end"]
            by_position.errorbar(positions, shares, yerr=errors, **style)
            by_distance.errorbar(
                *zip(*sorted(zip(steps, shares, strict=True)), strict=True),
                yerr=[errors[position] for position in sorted(positions, key=steps.__getitem__)],
                **style,
            )
        by_position.set_ylabel(f"saliency share,\n{what}")
        by_position.set_ylim(bottom=0)
    panels[1][0].set_xticks(range(len(SOURCE_SYMBOLS)), SOURCE_SYMBOLS)
    panels[1][0].set_xlabel("source symbol (hundreds, tens, units)")
    panels[1][1].set_xlabel("number of symbols read after it")


def _fading(figure: Any, results: Results) -> None:
    readable, swapped = figure.subplots(1, 2, sharey=True)
    for model, numbers in results.items():
        style = line_style(model, results)
        readable.plot(range(len(numbers["state"])), numbers["state"], **style)
        dotted = {"color": style["color"], "linestyle": ":", "linewidth": 1}
        readable.plot(range(len(numbers["symbols"])), numbers["symbols"], **dotted)
        for condition, line in (("other_state", style), ("undisturbed", dotted)):
            accuracy = numbers[condition]["accuracy"]
            steps = [step for step, value in enumerate(accuracy, start=1) if value is not None]
            swapped.plot(steps, [accuracy[step - 1] for step in steps], **line)
    readable.set_xlabel("decoder step\n(dotted: from the previous symbols alone)")
    readable.set_ylabel("explained variance of h,\nfrom the decoder's state")
    swapped.set_xlabel("symbol of the answer\n(dotted: undisturbed)")
    swapped.set_ylabel("accuracy with another sum's\ninitial state")
    for axes in (readable, swapped):
        _percent_axis(axes)
        axes.set_xticks(range(0 if axes is readable else 1, 5))


def _probes(figure: Any, results: Results) -> None:
    axes = figure.subplots()
    labels = list(next(iter(results.values()), {}))
    for row, label in enumerate(labels):
        chance = [numbers[label][part] for numbers in results.values() for part in ("shuffled", "majority")]
        axes.plot(
            [min(chance), max(chance)],
            [row, row],
            color="#bbbbbb",
            linewidth=7,
            solid_capstyle="round",
        )
    for number, (model, by_label) in enumerate(results.items()):
        shift = 0.13 * (number - (len(results) - 1) / 2)  # so that markers do not hide each other
        axes.plot(
            [by_label[label]["accuracy"] for label in labels],
            [row + shift for row in range(len(labels))],
            linestyle="",
            **line_style(model, results),
        )
    axes.set_yticks(range(len(labels)), map(label_title, labels))
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xlabel("accuracy of a linear probe on held-out sums\n(grey: shuffled controls and most frequent label)")
    _percent_axis(axes, horizontal=True)


def _length(figure: Any, results: Results) -> None:
    panels = figure.subplots(1, 3, sharey=True)
    titles = {
        "exact_match": "exact match",
        "right_length": "answers of the right length",
        "confidence": "mean confidence",
    }
    for axes, (part, title) in zip(panels, titles.items(), strict=True):
        for model, by_length in results.items():
            values = [
                (row, numbers[part]) for row, numbers in enumerate(by_length.values()) if numbers[part] is not None
            ]
            axes.plot([row for row, _ in values], [value for _, value in values], **line_style(model, results))
        lengths = list(next(iter(results.values()), {}))
        axes.set_xticks(range(len(lengths)), lengths)
        axes.set_xlabel("digits of the two numbers")
        axes.set_title(title, fontsize=9)
        _percent_axis(axes)
        axes.margins(x=0.12)


def _percent_axis(axes: Any, *, horizontal: bool = False) -> None:
    from matplotlib.ticker import PercentFormatter

    axis, set_limits = (axes.xaxis, axes.set_xlim) if horizontal else (axes.yaxis, axes.set_ylim)
    axis.set_major_formatter(PercentFormatter(1))
    set_limits(-0.03, 1.03)


FIGURES: Mapping[str, tuple[Callable[[Any, Results], None], float]] = {
    "saliency.svg": (_saliency, 4.8),
    "fading.svg": (_fading, 3.3),
    "probes.svg": (_probes, 5.2),
    "length.svg": (_length, 3.0),
}
"""File name -> the function that draws it, and its height in inches."""
