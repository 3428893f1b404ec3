"""Recipes: sets of default settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from henkan.config import UNSUPPORTED, ModelConfig, TrainingConfig, from_dict, to_dict
from henkan.errors import SettingsError

RECIPE_HELP: Mapping[str, str] = {
    "words": "encoder-decoder with attention; a default for files",
    "edits": "transducer, which copies and edits the source from left to right; the other default for files",
    "modern": "small Peeky model with reversed sources, which trains quickly; the default for tasks",
    "quick": "`modern` in two epochs, for tens of thousands of pairs that follow one rule, such as sums",
    "book": "model of chapter 7 of 'Deep Learning from Scratch 2', with padded strings",
}

RECIPES: Mapping[str, Mapping[str, Any]] = {
    "modern": {},
    "quick": {"epochs": 2, "learning_rate": 3.2e-2},
    "words": {
        "reverse": False,
        "attention": True,
        "bidirectional": True,
        "peeky": False,
        "target_symbols": None,
        "embedding_size": 64,
        "hidden_size": 128,
        "updates": 4500,
        "batch_size": None,
        "by_length": True,
        "learning_rate": 4e-3,
        "dropout": None,
        "embedding_dropout": 0.1,
        "unknown_rate": 0.25,
        "augment": None,
    },
    "edits": {
        "architecture": "transducer",
        "reverse": False,
        "bidirectional": True,
        "peeky": False,
        "target_symbols": None,
        "embedding_size": 64,
        "hidden_size": 128,
        "updates": 3000,
        "batch_size": None,
        "by_length": True,
        "learning_rate": 4e-3,
        "dropout": None,
        "embedding_dropout": 0.3,
        "unknown_rate": 0.25,
        "augment": None,
    },
    "book": {
        "embedding_size": 16,
        "hidden_size": 128,
        "fill": True,
        "epochs": 25,
        "batch_size": 128,
        "learning_rate": 1e-3,
        "schedule": "constant",
        "beta2": 0.999,
        "weight_decay": 0.0,
        "clip_norm": 5.0,
        "initialization": "book",
    },
}

"""Recipe -> the settings that differ from the defaults in `henkan.config`, which are the recipe `modern`. They also
replace the defaults of a task."""

RECIPES_BY_SIZE: Mapping[str, Mapping[int, Mapping[str, Any]]] = {
    "words": {30_000: {"hidden_size": 192, "updates": 12_000, "dropout": 0.2}},
    "edits": {
        8_000: {"hidden_size": 192, "updates": 6_000},
        30_000: {"hidden_size": 256, "updates": 10_000, "embedding_dropout": 0.1},
    },
}
"""Recipe -> number of pairs -> the settings that differ again from this number of pairs on. The last that applies
counts."""

RECIPE_OF_ARCHITECTURE: Mapping[str, str] = {"encoder-decoder": "words", "transducer": "edits"}

ONLY_ENCODER_DECODER = (*UNSUPPORTED["transducer"], "attention_kind", "fill")
"""Settings that only the encoder-decoder has."""


def implied_recipe(settings: Mapping[str, Any]) -> str | None:
    """Return the recipe for the architecture that some settings select; None if they leave it open."""
    if settings.get("architecture") is not None:
        return RECIPE_OF_ARCHITECTURE.get(str(settings["architecture"]), "words")
    return "words" if implying(settings) else None


def implying(settings: Mapping[str, Any]) -> str:
    """Return the name, in words, of a given setting that only the encoder-decoder has; empty if none is given."""
    return next((name.replace("_", " ") for name in ONLY_ENCODER_DECODER if name in settings), "")


def make_configs(
    settings: Mapping[str, Any],
    *,
    recipe: str | None = None,
    defaults: Mapping[str, Any] | None = None,
    pairs: int = 0,
) -> tuple[ModelConfig, TrainingConfig]:
    """Complete the given settings with those of a recipe, then those of the data, then the defaults.

    Args:
        settings: settings by name.
        recipe: a key of `RECIPES`. None: "modern" if `defaults` is given, otherwise that of the architecture, which is
            the encoder-decoder by default.
        defaults: default settings of a task, or None for other data.
        pairs: number of pairs; see `RECIPES_BY_SIZE`.

    Raises:
        SettingsError: for an unknown recipe or setting, or an invalid value.
    """
    if recipe is None:
        recipe = (implied_recipe(settings) or "words") if defaults is None else "modern"
    if not isinstance(recipe, str) or recipe not in RECIPES:
        raise SettingsError(f"there is no recipe {recipe!r}; choose one of {', '.join(sorted(RECIPES))}")
    off = dict.fromkeys(UNSUPPORTED.get(str(settings.get("architecture")), ()), False)
    reached = [more for size, more in RECIPES_BY_SIZE.get(recipe, {}).items() if pairs >= size]
    more = reached[-1] if reached else {}
    merged = {**(defaults or {}), **RECIPES[recipe], **more, **off, **settings}
    merged = {name: value.item() if isinstance(value, np.generic) else value for name, value in merged.items()}
    model_names = {field.name for field in fields(ModelConfig)}
    model = {name: value for name, value in merged.items() if name in model_names}
    training = {name: value for name, value in merged.items() if name not in model_names}
    configs = from_dict(ModelConfig, model), from_dict(TrainingConfig, training)
    if configs[0].fill and configs[1].unknown_rate:
        raise SettingsError(
            "a model with padded strings (recipe `book`) has no unknown symbol; set the unknown rate to 0"
        )
    return configs


def restored_settings(configs: Sequence[tuple[ModelConfig, TrainingConfig]], pairs: int) -> dict[str, Any]:
    """Return the fewest settings, with a recipe, that give known settings of a model or of a mixed ensemble again.

    Args:
        configs: settings of each kind of model.
        pairs: number of training pairs.

    Returns:
        for one kind, its settings exactly. For several kinds, what all of them have in common, without a recipe: the
        kinds of a mixed ensemble are chosen by the pairs.
    """
    found = [
        min(({"recipe": recipe} | differences(*each, recipe, pairs) for recipe in RECIPES), key=len) for each in configs
    ]
    if len(found) == 1:
        return found[0]
    return {
        name: value
        for name, value in found[0].items()
        if name not in ("recipe", "architecture") and all(name in each and each[name] == value for each in found)
    }


def differences(
    model: ModelConfig, training: TrainingConfig, recipe: str, pairs: int, epoch: int | None = None
) -> dict[str, Any]:
    """Return the settings of a model that differ from those of a recipe.

    Args:
        model, training: the settings.
        recipe: a key of `RECIPES`.
        pairs: number of training pairs.
        epoch: number of pairs in an epoch, if it has others than the training pairs.
    """
    base_model, base_training = make_configs({}, recipe=recipe, pairs=pairs)
    base = {**to_dict(base_model), **to_dict(base_training.sized(pairs if epoch is None else epoch))}
    settings = {**to_dict(model), **to_dict(training)}
    return {name: value for name, value in settings.items() if base[name] != value}
