"""What happens while a model trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from henkan.inference.converter import Converter


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
class Started:
    """Training is about to begin.

    Attributes:
        converter: the model, which can be asked at any time while it learns.
        pairs: number of training pairs.
        held_out: number of held-out pairs.
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
    """The engine is getting ready; where fused kernels are installed, they are compiled at the first time."""


Event = Started | Preparing | Step | Epoch | Setback
Report = Callable[[Event], None]
