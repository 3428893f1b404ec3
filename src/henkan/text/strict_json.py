"""Parse JSON from untrusted files."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any

MARKS = ("[", "{", ",")
"""Every value except the outermost directly follows one of these."""

STRING_OR_MARK = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{,]', re.DOTALL)


def parse(content: str | bytes, *, most: int | None = None) -> Any:
    """Parse a JSON text.

    Args:
        content: the text; bytes must be UTF-8.
        most: maximum number of values; None: any. A value of two bytes may take hundreds of bytes of memory, so values
            are counted before any is created.

    Raises:
        ValueError: if it is not JSON, is nested too deeply, has a number that is not finite, has too many values, or
            repeats a name, which parsers interpret differently.
    """
    text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
    if most is not None and _has_more_values(text, most):
        raise ValueError("more values than allowed")
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _has_more_values(text: str, most: int) -> bool:
    if sum(map(text.count, MARKS)) < most:
        return False
    values = 1  # exact count, slower: marks inside strings do not count
    for found in STRING_OR_MARK.finditer(text):
        values += text[found.start()] != '"'
        if values > most:
            return True
    return False


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("repeated name")
    return values


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"the number {text} is too large")
    return number


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")
