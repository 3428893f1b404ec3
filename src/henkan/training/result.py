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
from henkan.inference.outside import TrainingDomain, corrections_to_values
from henkan.storage.model_folder import SavedModel, SavedVariant
from henkan.text.arrays import Array
from henkan.training.fitted_model import FittedModel, joined
from henkan.training.job import TrainingJob
from henkan.training.prepared import PreparedData, training_domain
from henkan.training.progress import Progress
from henkan.training.state import TrainingState


def joined_converter(
    data: Sequence[PreparedData], engines: Sequence[Engine], domain: TrainingDomain | None
) -> Converter:
    """Create the converter of trained members.

    Args:
        data: the data of each variant.
        engines: the members' engines. Those of the last variants may be missing.
        domain: what the model was trained on; None if unknown.
    """
    converters, weights, first = [], [], 0
    for each in data:
        members = engines[first : first + each.variant.members]
        first += each.variant.members
        if members:
            converters.append(each.converter(members, domain))
            weights.append(float(len(members)))
    return joined(converters, weights)


def trained_model(
    run: UnfinishedRun,
    converter: Converter,
    members: Sequence[Mapping[str, Array]],
    histories: Sequence[dict[str, Any]],
    counts: Counts | None = None,
) -> FittedModel:
    """Create the model of a training run.

    Args:
        run: the run.
        converter: the converter of the model.
        members: weights of each member. Those of the last variants may be missing.
        histories: metrics of each member; see `history`.
        counts: counts of the predictions on the validation set, or None.
    """
    first, variants = run.data[0], []
    for data in run.data:
        weights, members = members[: data.variant.members], members[data.variant.members :]
        if weights:
            variants.append(
                SavedVariant(
                    data.variant.model,
                    data.variant.training,
                    data.source_vocabulary,
                    data.target_vocabulary,
                    [dict(each) for each in weights],
                    data.codec.arrays,
                )
            )
    metrics = {
        **histories[0],
        **({"members": list(histories)} if len(histories) > 1 else {}),
        "pairs": len(first.pairs),
        "held_out": len(first.validation_pairs or ()),
        **({"labelled": first.labelled} if first.labelled else {}),
        "exact_match": None if counts is None else counts.exact_match,
        "weights": first.weights,
    }
    domain = converter.domain
    saved = SavedModel(
        variants,
        data=asdict(run.job.data),
        metrics=metrics,
        temperature=converter.temperature,
        training_range=None if domain is None else domain.training_range,
        corrections={} if domain is None else corrections_to_values(domain.corrections),
        lexicon=run.job.lexicon,
    )
    return FittedModel(saved, converter, run.job.data, counts)


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
        data: the data of each variant.
        job: what is trained.
        progress: the progress of the run.
        probe_updates: number of updates that estimating the confidence outside the training data takes at the end.
        teacher: whether the model only predicts the targets of unlabelled sources.
        engine: engine of the current member, or None before its weights are set.
    """

    data: Sequence[PreparedData]
    job: TrainingJob
    progress: Progress
    probe_updates: int = 0
    teacher: bool = False
    engine: Engine | None = None

    def data_of(self, member: int) -> tuple[PreparedData, int]:
        """Return the data of a member, and its number in its variant."""
        variant = self.job.variant_of(member)
        return self.data[variant], member - sum(each.members for each in self.job.variants[:variant])

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
            number = len(histories)
            training = self.data_of(number)[0].variant.training
            histories.append(history(replace(training, seed=training.seed + number), state))
        if not members:
            return None
        created = []
        for number, member in enumerate(members):
            data, _ = self.data_of(number)
            engine = engines.make(data.variant.model, data.sizes, training=data.variant.training)
            engine.set_weights(member)
            created.append(engine)
        converter = joined_converter(self.data, created, training_domain(self.data[0], self.job.start))
        return trained_model(self, converter, members, histories)

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
