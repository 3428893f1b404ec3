"""Several trained models as one ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from henkan.config import ModelConfig
from henkan.engine.base import SingleProcess
from henkan.engine.numpy import NumpyEngines
from henkan.errors import SettingsError
from henkan.evaluation.evaluation_set import Questions
from henkan.text.pairs import Pairs
from henkan.text.vocabulary import Vocabulary
from henkan.training.fitted_model import FittedModel, make_converter, make_engines
from henkan.training.validation import evaluate_and_calibrate


def combine(models: Sequence[FittedModel], held_out: Pairs | None = None) -> FittedModel:
    """Several models of the same settings and symbols, as trained with different seeds, as one that answers together.

    Args:
        models: at least one.
        held_out: pairs that calibrate its probabilities, or None.

    Raises:
        SettingsError: if they do not fit together.
    """
    if not models:
        raise SettingsError("there are no models to combine")
    first = models[0]
    members = [member for model in models for member in model.artefact.members]
    for model in models:
        same = ("model", "source_vocabulary", "target_vocabulary")
        if any(
            _comparable(getattr(model.artefact, name)) != _comparable(getattr(first.artefact, name)) for name in same
        ):
            raise SettingsError("only models of the same settings and symbols can be combined")
    vocabularies = first.artefact.source_vocabulary, first.artefact.target_vocabulary
    made = make_engines(first.artefact, members, NumpyEngines())
    converter = make_converter(made, *vocabularies, first.artefact.model)
    questions = None if held_out is None else Questions(held_out, *vocabularies)
    result = None if questions is None else evaluate_and_calibrate(converter, questions, SingleProcess(), lambda: None)
    metrics = {
        **first.artefact.metrics,
        "members": [model.artefact.metrics for model in models],
        "exact_match": None if result is None else result.exact_match,
        "held_out": len(held_out or ()),
    }
    data = replace(first.data, held_out="none")  # what the one held out, another may have been trained on
    temperature = converter.temperature
    kept = replace(first.artefact, members=members, temperature=temperature, metrics=metrics, data=asdict(data))
    return FittedModel(kept, converter, data)


def _comparable(part: ModelConfig | Vocabulary) -> object:
    return part.to_dict() if isinstance(part, Vocabulary) else part
