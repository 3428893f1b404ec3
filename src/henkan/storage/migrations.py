"""Conversion of saved models of earlier formats, so that they keep their behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Migration = Callable[[dict[str, Any], dict[str, Any]], tuple[dict[str, Any], dict[str, Any]]]

TAGS_AS_GIVEN = {"tag_separator": ";", "sort_tags": False}
"""Format 1 separated feature tags by semicolons, and read them in the given order."""

NO_TAGS = {"tag_separator": None, "sort_tags": True}
"""The defaults, with which a model without tags can be combined with a new one."""


def from_1(config: dict[str, Any], vocabulary: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Convert format 1 to format 2.

    Format 2 has settings of feature tags and of the case of sources, the range of the training sources, and the
    confidence of sources outside it.
    """
    tags = TAGS_AS_GIVEN if config["model"]["features"] else NO_TAGS
    calibration = config["calibration"]
    config = {
        **config,
        "model": {**config["model"], "source_case": "keep", **tags},
        "calibration": calibration and {**calibration, "outside": {}},
    }
    vocabulary = {
        side: {**values, "cut": {**values["cut"], "case": "keep", **TAGS_AS_GIVEN}}
        for side, values in vocabulary.items()
    }
    return config, {**vocabulary, "range": None}


def from_2(config: dict[str, Any], vocabulary: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Convert format 2 to format 3, which has mixed ensembles and what a target codec has learned."""
    variant = {name: config[name] for name in ("model", "training", "members")} | {"weight": 1.0, "codec": {}}
    sides = {side: vocabulary[side] for side in ("source", "target")}
    if set(config) != {"model", "training", "members", "data", "calibration"} or set(vocabulary) != {*sides, "range"}:
        raise ValueError("unknown names")
    config = {"variants": [variant], "data": config["data"], "calibration": config["calibration"]}
    return config, {"variants": [sides], "range": vocabulary["range"]}


def from_3(config: dict[str, Any], vocabulary: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Convert format 3 to format 4, which adds a lexicon and changes nothing else."""
    return config, vocabulary


MIGRATIONS: Mapping[int, Migration] = {1: from_1, 2: from_2, 3: from_3}
"""Format version -> function that converts the contents of config.json and vocabulary.json to the next version."""
