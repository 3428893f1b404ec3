"""The report of the experiment in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from henkan.text.pairs import Pairs
from henkan_experiments.analysis import (
    ARTICLE,
    PUBLISHED_TRAINING_PAIRS,
    REPETITION,
    REPETITION_SEEDS,
    Spread,
    mean_difference,
)
from henkan_experiments.formatting import MODEL_TITLES, bullets, enumerated, table
from henkan_experiments.plan import FULL, MODEL_SETTINGS, RECIPES, TASK_NAMES

EXAMPLES = 10
Summary = Mapping[str, Any]
Answers = Mapping[tuple[str, str, str], Sequence[str]]


def report(
    summary: Summary,
    test_sets: Mapping[str, Pairs],
    answers: Answers,
    about: Mapping[str, Any],
    analyses: str,
    pictures: Mapping[str, str],
) -> str:
    """The whole report.

    Args:
        summary: see `henkan_experiments.analysis.summarize`.
        test_sets: the test set of each task.
        answers: (task, recipe, model) -> predictions for the test set, of the first seed.
        about: "command", "machine", "date", and "pairs": task -> sizes of the training set ("learnt") and test set
            ("asked"), and number of test pairs whose source is in the training set ("common").
        analyses: the part on why it works (`henkan_experiments.description`), or an empty string.
        pictures: task-recipe -> file name of the learning curves.
    """
    parts = [_head(about)]
    for task in TASK_NAMES:
        if task in summary:
            parts.append(_accuracy(task, summary[task], about["pairs"][task], pictures))
        if task == "addition" and task in summary:
            parts += [
                _comparison(summary[task], about["pairs"][task]),
                _examples(test_sets[task], answers),
                _difficult_sums(summary[task]),
                _mistakes(summary[task]),
            ]
    parts += [analyses, _seconds(summary)]
    return "\n".join(filter(None, parts))


def _head(about: Mapping[str, Any]) -> str:
    return (
        "# The article's experiment, repeated\n\n"
        "An LSTM encoder-decoder learns addition and date normalization from strings alone, in five variants: plain, "
        "with reversed sources, with a Peeky decoder (which receives the encoder's last hidden state at every step), "
        "with both, and with reversed sources and attention.\n\n"
        f"Created by `{about['command']}` on {about['date']}; {about['machine']}.\n"
    )


def _accuracy(task: str, recipes: Summary, pairs: Mapping[str, int], pictures: Mapping[str, str]) -> str:
    common = (
        f"{pairs['common']:,} of which are also in the training set"
        if pairs["common"]
        else "none of them also in the training set"
    )
    lines = [
        f"## Exact match: {task}\n",
        f"{pairs['learnt']:,} training pairs and {pairs['asked']:,} test pairs, {common}. Each model is evaluated with "
        f"the weights of its last epoch. Mean ± standard deviation (minimum to maximum) over {_seeds(recipes)}, in "
        "percent.\n",
    ]
    present = [recipe for recipe in RECIPES if recipe in recipes]
    heads = [part for recipe in present
             for part in (f"{recipe} recipe, {_counted(_epochs(recipes[recipe]), 'epoch')}", "parameters")]  # fmt: skip
    rows = []
    for model, title in MODEL_TITLES.items():
        if any(model in recipes[recipe] for recipe in present):
            cells = [
                (_spread(found), _parameters(found)) for found in (recipes[recipe].get(model) for recipe in present)
            ]
            rows.append([title, *(part for cell in cells for part in cell)])
    lines.append(table(["model", *heads], rows))
    drawn = [recipe for recipe in present if f"{task}-{recipe}" in pictures]
    if drawn:
        lines.append("Learning curves: mean over seeds, and a band from minimum to maximum.\n")
    lines += [f"![exact match by epoch, {recipe} recipe]({pictures[f'{task}-{recipe}']})\n" for recipe in drawn]
    return "\n".join(lines)


def _seeds(recipes: Summary) -> str:
    counts = sorted({figures["exact_match"]["n"] for models in recipes.values() for figures in models.values()})
    return _counted(counts[0], "seed") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _epochs(models: Summary) -> int:
    return len(next(iter(models.values()))["by_epoch"])


def _spread(figures: Summary | None) -> str:
    if figures is None:
        return "-"
    found = figures["exact_match"]
    sd = "" if found["sd"] is None else f" ± {100 * found['sd']:.2f}"
    return f"{100 * found['mean']:.2f}{sd} ({100 * found['least']:.2f} to {100 * found['most']:.2f})"


def _parameters(figures: Summary | None) -> str:
    return "-" if figures is None else f"{figures['weights']:,}"


def _comparison(recipes: Summary, pairs: Mapping[str, int]) -> str:
    """The book recipe's figures beside the published ones."""
    if "book" not in recipes:
        return ""
    models = {model: recipes["book"][model] for model in REPETITION if model in recipes["book"]}
    rows = [
        [
            MODEL_TITLES[model],
            _spread(figures),
            "{:.2f} ± {:.2f}".format(*(100 * number for number in REPETITION[model])),
            f"{100 * ARTICLE[model]:.2f}" if model in ARTICLE else "-",
            _difference(figures),
        ]
        for model, figures in models.items()
    ]
    return (
        "### Comparison with the article and with an independent repetition\n\n"
        'The book recipe is that of chapter 7 of Saito\'s "Deep Learning from Scratch 2". The article reports one '
        f"training run of two models; an independent repetition reports {REPETITION_SEEDS} runs of each of the four. "
        "The last column is our mean minus the repetition's, in standard errors of the difference.\n\n"
        + table(["model", "ours", "repetition, mean ± sd", "article", "difference"], rows)
        + f"\n{_conclusion(models, pairs)}\n"
    )


