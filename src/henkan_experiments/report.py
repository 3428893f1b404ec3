"""The report of the experiment in Markdown: every sentence in it is made of figures that were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from henkan.text.pairs import Pairs
from henkan_experiments.analysis import ARTICLE, LEARNT, REPETITION, REPETITION_SEEDS, Spread, differs
from henkan_experiments.plan import FULL, MODELS, RECIPES, TASK_NAMES
from henkan_experiments.words import MODELS as TITLES
from henkan_experiments.words import bullets, listed, table

SHOWN = 10
Summary = Mapping[str, Any]
Answers = Mapping[tuple[str, str, str], Sequence[str]]


def report(
    summary: Summary,
    asked: Mapping[str, Pairs],
    answers: Answers,
    about: Mapping[str, Any],
    experiments: str,
    pictures: Mapping[str, str],
) -> str:
    """The whole report.

    Args:
        summary: see `henkan_experiments.analysis.summarize`.
        asked: the pairs of each task that were asked.
        answers: (task, recipe, model) -> the answers to them of the first seed.
        about: how it was made: "command", "machine", "date", "pairs" (task -> how many were "learnt" from and "asked",
            and how many of these are "common").
        experiments: the part on why it works, or nothing.
        pictures: name of a learning curve -> its file.
    """
    parts = [_head(about)]
    for task in TASK_NAMES:
        if task in summary:
            parts.append(_accuracy(task, summary[task], about["pairs"][task], pictures))
        if task == "addition" and task in summary:
            parts += [
                _article(summary[task], about["pairs"][task]),
                _questions(asked[task], answers),
                _kinds(summary[task]),
            ]
    parts += [experiments, _seconds(summary)]
    return "\n".join(filter(None, parts))


def _head(about: Mapping[str, Any]) -> str:
    return (
        "# The article's experiment, repeated\n\n"
        "An LSTM encoder-decoder is trained to add and to read dates, from strings alone: plain, with its source "
        "reversed, with a decoder that peeks at the encoder's last hidden state at every step, with both, and with "
        "attention.\n\n"
        f"Made by `{about['command']}` on {about['date']}; {about['machine']}.\n"
    )


def _seeds(recipes: Summary) -> str:
    counts = sorted({figures["exact_match"]["n"] for models in recipes.values() for figures in models.values()})
    return "one seed" if counts == [1] else f"{_range(counts)} seeds"


def _range(counts: Sequence[int]) -> str:
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}" if counts else "none"


def _accuracy(task: str, recipes: Summary, pairs: Mapping[str, int], pictures: Mapping[str, str]) -> str:
    common = f"{pairs['common']:,} of which were learnt from as well" if pairs["common"] else "none of them learnt from"
    lines = [
        f"## Exact match: {task}\n",
        f"{pairs['learnt']:,} pairs to learn from, {pairs['asked']:,} asked, {common}; the state after the last epoch, "
        f"whatever came before. Mean ± standard deviation (least to most) of {_seeds(recipes)}, in percent.\n",
    ]
    present = [recipe for recipe in RECIPES if recipe in recipes]
    heads = [part for recipe in present
             for part in (f"{recipe} recipe, {_epochs(recipes[recipe])} epochs", "weights")]  # fmt: skip
    rows = []
    for model, title in TITLES.items():
        if any(model in recipes[recipe] for recipe in present):
            cells = [(_spread(found), _weights(found)) for found in (recipes[recipe].get(model) for recipe in present)]
            rows.append([title, *(part for cell in cells for part in cell)])
    lines.append(table(["model", *heads], rows))
    drawn = [recipe for recipe in present if f"{task}-{recipe}" in pictures]
    if drawn:
        lines.append("By epoch: a line through the means, a band from the least to the most.\n")
    lines += [f"![exact match by epoch, {recipe} recipe]({pictures[f'{task}-{recipe}']})\n" for recipe in drawn]
    return "\n".join(lines)


def _epochs(models: Summary) -> int:
    return len(next(iter(models.values()))["by_epoch"])


def _spread(figures: Summary | None) -> str:
    if figures is None:
        return "-"
    found = figures["exact_match"]
    sd = "" if found["sd"] is None else f" ± {100 * found['sd']:.2f}"
    return f"{100 * found['mean']:.2f}{sd} ({100 * found['least']:.2f} to {100 * found['most']:.2f})"


def _weights(figures: Summary | None) -> str:
    return "-" if figures is None else f"{figures['weights']:,}"


def _article(recipes: Summary, pairs: Mapping[str, int]) -> str:
    """The book recipe's figures beside those that others have told of."""
    if "book" not in recipes:
        return ""
    models = {model: recipes["book"][model] for model in REPETITION if model in recipes["book"]}
    rows = [
        [
            TITLES[model],
            _spread(figures),
            "{:.2f} ± {:.2f}".format(*(100 * number for number in REPETITION[model])),
            f"{100 * ARTICLE[model]:.2f}" if model in ARTICLE else "-",
            _apart(figures),
        ]
        for model, figures in models.items()
    ]
    return (
        "### Beside the article and a repetition of it\n\n"
        'The book recipe is that of chapter 7 of Saito\'s "Deep Learning from Scratch 2". The article tells of one '
        f"training of two models; a third party has told of {REPETITION_SEEDS} of each of the four. The last column is "
        "our mean less the repetition's, in standard errors of the difference.\n\n"
        + table(["model", "ours", "repetition, mean ± sd", "the article's", "difference"], rows)
        + f"\n{_verdict(models, pairs)}\n"
    )


