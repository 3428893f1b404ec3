"""Sums to ask a model, with all that a probe may look for in them: their digits and their carries."""

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
    """The two numbers of 58+77, or whatever sum it is."""
    first, second = source.split("+")
    return int(first), int(second)


def checked_sums(pairs: Pairs, name: str) -> Pairs:
    """The pairs without white space around them, if each is a sum of two numbers and its true answer.

    Args:
        pairs: the source 58+77, the target 135.
        name: where they come from.

    Raises:
        DataError: if one of them is anything else.
    """
    found = []
    for source, target in zip(pairs.sources, pairs.targets, strict=True):
        asked, answer = source.strip(), target.strip()
        if not SUM.fullmatch(asked) or answer != str(sum(operands(asked))):
            raise DataError(
                f"{name}: {source!r} and {target!r} are not a sum of two numbers and its answer, such as '58+77' and "
                "'135'; give sums alone, or leave --train and --test out"
            )
        found.append((asked, answer))
    return Pairs.of(found)


@dataclass(frozen=True)
class Sums:
    """N sums of two numbers.

    Attributes:
        left, right: (N,) the numbers.
    """

    left: Array
    right: Array

    @classmethod
    def drawn(
        cls,
        count: int,
        generator: np.random.Generator,
        *,
        digits: tuple[int, int] = (3, 3),
        known: Collection[tuple[int, ...]] = (),
    ) -> Sums:
        """So many different sums of a number with so many digits and one with so many, all equally likely.

        Which of the two comes first is drawn as well. Of a sum and its mirror image (58+77 and 77+58) at most one is
        drawn: what is held out has no mirror image in what a probe learns from.

        Args:
            count: how many.
            generator: decides which.
            digits: of the two.
            known: what is not to be drawn, the smaller number first.
        """
        lows, highs = ([10 ** (number - shift) for number in digits] for shift in (1, 0))
        drawn: dict[tuple[int, ...], None] = {}  # in the order of drawing
        while len(drawn) < count:
            pairs = np.sort(generator.integers(lows, highs, (count, 2)), axis=1)
            drawn |= dict.fromkeys(pair for pair in map(tuple, pairs.tolist()) if pair not in known)
        pairs = np.array(list(drawn)[:count]).reshape(count, 2)
        left, right = generator.permuted(pairs, axis=1).T
        return cls(left, right)

    def __len__(self) -> int:
        return len(self.left)

    def take(self, rows: Array | slice) -> Sums:
        """Some of them."""
        return Sums(self.left[rows], self.right[rows])

    @property
    def sources(self) -> list[str]:
        """What a model is asked, such as 58+77."""
        return [f"{a}+{b}" for a, b in zip(self.left.tolist(), self.right.tolist(), strict=True)]

    @property
    def targets(self) -> list[str]:
        """The true answers, such as 135."""
        return [str(total) for total in (self.left + self.right).tolist()]

    def labels(self, digits: int = 3) -> dict[str, Array]:
        """What may be known of each sum, place by place.

        Args:
            digits: of the longer number; places are counted from the units, place 0.

        Returns:
            name -> (N,) integers, in reading order: the digits of both numbers (`left 2`, ..., `right 0`), the digits
            of the answer (`answer 3`, ..., `answer 0`) and the carries (`carry 1`: from the units into the tens). The
            carry out of the last place is the answer's first digit, and not named twice.
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
    """For each of N things another one of the same kind, or itself if there is none; nothing is chosen twice."""
    rows: dict[Hashable, list[int]] = {}
    for row, kind in enumerate(kinds):
        rows.setdefault(kind, []).append(row)
    other = np.arange(len(kinds))
    for each in rows.values():
        other[each] = np.roll(each, -1)
    return other
