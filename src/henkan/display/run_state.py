"""The state of a training run, as its events tell it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from henkan.display.durations import duration
from henkan.display.event_text import left_out, rollback
from henkan.display.learning_curve import Curve
from henkan.training.events import (
    Calibrating,
    Ended,
    Epoch,
    Estimated,
    Event,
    Labelled,
    Labelling,
    Preparing,
    Rollback,
    Started,
    Step,
)

ENDINGS: Mapping[str, type[BaseException] | None] = {
    "finished": None,
    "interrupted": KeyboardInterrupt,
    "failed": Exception,
}
"""Outcome of a run -> the exception that ended it, as far as it is known."""


@dataclass
class RunState:
    """What is known of a training run.

    Attributes:
        began: when the first event came, as `time.monotonic` counts.
        started: the model that is trained, or None before the first.
        curves: the learning curves of the models so far.
        step: the last update of the current model, or None.
        phase: what is done now, in words.
        notes: what the user should know, in the order in which it happened.
        ended: how the run ended, in words; empty while it runs.
        exact_match: share of the validation set that the model, or the ensemble, predicts exactly at the end, or None.
        failed: whether it ended early, by an interruption, an error or a loss that is not finite.
        seconds: how long it took.
    """

    began: float | None = None
    started: Started | None = None
    curves: list[Curve] = field(default_factory=list)
    step: Step | None = None
    phase: str = "preparing"
    notes: list[str] = field(default_factory=list)
    ended: str = ""
    exact_match: float | None = None
    failed: bool = False
    seconds: float = 0.0
    _best_loss: float = field(default=inf, repr=False)

    def update(self, event: Event) -> None:
        """Take an event into account."""
        if self.began is None:
            self.began = time.monotonic()
        if isinstance(event, Started):
            self._start(event)
        elif isinstance(event, Preparing):
            self.phase = "preparing (on first use, fused kernels are compiled)"
        elif isinstance(event, Estimated):
            self.phase = f"training will take about {duration(event.seconds + event.following)}"
        elif isinstance(event, Labelling):
            self._label(event)
        elif isinstance(event, Labelled):
            self.phase = f"predicting the targets of unlabelled sources: {event.done:,} of {event.sources:,}"
            if event.done == event.sources:
                self.notes.append(f"{event.used:,} of {event.sources:,} unlabelled sources have a usable prediction")
        elif isinstance(event, Calibrating):
            self.phase = "estimating the confidence outside the training data"
        elif isinstance(event, Epoch):
            self._end_epoch(event)
        elif isinstance(event, Rollback):
            self.failed |= event.final
            self.notes.append((f"{self.model}: " if self.model else "") + rollback(event))
        elif isinstance(event, Ended):
            if not event.teacher:
                self.exact_match = event.exact_match
                self.end(ENDINGS[event.outcome])
        else:
            self.step, self.phase = event, ""

    def end(self, error: type[BaseException] | None = None) -> None:
        """Take into account that the run has ended, by an exception or as planned."""
        if error is None:
            self.ended = f"Training diverged and was stopped in {self.where}" if self.failed else "Training is complete"
        elif issubclass(error, KeyboardInterrupt):
            self.ended = f"Training was interrupted in {self.where}"
        else:
            by = "an error" if error is Exception else error.__name__
            self.ended = f"Training was ended in {self.where} by {by}"
        self.failed, self.phase = self.failed or error is not None, ""
        self.seconds = 0.0 if self.began is None else time.monotonic() - self.began

    @property
    def curve(self) -> Curve:
        """The learning curve of the current model."""
        return self.curves[-1] if self.curves else Curve()

    @property
    def epoch(self) -> int:
        """Number of the current epoch, from 1; 0 before the first update."""
        return max([self.step.epoch if self.step else 0, *self.curve.epochs[-1:]])

    @property
    def where(self) -> str:
        """The current epoch, and for an ensemble the model, in words."""
        return f"epoch {self.epoch}" + (f" of {self.model}" if self.model else "")

    @property
    def model(self) -> str:
        """The current model of an ensemble, in words; empty for a single model."""
        return "" if self.started is None or self.started.members == 1 else f"model {self.started.member}"

    @property
    def share(self) -> float:
        """Share of the updates of all models that are done, from 0 to 1."""
        if self.started is None:
            return 0.0
        current = self.step.step / max(1, self.step.steps) if self.step else 0.0
        return (self.started.member - 1 + current) / self.started.members

    @property
    def seconds_left(self) -> float | None:
        """Estimated time of the updates that are left, of all models; None before the first update."""
        if self.step is None or self.started is None:
            return None
        each = self.step.seconds / max(1, self.step.step)
        models = self.started.members - self.started.member
        return each * (self.step.steps - self.step.step + models * self.step.steps)

    def _start(self, event: Started) -> None:
        """Begin with the curve of a model, and for a resumed run with the epochs that were finished before."""
        self.started, self.step, self.phase, self.failed = event, None, "preparing", False
        self.curves += [Curve() for _ in range(len(self.curves), event.member)]  # a resumed run may begin with any
        for epoch in event.epochs_done:
            self._end_epoch(epoch)

    def _label(self, event: Labelling) -> None:
        """The models so far were those that predict targets, so their curves are not those of the final model."""
        if self.curves:
            self.notes.append(f"models trained on the pairs alone, to predict targets: {len(self.curves)}")
            self.curves = []
        self.notes += [left_out(event)] if event.left_out else []
        self.started = self.step = None
        self.phase = f"predicting the targets of {event.sources:,} unlabelled sources"

    def _end_epoch(self, event: Epoch) -> None:
        """Extend the curve; the weights of the best epoch are kept, and of equally good ones that of lower loss."""
        curve = self.curve
        curve.epochs.append(event.epoch)
        curve.losses.append(event.loss)
        curve.exact_matches.append(event.exact_match)
        if event.exact_match is None or event.dev_loss is None:  # no validation set, or not better
            return
        if curve.best is None or event.exact_match > curve.best or event.dev_loss < self._best_loss:
            curve.kept, self._best_loss = len(curve.epochs) - 1, event.dev_loss