def _difference(figures: Summary) -> str:
    difference = figures.get("difference")
    return "-" if difference is None or not difference[1] else f"{difference[0] / difference[1]:+.1f}"


def _conclusion(models: Summary, pairs: Mapping[str, int]) -> str:
    epochs = FULL.epochs["addition", "book"]
    if _epochs(models) != epochs or pairs["learnt"] != PUBLISHED_TRAINING_PAIRS:
        return (
            f"The published figures are for {PUBLISHED_TRAINING_PAIRS:,} training pairs and {epochs} epochs and cannot "
            "be compared with these."
        )
    differences = {model: figures["difference"] for model, figures in models.items() if figures.get("difference")}
    if not differences:
        return "A single training run has no standard error, so the figures cannot be compared."
    far = [model for model, (difference, error) in differences.items() if abs(difference) > 2 * error]
    if not far:
        return "No mean differs from the repetition's by more than two standard errors of the difference."
    lines = [_deviation(model, models[model]) for model in far]
    return f"More than two standard errors from the repetition's mean:\n\n{bullets(lines)}"


def _deviation(model: str, figures: Summary) -> str:
    """What a mean that is far from the repetition's consists of."""
    published, matches = REPETITION[model], sorted(figures["by_seed"].values())
    middle = median(matches)
    outlier = max(range(len(matches)), key=lambda index: abs(matches[index] - middle))
    rest = Spread.of(matches[:outlier] + matches[outlier + 1 :])
    difference = mean_difference(rest, *published, REPETITION_SEEDS)
    in_errors = ""
    if difference is not None and difference[1]:
        in_errors = f" ({difference[0] / difference[1]:+.1f} standard errors)"
    means = [epoch["mean"] for epoch in figures["by_epoch"]]
    closest = min(range(len(means)), key=lambda epoch: abs(means[epoch] - published[0]))
    return (
        f"{MODEL_TITLES[model]} ({100 * figures['difference'][0]:+.1f} points). Its training runs reach "
        f"{enumerated([f'{100 * match:.1f}' for match in matches])} %; the median is {100 * middle:.1f}. Without the "
        f"run farthest from the median the mean is {100 * rest.mean:.1f}{in_errors}. Our mean is closest to the "
        f"repetition's after epoch {closest + 1} ({100 * means[closest]:.1f}).{_bimodality(matches, published[1])}"
    )


def _bimodality(matches: Sequence[float], sd: float) -> str:
    """Whether sorted figures form two groups whose distance is incompatible with the repetition's spread."""
    cut = max(range(1, len(matches)), key=lambda index: matches[index] - matches[index - 1])
    gap = matches[cut] - matches[cut - 1]
    if gap <= 2 * sd:
        return ""
    low, high = (
        f"{_counted(len(group), 'run')} from {100 * group[0]:.1f} to {100 * group[-1]:.1f}"
        for group in (matches[:cut], matches[cut:])
    )
    return (
        f" The runs form two groups, {low} and {high}. The gap is {gap / sd:.1f} of the repetition's standard "
        "deviations, so the repetition has runs of only one group. To see whether the groups come from the recipe or "
        "from henkan's implementation, compare with a textbook implementation of the same recipe: "
        "`benchmarks/repetition.py` in henkan's repository."
    )


