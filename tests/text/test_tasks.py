import re
from collections import Counter
from datetime import date

import pytest

from henkan.errors import DataError
from henkan.text.tasks import CASES, LAYOUTS, TASKS, _write_date, find_task

SIGNS = {"addition": "+", "subtraction": "-", "multiplication": "*"}
COMPUTE = {"addition": int.__add__, "subtraction": int.__sub__, "multiplication": int.__mul__}


@pytest.mark.parametrize("name", TASKS)
def test_pairs_are_distinct_and_depend_on_the_seed(name):
    task = TASKS[name]
    pairs = task.generate(500, seed=3)
    assert len(set(pairs.sources)) == 500
    assert task.generate(500, seed=3) == pairs
    assert task.generate(500, seed=4) != pairs


@pytest.mark.parametrize("name", TASKS)
def test_skipped_pairs_are_not_generated_again(name):
    task = TASKS[name]
    first, more = task.generate(400, seed=1), task.generate(300, seed=1, skip=400)
    assert not set(first.sources) & set(more.sources)
    both = sorted([*first.sources, *more.sources])
    assert both == sorted(task.generate(700, seed=1).sources)


@pytest.mark.parametrize("name", TASKS)
def test_too_many_pairs_are_refused_with_the_number_available(name):
    task = TASKS[name]
    with pytest.raises(DataError, match=f"{task.available} distinct pairs"):
        task.generate(task.available + 1)
    with pytest.raises(DataError, match="must be at least 1"):
        task.generate(0)


@pytest.mark.parametrize("name", SIGNS)
def test_arithmetic_is_correct_without_swapped_duplicates(name):
    task = TASKS[name]
    pairs = task.generate(5000)
    seen = set()
    for source, target in zip(pairs.sources, pairs.targets, strict=True):
        a, b = re.fullmatch(rf"(\d+){re.escape(SIGNS[name])}(\d+)", source).groups()
        assert (str(int(a)), str(int(b))) == (a, b)  # no leading zeros
        assert int(target) == COMPUTE[name](int(a), int(b))
        seen.add(frozenset((a, b)))
    assert len(seen) == 5000


def test_all_available_pairs_can_be_generated():
    pairs = TASKS["multiplication"].generate(5050)
    operands = {tuple(sorted(map(int, source.split("*")))) for source in pairs.sources}
    assert operands == {(a, b) for a in range(100) for b in range(a, 100)}


def test_digit_counts_of_few_pairs_are_uniform():
    """For few pairs, sampling without replacement is close to sampling digit counts uniformly."""
    counts = Counter()
    for seed in range(20):
        for source in TASKS["addition"].generate(30, seed).sources:
            counts.update(len(operand) for operand in source.split("+"))
    assert all(abs(counts[digits] / 1200 - 1 / 3) < 0.06 for digits in (1, 2, 3)), counts


def test_order_does_not_depend_on_length():
    """Short sums are drawn early, so pairs must be shuffled."""
    sources = TASKS["addition"].generate(10_000).sources
    means = [sum(map(len, part)) / len(part) for part in (sources[:1000], sources[-1000:])]
    assert abs(means[0] - means[1]) < 0.15


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("{m}/{d}/{yy}", "4/3/08"),
        ("{dd}.{mm}.{y}", "03.04.2008"),
        ("{y}年{m}月{d}日", "2008年4月3日"),
        ("the {d}{th} of {month}, {y}", "the 3rd of April, 2008"),
        ("{mon} {d}, '{yy}", "Apr 3, '08"),
        ("{day}, {dd} {mon} {y}", "Thu, 03 Apr 2008"),
    ],
)
def test_dates_are_written_in_every_layout(layout, text):
    assert layout in LAYOUTS
    assert _write_date(date(2008, 4, 3), layout) == text


@pytest.mark.parametrize(
    ("day", "ending"),
    [
        (1, "st"),
        (2, "nd"),
        (3, "rd"),
        (4, "th"),
        (11, "th"),
        (12, "th"),
        (13, "th"),
        (21, "st"),
        (22, "nd"),
        (23, "rd"),
        (31, "st"),
    ],
)
def test_ordinal_endings(day, ending):
    assert _write_date(date(2000, 1, day), "{d}{th} {month} {y}") == f"{day}{ending} January 2000"


def test_written_dates_are_unambiguous():
    """In four years whose two-digit forms could be confused with days or months."""
    meanings = {}
    for year in (2001, 2002, 2010, 2011):
        for month in range(1, 13):
            for day in range(1, 29):
                for layout in LAYOUTS:
                    when = date(year, month, day)
                    assert meanings.setdefault(_write_date(when, layout), when) == when


def test_number_of_available_dates():
    """Texts are unambiguous, and the number of texts of a date depends only on its month and day."""
    total = 0
    for month in range(1, 13):
        for day in range(1, (29, 30, 31)[(month != 2) + (month in (1, 3, 5, 7, 8, 10, 12))] + 1):
            when = date(2000, month, day)
            texts = {case(_write_date(when, layout)) for layout in LAYOUTS for case in CASES}
            total += len(texts) * (25 if (month, day) == (2, 29) else 100)
    assert TASKS["dates"].available == total


def test_reversal_reverses_strings_of_all_lengths():
    pairs = TASKS["reversal"].generate(200)
    assert all(source[::-1] == target for source, target in zip(pairs.sources, pairs.targets, strict=True))
    assert {len(source) for source in pairs.sources} == set(range(1, 11))


def test_unknown_task_is_refused():
    with pytest.raises(DataError, match="no task 'sums'; the tasks are addition, subtraction"):
        find_task("sums")
