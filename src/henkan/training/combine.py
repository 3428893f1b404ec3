"""Combine trained models into an ensemble."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, replace

from henkan.engine.base import Engines, SingleProcess
from henkan.errors import SettingsError
from henkan.evaluation.evaluation_set import EvaluationSet
from henkan.inference.outside import corrections_to_values
from henkan.storage.model_folder import MAX_MEMBERS, SavedModel
from henkan.text.pairs import Pairs
from henkan.training.fitted_model import FittedModel, make_converter, make_engines
from henkan.training.validation import evaluate_and_calibrate


def combine(models: Sequence[FittedModel], validation: Pairs | None, engines: Engines) -> FittedModel:
    """Combine models with the same settings and symbols, such as models trained with different seeds.

    Args:
        models: the models; see `check_models`. Of an ensemble, all members are used.
        validation: pairs for confidence calibration, or None.
        engines: factory for the engines of the ensemble.

    Raises:
        SettingsError: if there are too many members, or models with different settings or symbols.
    """
    first = models[0]
    for number, model in enumerate(models[1:], start=2):
        different = _difference(first.saved, model.saved)
        if different is not None:
            raise SettingsError(
                f"model {number} has {different} than the first; only models of the same settings and symbols can be "
                "combined, as trained on the same pairs with different seeds"
            )
    members = [member for model in models for member in model.saved.members]
    if len(members) > MAX_MEMBERS:
        raise SettingsError(f"an ensemble has at most {MAX_MEMBERS} members, not {len(members)}; combine fewer models")
    vocabularies = first.saved.source_vocabulary, first.saved.target_vocabulary
    domain = first.converter.domain
    if domain is not None and validation is None:
        domain = replace(domain, corrections={})
    converter = make_converter(make_engines(first.saved, members, engines), *vocabularies, first.saved.model, domain)
    counts = None
    if validation is not None:
        counts = evaluate_and_calibrate(
            converter, EvaluationSet(validation, *vocabularies), SingleProcess(), lambda: None
        )
    metrics = {
        **first.saved.metrics,
        "members": [history for model in models for history in _histories(model.saved)],
        "exact_match": None if counts is None else counts.exact_match,
        "held_out": len(validation or ()),
    }
    # Other members may have been trained on the validation set of the first.
    data = replace(first.data, held_out="none")
    saved = replace(
        first.saved,
        members=members,
        temperature=converter.temperature,
        metrics=metrics,
        data=asdict(data),
        training_range=None if domain is None else domain.training_range,
        corrections={} if domain is None else corrections_to_values(domain.corrections),
    )
    return FittedModel(saved, converter, data, counts)


def check_models(names: Sequence[Hashable]) -> None:
    """Check that there are at least two models to combine, and that all are different.

    Args:
        names: a name for each model; the same model has the same name.

    Raises:
        SettingsError: if not.
    """
    if len(names) < 2:
        raise SettingsError(
            f"at least two models are needed for an ensemble, not {len(names)}; train another with a different seed"
        )
    for number, name in enumerate(names, start=1):
        first = names.index(name) + 1
        if first < number:
            raise SettingsError(f"model {number} is the same as model {first}; give each model only once")


def _histories(saved: SavedModel) -> Sequence[object]:
    """Return the metrics of each member."""
    histories: Sequence[object] = saved.metrics.get("members", [saved.metrics])
    return histories


def _difference(first: SavedModel, other: SavedModel) -> str | None:
    """Describe the difference that prevents combining two models; None if there is none."""
    if first.model != other.model:
        return "other settings"
    for side in ("source", "target"):
        name = f"{side}_vocabulary"
        if getattr(first, name).to_dict() != getattr(other, name).to_dict():
            return f"other {side} symbols"
    return None
