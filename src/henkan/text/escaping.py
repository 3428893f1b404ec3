"""Escape strings for text output, so that each string stays on its line and in its column."""

from __future__ import annotations

import json
from typing import Any

_LINE_ENDS = {character: f"\\u{ord(character):04x}" for character in "\v\f\x1c\x1d\x1e\x85\u2028\u2029"}
_LINE_END_TABLE = str.maketrans(_LINE_ENDS)
_TABLE = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", **_LINE_ENDS})


def escape(text: str) -> str:
    r"""Escape backslashes, tabs, all characters at which `str.splitlines` splits, and unpaired surrogates.

    The escapes are those of Python and JSON: `\\`, `\n`, `\r`, `\t`, and `\uXXXX` for the other characters. Because
    backslashes are escaped too, every string has one form, from which it can be recovered.

    >>> print(escape("C:\\new\nline\u2028"))
    C:\\new\nline\u2028
    """
    if text.isprintable() and "\\" not in text:
        return text
    return _without_surrogates(text.translate(_TABLE))


def json_line(value: Any) -> str:
    """Format a value as JSON on one line, with the characters that end a line for some programs escaped."""
    return _without_surrogates(json.dumps(value, ensure_ascii=False).translate(_LINE_END_TABLE))


def _without_surrogates(text: str) -> str:
    """Escape unpaired surrogates, which UTF-8 cannot encode."""
    return text.encode("utf-8", "backslashreplace").decode()
