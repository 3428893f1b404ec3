"""Train a model with some settings, and measure it on the validation set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from henkan.errors import SettingsError
from henkan.evaluation.error_rates import evaluate
from henkan.selection.training_run import TrainingRun, train
from henkan.selection.tuning.splits import Examples
from henkan.text.pairs import Pairs
from henkan.training.events import Epoch, Estimated, Event, Rollback, Started
from henkan.training.fitted_model import FittedModel
from henkan.training.job import Variant

STEPS = 10
"""Number of times that a training run reports how good it is. The values of two runs are comparable at the same share
of their epochs, because the learning rate depends on it."""

LATE = 0.2
"""Share of the epochs at the end over which the exact match is averaged, because it varies between epochs."""


@dataclass(frozen=True)
class Trial:
    """A model to train and measure.

    Attributes:
        variant: its settings.
        seed: random seed of the model, and of the division into training and validation sets.
    """

    variant: Variant
    seed: int


@dataclass(frozen=True)
class Expected:
    """How long a trial will take, estimated after the first update of its first model.

    Attributes:
        seconds: the duration of all its models.
    """

    seconds: float


@dataclass(frozen=True)
class Progress:
    """How good a model is during its training.

    Attributes:
        step: tenths of the epochs so far, from 1; with cross-validation, the number of models so far.
        value: mean exact match of the last epochs; with cross-validation, of the models so far.
    """

    step: int
    value: float


@dataclass(frozen=True)
class TrialResult:
    """What was measured.

    Attributes:
        value: exact match, averaged over the last epochs, from 0 to 1. It decides between settings.
        exact_match: exact match of the best epoch, as `henkan train` reports it.
        right: for each distinct source of the validation set, whether it was predicted correctly in the best epoch.
            With cross-validation, the sources of all folds are sorted, so that their order is that of other seeds too.
        epochs: planned number of epochs.
        seconds: duration.
    """

    value: float
    exact_match: float
    right: Sequence[bool]
    epochs: int
    seconds: float


def run_trial(
    examples: Examples,
    trial: Trial,
    report: Callable[[Expected | Progress], None],
    pause: Callable[[], None] = lambda: None,
) -> TrialResult:
    """Train a model, or one for each fold, and measure it.

    Args:
        examples: the pairs.
        trial: the model.
        report: function that receives the expected duration and the progress.
        pause: called at every event of the training run. An exception that it or `report` raises ends the trial.

    Raises:
        HenkanError: if the settings do not fit the pairs, or training diverges.
    """
    start, splits = perf_counter(), examples.splits(trial.seed)
    values: list[float] = []
    right: list[tuple[str, bool]] = []
    epochs = 0
    for number, (pairs, validation) in enumerate(splits, start=1):
        curve = _Curve(report, pause, number, len(splits))
        right += _right(train(TrainingRun(pairs, validation, [trial.variant], trial.seed), curve), validation)
        values.append(curve.value)
        epochs = curve.epochs
        if len(splits) > 1:
            report(Progress(number, float(np.mean(values))))
    if len(splits) > 1:
        right.sort()
    correct = [each for _, each in right]
    return TrialResult(float(np.mean(values)), float(np.mean(correct)), correct, epochs, perf_counter() - start)


def _right(fitted: FittedModel, validation: Pairs) -> list[tuple[str, bool]]:
    """Return the distinct sources as the model reads them, and whether it predicts them correctly."""
    return [
        (fitted.normalize(each.conversion.source), each.right)
        for each in evaluate(fitted.converter, validation).predictions
    ]


class _Curve:
    """Receives the events of the training run of one of several models."""

    def __init__(
        self, report: Callable[[Expected | Progress], None], pause: Callable[[], None], number: int, models: int
    ) -> None:
        self.report, self.pause, self.number, self.models = report, pause, number, models
        self.matches: list[float] = []
        self.epochs = self.steps = 0

    def __call__(self, event: Event) -> None:
        self.pause()
        if isinstance(event, Started):
            self.epochs = event.epochs
        elif isinstance(event, Estimated):
            if self.number == 1:
                self.report(Expected(event.seconds * self.models))
        elif isinstance(event, Rollback) and event.final:
            raise SettingsError("training diverged (non-finite loss)")
        elif isinstance(event, Epoch):
            self.matches.append(event.exact_match or 0.0)
            steps = STEPS * len(self.matches) // self.epochs
            if steps > self.steps and self.models == 1:
                self.steps = steps
                self.report(Progress(steps, self.value))

    @property
    def value(self) -> float:
        """Exact match, averaged over the last epochs."""
        return float(np.mean(self.matches[-max(1, round(LATE * self.epochs)) :]))
