"""Train a model on a part of some pairs and measure it, as a call for a worker process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from henkan.engine.numpy import NumpyEngines
from henkan.text.pairs import Pairs
from henkan.training.events import Report
from henkan.training.fitted_model import FittedModel
from henkan.training.job import TrainingJob, Variant
from henkan.training.trainer import Trainer


@dataclass(frozen=True)
class TrainingRun:
    """A model to train.

    Attributes:
        pairs: the training pairs.
        validation: the validation set, or None.
        variants: settings of the models.
        seed: random seed, which replaces that of the settings.
    """

    pairs: Pairs
    validation: Pairs | None
    variants: Sequence[Variant]
    seed: int = 0


def train(run: TrainingRun, report: Report | None = None) -> FittedModel:
    """Train a model in memory, with the NumPy engine.

    Confidence outside the training data is not estimated: it would take another third of the time and does not change
    predictions.

    Args:
        run: the model.
        report: function that receives the events; an exception that it raises ends the training run.
    """
    variants = [
        replace(each, training=replace(each.training, seed=run.seed, calibrate_outside=False)) for each in run.variants
    ]
    return Trainer(NumpyEngines(), report=report).fit(run.pairs, run.validation, TrainingJob(variants))