def _apart(figures: Summary) -> str:
    difference = figures.get("difference")
    return "-" if difference is None or not difference[1] else f"{difference[0] / difference[1]:+.1f}"


def _verdict(models: Summary, pairs: Mapping[str, int]) -> str:
    epochs = FULL.epochs["addition", "book"]
    if _epochs(models) != epochs or pairs["learnt"] != LEARNT:
        return f"The figures of the others are for {LEARNT:,} pairs and {epochs} epochs, and not for these."
    differences = {model: figures["difference"] for model, figures in models.items() if figures.get("difference")}
    if not differences:
        return "One training alone has no spread, and no standard error to compare by."
    far = [model for model, (apart, error) in differences.items() if abs(apart) > 2 * error]
    if not far:
        return "No mean differs from the repetition's by more than two standard errors of the difference."
    lines = [_looked_into(model, models[model]) for model in far]
    return f"More than two standard errors from the repetition's mean:\n\n{bullets(lines)}"


def _looked_into(model: str, figures: Summary) -> str:
    """What a mean that is far from the repetition's is made of."""
    theirs, found = REPETITION[model], sorted(figures["by_seed"].values())
    middle = median(found)
    place = max(range(len(found)), key=lambda place: abs(found[place] - middle))
    rest = Spread.of(found[:place] + found[place + 1 :])
    apart = differs(rest, *theirs, REPETITION_SEEDS)
    without = "" if apart is None or not apart[1] else f" ({apart[0] / apart[1]:+.1f} standard errors)"
    means = [epoch["mean"] for epoch in figures["by_epoch"]]
    nearest = min(range(len(means)), key=lambda epoch: abs(means[epoch] - theirs[0]))
    return (
        f"{TITLES[model]} ({100 * figures['difference'][0]:+.1f} points). Its trainings: "
        f"{listed([f'{100 * match:.1f}' for match in found])} %, the median {100 * middle:.1f}. Without the one "
        f"farthest from that the mean is {100 * rest.mean:.1f}{without}. By epoch, ours is nearest to theirs after "
        f"epoch {nearest + 1} ({100 * means[nearest]:.1f}).{_kinds_of_training(found, theirs[1])}"
    )


