"""The contents of a model folder as JSON values, for the JavaScript runtime (`web/runtime/model_file.js`)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from henkan._version import __version__
from henkan.config import to_dict
from henkan.export.quantization import is_quantized, quantize
from henkan.storage.model_folder import SavedModel, SavedVariant
from henkan.text.arrays import Array

FORMAT = "henkan-model-data"
FORMAT_VERSION = 1

Precision = Literal["float32", "float16", "int8"]


def model_data(saved: SavedModel, precision: Precision = "float32") -> dict[str, Any]:
    """Return everything that predicting with a model needs, as JSON values:

        format, format_version, henkan   "henkan-model-data", 1, and the version of henkan
        variants      one for a single model and for an ensemble of models that differ only in their weights, several
                      for a mixed ensemble: model (`henkan.config.ModelConfig`), source and target
                      (`Vocabulary.to_dict`), weight (of each member in a mixed ensemble), codec (name -> array, what
                      the target codec has learned) and members (for each, name -> array)
        temperature   of the calibration of the confidence, or null
        range         what the training sources contained (`TrainingRange.to_dict`), or null
        corrections   of the confidence outside the training data (`henkan.inference.outside.Correction`)
        lexicon       known sources with their targets, as pairs, or null

    An array has its shape, its type ("float32", "float16" or "int8") and its numbers in base64, row by row and with the
    lowest byte first. If they are int8, each column (axis 1) or row (axis 0) is multiplied by its scale.

    Args:
        saved: the model.
        precision: how to store the weights. What a codec has learned remains float32: it decides between alignments.

    Raises:
        ModelFolderError: if the stored lexicon is damaged.
    """
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "henkan": __version__,
        "variants": [_variant(variant, precision) for variant in saved.variants],
        "temperature": saved.temperature,
        "range": None if saved.training_range is None else saved.training_range.to_dict(),
        "corrections": {kind: dict(numbers) for kind, numbers in saved.corrections.items()},
        "lexicon": None if saved.lexicon is None else [list(pair) for pair in saved.lexicon.pairs()],
    }


def _variant(variant: SavedVariant, precision: Precision) -> dict[str, Any]:
    return {
        "model": to_dict(variant.model),
        "source": variant.source_vocabulary.to_dict(),
        "target": variant.target_vocabulary.to_dict(),
        "weight": variant.weight,
        "codec": _arrays(variant.codec, "float32"),
        "members": [_arrays(member, precision) for member in variant.members],
    }


def _arrays(arrays: Mapping[str, Array], precision: Precision) -> dict[str, Any]:
    return {name: _array(name, array, precision) for name, array in arrays.items()}


def _array(name: str, array: Array, precision: Precision) -> dict[str, Any]:
    shape = list(array.shape)
    if precision == "int8" and is_quantized(array):
        numbers, scales, axis = quantize(name, array)
        return {"shape": shape, "type": "int8", "data": _base64(numbers), "axis": axis, "scales": _base64(scales)}
    kind = "float16" if precision == "float16" else "float32"
    return {"shape": shape, "type": kind, "data": _base64(_rounded(array, kind))}


def _rounded(array: Array, kind: str) -> Array:
    """Convert an array to a type. A number beyond its largest one, 65,504 for float16, becomes that."""
    limit = np.finfo(kind).max
    return np.clip(array, -limit, limit).astype(kind)


def _base64(array: Array) -> str:
    return b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode("ascii")


def as_stored(saved: SavedModel, precision: Precision) -> SavedModel:
    """Return a model with the weights that a reader of `model_data` has, to measure what the rounding costs."""

    def restored(name: str, array: Array) -> Array:
        if precision == "int8" and is_quantized(array):
            numbers, scales, _ = quantize(name, array)
            return numbers * scales
        return _rounded(array, "float16" if precision == "float16" else "float32").astype(np.float32)

    return replace(
        saved,
        variants=[
            replace(
                variant,
                members=[{name: restored(name, array) for name, array in each.items()} for each in variant.members],
            )
            for variant in saved.variants
        ],
    )
