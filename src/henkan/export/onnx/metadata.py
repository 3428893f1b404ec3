"""What a program needs to convert strings to the ids of a graph and back, stored in the file."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from henkan.export.onnx.sources import extra_symbols
from henkan.storage.model_folder import SavedModel

KEY = "henkan"
FORMAT_VERSION = 1


def metadata(saved: SavedModel, *, copying: bool) -> dict[str, str]:
    """Name -> text of the metadata of an ONNX file. `henkan` has a JSON object:

        format_version  1
        source          how to split a source: unit, normalization, case, features, tag_separator, sort_tags (as in
                        `henkan.text.tokenizer.Tokenizer`); symbols by id; unknown: whether symbols that are not listed
                        have the id 0; copies_unknown: whether they can be copied, and have ids from len(symbols) on, of
                        which equal symbols have the same; longest: maximum number of symbols, or null
        target          how to join a target: unit, normalization; symbols by id. Ids of len(symbols) + n are the source
                        symbol n
        temperature     of the calibration of the confidence, or null

    Args:
        saved: the model.
        copying: whether the model copies symbols of the source.
    """
    variant = saved.first
    source, target = variant.source_vocabulary, variant.target_vocabulary
    extra = extra_symbols(source, target) if copying else []
    contents: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "source": {
            **asdict(source.tokenizer),
            "symbols": [*source.symbols_by_id, *extra],
            "unknown": source.unknown,
            "copies_unknown": copying and source.unknown,
            "longest": source.width,
        },
        "target": {
            "unit": target.tokenizer.unit,
            "normalization": target.tokenizer.normalization,
            "symbols": target.symbols_by_id,
        },
        "temperature": saved.temperature,
    }
    return {KEY: json.dumps(contents, ensure_ascii=False)}


def parse(text: str) -> dict[str, Any]:
    """Read the JSON object of an ONNX file."""
    contents: dict[str, Any] = json.loads(text)
    return contents
