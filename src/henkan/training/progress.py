"""Progress of a training run, and its conversion to JSON values and tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from henkan.nn import group
from henkan.text.arrays import Array
from henkan.training.events import Epoch
from henkan.training.state import Best, Position, RollbackPoint, TrainingState


@dataclass
class Progress:
    """Progress of a training run.

    Attributes:
        done: weights of the finished ensemble members.
        histories: metrics of the finished members.
        state: training state of the current member, or None before its first batch.
        snapshot: snapshot of its engine.
    """

    done: list[dict[str, Array]] = field(default_factory=list)
    histories: list[dict[str, Any]] = field(default_factory=list)
    state: TrainingState | None = None
    snapshot: Mapping[str, Any] = field(default_factory=dict)


def to_values(progress: Progress) -> tuple[dict[str, Any], dict[str, Array]]:
    """Convert progress to JSON values and named arrays."""
    tensors = {f"done.{k}.{name}": array for k, member in enumerate(progress.done) for name, array in member.items()}
    values: dict[str, Any] = {"done": len(progress.done), "histories": progress.histories, "state": None}
    state = progress.state
    if state is not None:
        values["state"] = {
            "generator": state.generator.bit_generator.state,
            "position": asdict(state.position),
            "records": [asdict(record) for record in state.records],
            "setbacks": state.rollbacks,
            "engine": _split("engine", progress.snapshot, tensors),
            "good": None,
            "best": None,
        }
        point, best = state.rollback_point, state.best
        if point is not None and state.position.order:  # not needed between epochs: each epoch starts with a new one
            numbers = _split("good", point.snapshot, tensors)
            values["state"]["good"] = {"position": asdict(point.position), "engine": numbers}
        if best is not None:
            _split("best", best.weights, tensors)
            values["state"]["best"] = {"epoch": best.epoch, "exact_match": best.exact_match, "loss": best.loss}
    return values, {name: np.ascontiguousarray(array) for name, array in tensors.items()}


def from_values(values: Mapping[str, Any], tensors: Mapping[str, Array]) -> Progress:
    """Convert JSON values and arrays to progress, the inverse of `to_values`.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: if the values do not have the form that `to_values` returns.
    """
    done = [group(tensors, f"done.{k}") for k in range(values["done"])]
    progress, saved = Progress(done, values["histories"]), values["state"]
    if saved is not None:
        state = TrainingState(np.random.default_rng())
        state.generator.bit_generator.state = saved["generator"]
        state.position = Position(**saved["position"])
        state.records = [Epoch(**record) for record in saved["records"]]
        state.rollbacks = saved["setbacks"]
        if saved["good"] is not None:
            snapshot = saved["good"]["engine"] | group(tensors, "good")
            state.rollback_point = RollbackPoint(Position(**saved["good"]["position"]), snapshot)
        if saved["best"] is not None:
            state.best = Best(**saved["best"], weights=group(tensors, "best"))
        progress.state, progress.snapshot = state, saved["engine"] | group(tensors, "engine")
    return progress


def _split(group: str, values: Mapping[str, Any], tensors: dict[str, Array]) -> dict[str, Any]:
    """Add the arrays in `values` to `tensors`, and return the other values."""
    arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    tensors |= {f"{group}.{name}": array for name, array in arrays.items()}
    return {name: value for name, value in values.items() if name not in arrays}
