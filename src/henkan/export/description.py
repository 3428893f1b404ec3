"""Facts about a model that pages show: that of the server (`GET /v1/models`), and an exported one."""

from __future__ import annotations

from itertools import islice
from typing import Any

from henkan.errors import SettingsError
from henkan.inference.converter import Converter
from henkan.inference.explanation import By, choose_weights
from henkan.storage.model_folder import SavedModel
from henkan.text.data_source import DataSource
from henkan.text.tasks import TASKS

EXAMPLES = 8
SYMBOLS = 300
"""Number of symbols of each side that are listed."""


def describe_model(saved: SavedModel, converter: Converter, data: DataSource) -> dict[str, Any]:
    """The facts; see `henkan.serve.schemas.Description`, which has the name and the limits of the server in addition.

    Args:
        saved: the model.
        converter: what converts texts with it.
        data: origin of the training pairs.
    """
    settings = saved.first.model
    return {
        "architecture": ", ".join(dict.fromkeys(variant.model.architecture for variant in saved.variants)),
        "parameters": sum(array.size for member in saved.members for array in member.values()),
        "members": len(saved.members),
        "task": data.name if data.task else None,
        "examples": _examples(saved, data),
        "by": _weights(converter),
        "calibrated": converter.temperature is not None,
        "copying": converter.capabilities.copying,
        "source_symbols": settings.source_symbols,
        "target_symbols": settings.target_symbols or "characters",
        "tags": settings.tag_separator if settings.features else None,
        "symbols": {
            "source": [*converter.source_vocabulary.symbols[:SYMBOLS]],
            "target": [*converter.target_vocabulary.symbols[:SYMBOLS]],
        },
        "metrics": _metrics(saved),
    }


def _examples(saved: SavedModel, data: DataSource) -> list[str]:
    """Sources to try: of the task, or of the stored lexicon. A saved model does not have its training pairs."""
    if data.task and data.name in TASKS:
        return [*TASKS[data.name].generate(EXAMPLES, seed=data.seed + 1).sources]
    return [] if saved.lexicon is None else [source for source, _ in islice(saved.lexicon.pairs(), EXAMPLES)]


def _weights(converter: Converter) -> By | None:
    try:
        return choose_weights(converter, None)
    except SettingsError:
        return None


def _metrics(saved: SavedModel) -> dict[str, Any] | None:
    """Numbers of pairs, and the exact match on the validation set, of each member and of all together."""
    metrics = saved.metrics
    if not metrics:
        return None
    names = ("exact_match", "pairs", "held_out", "labelled")
    return {name: metrics[name] for name in names if metrics.get(name) is not None}
