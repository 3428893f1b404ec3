"""The schema of metrics.json, the metrics of a training run.

    epochs       list, for each epoch: epoch, loss (nats per symbol), exact_match (from 0 to 1), seconds,
                 learning_rate, dev_loss (nats per symbol)
    best_epoch   the epoch whose weights were kept
    seed         random seed
    setbacks     number of rollbacks
    members      for an ensemble: list of the above for each member; the above is then that of the first member
    pairs        number of training pairs
    held_out     number of validation pairs
    labelled     number of unlabelled sources with predicted targets that the model was trained on as well
    weights      number of weights
    exact_match  exact match on the validation set, of the saved weights

Code that reads the metrics of a model relies on this validation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any

Check = Callable[[Any], Any]
"""Returns the valid part of a value, or raises ValueError."""


def checked(value: object) -> dict[str, Any]:
    """Validate metrics: return them without unknown names, or an empty dictionary if they are invalid.

    Invalid metrics are not an error, because prediction does not need them and users may edit or delete metrics.json.
    """
    try:
        return _known(value, METRICS, required=("epochs", "pairs", "held_out", "weights"))
    except ValueError:
        return {}


def _known(value: object, checks: Mapping[str, Check], required: Iterable[str]) -> dict[str, Any]:
    """Validate the known entries of a mapping; those in `required` must be present."""
    if not isinstance(value, dict) or not value.keys() >= set(required):
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
    def check_list(values: object) -> list[Any]:
        if not isinstance(values, list):
            raise ValueError("not a list")
        return [check(value) for value in values]

    return check_list


def _record(value: object) -> dict[str, Any]:
    return _known(value, RECORD, required=set(RECORD) - {"dev_loss"})  # older versions do not write it


def _history(value: object) -> dict[str, Any]:
    return _known(value, HISTORY, required=("epochs",))


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
    "labelled": _whole,
    "exact_match": _or_none(_number),
    "weights": _whole,
}
METRICS: Mapping[str, Check] = {**HISTORY, "members": _each(_history)}
