"""The training loop: batches to an engine, step by step, epoch by epoch."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Protocol

import numpy as np

from henkan.batch import Array
from henkan.config import TrainingConfig
from henkan.engine.base import Engine
from henkan.nn.optim import one_cycle
from henkan.text.batches import EncodedPairs


@dataclass(frozen=True)
class Step:
    """An update was made, or several of an engine that is looked at more rarely.

    Attributes:
        epoch: which pass over the data, from 1.
        step: updates made so far, of `steps` in all.
        loss: mean loss of this epoch up to here, in nats a symbol.
        learning_rate: what the (last) update was made with.
        pairs: training pairs seen so far, in all epochs.
        seconds: time spent in updates so far, in all epochs.
    """

    epoch: int
    step: int
    steps: int
    loss: float
    learning_rate: float
    pairs: int
    seconds: float


@dataclass(frozen=True)
class Epoch:
    """A pass over the data has ended.

    Attributes:
        epoch: which, from 1.
        loss: mean loss of its updates, in nats a symbol.
        exact_match: share of the held-out pairs that the model now answers rightly, or None without any.
        dev_loss: mean loss of these pairs, in nats a symbol, or None if it was not looked at: it decides between epochs
            of the same exact match alone.
        seconds: time that its updates took, evaluation and display apart.
        learning_rate: that of its last update.
    """

    epoch: int
    loss: float
    exact_match: float | None
    seconds: float
    learning_rate: float
    dev_loss: float | None = None


class Examiner(Protocol):
    """Measures a model on held-out pairs."""

    def exact_match(self) -> float:
        """The share that it answers rightly, from 0 to 1."""
        ...

    def loss(self) -> float:
        """The mean loss, in nats a symbol."""
        ...


@dataclass(frozen=True)
class Best:
    """The best model so far: the most exact matches, and of these the least loss.

    Attributes:
        epoch, exact_match, loss: when it was, and how good.
        weights: a copy.
    """

    epoch: int
    exact_match: float
    loss: float
    weights: Mapping[str, Array]


@dataclass(frozen=True)
class Setback:
    """The loss, a weight or a moment of Adam's was not a finite number, and training went back to its last good state.

    Attributes:
        epoch: in which it happened.
        step: updates made in the state that it went back to.
        learning_rate: the highest, from now on.
        final: whether it was one too many, and training ends there.
    """

    epoch: int
    step: int
    learning_rate: float
    final: bool


@dataclass(frozen=True)
class Position:
    """How far an epoch has come.

    Attributes:
        step: updates made, in all epochs.
        batch: batches of this epoch that are done; the fields below are of these.
        loss: sum over the symbols, in nats.
        symbols, pairs: how many.
        seconds: time spent in updates.
        order: the generator's state before it drew the epoch's order.
        generator: its state now.
    """

    step: int = 0
    batch: int = 0
    loss: float = 0.0
    symbols: int = 0
    pairs: int = 0
    seconds: float = 0.0
    order: Mapping[str, Any] = field(default_factory=dict)
    generator: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Good:
    """A state to go back to, should training go astray.

    Attributes:
        position: where it was.
        snapshot: the engine's.
    """

    position: Position
    snapshot: Mapping[str, Any]


@dataclass
class TrainingState:
    """Where a training stands; with the engine's snapshot, all that it takes to go on.

    Attributes:
        generator: draws the order of the batches.
        position: how far the epoch under way has come.
        records: the epochs that have ended.
        best: the best model so far, or None where nothing is held out.
        good: where the training goes back to if it goes astray.
        setbacks: how often it has.
    """

    generator: np.random.Generator
    position: Position = field(default_factory=Position)
    records: list[Epoch] = field(default_factory=list)
    best: Best | None = None
    good: Good | None = None
    setbacks: int = 0

    @property
    def step(self) -> int:
        """Updates made."""
        return self.position.step

    def draw_order(self, pairs: EncodedPairs, size: int, *, by_length: bool) -> Sequence[Array]:
        """The rows of each batch of the epoch under way, which may have begun before this process."""
        if self.position.order:
            self.generator.bit_generator.state = self.position.order
            order = pairs.order(size, self.generator, by_length=by_length)
            self.generator.bit_generator.state = self.position.generator
        else:
            before = self.generator.bit_generator.state
            order = pairs.order(size, self.generator, by_length=by_length)
            self.position = Position(self.step, order=before, generator=self.generator.bit_generator.state)
        return order

    def ended(self, config: TrainingConfig) -> bool:
        """Whether nothing is left to do; the settings must be sized."""
        late = (
            config.patience is not None
            and self.best is not None
            and len(self.records) - self.best.epoch >= config.patience
        )
        return late or len(self.records) >= (config.epochs or 0) or self.setbacks > MOST_SETBACKS


MOST_SETBACKS = 3
GOOD_EVERY = 1000
"""Updates between two states of an epoch that training can go back to; its beginning is one too. A multiple of every
engine's `look_every`: a state is good only if its losses were looked at."""


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
    rows = order[was.batch : was.batch + engine.look_every - was.batch % engine.look_every]
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
