"""What many trainings show together: means with their spread, and what the wrong answers have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from math import sqrt
from statistics import mean, stdev
from typing import Any

from henkan.text.pairs import Pairs
from henkan_experiments.words import PLACES

ARTICLE = {"reversed": 0.5404, "both": 0.9828}
"""Exact match that the article tells of: one training each, 25 epochs by the book's settings."""

REPETITION = {
    "plain": (0.0963, 0.0495),
    "reversed": (0.4002, 0.1216),
    "peeky": (0.2849, 0.0925),
    "both": (0.8940, 0.1876),
}
"""Mean and standard deviation of a third party's ten trainings by the same settings."""

REPETITION_SEEDS = 10
LEARNT = 45_000
"""Pairs that both learnt from."""

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Spread:
    """Several figures of one kind.

    Attributes:
        n: how many. mean, least, most. sd: the standard deviation of a sample, or None of one alone.
    """

    n: int
    mean: float
    sd: float | None
    least: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """The spread of some figures, at least one."""
        sd = stdev(figures) if len(figures) > 1 else None
        return cls(len(figures), mean(figures), sd, min(figures), max(figures))


def differs(ours: Spread, other_mean: float, other_sd: float, other_n: int) -> tuple[float, float] | None:
    """How far two means are apart, and the standard error of their difference (Welch); None without a spread."""
    if ours.sd is None:
        return None
    return ours.mean - other_mean, sqrt(ours.sd**2 / ours.n + other_sd**2 / other_n)


@dataclass(frozen=True)
class Sum:
    """A sum that was asked, taken apart.

    Attributes:
        digits: of the longer number. carries: how often one is carried.
        answer: the true one.
    """

    digits: int
    carries: int
    answer: str

    @classmethod
    def of(cls, source: str, answer: str) -> Sum:
        """`58+77` and `135`."""
        numbers = source.split("+")
        carry = carries = 0
        for pair in zip_longest(*(reversed(number) for number in numbers), fillvalue="0"):
            carry = int(sum(map(int, pair)) + carry > 9)
            carries += carry
        return cls(max(map(len, numbers)), carries, answer)


def shares(sums: Sequence[Sum], answers: Sequence[str], key: Callable[[Sum], int]) -> dict[int, tuple[int, int]]:
    """What `key` says -> (right answers, sums), for all that it says."""
    counts: dict[int, list[int]] = {}
    for asked, answer in zip(sums, answers, strict=True):
        count = counts.setdefault(key(asked), [0, 0])
        count[0] += answer == asked.answer
        count[1] += 1
    return {name: (right, all_of) for name, (right, all_of) in sorted(counts.items())}


def by_place(sums: Sequence[Sum], answers: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Place of the answer (units, tens, ...; a million at most) -> (right digits, answers that have the place)."""
    found = {}
    for place, name in enumerate(PLACES, start=1):
        having = [(a.answer, b) for a, b in zip(sums, answers, strict=True) if len(a.answer) >= place]
        right = sum(len(given) >= place and given[-place] == true[-place] for true, given in having)
        if having:
            found[name] = right, len(having)
    return found


def mistakes(sums: Sequence[Sum], answers: Sequence[str]) -> dict[str, int]:
    """What the wrong answers have in common: how many there are, and how many of them are of each kind."""
    wrong = [(asked.answer, answer) for asked, answer in zip(sums, answers, strict=True) if answer != asked.answer]
    numbers = [(int(true), int(given)) for true, given in wrong if given.isdecimal()]
    same = [(true, given) for true, given in wrong if len(true) == len(given)]
    return {
        "wrong": len(wrong),
        "right length": len(same),
        "one digit wrong": sum(_wrong_digits(true, given) == 1 for true, given in same),
        "first digit right": sum(true[:1] == given[:1] for true, given in wrong),
        "off by one, ten, hundred or thousand": sum(abs(a - b) in (1, 10, 100, 1000) for a, b in numbers),
        "within ten of the truth": sum(abs(a - b) <= 10 for a, b in numbers),
        "no number": len(wrong) - len(numbers),
    }


def _wrong_digits(true: str, given: str) -> int:
    return sum(a != b for a, b in zip(true, given, strict=True))


def summarize(results: Sequence[Result], asked: Mapping[str, Pairs]) -> dict[str, Any]:
    """All figures of an experiment, for each task, recipe and model that has a result.

    Args:
        results: of the trainings that are done.
        asked: for each task the pairs that were asked.
    """
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result["task"], result["recipe"], result["model"]), []).append(result)
    sums = list(map(Sum.of, asked["addition"].sources, asked["addition"].targets))
    found: dict[str, Any] = {}
    for (task, recipe, model), group in groups.items():
        figures: dict[str, Any] = {
            "exact_match": asdict(Spread.of([result["exact_match"] for result in group])),
            "by_seed": {str(result["seed"]): result["exact_match"] for result in group},
            "by_epoch": [
                asdict(Spread.of([epoch["exact_match"] for epoch in epochs]))
                for epochs in zip(*(result["epochs"] for result in group), strict=True)
            ],
            "seconds": asdict(Spread.of([result["seconds"] for result in group])),
            "weights": group[0]["weights"],
        }
        if task == "addition":
            all_sums, answers = sums * len(group), [answer for result in group for answer in result["answers"]]
            figures |= {
                "by_carries": shares(all_sums, answers, lambda each: each.carries),
                "by_digits": shares(all_sums, answers, lambda each: each.digits),
                "by_place": by_place(all_sums, answers),
                "mistakes": mistakes(all_sums, answers),
            }
            if recipe == "book" and model in REPETITION:
                figures["difference"] = differs(
                    Spread.of([result["exact_match"] for result in group]), *REPETITION[model], REPETITION_SEEDS
                )
        found.setdefault(task, {}).setdefault(recipe, {})[model] = figures
    return found
