"""The report's pictures, drawn with matplotlib where it is installed.

Colours are those of Okabe and Ito (2008), which people with any kind of colour vision can tell apart; markers differ as
well, for those who print in black and white.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from henkan_experiments.words import PICTURES, name_of, name_of_label

# name -> colour, marker
LOOKS = {
    "plain": ("#000000", "o"),
    "reversed": ("#0072B2", "s"),
    "peeky": ("#E69F00", "^"),
    "both": ("#D55E00", "D"),
    "attention": ("#009E73", "v"),
}
OTHERS = (("#CC79A7", "P"), ("#56B4E9", "X"), ("#999999", "*"))

# Seven inches and a bit are 700 px where a picture is shown in its own size.
WIDTH = 7.3
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "henkan",  # the same picture is the same bytes
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "lines.markersize": 5,
    "lines.linewidth": 1.4,
}
READ = ("H", "T", "U", "+", "H", "T", "U")


def draw_experiments(results: Mapping[str, Any]) -> dict[str, bytes]:
    """Draw what `run_experiments` found.

    Returns:
        name of a file -> SVG; empty without matplotlib, or without any model.
    """
    if not results["saliency"]:
        return {}
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure  # no pyplot: it would look for a display
    except ImportError:
        return {}
    drawn = {}
    for name, (draw, height) in zip(PICTURES, PARTS, strict=True):
        with rc_context(STYLE):
            figure = Figure(figsize=(WIDTH, height), layout="constrained")
            draw(figure, results[name.removesuffix(".svg")])
            handles, labels = figure.axes[0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside upper center", ncols=min(5, len(labels)), frameon=False)
            drawn[name] = _svg(figure)
    return drawn


def learning_curves(models: Mapping[str, Any], title: str) -> bytes | None:
    """Exact match by epoch: the mean of all seeds, and a band from the least to the most; SVG, None without matplotlib.

    Args:
        models: name -> its figures; see `henkan_experiments.analysis.summarize`.
        title: of the picture.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError:
        return None
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
        axes = figure.subplots()
        for model, figures in models.items():
            look, epochs = look_of(model, models), figures["by_epoch"]
            numbers = range(1, len(epochs) + 1)
            least, most, means = ([epoch[part] for epoch in epochs] for part in ("least", "most", "mean"))
            axes.fill_between(numbers, least, most, color=look["color"], alpha=0.13, linewidth=0)
            axes.plot(numbers, means, **look)
        axes.set(xlabel="epoch", ylabel="exact match on unseen pairs", title=title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _in_percent(axes)
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
        return _svg(figure)


def _svg(figure: Any) -> bytes:
    file = BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None}, facecolor="white")
    return file.getvalue()


def look_of(model: str, models: Mapping[str, Any]) -> dict[str, Any]:
    """A model's colour, marker and label."""
    strangers = [each for each in models if each not in LOOKS]
    colour, marker = LOOKS.get(model) or OTHERS[strangers.index(model) % len(OTHERS)]
    return {"color": colour, "marker": marker, "label": name_of(model)}


def _saliency(figure: Any, found: Mapping[str, Any]) -> None:
    panels = figure.subplots(2, 2, sharey="row", sharex="col")
    for row, (part, what) in enumerate(
        (("first", "the answer's first symbol"), ("answer", "all digits of the answer"))
    ):
        by_place, by_distance = panels[row]
        for model, numbers in found.items():
            look, shares, errors = look_of(model, found), numbers[part]["shares"], numbers[part]["shares_error"]
            places = range(len(shares))
            by_place.errorbar(places, shares, yerr=errors, **look)
            order = sorted(places, key=lambda place, steps=numbers["steps_to_end"]: steps[place])  # type: ignore[misc]
            by_distance.errorbar(
                [numbers["steps_to_end"][place] for place in order],
                [shares[place] for place in order],
                yerr=[errors[place] for place in order],
                **look,
            )
        by_place.set_ylabel(f"share of saliency,\n{what}")
        by_place.set_ylim(bottom=0)
    panels[1][0].set_xticks(range(len(READ)), READ)
    panels[1][0].set_xlabel("source symbol (hundreds, tens, units)")
    panels[1][1].set_xlabel("symbols that are read after it")


