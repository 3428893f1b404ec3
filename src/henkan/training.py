"""The training loop: batches to an engine, step by step, epoch by epoch."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Protocol

import numpy as np

from henkan.batch import Array
from henkan.config import TrainingConfig
from henkan.engine.base import Engine
from henkan.errors import SettingsError
from henkan.nn.optim import one_cycle
from henkan.text.batches import EncodedPairs


@dataclass(frozen=True)
class Step:
    """One update was made.

    Attributes:
        epoch: which pass over the data, from 1.
        step: updates made so far, of `steps` in all.
        loss: mean loss of this epoch up to here, in nats a symbol.
        learning_rate: what the update was made with.
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


@dataclass
class TrainingState:
    """Where a training stands.

    Attributes:
        generator: draws the order of the batches.
        step: updates made.
        records: the epochs that have ended.
        best: the best model so far, or None where nothing is held out.
    """

    generator: np.random.Generator
    step: int = 0
    records: list[Epoch] = field(default_factory=list)
    best: Best | None = None


def train(
    engine: Engine,
    pairs: EncodedPairs,
    config: TrainingConfig,
    state: TrainingState,
    examiner: Examiner | None,
) -> Iterator[Step | Epoch]:
    """Train to the planned end, yielding each update and each epoch as it is done.

    What the caller does between two events is not counted as training time. With `patience`, it ends as soon as so many
    epochs have brought no better model.

    Args:
        engine: changed in place.
        pairs: what to learn from; at least one.
        state: changed in place.
        examiner: asked at the end of every epoch, or None.

    Raises:
        SettingsError: if the loss is no longer finite.
    """
    config = config.sized(len(pairs))
    epochs, batch_size = config.epochs or 0, config.batch_size or 1
    steps = epochs * -(-len(pairs) // batch_size)
    seconds = sum(record.seconds for record in state.records)
    for epoch in range(len(state.records) + 1, epochs + 1):
        total_loss, symbols, seen, began = 0.0, 0, 0, seconds
        clock = time.perf_counter()
        for batch in pairs.batches(batch_size, state.generator, by_length=config.by_length):
            rate = learning_rate(config, state.step, steps)
            count = int(batch.targets.valid.sum())
            with np.errstate(all="ignore"):  # a number too large is told of below, in words
                loss = engine.train_step(batch, rate)
            if not isfinite(loss):
                raise SettingsError(
                    f"training went astray in epoch {epoch}: the loss is no longer a finite number; "
                    f"try a smaller learning rate than {config.learning_rate:g}"
                )
            total_loss += loss * count
            symbols, seen = symbols + count, seen + batch.sources.ids.shape[1]
            state.step += 1
            seconds += time.perf_counter() - clock
            pairs_seen = (epoch - 1) * len(pairs) + seen
            yield Step(epoch, state.step, steps, total_loss / max(symbols, 1), rate, pairs_seen, seconds)
            clock = time.perf_counter()
        with np.errstate(all="ignore"):
            exact_match, dev_loss = _examine(engine, examiner, state, epoch)
        record = Epoch(epoch, total_loss / max(symbols, 1), exact_match, seconds - began, rate, dev_loss)
        state.records.append(record)
        yield record
        if config.patience is not None and state.best is not None and epoch - state.best.epoch >= config.patience:
            return


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
