"""State of a training run. With a snapshot of the engine, it is enough to resume the run."""

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
"""Number of rollbacks after which training stops at the next one."""


@dataclass(frozen=True)
class Best:
    """The best model so far: that of the highest exact match, and of the lowest loss in case of a tie.

    Attributes:
        epoch: number of the epoch, from 1.
        exact_match: exact match on the validation set, from 0 to 1.
        loss: loss on the validation set, in nats per symbol.
        weights: copy of the weights.
    """

    epoch: int
    exact_match: float
    loss: float
    weights: Mapping[str, Array]


@dataclass(frozen=True)
class Position:
    """Position within an epoch.

    Attributes:
        step: number of updates made in all epochs.
        batch: number of finished batches of this epoch, which the following attributes describe.
        loss: sum of the loss over all symbols, in nats.
        symbols, pairs: number of target symbols and of pairs.
        seconds: time spent in updates.
        order: state of the random generator before it drew the order of the epoch.
        generator: current state of the random generator.
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
    """A state to restore if the loss is no longer finite.

    Attributes:
        position: position within the epoch.
        snapshot: snapshot of the engine.
    """

    position: Position
    snapshot: Mapping[str, Any]


@dataclass
class TrainingState:
    """The state of a training run.

    Attributes:
        generator: random generator, which draws the order of the batches and the unknown symbols.
        position: position within the current epoch.
        records: the finished epochs.
        best: the best model so far; None without a validation set or before the first validation.
        rollback_point: the state to restore if the loss is no longer finite.
        rollbacks: number of rollbacks.
    """

    generator: np.random.Generator
    position: Position = field(default_factory=Position)
    records: list[Epoch] = field(default_factory=list)
    best: Best | None = None
    rollback_point: RollbackPoint | None = None
    rollbacks: int = 0

    @property
    def step(self) -> int:
        """Number of updates made."""
        return self.position.step

    def draw_order(self, pairs: EncodedPairs, size: int, *, by_length: bool) -> Sequence[Array]:
        """Return the rows of each batch of the current epoch, redrawing the order of a resumed epoch."""
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
        """Whether the run is finished. `config` must be the result of `TrainingConfig.sized`."""
        out_of_patience = (
            config.patience is not None
            and self.best is not None
            and len(self.records) - self.best.epoch >= config.patience
        )
        return out_of_patience or len(self.records) >= (config.epochs or 0) or self.rollbacks > MAX_ROLLBACKS
