"""What `GET /v1/models` says about a model."""

from __future__ import annotations

from typing import Any

from henkan.export.description import describe_model
from henkan.serve.models import ServedModel
from henkan.serve.settings import Limits


def describe(model: ServedModel, limits: Limits, *, default: bool) -> dict[str, Any]:
    """The description of a model; see `henkan.serve.schemas.Description`."""
    return {
        "name": model.name,
        "default": default,
        **describe_model(model.fitted.saved, model.converter, model.fitted.data),
        "limits": {
            "texts": limits.texts,
            "length": limits.length,
            "explained_length": limits.explained_length,
            "beam": limits.beam,
            "pattern_length": limits.pattern_length,
            "allowed": limits.allowed,
        },
    }
