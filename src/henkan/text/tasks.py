"""Tasks that make their own pairs. To add one, write it here and name it in `TASKS`.

Every task draws pairs one after another, never the same twice, so that whoever goes on drawing gets pairs
that were not among the first. Where all pairs can be listed, "drawing until n different ones have come" is
done exactly and at once: give each pair an exponential waiting time with its probability as rate, and take
the pairs in the order of their times (Efraimidis & Spirakis 2006).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Any

import numpy as np

from henkan.errors import DataError
from henkan.text.arrays import Array
from henkan.text.pairs import Pairs


@dataclass(frozen=True)
class Task:
    """A source of pairs.

    Attributes:
        name: as the command line has it.
        description: one line.
        example: a source and its target.
        available: how many different pairs exist.
        count: how many are made unless another number is asked for.
        draw: generator -> pairs, endless or until all have come.
        settings: what a model of this task is trained with by default, where it differs from henkan's own.
    """

    name: str
    description: str
    example: tuple[str, str]
    available: int
    count: int
    draw: Callable[[np.random.Generator], Iterator[tuple[str, str]]]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def generate(self, count: int | None = None, seed: int = 0, *, skip: int = 0) -> Pairs:
        """So many pairs, all different, decided by the seed and in an order that tells nothing.

        Args:
            count: how many; None: the task's own number.
            seed: decides which.
            skip: leave out those that `generate(skip, seed)` gives.

        Raises:
            DataError: if more are asked for than exist.
        """
        wanted = self.count if count is None else count
        if wanted < 1:
            raise DataError(f"{wanted} pairs cannot be made; ask for at least one")
        if skip + wanted > self.available:
            raise DataError(f"{self.name} has {self.available} different pairs; ask for at most so many")
        drawn = self.draw(np.random.default_rng([seed, 0]))
        pairs = Pairs.of(islice(drawn, skip, skip + wanted))
        # Likelier pairs are drawn early; shuffled, the first ten are as good a sample as any.
        return pairs.take(np.random.default_rng([seed, 2]).permutation(wanted).tolist())


def find_task(name: str) -> Task:
    """The task of that name.

    Raises:
        DataError: if there is none.
    """
    if name not in TASKS:
        raise DataError(f"there is no task {name!r}; the tasks are {', '.join(TASKS)}")
    return TASKS[name]


# --- arithmetic ----------------------------------------------------------------------------------------


def _arithmetic(
    sign: str, digits: int, compute: Callable[[int, int], int]
) -> Callable[[np.random.Generator], Iterator[tuple[str, str]]]:
    """Draws of `a sign b`: each operand's digit count is even among 1 to `digits`, then its value.

    Unordered pairs {a, b} come once, in one of their two orders: no question has its mirror image among
    the others.
    """
    values = 10**digits

    def draw(generator: np.random.Generator) -> Iterator[tuple[str, str]]:
        lengths = np.array([len(str(value)) for value in range(values)])
        probability = 1 / (digits * np.bincount(lengths)[lengths])
        a, b = np.triu_indices(values)
        weights = probability[a] * probability[b] * np.where(a == b, 1, 2)
        order = _in_order_of_drawing(weights, generator)
        swap = generator.random(len(order)) < 0.5
        left, right = np.where(swap, b[order], a[order]), np.where(swap, a[order], b[order])
        for x, y in zip(left.tolist(), right.tolist(), strict=True):
            yield f"{x}{sign}{y}", str(compute(x, y))

    return draw


def _in_order_of_drawing(weights: Array, generator: np.random.Generator) -> Array:
    """The order in which items first come when drawn again and again with probabilities ~ weights."""
    waits = generator.exponential(size=len(weights)) / weights
    return np.argsort(waits, kind="stable")


# --- dates ---------------------------------------------------------------------------------------------

FIRST_DAY, LAST_DAY = date(1950, 1, 1), date(2049, 12, 31)  # so that a year of two digits means one year

MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()  # noqa: SIM905

# {d} day, {m} month, {y} year; {dd} {mm} {yy} with two digits; {month} {weekday} in full, {mon} {day} short;
# {th} the ordinal's ending. Slashes put the month first, dots and dashes the day first: each text means one day.
LAYOUTS = (
    "{m}/{d}/{y}",
    "{mm}/{dd}/{y}",
    "{m}/{d}/{yy}",
    "{mm}/{dd}/{yy}",
    "{d}.{m}.{y}",
    "{dd}.{mm}.{y}",
    "{d}.{m}.{yy}",
    "{dd}.{mm}.{yy}",
    "{d}-{m}-{y}",
    "{dd}-{mm}-{y}",
    "{y}/{m}/{d}",
    "{y}/{mm}/{dd}",
    "{y}.{m}.{d}",
    "{y}{mm}{dd}",
    "{y}年{m}月{d}日",
    "{d} {month} {y}",
    "{d} {mon} {y}",
    "{dd} {mon} {y}",
    "{dd}-{mon}-{y}",
    "{d}-{mon}-{yy}",
    "{d}{th} {month} {y}",
    "{d}{th} of {month} {y}",
    "the {d}{th} of {month}, {y}",
    "{month} {d}, {y}",
    "{month} {d}{th}, {y}",
    "{month} {d} {y}",
    "{mon} {d}, {y}",
    "{mon} {dd} {y}",
    "{mon} {d}, '{yy}",
    "{y} {month} {d}",
    "{y}-{mon}-{dd}",
    "{weekday}, {month} {d}, {y}",
    "{weekday}, {d} {month} {y}",
    "{weekday} {d}{th} {month} {y}",
    "{day}, {mon} {d}, {y}",
    "{day} {d} {mon} {y}",
    "{day}, {dd} {mon} {y}",
    "{day} {m}/{d}/{yy}",
)
CASES: tuple[Callable[[str], str], ...] = (str, str.lower, str.upper)


def _write_date(day: date, layout: str) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10 if day.day not in (11, 12, 13) else 0, "th")
    month, weekday = MONTHS[day.month - 1], WEEKDAYS[day.weekday()]
    return layout.format(
        d=day.day, dd=f"{day.day:02}", m=day.month, mm=f"{day.month:02}", y=day.year, yy=f"{day.year % 100:02}",
        month=month, mon=month[:3], weekday=weekday, day=weekday[:3], th=ending,
    )  # fmt: skip


def _draw_dates(generator: np.random.Generator) -> Iterator[tuple[str, str]]:
    """A day and a layout at a time, each evenly, half of them in lower or upper case; a text comes once."""
    shape = ((LAST_DAY - FIRST_DAY).days + 1, len(LAYOUTS), len(CASES))
    order = _in_order_of_drawing(np.broadcast_to([0.5, 0.25, 0.25], shape).reshape(-1), generator)
    seen: set[str] = set()  # without letters, a text is the same in every case
    for place in order:
        offset, layout, case = np.unravel_index(place, shape)
        day = FIRST_DAY + timedelta(days=int(offset))
        text = CASES[case](_write_date(day, LAYOUTS[layout]))
        if text not in seen:
            seen.add(text)
            yield text, day.isoformat()


# --- strings -------------------------------------------------------------------------------------------

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LONGEST_WORD = 10


def _draw_reversals(generator: np.random.Generator) -> Iterator[tuple[str, str]]:
    """A length evenly from 1 to 10, then letters evenly; a word comes once."""
    seen: set[str] = set()
    while True:
        lengths = generator.integers(1, LONGEST_WORD + 1, size=4096)
        letters = generator.integers(len(LETTERS), size=(4096, LONGEST_WORD))
        for length, row in zip(lengths.tolist(), letters.tolist(), strict=True):
            word = "".join(LETTERS[letter] for letter in row[:length])
            if word not in seen:
                seen.add(word)
                yield word, word[::-1]


TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="addition",
            description="sums of two numbers of one to three digits",
            example=("77+85", "162"),
            available=1000 * 1001 // 2,
            count=50_000,
            draw=_arithmetic("+", 3, lambda a, b: a + b),
            settings={"reverse": True, "peeky": True, "embedding_size": 16, "hidden_size": 128},  # the article's
        ),
        Task(
            name="subtraction",
            description="differences of two numbers of one to three digits, some of them negative",
            example=("77-85", "-8"),
            available=1000 * 1001 // 2,
            count=50_000,
            draw=_arithmetic("-", 3, lambda a, b: a - b),
        ),
        Task(
            name="multiplication",
            description="products of two numbers of one or two digits",
            example=("7*85", "595"),
            available=100 * 101 // 2,
            count=5_050,
            draw=_arithmetic("*", 2, lambda a, b: a * b),
        ),
        Task(
            name="dates",
            description="many ways of writing a date, to ISO 8601",
            example=("Thursday, November 13, 2008", "2008-11-13"),
            available=2_926_725,
            count=50_000,
            draw=_draw_dates,
        ),
        Task(
            name="reversal",
            description="words of one to ten letters, to the same word backwards",
            example=("henkan", "naknehl"),
            available=sum(len(LETTERS) ** length for length in range(1, LONGEST_WORD + 1)),
            count=20_000,
            draw=_draw_reversals,
            settings={"epochs": 40},  # ten letters to be carried across: 22 epochs answer 96 %, 40 answer 99 %
        ),
    )
}