def _examples(test: Pairs, answers: Answers) -> str:
    parts = []
    for recipe in RECIPES:
        by_model = {model: answers[key] for model in MODEL_SETTINGS if (key := ("addition", recipe, model)) in answers}
        if not by_model:
            continue
        rows = []
        for row in range(min(EXAMPLES, len(test))):
            source, target = test.sources[row], test.targets[row]
            marks = ["O" if given[row] == target else f"X {given[row] or '(nothing)'}" for given in by_model.values()]
            rows.append([source, target, *marks])
        header = ["question", "answer", *(MODEL_TITLES[model] for model in by_model)]
        parts.append(f"{recipe.capitalize()} recipe:\n\n" + table(header, rows))
    introduction = (
        "The first ten pairs of the test set, answered by the models of the first seed (O: correct, X: wrong)."
    )
    return f"### Ten examples\n\n{introduction}\n\n" + "\n".join(parts)


def _by_recipe(recipes: Summary) -> dict[str, dict[str, Summary]]:
    """Recipe -> model -> figures, in the order of the report."""
    return {
        recipe: {model: recipes[recipe][model] for model in MODEL_SETTINGS if model in recipes[recipe]}
        for recipe in RECIPES
        if recipe in recipes
    }


def _difficult_sums(recipes: Summary) -> str:
    parts = [
        "### Which sums are difficult\n",
        "Correct answers in percent, over all seeds. A carry occurs in each place where the digits and the incoming "
        "carry add up to more than nine.\n",
    ]
    kinds = {
        "by_carries": "carries",
        "by_digits": "digits of the longer number",
        "by_place": "digit of the answer",
    }
    for recipe, models in _by_recipe(recipes).items():
        for kind, title in kinds.items():
            names = list(dict.fromkeys(name for figures in models.values() for name in figures[kind]))
            rows = [[str(name), *(_percent(figures[kind].get(name)) for figures in models.values())] for name in names]
            parts.append(table([f"{recipe}: {title}", *(MODEL_TITLES[model] for model in models)], rows))
    return "\n".join(parts)


def _mistakes(recipes: Summary) -> str:
    parts = ["### What the wrong answers have in common\n"]
    for recipe, models in _by_recipe(recipes).items():
        names = next(iter(models.values()))["mistakes"]
        rows = [["wrong answers", *(f"{figures['mistakes']['wrong']:,}" for figures in models.values())]]
        for name in names:
            if name != "wrong":
                cells = [_share_of_mistakes(figures["mistakes"], name) for figures in models.values()]
                rows.append([f"{name}, %", *cells])
        parts.append(table([f"{recipe} recipe", *(MODEL_TITLES[model] for model in models)], rows))
    return "\n".join(parts)


def _share_of_mistakes(mistakes: Mapping[str, int], name: str) -> str:
    return f"{100 * mistakes[name] / mistakes['wrong']:.0f}" if mistakes["wrong"] else "-"


def _percent(counts: Sequence[int] | None) -> str:
    return "-" if counts is None else f"{100 * counts[0] / counts[1]:.1f}"


def _seconds(summary: Summary) -> str:
    rows = []
    for task, recipes in summary.items():
        for recipe, models in recipes.items():
            cells = []
            for model in MODEL_SETTINGS:
                found = models[model]["seconds"] if model in models else None
                cells.append("-" if found is None else _time(found))
            rows.append([f"{task}, {recipe}", *cells])
    return (
        "## Training time\n\nSeconds of updates, without evaluation, on one thread per training run: mean (minimum to "
        "maximum). Other programs may have been running on the machine.\n\n" + table(["", *MODEL_TITLES.values()], rows)
    )


def _time(seconds: Mapping[str, float]) -> str:
    mean, least, most = (f"{seconds[part]:.{0 if seconds['mean'] >= 10 else 1}f}" for part in ("mean", "least", "most"))
    return f"{mean} ({least} to {most})"
