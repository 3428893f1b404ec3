"""Combine trained models into an ensemble."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, replace

import numpy as np

from henkan.engine.base import Engines, SingleProcess
from henkan.errors import SettingsError
from henkan.evaluation.evaluation_set import EvaluationSet
from henkan.inference.converter import Converter
from henkan.inference.mixture import Mixture
from henkan.inference.outside import corrections_to_values
from henkan.storage.lexicon_file import SavedLexicon
from henkan.storage.model_folder import MAX_MEMBERS, SavedModel, SavedVariant
from henkan.text.pairs import Pairs
from henkan.training.fitted_model import FittedModel, converter_of
from henkan.training.mixture_weights import fit_weights
from henkan.training.stored_lexicon import entries_of, merge
from henkan.training.validation import evaluate_and_calibrate


def combine(
    models: Sequence[FittedModel], validation: Pairs | None, engines: Engines, *, weighted: bool = False
) -> FittedModel:
    """Combine models into an ensemble.

    Models with the same settings and symbols, such as models trained with different seeds, become one variant; see
    `henkan.storage.model_folder.SavedVariant`. If there are several variants, the ensemble is mixed; see
    `henkan.inference.mixture`. The ensemble has the entries of all lexicons, in the order of the models.

    Args:
        models: the models; see `check_models`. Of an ensemble, all members are used.
        validation: pairs for confidence calibration, or None.
        weighted: whether to fit the weights of different models to the validation set.
        engines: factory for the engines of the ensemble.

    Raises:
        SettingsError: if there are too many members, only some of the models read feature tags, or weights are to be
            fitted without a validation set or to models that are alike.
    """
    first = models[0]
    if weighted and validation is None:
        raise SettingsError("weights are fitted to a validation set, but there is none", "name_dev")
    if len({each.model.features for model in models for each in model.saved.variants}) > 1:
        raise SettingsError("only some of the models read feature tags; combine models that read the same sources")
    variants = _variants([each for model in models for each in model.saved.variants])
    count = sum(len(each.members) for each in variants)
    if count > MAX_MEMBERS:
        raise SettingsError(f"an ensemble has at most {MAX_MEMBERS} members, not {count}; combine fewer models")
    domain = first.converter.domain
    if domain is not None and validation is None:
        domain = replace(domain, corrections={})
    saved = replace(first.saved, variants=variants)
    converter = converter_of(saved, engines, domain)
    counts = None
    if validation is not None:
        evaluation_set = EvaluationSet(validation, variants[0].source_vocabulary, variants[0].target_vocabulary)
        if weighted:
            saved = _weighted(saved, converter, evaluation_set)
        counts = evaluate_and_calibrate(converter, evaluation_set, SingleProcess(), lambda: None)
    metrics = {
        **first.saved.metrics,
        "members": [history for model in models for history in _histories(model.saved)],
        "exact_match": None if counts is None else counts.exact_match,
        "held_out": len(validation or ()),
    }
    # Other members may have been trained on the validation set of the first.
    data = replace(first.data, held_out="none")
    saved = replace(
        saved,
        temperature=converter.temperature,
        metrics=metrics,
        data=asdict(data),
        training_range=None if domain is None else domain.training_range,
        corrections={} if domain is None else corrections_to_values(domain.corrections),
        lexicon=_lexicon(models),
    )
    return FittedModel(saved, converter, data, counts)


def _lexicon(models: Sequence[FittedModel]) -> SavedLexicon | None:
    """Join the lexicons of the models."""
    if all(model.saved.lexicon is None for model in models):
        return None
    return merge((), (pair for model in models for pair in entries_of(model)), models[0].normalize).lexicon


def _weighted(saved: SavedModel, converter: Converter, validation: EvaluationSet) -> SavedModel:
    """Fit the weights of a mixed ensemble, set them in its converter, and return the model with them."""
    if not isinstance(converter, Mixture):
        raise SettingsError("all models have the same settings, so there are no weights to fit; combine them without")
    weights = fit_weights(converter, validation)
    converter.weights = np.array(weights)
    variants = [
        replace(variant, weight=weight / len(variant.members))
        for variant, weight in zip(saved.variants, weights, strict=True)
    ]
    return replace(saved, variants=variants)


def _variants(variants: Sequence[SavedVariant]) -> list[SavedVariant]:
    """Join variants with the same settings and symbols."""
    joined: list[SavedVariant] = []
    for variant in variants:
        for number, other in enumerate(joined):
            if _same(variant, other):
                joined[number] = replace(other, members=[*other.members, *variant.members])
                break
        else:
            joined.append(variant)
    return joined


def _same(variant: SavedVariant, other: SavedVariant) -> bool:
    """Whether the models of two variants can compute a step together."""
    return (
        variant.model == other.model
        and variant.weight == other.weight
        and variant.source_vocabulary.to_dict() == other.source_vocabulary.to_dict()
        and variant.target_vocabulary.to_dict() == other.target_vocabulary.to_dict()
        and variant.codec.keys() == other.codec.keys()
        and all(np.array_equal(array, other.codec[name]) for name, array in variant.codec.items())
    )


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
