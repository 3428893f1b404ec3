"""What a trained model is, as names and values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from henkan.config import ModelConfig, TrainingConfig
from henkan.recipes import RECIPES, differences
from henkan.storage.lexicon_file import entries
from henkan.storage.model_folder import SavedModel, SavedVariant
from henkan.text.counts import counted
from henkan.text.data_source import DataSource
from henkan.training.synthetic import copies_beside

DEFAULTS = {**vars(ModelConfig()), **vars(TrainingConfig())}

FROM_DATA = "target_symbols", "augment", "epochs"
"""Settings for which None means that the data decide."""


def model_facts(saved: SavedModel) -> list[tuple[str, str]]:
    """Describe a trained model.

    Args:
        saved: the model.

    Returns:
        name and value of each fact, for a table.
    """
    return [*_models(saved), *_training(saved), *_accuracy(saved)]


def _models(saved: SavedModel) -> Iterator[tuple[str, str]]:
    single = len(saved.members) == 1
    for variant in saved.variants:
        members = "" if single else f"{len(variant.members)} x "
        kind, layers = f"{members}{variant.model.kind}", _layers(variant.model)
        recipe, others = recipe_of(variant, saved.metrics.get("pairs", 0), saved.metrics.get("labelled", 0))
        settings = ", ".join(f"{name}={value!r}" for name, value in others.items())
        if len(saved.variants) > 1:
            yield kind, f"{layers}; recipe {recipe}" + f" with {settings}" * bool(settings)
        else:
            yield "architecture", f"{kind}: {layers}"
            yield "recipe", recipe + f" with {settings}" * bool(settings)
    source, target = saved.first.source_vocabulary, saved.first.target_vocabulary
    unit = target.tokenizer.unit
    named = {"characters": "", "graphemes": "; targets are split into graphemes"}
    split = named.get(unit, f"; targets are split at {unit!r}")
    yield "symbols", f"{len(source.symbols):,} of sources, {len(target.symbols):,} of targets{split}"
    weights = [sum(array.size for array in member.values()) for member in saved.members]
    yield "weights", f"{weights[0]:,}" if single else f"{sum(weights):,} in {len(weights)} models"


def _layers(model: ModelConfig) -> str:
    parts = [f"{model.layers} LSTM layers" if model.layers > 1 else "LSTM", f"hidden size {model.hidden_size}"]
    parts.append(f"embedding size {model.embedding_size}")
    parts += [name for name in ("bidirectional", "attention", "peeky", "copy") if getattr(model, name)]
    return ", ".join(parts)


def recipe_of(variant: SavedVariant, pairs: int, labelled: int = 0) -> tuple[str, dict[str, Any]]:
    """Return the recipe with which a model can be described by the fewest other settings, and these settings.

    Saved models have their settings, not the recipe that they came from. Settings that the recipe leaves to the data
    do not count.

    Args:
        variant: the model.
        pairs: number of training pairs.
        labelled: number of unlabelled sources with predicted targets.
    """
    others = labelled + (variant.training.augment or 0)
    epoch = others + pairs * copies_beside(others, max(1, pairs))
    found = {}
    for recipe, values in RECIPES.items():
        left_open = {name for name in FROM_DATA if values.get(name, DEFAULTS[name]) is None}
        differing = differences(variant.model, variant.training, recipe, pairs, epoch)
        found[recipe] = {name: value for name, value in differing.items() if name not in left_open}
    recipe = min(found, key=lambda name: len(found[name]))
    return recipe, found[recipe]


def _training(saved: SavedModel) -> Iterator[tuple[str, str]]:
    metrics, name = saved.metrics, saved.data.get("name", DataSource.name)
    if "pairs" not in metrics:  # metrics.json was deleted, or is damaged
        return
    origin = "" if name == DataSource.name else f" from {name}"
    synthetic, labelled = saved.first.training.augment, metrics.get("labelled")
    more = f", {synthetic:,} synthetic pairs" if synthetic else ""
    more += (
        f", {counted(labelled, 'source with a predicted target', 'sources with predicted targets')}" if labelled else ""
    )
    yield "trained on", f"{counted(metrics['pairs'], 'pair')}{origin}{more}"
    histories = metrics.get("members", [metrics])
    seconds = sum(epoch["seconds"] for history in histories for epoch in history.get("epochs", []))
    counts = ", ".join(str(len(history.get("epochs", []))) for history in histories)
    yield "epochs", f"{counts} in {seconds:.1f} s"


def _accuracy(saved: SavedModel) -> Iterator[tuple[str, str]]:
    metrics = saved.metrics
    measured = metrics.get("exact_match")
    if measured is None:
        yield "exact match", "not measured"
    else:
        yield "exact match", f"{measured:.2%} on the validation set of {counted(metrics.get('held_out', 0), 'pair')}"
    if saved.lexicon is not None:
        yield "lexicon", entries(len(saved.lexicon))
