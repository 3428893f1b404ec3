"""JSON from elsewhere."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any


def parse(content: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: if it is none, is nested too deep, has a number that is not finite, or names a thing twice, which
            two readers may understand differently.
    """
    try:
        return json.loads(content, object_pairs_hook=_distinct, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name stands twice")
    return values


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")
