"""Statistics over many training runs: means with their spread, and what wrong answers have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from math import sqrt
from statistics import mean, stdev
from typing import Any

from henkan.text.pairs import Pairs
from henkan_experiments.formatting import PLACES

ARTICLE = {"reversed": 0.5404, "both": 0.9828}
"""Exact match published in the article: one training run each, 25 epochs with the book's settings."""

REPETITION = {
    "plain": (0.0963, 0.0495),
    "reversed": (0.4002, 0.1216),
    "peeky": (0.2849, 0.0925),
    "both": (0.8940, 0.1876),
}
"""Mean and standard deviation published by an independent repetition with the same settings."""

REPETITION_SEEDS = 10
PUBLISHED_TRAINING_PAIRS = 45_000
"""Size of the training set in both publications."""

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Spread:
    """Summary statistics of a sample.

    Attributes:
        n: sample size. mean: the mean. least, most: minimum and maximum.
        sd: sample standard deviation; None for a single value.
    """

    n: int
    mean: float
    sd: float | None
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarize at least one value."""
        sd = stdev(values) if len(values) > 1 else None
        return cls(len(values), mean(values), sd, min(values), max(values))


def mean_difference(ours: Spread, mean: float, sd: float, n: int) -> tuple[float, float] | None:
    """Difference to another sample's mean, and its standard error (Welch); None if ours is a single value."""
    if ours.sd is None:
        return None
    return ours.mean - mean, sqrt(ours.sd**2 / ours.n + sd**2 / n)


@dataclass(frozen=True)
class SumFeatures:
    """What may make a sum difficult.

    Attributes:
        digits: number of digits of the longer operand. carries: number of carries. answer: the correct answer.
    """

    digits: int
    carries: int
    answer: str

    @classmethod
    def of(cls, source: str, answer: str) -> SumFeatures:
        """Analyse a pair such as `58+77` and `135`."""
        numbers = source.split("+")
        carry = carries = 0
        for pair in zip_longest(*(reversed(number) for number in numbers), fillvalue="0"):
            carry = int(sum(map(int, pair)) + carry > 9)
            carries += carry
        return cls(max(map(len, numbers)), carries, answer)


def correct_by(
    sums: Sequence[SumFeatures], answers: Sequence[str], key: Callable[[SumFeatures], int]
) -> dict[int, tuple[int, int]]:
    """Group sums by a key: value of the key -> (correct answers, sums)."""
    counts: dict[int, list[int]] = {}
    for features, answer in zip(sums, answers, strict=True):
        count = counts.setdefault(key(features), [0, 0])
        count[0] += answer == features.answer
        count[1] += 1
    return {value: (correct, total) for value, (correct, total) in sorted(counts.items())}


def correct_by_place(sums: Sequence[SumFeatures], answers: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Decimal place of the answer (units, tens, ...) -> (correct digits, correct answers that have this place)."""
    counts = {}
    for place, name in enumerate(PLACES, start=1):
        pairs = [(a.answer, b) for a, b in zip(sums, answers, strict=True) if len(a.answer) >= place]
        correct = sum(len(answer) >= place and answer[-place] == target[-place] for target, answer in pairs)
        if pairs:
            counts[name] = correct, len(pairs)
    return counts


def count_mistakes(sums: Sequence[SumFeatures], answers: Sequence[str]) -> dict[str, int]:
    """Number of wrong answers, and how many of them are of each kind."""
    wrong = [(each.answer, answer) for each, answer in zip(sums, answers, strict=True) if answer != each.answer]
    numbers = [(int(target), int(answer)) for target, answer in wrong if answer.isdecimal()]
    same_length = [(target, answer) for target, answer in wrong if len(target) == len(answer)]
    return {
        "wrong": len(wrong),
        "right length": len(same_length),
        "one digit wrong": sum(_wrong_digits(target, answer) == 1 for target, answer in same_length),
        "first digit right": sum(target[:1] == answer[:1] for target, answer in wrong),
        "off by one, ten, hundred or thousand": sum(abs(a - b) in (1, 10, 100, 1000) for a, b in numbers),
        "within ten of the truth": sum(abs(a - b) <= 10 for a, b in numbers),
        "no number": len(wrong) - len(numbers),
    }


def _wrong_digits(target: str, answer: str) -> int:
    return sum(a != b for a, b in zip(target, answer, strict=True))


def summarize(results: Sequence[Result], test_sets: Mapping[str, Pairs]) -> dict[str, Any]:
    """All statistics of an experiment: task -> recipe -> model -> figures.

    Args:
        results: of the completed training runs (`henkan_experiments.runs.run_training`).
        test_sets: the test set of each task.
    """
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result["task"], result["recipe"], result["model"]), []).append(result)
    sums = list(map(SumFeatures.of, test_sets["addition"].sources, test_sets["addition"].targets))
    summary: dict[str, Any] = {}
    for (task, recipe, model), group in groups.items():
        figures = _figures(group)
        if task == "addition":
            figures |= _addition_figures(sums, group)
            if recipe == "book" and model in REPETITION:
                ours = Spread.of([result["exact_match"] for result in group])
                figures["difference"] = mean_difference(ours, *REPETITION[model], REPETITION_SEEDS)
        summary.setdefault(task, {}).setdefault(recipe, {})[model] = figures
    return summary


def _figures(group: Sequence[Result]) -> dict[str, Any]:
    return {
        "exact_match": asdict(Spread.of([result["exact_match"] for result in group])),
        "by_seed": {str(result["seed"]): result["exact_match"] for result in group},
        "by_epoch": [
            asdict(Spread.of([epoch["exact_match"] for epoch in epochs]))
            for epochs in zip(*(result["epochs"] for result in group), strict=True)
        ],
        "seconds": asdict(Spread.of([result["seconds"] for result in group])),
        "weights": group[0]["weights"],
    }


def _addition_figures(sums: Sequence[SumFeatures], group: Sequence[Result]) -> dict[str, Any]:
    all_sums, answers = [*sums] * len(group), [answer for result in group for answer in result["answers"]]
    return {
        "by_carries": correct_by(all_sums, answers, lambda features: features.carries),
        "by_digits": correct_by(all_sums, answers, lambda features: features.digits),
        "by_place": correct_by_place(all_sums, answers),
        "mistakes": count_mistakes(all_sums, answers),
    }
