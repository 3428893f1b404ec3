"""The state of a training run; together with the engine's snapshot, all that it takes to resume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from henkan.batching.encoded_pairs import EncodedPairs
from henkan.config import TrainingConfig
from henkan.text.arrays import Array
from henkan.training.events import Epoch

MAX_ROLLBACKS = 3


@dataclass(frozen=True)
class Best:
    """The best model so far: the most exact matches, and among these the least loss.

    Attributes:
        epoch, exact_match, loss: its epoch and its results on the validation set.
        weights: a copy.
    """

    epoch: int
    exact_match: float
    loss: float
    weights: Mapping[str, Array]


@dataclass(frozen=True)
class Position:
    """How far an epoch has come.

    Attributes:
        step: updates made, in all epochs.
        batch: batches of this epoch that are done; the fields below are about these.
        loss: sum over the symbols, in nats.
        symbols, pairs: how many.
        seconds: time spent in updates.
        order: the generator's state before it drew the order of the epoch.
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
class RollbackPoint:
    """A state to return to if the loss is no longer finite.

    Attributes:
        position: of the epoch.
        snapshot: of the engine.
    """

    position: Position
    snapshot: Mapping[str, Any]


@dataclass
class TrainingState:
    """The state of a training run.

    Attributes:
        generator: draws the order of the batches.
        position: how far the current epoch has come.
        records: the epochs that have ended.
        best: the best model so far, or None without a validation set.
        rollback_point: the state to return to if the loss is no longer finite.
        rollbacks: how often that has happened.
    """

    generator: np.random.Generator
    position: Position = field(default_factory=Position)
    records: list[Epoch] = field(default_factory=list)
    best: Best | None = None
    rollback_point: RollbackPoint | None = None
    rollbacks: int = 0

    @property
    def step(self) -> int:
        """Updates made."""
        return self.position.step

    def draw_order(self, pairs: EncodedPairs, size: int, *, by_length: bool) -> Sequence[Array]:
        """The rows of each batch of the current epoch, which may have begun in another process."""
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
        """Whether the run is finished; the settings must be sized."""
        out_of_patience = (
            config.patience is not None
            and self.best is not None
            and len(self.records) - self.best.epoch >= config.patience
        )
        return out_of_patience or len(self.records) >= (config.epochs or 0) or self.rollbacks > MAX_ROLLBACKS