def _kinds_of_training(found: Sequence[float], sd: float) -> str:
    """Whether trainings, in order of their figures, fall into two kinds that a repetition's spread cannot hold."""
    cut = max(range(1, len(found)), key=lambda place: found[place] - found[place - 1])
    gap = found[cut] - found[cut - 1]
    if gap <= 2 * sd:
        return ""
    low, high = (f"{len(part)} from {100 * part[0]:.1f} to {100 * part[-1]:.1f}" for part in (found[:cut], found[cut:]))
    return (
        f" They are of two kinds, {low} and {high}, with {gap / sd:.1f} of the repetition's standard deviations "
        "between them, which has room for one kind alone. Whether that is the recipe or our way of computing it, "
        "a textbook's own code can tell: `benchmarks/repetition.py` in henkan's repository trains the same by it."
    )


def _questions(asked: Pairs, answers: Answers) -> str:
    parts = []
    for recipe in RECIPES:
        given = {model: answers[found] for model in MODELS if (found := ("addition", recipe, model)) in answers}
        if not given:
            continue
        rows = []
        for place in range(min(SHOWN, len(asked))):
            source, target = asked.sources[place], asked.targets[place]
            marks = [
                "O" if answer[place] == target else f"X {answer[place] or '(nothing)'}" for answer in given.values()
            ]
            rows.append([source, target, *marks])
        parts.append(f"{recipe.capitalize()} recipe:\n\n" + table(
            ["question", "answer", *(TITLES[model] for model in given)], rows))  # fmt: skip
    return "### Ten questions\n\nThe first ten of those asked; the models of the first seed.\n\n" + "\n".join(parts)


def _kinds(recipes: Summary) -> str:
    parts = [
        "### Which sums are hard\n",
        "Right answers in percent, over all seeds. A carry is a place whose digits, with what is carried into it, add "
        "up to more than nine.\n",
    ]
    kinds = [
        ("by_carries", "carries"),
        ("by_digits", "digits of the longer number"),
        ("by_place", "digit of the answer"),
    ]
    for recipe in (each for each in RECIPES if each in recipes):
        models = {model: recipes[recipe][model] for model in MODELS if model in recipes[recipe]}
        for kind, title in kinds:
            names = list(dict.fromkeys(name for figures in models.values() for name in figures[kind]))
            rows = [[str(name), *(_percent(figures[kind].get(name)) for figures in models.values())] for name in names]
            parts.append(table([f"{recipe}: {title}", *(TITLES[model] for model in models)], rows))
    parts.append("### What the wrong answers have in common\n")
    for recipe in (each for each in RECIPES if each in recipes):
        models = {model: recipes[recipe][model] for model in MODELS if model in recipes[recipe]}
        names = next(iter(models.values()))["mistakes"]
        rows = [["wrong answers", *(f"{figures['mistakes']['wrong']:,}" for figures in models.values())]]
        for name in names:
            if name != "wrong":
                cells = [_of(figures["mistakes"], name) for figures in models.values()]
                rows.append([f"{name}, %", *cells])
        parts.append(table([f"{recipe} recipe", *(TITLES[model] for model in models)], rows))
    return "\n".join(parts)


def _of(mistakes: Mapping[str, int], name: str) -> str:
    return f"{100 * mistakes[name] / mistakes['wrong']:.0f}" if mistakes["wrong"] else "-"


def _percent(counts: Sequence[int] | None) -> str:
    return "-" if counts is None else f"{100 * counts[0] / counts[1]:.1f}"


def _seconds(summary: Summary) -> str:
    rows = []
    for task, recipes in summary.items():
        for recipe, models in recipes.items():
            cells = []
            for model in MODELS:
                found = models[model]["seconds"] if model in models else None
                cells.append("-" if found is None else _time(found))
            rows.append([f"{task}, {recipe}", *cells])
    return (
        "## Seconds\n\nOf updates alone, each training on one thread: mean (least to most). The machine may have had "
        "other work as well.\n\n" + table(["", *TITLES.values()], rows)
    )


def _time(seconds: Mapping[str, float]) -> str:
    mean, least, most = (f"{seconds[part]:.{0 if seconds['mean'] >= 10 else 1}f}" for part in ("mean", "least", "most"))
    return f"{mean} ({least} to {most})"
