"""The schema of metrics.json, which records what was measured in training.

    epochs       for each epoch: epoch, loss, exact_match, seconds, learning_rate, dev_loss
    best_epoch   the epoch whose weights were kept; seed, setbacks: of the training run
    members      of an ensemble: a history like the above for each member; the above is that of the first
    pairs, held_out, weights, exact_match

Code that reads a model's metrics relies on this validation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any

Check = Callable[[Any], Any]
"""Returns the valid part of a value, or raises ValueError."""


def checked(value: object) -> dict[str, Any]:
    """Validate metrics: unknown names are dropped, and invalid metrics give an empty dictionary.

    Users may edit or delete metrics.json, since no prediction depends on it, so invalid content is not an error.
    """
    try:
        return _known(value, METRICS, wanted=("epochs", "pairs", "held_out", "weights"))
    except ValueError:
        return {}


def _known(value: object, checks: Mapping[str, Check], wanted: Iterable[str]) -> dict[str, Any]:
    """Validate the known entries of a mapping; those in `wanted` are required."""
    if not isinstance(value, dict) or not value.keys() >= set(wanted):
        raise ValueError("not a mapping with the required names")
    return {name: checks[name](each) for name, each in value.items() if name in checks}


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**64:
        raise ValueError("not a whole number")
    return value


def _number(value: object) -> float:
    if type(value) is float and isfinite(value):
        return value
    return _whole(value)


def _or_none(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _each(check: Check) -> Check:
    def every(values: object) -> list[Any]:
        if not isinstance(values, list):
            raise ValueError("not a list")
        return [check(value) for value in values]

    return every


def _record(value: object) -> dict[str, Any]:
    return _known(value, RECORD, wanted=set(RECORD) - {"dev_loss"})  # older versions did not write it


def _history(value: object) -> dict[str, Any]:
    return _known(value, HISTORY, wanted=("epochs",))


RECORD: Mapping[str, Check] = {
    "epoch": _whole,
    "loss": _number,
    "exact_match": _or_none(_number),
    "seconds": _number,
    "learning_rate": _number,
    "dev_loss": _or_none(_number),
}
HISTORY: Mapping[str, Check] = {
    "seed": _whole,
    "epochs": _each(_record),
    "best_epoch": _or_none(_whole),
    "setbacks": _whole,
    "pairs": _whole,
    "held_out": _whole,
    "exact_match": _or_none(_number),
    "weights": _whole,
}
METRICS: Mapping[str, Check] = {**HISTORY, "members": _each(_history)}
