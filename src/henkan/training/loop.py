"""The training loop: updates, epochs, validation and rollbacks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, Protocol

import numpy as np

from henkan.batching.encoded_pairs import EncodedPairs
from henkan.config import TrainingConfig
from henkan.engine.base import Engine
from henkan.nn.optim import one_cycle
from henkan.text.arrays import Array
from henkan.training.events import Epoch, Rollback, Step
from henkan.training.state import MAX_ROLLBACKS, Best, Position, RollbackPoint, TrainingState


class SupportsValidation(Protocol):
    """Evaluates a model on a validation set."""

    def exact_match(self) -> float:
        """Share of the validation set that is predicted exactly, from 0 to 1."""
        ...

    def loss(self) -> float:
        """Mean loss on the validation set, in nats per symbol."""
        ...


ROLLBACK_INTERVAL = 1000
"""Number of updates between two rollback points of an epoch, the first of which is at its start.

It must be a multiple of the `sync_interval` of every engine, because all losses before a rollback point must have been
checked."""


def train(
    engine: Engine,
    pairs: EncodedPairs,
    config: TrainingConfig,
    state: TrainingState,
    validator: SupportsValidation | None,
) -> Iterator[Step | Epoch | Rollback]:
    """Train until the run is finished, and yield an event after every update and epoch.

    Time spent by the caller between two events does not count as training time. With `patience`, training stops after
    that many epochs without improvement. If the loss, a weight or a moment is not finite, training is rolled back to
    the last rollback point, and the learning rate is halved; after more than `MAX_ROLLBACKS` rollbacks it stops.

    Args:
        engine: the engine, changed in place.
        pairs: one or more training pairs.
        config: the training settings.
        state: the state of the run, changed in place.
        validator: evaluates the model at the end of every epoch, or None.
    """
    config = config.sized(len(pairs))
    while not state.ended(config):
        order = state.draw_order(pairs, config.batch_size or 1, by_length=config.by_length)
        finite = True
        while finite and state.position.batch < len(order):
            if state.position.batch % ROLLBACK_INTERVAL == 0:
                finite = _keep_rollback_point(engine, state)
            step = _updates(engine, pairs, order, config, state) if finite else None
            finite = step is not None
            if step is not None:
                yield step
        if not finite or not _is_finite(engine.snapshot()):
            yield _roll_back(engine, config, state)
        else:
            yield _end_epoch(engine, validator, config, len(order), state)


def _keep_rollback_point(engine: Engine, state: TrainingState) -> bool:
    """Keep the current state as rollback point if it is finite; return whether it is."""
    snapshot = engine.snapshot()
    if not _is_finite(snapshot):
        return False
    state.rollback_point = RollbackPoint(state.position, snapshot)
    return True


def _is_finite(snapshot: Mapping[str, Any]) -> bool:
    """Whether all weights and moments are finite."""
    return all(bool(np.isfinite(value).all()) for value in snapshot.values())


def _updates(
    engine: Engine, pairs: EncodedPairs, order: Sequence[Array], config: TrainingConfig, state: TrainingState
) -> Step | None:
    """Make updates up to the next read of the losses; return None if a loss is not finite.

    Reads are at multiples of `sync_interval` from the start of the epoch, so a resumed run reads at the same updates.
    """
    start, previous, loss = time.perf_counter(), state.position, state.position.loss
    rows = order[previous.batch : previous.batch + engine.sync_interval - previous.batch % engine.sync_interval]
    steps, losses, counts, rate = (config.epochs or 0) * len(order), [], [], 0.0
    for step, each in enumerate(rows, start=previous.step):
        parts = pairs.parts(each, state.generator)
        counts.append(sum(int(part.targets.valid.sum()) for part in parts))
        rate = _rate(config, state, step, steps)
        with np.errstate(all="ignore"):  # a non-finite loss leads to a rollback
            losses.append(engine.train_step(parts, rate))
    for number, count in zip(map(float, losses), counts, strict=True):
        loss += number * count
    if not isfinite(loss):
        return None
    state.position = now = Position(
        step=previous.step + len(rows),
        batch=previous.batch + len(rows),
        loss=loss,
        symbols=previous.symbols + sum(counts),
        pairs=previous.pairs + sum(map(len, rows)),
        seconds=previous.seconds + time.perf_counter() - start,
        order=previous.order,
        generator=state.generator.bit_generator.state,
    )
    epoch, before = len(state.records) + 1, sum(record.seconds for record in state.records)
    seen = (epoch - 1) * len(pairs) + now.pairs
    return Step(epoch, now.step, steps, now.loss / max(now.symbols, 1), rate, seen, before + now.seconds)


def _end_epoch(
    engine: Engine, validator: SupportsValidation | None, config: TrainingConfig, batches: int, state: TrainingState
) -> Epoch:
    now, epoch = state.position, len(state.records) + 1
    with np.errstate(all="ignore"):
        exact_match, dev_loss = _validate(engine, validator, state, epoch)
    rate = _rate(config, state, now.step - 1, (config.epochs or 0) * batches)
    record = Epoch(epoch, now.loss / max(now.symbols, 1), exact_match, now.seconds, rate, dev_loss)
    state.records.append(record)
    state.position = Position(now.step)
    return record


def _roll_back(engine: Engine, config: TrainingConfig, state: TrainingState) -> Rollback:
    assert state.rollback_point is not None  # there is one at the start of every epoch
    engine.restore(state.rollback_point.snapshot)
    state.position = state.rollback_point.position
    state.generator.bit_generator.state = state.position.generator
    state.rollbacks += 1
    final = state.rollbacks > MAX_ROLLBACKS
    return Rollback(len(state.records) + 1, state.step, config.learning_rate / 2**state.rollbacks, final)


def _rate(config: TrainingConfig, state: TrainingState, step: int, steps: int) -> float:
    return float(learning_rate(config, step, steps) / 2**state.rollbacks)


def _validate(
    engine: Engine, validator: SupportsValidation | None, state: TrainingState, epoch: int
) -> tuple[float | None, float | None]:
    """Evaluate the model, and keep its weights if they are the best so far."""
    if validator is None:
        return None, None
    exact_match, best = validator.exact_match(), state.best
    if best is not None and exact_match < best.exact_match:
        return exact_match, None
    loss = validator.loss()
    if not isfinite(loss):
        return exact_match, None
    if best is None or exact_match > best.exact_match or loss < best.loss:
        weights = {name: array.copy() for name, array in engine.weights.items()}
        state.best = Best(epoch, exact_match, loss, weights)
    return exact_match, loss


def learning_rate(config: TrainingConfig, step: int, steps: int) -> float:
    """Learning rate of update `step` (from 0) of `steps`, by the schedule in `config`."""
    if config.schedule == "constant":
        return config.learning_rate
    return one_cycle(step, steps, config.learning_rate, config.warmup)
