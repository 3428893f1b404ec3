"""Events of a training run, passed to callbacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from henkan.inference.converter import Converter

Outcome = Literal["finished", "interrupted", "failed"]


@dataclass(frozen=True)
class Started:
    """The training of a model is about to start.

    Attributes:
        converter: converts texts with the model; can be used at any time during training.
        pairs: number of training pairs.
        held_out: number of pairs in the validation set.
        epochs: planned number of epochs.
        weights: number of weights.
        member: number of the ensemble member, from 1.
        members: number of ensemble members.
        target_symbols: how targets are split into symbols; chosen by the data if the setting is None.
        synthetic: number of synthetic pairs, which are added to the training pairs.
        labelled: number of unlabelled sources with predicted targets, likewise.
        settings: all settings in effect: name -> value, as in `henkan.config.ModelConfig` and
            `henkan.config.TrainingConfig`, with the seed of this member.
        engine: the engine and its version, in words.
        run: identifies the training run; the same if it is resumed.
        teacher: whether the model belongs to the ensemble that predicts the targets of unlabelled sources.
        steps_done: number of updates made before the run was interrupted; 0 for a new one.
        epochs_done: the epochs that were finished before, likewise.
    """

    converter: Converter
    pairs: int
    held_out: int
    epochs: int
    weights: int
    member: int = 1
    members: int = 1
    target_symbols: str = "characters"
    synthetic: int = 0
    labelled: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    engine: str = ""
    run: str = ""
    teacher: bool = False
    steps_done: int = 0
    epochs_done: Sequence[Epoch] = ()


@dataclass(frozen=True)
class Preparing:
    """The engine prepares for training. Fused kernels are compiled when they are used for the first time."""


@dataclass(frozen=True)
class Estimated:
    """How long the training of a model will take, measured on a batch and on some pairs of the validation set.

    Attributes:
        seconds: estimated time of the updates and evaluations of the model that are left.
        following: that of the other models, if they take as long as this one, and of estimating the confidence outside
            the training data.
    """

    seconds: float
    following: float


@dataclass(frozen=True)
class Labelling:
    """The targets of unlabelled sources are predicted. Training with them follows.

    Attributes:
        sources: number of unlabelled sources that are used.
        left_out: why others are not used -> how many.
    """

    sources: int
    left_out: Mapping[str, int]


@dataclass(frozen=True)
class Labelled:
    """The targets of some more unlabelled sources were predicted.

    Attributes:
        done: number of sources so far.
        used: number of those with a prediction that is used: a complete one, of a source like those of the pairs.
        sources: number of unlabelled sources.
    """

    done: int
    used: int
    sources: int


@dataclass(frozen=True)
class Calibrating:
    """All models are trained. The confidence outside the training data is estimated; see `henkan.training.probe`."""


@dataclass(frozen=True)
class Step:
    """One update was made, or several if the engine reads losses less often (see `Engine.sync_interval`).

    Attributes:
        epoch: number of the epoch, from 1.
        step: number of updates so far.
        steps: planned number of updates.
        loss: mean loss of this epoch so far, in nats per symbol.
        learning_rate: learning rate of the last update.
        pairs: number of training pairs seen so far, in all epochs.
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
    """An epoch has ended.

    Attributes:
        epoch: number of the epoch, from 1.
        loss: mean loss of its updates, in nats per symbol.
        exact_match: share of the validation set that is predicted exactly, from 0 to 1, or None without a validation
            set.
        dev_loss: mean loss on the validation set, in nats per symbol. It decides between epochs of equal exact match;
            None if it was not needed or not finite.
        seconds: time spent in its updates, without evaluation and callbacks.
        learning_rate: learning rate of its last update.
    """

    epoch: int
    loss: float
    exact_match: float | None
    seconds: float
    learning_rate: float
    dev_loss: float | None = None


@dataclass(frozen=True)
class Rollback:
    """The loss, a weight or a moment of Adam was not finite, so training was rolled back to an earlier state.

    Attributes:
        epoch: number of the epoch in which it happened.
        step: number of updates made in the restored state.
        learning_rate: peak learning rate after the rollback.
        final: whether training stops because of too many rollbacks.
    """

    epoch: int
    step: int
    learning_rate: float
    final: bool


@dataclass(frozen=True)
class Ended:
    """The training run has ended. It is the last event, also after an interruption or an error.

    If an ensemble was trained that predicts the targets of unlabelled sources, its end is reported too.

    Attributes:
        outcome: "finished" if all models are trained; "interrupted" by a signal or a KeyboardInterrupt; "failed" by
            another exception.
        exact_match: share of the validation set that the model, or the ensemble, predicts exactly, from 0 to 1; None
            without a validation set, or if the run is not finished.
        members, run, teacher: as in `Started`.
    """

    outcome: Outcome
    exact_match: float | None
    members: int
    run: str
    teacher: bool


Event = Started | Preparing | Estimated | Labelling | Labelled | Calibrating | Step | Epoch | Rollback | Ended
Report = Callable[[Event], None]
