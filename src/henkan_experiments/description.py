"""The part of the report on `run_experiments`: introduction and sections."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from henkan_experiments.formatting import PICTURES, SIGNIFICANT, Results
from henkan_experiments.sections.fading import describe_fading
from henkan_experiments.sections.length import describe_length
from henkan_experiments.sections.probes import describe_probes
from henkan_experiments.sections.saliency import describe_saliency

TITLE = "## Why does it work? Three small analyses"
INTRODUCTION = (
    TITLE,
    "All sums in these analyses have two three-digit numbers, so that a source position has the same meaning in each "
    "of them. Neither a sum nor its mirror image is in the training set. The models are those trained with the modern "
    "recipe, with the weights of their best epoch, as `henkan train` saves them.",
)
ONE_RUN = (
    "Each row is one trained model; ± is a standard error over sums and does not include the variation between "
    "training runs."
)
SEVERAL_RUNS = "Each row is the mean of {} training runs; ± is a standard error over training runs and sums."
ENOUGH_RUNS = 5
FEW_RUNS = " With so few training runs this standard error is itself uncertain: read the comparisons as tentative."
SIGNIFICANCE = f"Two numbers are called different if they are more than {SIGNIFICANT:g} standard errors apart."

SECTIONS: Mapping[str, Callable[[Results, Sequence[str]], Iterable[str]]] = {
    "saliency.svg": describe_saliency,
    "fading.svg": describe_fading,
    "probes.svg": describe_probes,
    "length.svg": describe_length,
}
"""Picture -> the function that turns results and available pictures into paragraphs."""


def describe_experiments(results: Results, pictures: Collection[str] = PICTURES) -> str:
    """The analyses in Markdown.

    Args:
        results: of `run_experiments`, for at least one model.
        pictures: names of the files that exist beside the report; others are not shown.
    """
    counts = results["trainings"].values()
    least, most = min(counts), max(counts)
    runs = SEVERAL_RUNS.format(most if least == most else f"{least} to {most}") if most > 1 else ONE_RUN
    few = FEW_RUNS if 1 < most < ENOUGH_RUNS else ""
    paragraphs = [*INTRODUCTION, f"{runs} {SIGNIFICANCE}{few}"]
    for picture, describe in SECTIONS.items():
        paragraphs += describe(results[picture.removesuffix(".svg")], [picture] if picture in pictures else [])
    return "\n\n".join(paragraph.rstrip("\n") for paragraph in paragraphs) + "\n"