def _fading(figure: Any, found: Mapping[str, Any]) -> None:
    readable, whose = figure.subplots(1, 2, sharey=True)
    for model, numbers in found.items():
        look = look_of(model, found)
        readable.plot(range(len(numbers["state"])), numbers["state"], **look)
        dotted = {"color": look["color"], "linestyle": ":", "linewidth": 1}
        readable.plot(range(len(numbers["symbols"])), numbers["symbols"], **dotted)
        for condition, style in (("other_state", look), ("undisturbed", dotted)):
            accuracy = numbers[condition]["accuracy"]
            steps = [step for step, value in enumerate(accuracy, start=1) if value is not None]
            whose.plot(steps, [accuracy[step - 1] for step in steps], **style)
    readable.set_xlabel("steps of the decoder\n(dotted: read off the symbols given alone)")
    readable.set_ylabel("share of the variance of h\nread off the decoder's state")
    whose.set_xlabel("symbol of the answer\n(dotted: undisturbed)")
    whose.set_ylabel("true symbols when begun with\nthe state of another sum")
    for axes in (readable, whose):
        _in_percent(axes)
        axes.set_xticks(range(0 if axes is readable else 1, 5))


def _probes(figure: Any, found: Mapping[str, Any]) -> None:
    axes = figure.subplots()
    labels = list(next(iter(found.values()), {}))
    for row, label in enumerate(labels):
        chance = [numbers[label][part] for numbers in found.values() for part in ("shuffled", "majority")]
        axes.plot(
            [min(chance), max(chance)],
            [row, row],
            color="#bbbbbb",
            linewidth=7,
            solid_capstyle="round",
        )
    for number, (model, by_label) in enumerate(found.items()):
        shift = 0.13 * (number - (len(found) - 1) / 2)  # so that none hides another
        axes.plot(
            [by_label[label]["accuracy"] for label in labels],
            [row + shift for row in range(len(labels))],
            linestyle="",
            **look_of(model, found),
        )
    axes.set_yticks(range(len(labels)), map(name_of_label, labels))
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xlabel(
        "held-out sums in which a linear probe reads it off h rightly\n"
        "(grey: shuffled controls and most frequent label)"
    )
    _in_percent(axes, across=True)


def _length(figure: Any, found: Mapping[str, Any]) -> None:
    panels = figure.subplots(1, 3, sharey=True)
    parts = {
        "exact_match": "exact match",
        "right_length": "answers of the right length",
        "confidence": "mean confidence",
    }
    for axes, (part, what) in zip(panels, parts.items(), strict=True):
        for model, by_length in found.items():
            values = [
                (row, numbers[part]) for row, numbers in enumerate(by_length.values()) if numbers[part] is not None
            ]
            axes.plot([row for row, _ in values], [value for _, value in values], **look_of(model, found))
        lengths = list(next(iter(found.values()), {}))
        axes.set_xticks(range(len(lengths)), lengths)
        axes.set_xlabel("digits of the two numbers")
        axes.set_title(what, fontsize=9)
        _in_percent(axes)
        axes.margins(x=0.12)


def _in_percent(axes: Any, *, across: bool = False) -> None:
    from matplotlib.ticker import PercentFormatter

    axis, limit = (axes.xaxis, axes.set_xlim) if across else (axes.yaxis, axes.set_ylim)
    axis.set_major_formatter(PercentFormatter(1))
    limit(-0.03, 1.03)


PARTS: tuple[tuple[Callable[[Any, Mapping[str, Any]], None], float], ...] = (
    (_saliency, 4.8),
    (_fading, 3.3),
    (_probes, 5.2),
    (_length, 3.0),
)
