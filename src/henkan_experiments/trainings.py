"""What was found in several trainings of one model, as one finding: the means of all its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import mean, stdev
from typing import Any

Found = Mapping[str, Any]


def over_trainings(found: Sequence[Found]) -> dict[str, Any]:
    """Findings of one form, made into one of the same form.

    Numbers become their means, over those trainings that have one (None if none has); a count that is not there is 0.
    Lists, place by place, and what is inside of other findings likewise. What is the same in all stays as it is, and
    what cannot be averaged, such as examples, is that of the first training that has some.

    A name that ends in `_error` is the standard error of the name without it over what was asked. From two trainings on
    it is joined by the standard error over trainings, as independent errors are: what was asked is the same for all of
    them, so the spread over trainings has nothing of the one in it.

    Args:
        found: one finding for each training, at least one.
    """
    names = dict.fromkeys(name for each in found for name in each)
    joined: dict[str, Any] = {}
    for name in names:
        values = [each.get(name, 0) for each in found]
        measured = name.removesuffix("_error")
        if name != measured and len(found) > 1:
            joined[name] = _error(values, [each[measured] for each in found])
        else:
            joined[name] = _mean(values)
    return joined


def _mean(values: Sequence[Any]) -> Any:
    there = [value for value in values if value is not None]
    if not there:
        return None
    first = there[0]
    if all(value == first for value in there):
        return first
    if isinstance(first, Mapping):
        return over_trainings(there)
    if isinstance(first, int | float):
        return float(mean(there))
    if isinstance(first, list) and not any(isinstance(each, Mapping) for value in there for each in value):
        return [_mean(column) for column in zip(*there, strict=True)]
    return next((value for value in there if value), first)


def _error(errors: Sequence[Any], measured: Sequence[Any]) -> Any:
    if isinstance(errors[0], list):
        columns = zip(zip(*errors, strict=True), zip(*measured, strict=True), strict=True)
        return [_error(*column) for column in columns]
    return sqrt(mean(errors) ** 2 + stdev(measured) ** 2 / len(measured))
