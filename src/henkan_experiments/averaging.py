"""Averages the results of several training runs of one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import mean, stdev
from typing import Any

Results = Mapping[str, Any]


def average_runs(results: Sequence[Results]) -> dict[str, Any]:
    """Average results that have the same structure into one result of that structure.

    A number becomes the mean over the runs that have a value (None if no run has one); a missing count is 0. Lists are
    averaged element by element, and nested results recursively. A value that is the same in all runs is kept. Of what
    cannot be averaged, such as examples, the first non-empty value is kept.

    A key that ends in `_error` is the standard error of the key without the suffix, over the evaluated sums. With two
    or more runs the standard error over runs is added in quadrature, since the two are independent: all runs are
    evaluated on the same sums, so the spread over runs does not include the error over sums.

    Args:
        results: one for each run, at least one.
    """
    averaged: dict[str, Any] = {}
    for key in dict.fromkeys(key for result in results for key in result):
        values = [result.get(key, 0) for result in results]
        measured = key.removesuffix("_error")
        if key != measured and len(results) > 1:
            averaged[key] = _combined_error(values, [result[measured] for result in results])
        else:
            averaged[key] = _average(values)
    return averaged


def _average(values: Sequence[Any]) -> Any:
    present = [value for value in values if value is not None]
    if not present:
        return None
    first = present[0]
    if all(value == first for value in present):
        return first
    if isinstance(first, Mapping):
        return average_runs(present)
    if isinstance(first, int | float):
        return float(mean(present))
    if isinstance(first, list) and not any(isinstance(item, Mapping) for value in present for item in value):
        return [_average(column) for column in zip(*present, strict=True)]
    return next((value for value in present if value), first)


def _combined_error(errors: Sequence[Any], measured: Sequence[Any]) -> Any:
    if isinstance(errors[0], list):
        columns = zip(zip(*errors, strict=True), zip(*measured, strict=True), strict=True)
        return [_combined_error(*column) for column in columns]
    return sqrt(mean(errors) ** 2 + stdev(measured) ** 2 / len(measured))
