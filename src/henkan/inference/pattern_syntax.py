r"""Rewrites regular expressions of Python in the syntax of interegular, which reads some of them in another way."""

from __future__ import annotations

import re

TOKEN = re.compile(
    r"""(?P<comment> \(\?\# [^)]* \))
    | (?P<set> \[ \^? \]? (?: \\. | [^\]\\] )* \])
    | (?P<escape> \\ (?: u[0-9a-fA-F]{4} | U[0-9a-fA-F]{8} | . ))
    | (?P<possessive> (?: [*+?] | \{ (?: \d+ | \d*,\d* ) \} ) \+)
    | (?P<brace> \{ (?! (?: \d+ | \d*,\d* ) \} ))""",
    re.DOTALL | re.VERBOSE,
)
"""What may have to be rewritten, and sets and escapes, which contain other tokens."""

CODE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|.)", re.DOTALL)
"""An escape, of which only those with a number are rewritten."""


def rewritten(pattern: str) -> str:
    r"""Rewrite a pattern that Python's `re` accepts.

    Comments and anchors at the beginning and at the end are left out, `\uXXXX` and `\UXXXXXXXX` become the character,
    and a brace or bracket that stands for itself gets a backslash: `[]a]`, `a{`.

    Raises:
        ValueError: for possessive quantifiers, which depend on the search for a match.
    """
    return TOKEN.sub(_token, _without_anchors(pattern))


def in_ranges(pattern: str) -> int:
    """Number of characters in ranges such as `a-z`, and in what may be one."""
    places = (k for k in range(1, len(pattern) - 1) if pattern[k] == "-")
    return sum(max(0, ord(pattern[k + 1]) - ord(pattern[k - 1])) for k in places)


def _token(found: re.Match[str]) -> str:
    text = found[0]
    if found["comment"]:
        return ""
    if found["possessive"]:
        raise ValueError(f"the possessive quantifier {text}")
    if found["brace"]:
        return "\\{"
    return re.sub(r"^\[(\^?)\]", r"[\1\\]", CODE.sub(_character, text))


def _character(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2]
    return re.escape(chr(int(code, 16))) if code else escape[0]


def _without_anchors(pattern: str) -> str:
    """The pattern without `^` at its beginning and `$` at its end."""
    pattern = pattern.removeprefix("^")
    backslashes = len(pattern) - len(pattern.rstrip("$").rstrip("\\")) - 1
    return pattern.removesuffix("$") if pattern.endswith("$") and backslashes % 2 == 0 else pattern
