"""Parse JSON from untrusted files."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any

VALUE_STARTS = ("[", "{", ",")
"""Every value except the outermost directly follows one of these."""

STRING_OR_START = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{,]', re.DOTALL)


def parse(content: str | bytes, *, max_values: int | None = None) -> Any:
    """Parse a JSON text.

    Args:
        content: the text; bytes must be UTF-8.
        max_values: maximum number of values; None: no limit. Values are counted before any is created, because a
            value of two bytes may take hundreds of bytes of memory.

    Raises:
        ValueError: if it is not JSON, is nested too deeply, has a number that is not finite or too many values, or
            repeats a name in an object.
    """
    text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
    if max_values is not None and _has_more_values(text, max_values):
        raise ValueError("more values than allowed")
    try:
        return json.loads(
            text, object_pairs_hook=_refuse_repeated_names, parse_constant=_refuse_constant, parse_float=_finite_float
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _has_more_values(text: str, limit: int) -> bool:
    if sum(map(text.count, VALUE_STARTS)) < limit:
        return False
    values = 1  # exact but slower: ignores the characters inside strings
    for found in STRING_OR_START.finditer(text):
        values += text[found.start()] != '"'
        if values > limit:
            return True
    return False


def _refuse_repeated_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("repeated name")
    return values


def _finite_float(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"the number {text} is too large")
    return number


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")
