"""The training loop: batches to an engine, step by step, epoch by epoch."""

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
from henkan.training.events import Epoch, Setback, Step
from henkan.training.state import MOST_SETBACKS, Best, Good, Position, TrainingState


class Examiner(Protocol):
    """Measures a model on held-out pairs."""

    def exact_match(self) -> float:
        """The share that it answers rightly, from 0 to 1."""
        ...

    def loss(self) -> float:
        """The mean loss, in nats a symbol."""
        ...


GOOD_EVERY = 1000
"""Updates between two states of an epoch that training can go back to; its beginning is one too. A multiple of every
engine's `sync_interval`: a state is good only if its losses were looked at."""


def train(
    engine: Engine,
    pairs: EncodedPairs,
    config: TrainingConfig,
    state: TrainingState,
    examiner: Examiner | None,
) -> Iterator[Step | Epoch | Setback]:
    """Train to the planned end, yielding updates and epochs as they are done.

    What the caller does between two events is not counted as training time. With `patience`, it ends as soon as so many
    epochs have brought no better model. If the loss is no longer finite, training goes back to the last good state,
    with half the learning rate; after `MOST_SETBACKS` of these it ends there.

    Args:
        engine: changed in place.
        pairs: what to learn from; at least one.
        state: changed in place.
        examiner: asked at the end of every epoch, or None.
    """
    config = config.sized(len(pairs))
    while not state.ended(config):
        order = state.draw_order(pairs, config.batch_size or 1, by_length=config.by_length)
        sound = True
        while sound and state.position.batch < len(order):
            if state.position.batch % GOOD_EVERY == 0:
                sound = _keep_if_good(engine, state)
            step = _updates(engine, pairs, order, config, state) if sound else None
            sound = step is not None
            if step is not None:
                yield step
        if not sound or not _is_finite(engine.snapshot()):
            yield _go_back(engine, config, state)
        else:
            yield _end_epoch(engine, examiner, config, len(order), state)


def _keep_if_good(engine: Engine, state: TrainingState) -> bool:
    """Take the state to go back to, if it is one: an update whose own loss was finite may have spoilt it."""
    snapshot = engine.snapshot()
    if not _is_finite(snapshot):
        return False
    state.good = Good(state.position, snapshot)
    return True


def _is_finite(snapshot: Mapping[str, Any]) -> bool:
    """Whether all weights, and all that the next updates are made from, are finite numbers."""
    return all(bool(np.isfinite(value).all()) for value in snapshot.values())


def _updates(
    engine: Engine, pairs: EncodedPairs, order: Sequence[Array], config: TrainingConfig, state: TrainingState
) -> Step | None:
    """Make the next updates, down to where the engine's losses are looked at; None if one is not a finite number.

    The places are counted from the epoch's beginning: a training that was stopped looks at the same again.
    """
    clock, was, loss = time.perf_counter(), state.position, state.position.loss
    rows = order[was.batch : was.batch + engine.sync_interval - was.batch % engine.sync_interval]
    steps, losses, counts, rate = (config.epochs or 0) * len(order), [], [], 0.0
    for step, each in enumerate(rows, start=was.step):
        batch = pairs.batch(each, state.generator)
        counts.append(int(batch.targets.valid.sum()))
        rate = _rate(config, state, step, steps)
        with np.errstate(all="ignore"):  # a number too large is told of in words
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
    engine: Engine, examiner: Examiner | None, config: TrainingConfig, batches: int, state: TrainingState
) -> Epoch:
    now, epoch = state.position, len(state.records) + 1
    with np.errstate(all="ignore"):
        exact_match, dev_loss = _examine(engine, examiner, state, epoch)
    rate = _rate(config, state, now.step - 1, (config.epochs or 0) * batches)
    record = Epoch(epoch, now.loss / max(now.symbols, 1), exact_match, now.seconds, rate, dev_loss)
    state.records.append(record)
    state.position = Position(now.step)
    return record


def _go_back(engine: Engine, config: TrainingConfig, state: TrainingState) -> Setback:
    assert state.good is not None  # the first batch of every epoch makes one
    engine.restore(state.good.snapshot)
    state.position = state.good.position
    state.generator.bit_generator.state = state.position.generator
    state.setbacks += 1
    final = state.setbacks > MOST_SETBACKS
    return Setback(len(state.records) + 1, state.step, config.learning_rate / 2**state.setbacks, final)


def _rate(config: TrainingConfig, state: TrainingState, step: int, steps: int) -> float:
    return float(learning_rate(config, step, steps) / 2**state.setbacks)


def _examine(
    engine: Engine, examiner: Examiner | None, state: TrainingState, epoch: int
) -> tuple[float | None, float | None]:
    """Measure the model, and keep it if there was none better."""
    if examiner is None:
        return None, None
    exact_match, best = examiner.exact_match(), state.best
    if best is not None and exact_match < best.exact_match:
        return exact_match, None
    loss = examiner.loss()
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
