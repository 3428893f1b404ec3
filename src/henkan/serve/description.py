"""What `GET /v1/models` says about a model."""

from __future__ import annotations

from itertools import islice
from typing import Any

from henkan.errors import SettingsError
from henkan.inference.converter import Converter
from henkan.inference.explanation import By, choose_weights
from henkan.serve.models import ServedModel
from henkan.serve.settings import Limits
from henkan.text.tasks import TASKS

EXAMPLES = 8
SYMBOLS = 300
"""Number of symbols of each side that are listed."""


def describe(model: ServedModel, limits: Limits, *, default: bool) -> dict[str, Any]:
    """The description of a model; see `henkan.serve.schemas.Description`."""
    saved, converter = model.fitted.saved, model.converter
    settings, data = saved.first.model, model.fitted.data
    return {
        "name": model.name,
        "default": default,
        "architecture": ", ".join(dict.fromkeys(variant.model.architecture for variant in saved.variants)),
        "parameters": sum(array.size for member in saved.members for array in member.values()),
        "members": len(saved.members),
        "task": data.name if data.task else None,
        "examples": _examples(model),
        "by": _weights(converter),
        "calibrated": converter.temperature is not None,
        "copying": converter.capabilities.copying,
        "reads_unknown": converter.source_vocabulary.unknown,
        "source_symbols": settings.source_symbols,
        "target_symbols": settings.target_symbols or "characters",
        "tags": settings.tag_separator if settings.features else None,
        "symbols": {
            "source": [*converter.source_vocabulary.symbols[:SYMBOLS]],
            "target": [*converter.target_vocabulary.symbols[:SYMBOLS]],
        },
        "metrics": _metrics(model),
        "limits": {
            "texts": limits.texts,
            "length": limits.length,
            "explained_length": limits.explained_length,
            "beam": limits.beam,
            "pattern_length": limits.pattern_length,
            "allowed": limits.allowed,
        },
    }


def _examples(model: ServedModel) -> list[str]:
    """Sources to try: of the task, or of the stored lexicon. A saved model does not have its training pairs."""
    data = model.fitted.data
    if data.task and data.name in TASKS:
        return [*TASKS[data.name].generate(EXAMPLES, seed=data.seed + 1).sources]
    stored = model.fitted.saved.lexicon
    return [] if stored is None else [source for source, _ in islice(stored.pairs(), EXAMPLES)]


def _weights(converter: Converter) -> By | None:
    try:
        return choose_weights(converter, None)
    except SettingsError:
        return None


def _metrics(model: ServedModel) -> dict[str, Any] | None:
    """Numbers of pairs, and the exact match on the validation set, of each member and of all together."""
    metrics = model.fitted.saved.metrics
    if not metrics:
        return None
    names = ("exact_match", "pairs", "held_out", "labelled")
    return {name: metrics[name] for name in names if metrics.get(name) is not None}
