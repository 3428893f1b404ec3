"""The model of a training run, finished or interrupted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from henkan.config import TrainingConfig
from henkan.engine.base import Engine, Engines
from henkan.evaluation.evaluation_set import Counts
from henkan.inference.converter import Converter
from henkan.inference.outside import corrections_to_values
from henkan.storage.model_folder import SavedModel
from henkan.text.arrays import Array
from henkan.training.fitted_model import FittedModel
from henkan.training.prepared import PreparedData, TrainingJob
from henkan.training.progress import Progress
from henkan.training.state import TrainingState


def trained_model(
    data: PreparedData,
    job: TrainingJob,
    converter: Converter,
    members: Sequence[Mapping[str, Array]],
    histories: Sequence[dict[str, Any]],
    counts: Counts | None = None,
) -> FittedModel:
    """Create the model of a training run.

    Args:
        data, job: what was trained.
        converter: the converter of the model.
        members: weights of each member.
        histories: metrics of each member; see `history`.
        counts: counts of the predictions on the validation set, or None.
    """
    metrics = {
        **histories[0],
        **({"members": list(histories)} if len(histories) > 1 else {}),
        "pairs": len(data.pairs),
        "held_out": len(data.validation_pairs or ()),
        "exact_match": None if counts is None else counts.exact_match,
        "weights": data.weights,
    }
    saved = SavedModel(
        model=job.model,
        training=job.training,
        source_vocabulary=data.source_vocabulary,
        target_vocabulary=data.target_vocabulary,
        members=[dict(weights) for weights in members],
        data=asdict(job.data),
        metrics=metrics,
        temperature=converter.temperature,
        training_range=data.training_range,
        corrections={} if converter.domain is None else corrections_to_values(converter.domain.corrections),
    )
    return FittedModel(saved, converter, job.data, counts)


def history(training: TrainingConfig, state: TrainingState) -> dict[str, Any]:
    """Metrics of a member; see `henkan.storage.metrics_schema`."""
    return {
        "seed": training.seed,
        "epochs": [asdict(record) for record in state.records],
        "best_epoch": None if state.best is None else state.best.epoch,
        **({"setbacks": state.rollbacks} if state.rollbacks else {}),
    }


@dataclass
class UnfinishedRun:
    """A training run that may be interrupted.

    Attributes:
        data, job: what is trained.
        progress: the progress of the run.
        engine: engine of the current member, or None before its weights are set.
    """

    data: PreparedData
    job: TrainingJob
    progress: Progress
    engine: Engine | None = None

    def best_model(self, engines: Engines, *, between_updates: bool) -> FittedModel | None:
        """Return the best model so far, without calibration; None if there was no update.

        It has the finished members and, of the current member, the weights of the best epoch or, without one, the last
        finite weights.

        Args:
            engines: factory for the engines of the model.
            between_updates: whether the run was interrupted between two updates, so that the current weights are valid.
        """
        members: list[Mapping[str, Array]] = [*self.progress.done]
        histories, state = [*self.progress.histories], self.progress.state
        weights = None if state is None else self._current_weights(state, between_updates=between_updates)
        if state is not None and weights is not None:
            members.append(weights)
            training = replace(self.job.training, seed=self.job.training.seed + len(histories))
            histories.append(history(training, state))
        if not members:
            return None
        created = []
        for member in members:
            engine = engines.make(self.job.model, self.data.sizes, training=self.job.training)
            engine.set_weights(member)
            created.append(engine)
        return trained_model(self.data, self.job, self.data.converter(created, self.job.model), members, histories)

    def _current_weights(self, state: TrainingState, *, between_updates: bool) -> Mapping[str, Array] | None:
        if state.best is not None:
            return state.best.weights
        point = state.rollback_point
        if self.engine is None:
            return None
        if between_updates and state.step and _is_finite(self.engine.weights):
            return self.engine.weights
        if point is not None and point.position.step:
            self.engine.restore(point.snapshot)
            return self.engine.weights
        return None


def _is_finite(weights: Mapping[str, Array]) -> bool:
    return all(bool(np.isfinite(array).all()) for array in weights.values())
