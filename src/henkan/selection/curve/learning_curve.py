"""Learning curves: how exact match grows with the number of pairs, and what more pairs would give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from math import log2, sqrt
from typing import Any

import numpy as np

from henkan.errors import SettingsError
from henkan.selection.curve.fit import MIN_SIZES, CurveFit, Expected, fit_curve, noise
from henkan.selection.curve.kept import KeptMeasurements
from henkan.selection.curve.measuring import Measurement
from henkan.selection.curve.measuring_many import Measured, measure_all
from henkan.selection.curve.plan import FRACTIONS, MIN_SOURCES, SEEDS, CurvePlan, plan_curve
from henkan.selection.processes import default_jobs
from henkan.text.pairs import Pairs
from henkan.training.choice import Wanted

DEVIATIONS = 1.96
"""Standard deviations of the normal distribution on either side of its mean that have 95 % of it."""

SURE = 2.58
"""The same for 99 %: a fall of exact match by more than this is not chance."""


@dataclass(frozen=True)
class Point:
    """The models of one size.

    Attributes:
        sources: number of distinct training sources.
        pairs: number of training pairs, as the mean of the models.
        models: number of models, each trained on another subset and with another seed. With all sources, only the seeds
            differ.
        exact_match: mean share of the validation sources that are predicted correctly, from 0 to 1.
        deviation: standard deviation of the exact match between the models; None for a single model.
        low, high: bounds of the 95 % interval of the mean, for other models and other validation sources.
        symbol_error_rate: mean number of edit operations per target symbol.
    """

    sources: int
    pairs: int
    models: int
    exact_match: float
    deviation: float | None
    low: float
    high: float
    symbol_error_rate: float


@dataclass(frozen=True)
class LearningCurve:
    """Exact match by the number of training sources.

    `str` returns a table and what can be expected from twice the data.

    Attributes:
        points: the sizes, in increasing order.
        validation: number of distinct sources that the models were evaluated on.
        fit: the fitted curve, or None.
        expected: what it predicts for twice the largest size, or None.
        reason: why nothing can be said about twice the data; empty if `expected` is given.
        left_out: number of sizes that were too small to train on.
        missing: number of models that were not trained because the run was interrupted.
        sources: number of distinct sources of all pairs; None: as many as in the largest size.
    """

    points: Sequence[Point]
    validation: int
    fit: CurveFit | None
    expected: Expected | None
    reason: str
    left_out: int = 0
    missing: int = 0
    sources: int | None = None

    @property
    def doubled(self) -> str:
        """What is twice the largest size, in words."""
        return "twice the data" if _is_all(self.points, self.sources) else "twice the largest size"

    def __str__(self) -> str:
        from henkan.selection.curve.text import sentences, table

        return "\n".join([*table(self), "", *sentences(self)])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        from henkan.selection.curve.html import curve_html

        return curve_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Convert the curve to JSON values. Rates are from 0 to 1."""
        fitted = None
        if self.fit is not None:
            names = ("limit", "exponent", "odds", "start", "largest")
            fitted = {name: getattr(self.fit, name) for name in names}
        return {
            "points": [asdict(each) for each in self.points],
            "validation_sources": self.validation,
            "error_of_curve": fitted,
            "twice_the_data": None if self.expected is None else asdict(self.expected),
            "reason": self.reason,
            "sizes_left_out": self.left_out,
            "models_missing": self.missing,
        }


def learning_curve(
    pairs: Pairs,
    validation: Pairs,
    wanted: Wanted | None = None,
    *,
    lexicon: bool = False,
    fractions: Sequence[float] = FRACTIONS,
    seeds: int = SEEDS,
    jobs: int | None = None,
    kept: KeptMeasurements | None = None,
    report: Callable[[Measured], None] | None = None,
) -> LearningCurve:
    """Train models on nested random subsets of some pairs, evaluate them, and fit a curve to their exact match.

    >>> from henkan.selection.curve.learning_curve import learning_curve
    >>> from henkan.text.pairs import Pairs
    >>> from henkan.training.choice import Wanted
    >>> words = [a + b for a in "abcdefgh" for b in "abcdefgh"]
    >>> pairs = Pairs(words, [word.upper() for word in words])
    >>> wanted = Wanted({"epochs": 1, "hidden_size": 8}, "modern")
    >>> curve = learning_curve(pairs.take(range(60)), pairs.take(range(60, 64)), wanted, seeds=1, jobs=1)
    >>> [point.sources for point in curve.points]
    [15, 30, 60]

    Args:
        pairs: the training pairs.
        validation: the validation pairs, the same for all models.
        wanted: the given settings; others are chosen by the pairs as in `henkan.Seq2Seq`. None: all are.
        lexicon: whether the pairs are from a pronunciation lexicon.
        fractions: sizes of the subsets as fractions of the distinct sources, above 0 and at most 1. Sizes of fewer than
            10 sources are left out.
        seeds: number of subsets and models of each size.
        jobs: number of models to train at the same time, in processes of their own; 1: in this process. None: the
            number of cores. With several processes, a script needs `if __name__ == "__main__":`.
        kept: measurements of earlier calls, to which new ones are added, so that an interrupted call continues.
        report: called after each model.

    Raises:
        DataError: if all sizes are too small, or validation sources are also training sources.
        SettingsError: if an argument is invalid.
    """
    check_sizes(fractions, seeds)
    wanted = Wanted({"target_symbols": None}) if wanted is None else wanted
    plan = plan_curve(pairs, validation, wanted, lexicon=lexicon, fractions=fractions, seeds=seeds)
    return measured_curve(plan, jobs=jobs, kept=kept, report=report)


