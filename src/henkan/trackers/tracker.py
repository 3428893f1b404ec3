"""What all trackers share: which values of a training run are logged, when, and under which names."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from types import TracebackType
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from henkan._version import __version__
from henkan.engine.choice import process_rank
from henkan.errors import SettingsError
from henkan.training.events import Calibrating, Ended, Epoch, Event, Labelling, Outcome, Rollback, Started, Step

Handle = TypeVar("Handle")
"""What a tracker needs to log to an open run."""

DEFAULT_NAME = "henkan"
UPDATES_BETWEEN = 10
"""Default number of updates between two logged losses."""


@dataclass(frozen=True)
class Run:
    """A model that is trained, or an ensemble, whose members are runs of their own, as a tracker shows it.

    Attributes:
        id: identifies the run; it stays the same when training is resumed.
        name: the name to show.
        settings: name -> value: all settings in effect, and facts such as the number of pairs. Empty if the models of a
            resumed training run were finished before.
        step: number of updates made before training was interrupted; 0 for a new run, None for an ensemble.
        member: number of the ensemble member, from 1; None for a single model or the whole ensemble.
        ensemble: the run of the ensemble, for a member.
        teacher: whether the models only predict the targets of unlabelled sources, for the run that follows.
    """

    id: str
    name: str
    settings: Mapping[str, Any]
    step: int | None
    member: int | None = None
    ensemble: Run | None = None
    teacher: bool = False


class Tracker(ABC, Generic[Handle]):
    """Logs training runs; a callback for `henkan.Seq2Seq.fit`, which can be used for several runs.

    All values are logged against the number of updates: `train/loss` (mean of the epoch so far) and
    `train/learning_rate` every few updates, `epoch`, `train/epoch_loss`, `train/seconds`, `dev/loss` and
    `dev/exact_match` after each epoch, `rollbacks` after each rollback, `best/epoch` and `best/exact_match` after the
    last epoch of a model, and `final/exact_match` at the end. Updates that are repeated after a rollback or a crash
    are logged once.

    An error of the tracker, such as a lost connection, is a warning. Training then continues, without the tracker. Of
    several processes, only the first logs.

    A run is closed when it ends, is interrupted or fails. To close it in any other case, use the tracker as a context
    manager.

    Args:
        name: name of the runs.
        every: number of updates between two logged losses.
        warn: called with the sentence that describes an error; None: `warnings.warn`.

    Raises:
        SettingsError: if the package of the tracker is not installed, or `every` is not a positive number.
    """

    label: ClassVar[str]
    package: ClassVar[str]
    extra: ClassVar[str]

    def __init__(
        self, *, name: str = DEFAULT_NAME, every: int = UPDATES_BETWEEN, warn: Callable[[str], None] | None = None
    ) -> None:
        if find_spec(self.package) is None:
            raise SettingsError(
                f"logging to {self.label} requires the package {self.package}; pip install 'henkan[{self.extra}]'"
            )
        if not isinstance(every, int | np.integer) or isinstance(every, bool) or every < 1:
            raise SettingsError(f"every must be a number of updates from 1, not {every!r}")
        self.name, self.every, self._warn = name, every, warn or _warn
        self._failed: str | None = None  # id of the run in which the tracker has failed
        self._runs: list[tuple[Run, Handle]] = []  # the open runs: an ensemble and its current member, or one model
        self._step = self._logged = self._rollbacks = 0
        self._epochs: list[Epoch] = []
        self._logged_epochs = 0

    @abstractmethod
    def start(self, run: Run) -> Handle:
        """Start a run, or continue the one with the same id, and log its settings."""

    @abstractmethod
    def log(self, handle: Handle, values: Mapping[str, float], step: int) -> None:
        """Log values after `step` updates."""

    @abstractmethod
    def finish(self, handle: Handle, outcome: Outcome) -> None:
        """End a run."""

    def logged(self, handle: Handle) -> tuple[int, int]:  # noqa: ARG002
        """Return the last update and the last epoch that a continued run has logged already, or zeros if unknown."""
        return 0, 0

    def __call__(self, event: Event) -> None:
        """Log an event."""
        if process_rank() > 0:
            return
        ended = isinstance(event, Ended)
        if isinstance(event, Started | Ended) and event.run == self._failed:
            self._failed = None if ended else self._failed  # if the run is resumed, it is logged again
            return
        try:
            self._handle(event)
        except Exception as error:
            if not ended:
                self._failed = self._runs[0][0].id if self._runs else getattr(event, "run", None)
            for _, handle in reversed(self._runs):
                with suppress(Exception):
                    self.finish(handle, "failed")
            self._runs.clear()
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            self._warn(f"logging to {self.label} has failed ({reason}); training continues without it")

    def __enter__(self) -> Tracker[Handle]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runs:
            outcome: Outcome = "finished" if kind is None else "failed"
            self(Ended("interrupted" if kind is KeyboardInterrupt else outcome, None, 1, self._runs[0][0].id, False))

    def _handle(self, event: Event) -> None:
        if isinstance(event, Started):
            self._start(event)
        elif isinstance(event, Ended):
            self._end(event)
        elif not self._runs:  # the tracker has failed
            return
        elif isinstance(event, Step):
            self._step = event.step
            if event.step // self.every > self._logged // self.every:
                self._logged = event.step
                self._log({"train/loss": event.loss, "train/learning_rate": event.learning_rate})
        elif isinstance(event, Epoch):
            self._end_epoch(event)
        elif isinstance(event, Rollback):
            self._rollbacks += 1
            self._log({"rollbacks": self._rollbacks})
        elif isinstance(event, Calibrating | Labelling):
            self._finish_member("finished")

    def _start(self, event: Started) -> None:
        """Start the run of a model and, before the first member, that of its ensemble."""
        if self._runs and self._runs[0][0].id != event.run:
            self._end(Ended("failed", None, 1, self._runs[0][0].id, False))  # its end was not reported
        self._finish_member("finished")
        settings = {
            **event.settings,
            **{name: getattr(event, name) for name in ("pairs", "held_out", "synthetic", "labelled", "weights")},
            "ensemble": event.members,
            "engine": event.engine,
            "henkan": __version__,
        }
        if event.members == 1:
            self._open(self._run(event, settings, event.steps_done))
        else:
            if not self._runs:
                self._open(self._run(event, settings, None))
            whole = self._runs[0][0]
            name = f"{whole.name}-member-{event.member}"
            self._open(Run(f"{event.run}-{event.member}", name, settings, event.steps_done, event.member, whole))
        update, epoch = self.logged(self._runs[-1][1])
        self._step, self._logged = event.steps_done, max(event.steps_done, update)
        self._epochs, self._logged_epochs = [*event.epochs_done], max(len(event.epochs_done), epoch)
        self._rollbacks = 0

    def _run(self, event: Started | Ended, settings: Mapping[str, Any], step: int | None) -> Run:
        """Return the run of a single model or of a whole ensemble."""
        name = f"{self.name}-teachers" if event.teacher else self.name
        return Run(event.run, name, settings, step, teacher=event.teacher)

    def _open(self, run: Run) -> None:
        self._runs.append((run, self.start(run)))

    def _log(self, values: Mapping[str, float | None]) -> None:
        """Log the values that are not None to the run of the current model."""
        known = {name: value for name, value in values.items() if value is not None}
        if known:
            self.log(self._runs[-1][1], known, self._step)

    def _end_epoch(self, event: Epoch) -> None:
        self._epochs.append(event)
        if event.epoch > self._logged_epochs:
            self._log(
                {
                    "epoch": event.epoch,
                    "train/epoch_loss": event.loss,
                    "train/seconds": event.seconds,
                    "dev/loss": event.dev_loss,
                    "dev/exact_match": event.exact_match,
                }
            )

    def _finish_member(self, outcome: Outcome) -> None:
        """End the run of the current member, if there is one."""
        if self._runs and self._runs[-1][0].member is not None:
            self._log_best(outcome)
            self.finish(self._runs.pop()[1], outcome)

    def _log_best(self, outcome: Outcome) -> None:
        """Log the epoch whose weights the model keeps, as `henkan.training.state.Best` describes it."""
        evaluated = [each for each in self._epochs if each.exact_match is not None and each.dev_loss is not None]
        if outcome == "finished" and evaluated:
            best = max(evaluated, key=lambda each: (each.exact_match or 0, -(each.dev_loss or 0)))
            self._log({"best/epoch": best.epoch, "best/exact_match": best.exact_match})

    def _end(self, event: Ended) -> None:
        """End all runs. Of a resumed training run whose models were finished before, only the end is reported."""
        if not self._runs:
            if event.outcome != "finished":
                return
            step = 0 if event.members == 1 else None
            self._step, self._epochs = 0, []
            self._open(self._run(event, {}, step))
        self._finish_member(event.outcome)
        run, handle = self._runs[-1]
        if run.step is None:
            self._step = 0
        else:
            self._log_best(event.outcome)
        self._log({"final/exact_match": event.exact_match})
        self._runs.pop()
        self.finish(handle, event.outcome)


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=3)  # the caller of `__call__`
