"""What happens while a model trains, as a callback sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from henkan.inference.converter import Converter


@dataclass(frozen=True)
class Started:
    """Training is about to begin.

    Attributes:
        converter: the model, which can predict at any time while it learns.
        pairs: number of training pairs.
        held_out: number of pairs in the validation set.
        epochs: planned passes over the training pairs.
        weights: number of weights.
        member, members: which model of an ensemble it is, from 1, and of how many.
    """

    converter: Converter
    pairs: int
    held_out: int
    epochs: int
    weights: int
    member: int = 1
    members: int = 1


@dataclass(frozen=True)
class Preparing:
    """The engine is getting ready; fused kernels are compiled when they are used for the first time."""


@dataclass(frozen=True)
class Step:
    """One update was made, or several if the engine's losses are read less often.

    Attributes:
        epoch: number of the pass over the data, from 1.
        step: updates made so far, of `steps` in all.
        loss: mean loss of this epoch so far, in nats per symbol.
        learning_rate: that of the last update.
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
        epoch: its number, from 1.
        loss: mean loss of its updates, in nats per symbol.
        exact_match: share of the validation set that the model now predicts exactly, or None without one.
        dev_loss: mean loss of the validation set, in nats per symbol. None if it was not computed: it only decides
            between epochs of equal exact match.
        seconds: time spent in its updates, without evaluation and callbacks.
        learning_rate: that of its last update.
    """

    epoch: int
    loss: float
    exact_match: float | None
    seconds: float
    learning_rate: float
    dev_loss: float | None = None


@dataclass(frozen=True)
class Rollback:
    """The loss, a weight or a moment of Adam was not finite, and training returned to an earlier state.

    Attributes:
        epoch: in which it happened.
        step: updates made in the state that training returned to.
        learning_rate: the peak learning rate from now on.
        final: whether it was one rollback too many, and training ends there.
    """

    epoch: int
    step: int
    learning_rate: float
    final: bool


Event = Started | Preparing | Step | Epoch | Rollback
Report = Callable[[Event], None]
