"""The training loop: batches to an engine, update by update, epoch by epoch."""

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


class Validates(Protocol):
    """Evaluates a model on a validation set."""

    def exact_match(self) -> float:
        """The share that it predicts exactly, from 0 to 1."""
        ...

    def loss(self) -> float:
        """The mean loss, in nats per symbol."""
        ...


ROLLBACK_INTERVAL = 1000
"""Updates between two rollback points of an epoch; its beginning is one, too. A multiple of every engine's
`sync_interval`: a state is only kept if the losses before it were read."""


def train(
    engine: Engine,
    pairs: EncodedPairs,
    config: TrainingConfig,
    state: TrainingState,
    validator: Validates | None,
) -> Iterator[Step | Epoch | Rollback]:
    """Train to the planned end, yielding updates and epochs as they are done.

    What the caller does between two events does not count as training time. With `patience`, training ends after that
    many epochs without improvement. If the loss is no longer finite, training returns to the last rollback point with
    half the learning rate; after more than `MAX_ROLLBACKS` of these it ends.

    Args:
        engine: changed in place.
        pairs: at least one training pair.
        config: the settings.
        state: changed in place.
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
    """Keep the current state if it is finite: an update whose own loss was finite may have spoilt it."""
    snapshot = engine.snapshot()
    if not _is_finite(snapshot):
        return False
    state.rollback_point = RollbackPoint(state.position, snapshot)
    return True


def _is_finite(snapshot: Mapping[str, Any]) -> bool:
    """Whether all weights, and all that the next updates are computed from, are finite."""
    return all(bool(np.isfinite(value).all()) for value in snapshot.values())


def _updates(
    engine: Engine, pairs: EncodedPairs, order: Sequence[Array], config: TrainingConfig, state: TrainingState
) -> Step | None:
    """Make the next updates, up to where the engine's losses are read; None if one is not finite.

    These places are counted from the beginning of the epoch, so a resumed run reads the same losses.
    """
    clock, was, loss = time.perf_counter(), state.position, state.position.loss
    rows = order[was.batch : was.batch + engine.sync_interval - was.batch % engine.sync_interval]
    steps, losses, counts, rate = (config.epochs or 0) * len(order), [], [], 0.0
    for step, each in enumerate(rows, start=was.step):
        batch = pairs.batch(each, state.generator)
        counts.append(int(batch.targets.valid.sum()))
        rate = _rate(config, state, step, steps)
        with np.errstate(all="ignore"):  # a loss that is not finite is reported as a rollback
            losses.append(engine.train_step(batch, rate))
    for number, count in zip(map(float, losses), counts, strict=True):
        loss += number * count
    if not isfinite(loss):
        return None
    state.position = now = Position(
        step=was.step + len(rows),
        batch=was.batch + len(rows),
        loss=loss,
        symbols=was.symbols + sum(counts),
        pairs=was.pairs + sum(map(len, rows)),
        seconds=was.seconds + time.perf_counter() - clock,
        order=was.order,
        generator=state.generator.bit_generator.state,
    )
    epoch, before = len(state.records) + 1, sum(record.seconds for record in state.records)
    seen = (epoch - 1) * len(pairs) + now.pairs
    return Step(epoch, now.step, steps, now.loss / max(now.symbols, 1), rate, seen, before + now.seconds)


def _end_epoch(
    engine: Engine, validator: Validates | None, config: TrainingConfig, batches: int, state: TrainingState
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
    assert state.rollback_point is not None  # the first batch of every epoch makes one
    engine.restore(state.rollback_point.snapshot)
    state.position = state.rollback_point.position
    state.generator.bit_generator.state = state.position.generator
    state.rollbacks += 1
    final = state.rollbacks > MAX_ROLLBACKS
    return Rollback(len(state.records) + 1, state.step, config.learning_rate / 2**state.rollbacks, final)


def _rate(config: TrainingConfig, state: TrainingState, step: int, steps: int) -> float:
    return float(learning_rate(config, step, steps) / 2**state.rollbacks)


def _validate(
    engine: Engine, validator: Validates | None, state: TrainingState, epoch: int
) -> tuple[float | None, float | None]:
    """Evaluate the model, and keep it if it is the best so far."""
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
    """The learning rate of update `step` (from 0) of `steps`."""
    if config.schedule == "constant":
        return config.learning_rate
    return one_cycle(step, steps, config.learning_rate, config.warmup)
