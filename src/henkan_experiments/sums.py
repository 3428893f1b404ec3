"""Sums to evaluate models on, with the labels that a probe may predict: digits and carries."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from henkan.errors import DataError
from henkan.text.arrays import Array
from henkan.text.pairs import Pairs

SUM = re.compile(r"[0-9]+\+[0-9]+")


def operands(source: str) -> tuple[int, int]:
    """The two numbers of a sum such as 58+77."""
    first, second = source.split("+")
    return int(first), int(second)


def checked_sums(pairs: Pairs, name: str) -> Pairs:
    """Strip white space, and check that each pair is a sum of two numbers with its correct answer.

    Args:
        pairs: sources such as 58+77, targets such as 135.
        name: where they come from, for the error message.

    Raises:
        DataError: if a pair is anything else.
    """
    checked = []
    for source, target in zip(pairs.sources, pairs.targets, strict=True):
        question, answer = source.strip(), target.strip()
        if not SUM.fullmatch(question) or answer != str(sum(operands(question))):
            raise DataError(
                f"{name}: {source!r} and {target!r} are not a sum of two numbers and its answer, such as '58+77' and "
                "'135'; use files that contain only sums, or leave out --train and --test"
            )
        checked.append((question, answer))
    return Pairs.of(checked)


@dataclass(frozen=True)
class Sums:
    """N sums of two numbers.

    Attributes:
        left, right: (N,) the operands.
    """

    left: Array
    right: Array

    @classmethod
    def sample(
        cls,
        count: int,
        generator: np.random.Generator,
        *,
        digits: tuple[int, int] = (3, 3),
        exclude: Collection[tuple[int, ...]] = (),
    ) -> Sums:
        """Sample different sums uniformly, with operands in random order.

        Of a sum and its mirror image (58+77 and 77+58) at most one is sampled, so that no held-out sum has its mirror
        image among the sums that a probe is fitted to.

        Args:
            count: number of sums.
            generator: source of randomness.
            digits: number of digits of the two operands.
            exclude: pairs of operands that are not sampled, each with the smaller one first.
        """
        lows, highs = ([10 ** (number - shift) for number in digits] for shift in (1, 0))
        sampled: dict[tuple[int, ...], None] = {}  # a dictionary keeps the order of sampling
        while len(sampled) < count:
            pairs = np.sort(generator.integers(lows, highs, (count, 2)), axis=1)
            sampled |= dict.fromkeys(pair for pair in map(tuple, pairs.tolist()) if pair not in exclude)
        pairs = np.array(list(sampled)[:count]).reshape(count, 2)
        left, right = generator.permuted(pairs, axis=1).T
        return cls(left, right)

    def __len__(self) -> int:
        return len(self.left)

    def take(self, rows: Array | slice) -> Sums:
        """A subset."""
        return Sums(self.left[rows], self.right[rows])

    @property
    def sources(self) -> list[str]:
        """EvaluationSet such as 58+77."""
        return [f"{a}+{b}" for a, b in zip(self.left.tolist(), self.right.tolist(), strict=True)]

    @property
    def targets(self) -> list[str]:
        """Correct answers such as 135."""
        return [str(total) for total in (self.left + self.right).tolist()]

    def labels(self, digits: int = 3) -> dict[str, Array]:
        """Labels of each sum for every decimal place.

        Args:
            digits: number of digits of the longer operand. Places are counted from the units, place 0.

        Returns:
            name -> (N,) integers, in reading order: the digits of both operands (`left 2`, ..., `right 0`), the digits
            of the answer (`answer 3`, ..., `answer 0`) and the carries (`carry 1`: from the units into the tens). The
            carry out of the highest place is the answer's first digit and has no label of its own.
        """
        labels: dict[str, Array] = {}
        for name, number, places in (
            ("left", self.left, digits),
            ("right", self.right, digits),
            ("answer", self.left + self.right, digits + 1),
        ):
            labels |= {f"{name} {place}": number // 10**place % 10 for place in reversed(range(places))}
        for place in reversed(range(1, digits)):
            unit = 10**place
            labels[f"carry {place}"] = (self.left % unit + self.right % unit) // unit
        return labels


def partners(kinds: Sequence[Hashable]) -> Array:
    """(N,) for each item the index of another item of the same kind, or its own if there is none; a permutation."""
    rows: dict[Hashable, list[int]] = {}
    for row, kind in enumerate(kinds):
        rows.setdefault(kind, []).append(row)
    other = np.arange(len(kinds))
    for indices in rows.values():
        other[indices] = np.roll(indices, -1)
    return other
