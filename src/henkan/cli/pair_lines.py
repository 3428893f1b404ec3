"""Pairs as lines of text or JSON, as `henkan train` reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from henkan.errors import DataError
from henkan.text.escaping import json_line
from henkan.text.pairs import line_of
from henkan.text.tokenizer import TAG

NOTHING: Mapping[str, Any] = {}


def json_pair(source: str, target: str, *, tagged: bool, more: Mapping[str, Any] = NOTHING) -> bytes:
    """Return a line with an object: source, target, features if the source is tagged, and more values."""
    text, tags = _columns(source, tagged)
    values = {"source": text, "target": target, **({"features": tags[0]} if tags else {}), **more}
    return f"{json_line(values)}\n".encode()


def text_pair(
    source: str, target: str, *, tagged: bool, more: Sequence[str] = (), number: int, kind: str = "pair"
) -> bytes:
    """Return a line: source TAB target, TAB features if the source is tagged, and more columns.

    Args:
        source, target: the pair.
        tagged: whether the model reads feature tags, which follow the text of the source and a tab.
        more: more columns.
        number: number of the line, from 1.
        kind: what a pair is called in the error message.

    Raises:
        DataError: if other columns would be read from the line.
    """
    text, tags = _columns(source, tagged)
    row = [text, target, *tags, *more]
    line = line_of(row, first=number == 1)
    if line is None:
        shown = "\t".join(row)
        raise DataError(f"{kind} {number} ({shown!a:.60}) cannot be written as a line of text; use --json")
    return line


def _columns(source: str, tagged: bool) -> tuple[str, list[str]]:
    text, _, tags = source.partition(TAG) if tagged else (source, "", "")
    return text, [tags] if tagged else []
