"""JSON from elsewhere."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any

MARKS = ("[", "{", ",")
"""Every value but the outermost comes right after one of these."""

STRING_OR_MARK = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{,]', re.DOTALL)


def parse(content: str | bytes, *, most: int | None = None) -> Any:
    """The value of a JSON text, which is UTF-8 if it is bytes.

    Args:
        most: values that there can be. A value of two bytes may cost hundreds of bytes of memory, so they are counted
            before any is made.

    Raises:
        ValueError: if it is none, is nested too deep, has a number that is not finite, names a thing twice, which
            two readers may understand differently, or has more values.
    """
    text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
    if most is not None and _has_more_values(text, most):
        raise ValueError("more values than there can be")
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _has_more_values(text: str, most: int) -> bool:
    if sum(map(text.count, MARKS)) < most:
        return False
    values = 1  # strings may hold marks that mean nothing; looking for them takes longer, and is seldom necessary
    for found in STRING_OR_MARK.finditer(text):
        values += text[found.start()] != '"'
        if values > most:
            return True
    return False


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
