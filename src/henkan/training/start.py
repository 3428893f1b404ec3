"""Training that continues from a trained model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from henkan.errors import CheckpointError, ModelFolderError, SettingsError
from henkan.recipes import make_configs
from henkan.training.checkpoint import Checkpoints
from henkan.training.fitted_model import FittedModel, load_model
from henkan.training.job import Variant


def start_variants(
    fitted: FittedModel, settings: Mapping[str, Any], recipe: str | None = None, ensemble: int | None = None
) -> list[Variant]:
    """Complete the given settings with the model settings of the model to start from.

    Args:
        fitted: the model to start from.
        settings: the given settings by name.
        recipe: a key of `henkan.recipes.RECIPES`, for the settings of the training run that are not given; None: that
            of the architecture.
        ensemble: the given number of ensemble members, or None.

    Raises:
        SettingsError: if they contradict each other.
    """
    members = len(fitted.saved.members)
    if ensemble not in (None, members):
        raise SettingsError(f"the model to start from has {members} members, not {ensemble}", "omit_ensemble")
    variants = []
    for variant in fitted.saved.variants:
        fixed, given = asdict(variant.model), settings
        for name, value in settings.items():
            if fixed.get(name, value) != value:
                raise SettingsError(
                    f"the model to start from has {name.replace('_', ' ')} {fixed[name]!r}, which cannot be changed to "
                    f"{value!r}",
                    "omit_setting",
                )
        if not variant.source_vocabulary.unknown:
            if settings.get("unknown_rate"):
                raise SettingsError(
                    "the model to start from has no unknown symbol, so it cannot be trained with one",
                    "omit_unknown_rate",
                )
            given = {"unknown_rate": 0.0, **settings}
        variants.append(Variant(*make_configs({**given, **fixed}, recipe=recipe), len(variant.members)))
    return variants


def load_start(checkpoints: Checkpoints) -> FittedModel:
    """Load the model that an interrupted run started from; its checkpoint has a copy.

    Raises:
        CheckpointError: if the copy cannot be read.
    """
    try:
        return load_model(checkpoints.folder.start)
    except ModelFolderError as error:
        raise CheckpointError(
            f"the model that this run started from can no longer be read ({error.message.problem})",
            "restart",
        ) from None