def measured_curve(
    plan: CurvePlan,
    *,
    jobs: int | None = None,
    kept: KeptMeasurements | None = None,
    report: Callable[[Measured], None] | None = None,
) -> LearningCurve:
    """Train and measure the models of a plan, and fit a curve; see `learning_curve` for the arguments."""
    jobs = default_jobs() if jobs is None else jobs
    return curve_of(plan, dict(enumerate(measure_all(plan.runs, jobs=jobs, kept=kept, report=report))))


def check_sizes(fractions: Sequence[float], seeds: int) -> None:
    """Check the sizes and the number of models of each.

    Raises:
        SettingsError: if they are invalid.
    """
    if not fractions or not all(0 < each <= 1 for each in fractions):
        raise SettingsError("fractions must be one or more numbers above 0 and at most 1", argument="fractions")
    if seeds < 1:
        raise SettingsError(f"seeds must be at least 1, not {seeds}", argument="seeds")


def curve_of(plan: CurvePlan, measurements: dict[int, Measurement]) -> LearningCurve:
    """Evaluate the models of a plan that were measured so far.

    Args:
        plan: the plan.
        measurements: number of a model in the plan -> its measurement.
    """
    found = {size: [number for number in plan.numbers_of(size) if number in measurements] for size in plan.sizes}
    found = {size: numbers for size, numbers in found.items() if numbers}
    matches = [[measurements[number].exact_match for number in numbers] for numbers in found.values()]
    validation = len(next(iter(measurements.values())).correct) if measurements else 0
    variance = noise(matches, validation) if measurements else 0.0
    points = [
        _point(
            size,
            [len(plan.runs[number].pairs) for number in numbers],
            [measurements[each] for each in numbers],
            variance,
        )
        for size, numbers in found.items()
    ]
    reason, missing = _why_not(points, variance, plan.sources), len(plan.runs) - len(measurements)
    curve = LearningCurve(points, validation, None, None, reason, plan.left_out, missing, plan.sources)
    if reason:
        return curve
    fitted = fit_curve(list(found), matches, validation)
    return replace(curve, fit=fitted, expected=fitted.expected(2 * fitted.largest))


def _point(sources: int, pairs: Sequence[int], measurements: Sequence[Measurement], variance: float) -> Point:
    """Summarise the models of one size.

    Args:
        sources: number of distinct sources.
        pairs: number of pairs of each model.
        measurements: the models.
        variance: variance of the exact match p between models, divided by p (1 - p).
    """
    matches = [each.exact_match for each in measurements]
    models, mean = len(matches), float(np.mean(matches))
    correct = np.array([[symbol == "1" for symbol in each.correct] for each in measurements], float)
    count = correct.shape[1]
    sampling = float(correct.mean(0).var()) / count  # of the mean, between validation sources
    low, high = _wilson(mean, count, sampling + variance / models * mean * (1 - mean))
    return Point(
        sources,
        round(float(np.mean(pairs))),
        models,
        mean,
        float(np.std(matches, ddof=1)) if models > 1 else None,
        low,
        high,
        float(np.mean([each.symbol_error_rate for each in measurements])),
    )


def _wilson(share: float, count: int, variance: float) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927).

    Args:
        share: the share.
        count: number of sources.
        variance: variance of the share; if it is 0, that of a share of independent sources.
    """
    size = share * (1 - share) / variance if variance > 0 else count
    z = DEVIATIONS**2 / size
    middle = (share + z / 2) / (1 + z)
    half = sqrt(z * share * (1 - share) + z**2 / 4) / (1 + z)
    return max(0.0, middle - half), min(1.0, middle + half)


def _is_all(points: Sequence[Point], sources: int | None) -> bool:
    """Whether the largest size has all sources."""
    return not points or sources is None or points[-1].sources >= sources


def _why_not(points: Sequence[Point], variance: float, sources: int) -> str:
    """Return why nothing can be said about more data; empty if it can."""
    if len(points) < MIN_SIZES:
        return f"a curve needs at least {MIN_SIZES} sizes of {MIN_SOURCES} or more distinct sources"
    last, most = points[-1], "all of the data" if _is_all(points, sources) else "the largest size"
    if last.exact_match == 1:
        return f"all predictions are correct with {most}, so there is nothing left to gain on this validation set"
    if last.exact_match == 0:
        return f"no prediction is correct, even with {most}"
    for before, after in pairwise(points):
        if before.exact_match - after.exact_match > SURE * _difference(before, after, variance):
            return (
                f"exact match falls from {before.exact_match:.1%} ({before.sources:,} sources) to "
                f"{after.exact_match:.1%} ({after.sources:,} sources), which no learning curve describes"
            )
    *gains, last_gain = [_gain(*each) for each in pairwise(points)]
    if last_gain - max(gains) > SURE * sum(_difference(*each, variance) for each in pairwise(points[-3:])):
        return (
            f"exact match still grows faster with each doubling (from {points[-2].exact_match:.1%} to "
            f"{last.exact_match:.1%} with the last), so more data will help, but it cannot be estimated how much"
        )
    best = min(points, key=lambda each: each.exact_match)
    if last.exact_match - best.exact_match <= SURE * _difference(best, last, variance):
        return "exact match does not grow with the amount of data by more than the differences between models"
    return ""


def _gain(before: Point, after: Point) -> float:
    """Return the gain in exact match from one size to the next, per doubling."""
    return (after.exact_match - before.exact_match) / log2(after.sources / before.sources)


def _difference(one: Point, other: Point, variance: float) -> float:
    """Return the standard deviation of the difference of two means between models, on the same validation set."""
    parts = [max(each.exact_match * (1 - each.exact_match), 1e-3) * variance / each.models for each in (one, other)]
    return sqrt(sum(parts))
