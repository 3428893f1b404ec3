"""Conversion of config.json and vocabulary.json of earlier formats to the current one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

FORMAT_VERSION = 2


def from_1(config: Any, vocabulary: Any) -> tuple[Any, Any]:
    """Format 2 has the range of the training sources, and the confidence of sources outside it."""
    calibration = config["calibration"]
    config = {**config, "calibration": calibration and {**calibration, "outside": {}}}
    return config, {**vocabulary, "range": None}


MIGRATIONS: Mapping[int, Callable[[Any, Any], tuple[Any, Any]]] = {1: from_1}
"""Format version -> function that converts config.json and vocabulary.json to the next version."""
