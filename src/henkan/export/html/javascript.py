"""Splits JavaScript into tokens, as far as a bundler needs it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from henkan.errors import DataError

Kind = Literal["space", "comment", "name", "number", "string", "template", "regex", "sign"]


class Token(NamedTuple):
    """A token.

    Attributes:
        kind: what it is. A template with `${...}` is several tokens: its pieces, and those of the code between them.
        text: its text.
        line: its line, from 1 on.
    """

    kind: Kind
    text: str
    line: int


PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("space", r"\s+"),
    ("comment", r"//[^\n]*|/\*.*?\*/"),
    ("string", r"'(?:[^'\\\n]|\\.)*'|" r'"(?:[^"\\\n]|\\.)*"'),
    ("number", r"\.?\d(?:[\w.]|(?<=[eE])[+-])*"),
    ("name", r"#?[\w$]+"),
    ("sign", r"\+\+|--|=>|\?\.(?!\d)|\.\.\.|[-+*%&|^!~=<>?:;,.(){}\[\]/]"),
)
TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in PATTERNS), re.S)
TEMPLATE = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*(?:`|\$\{)", re.S)
REGEX = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*")

BEFORE_REGEX = frozenset(
    [
        "return",
        "typeof",
        "case",
        "in",
        "of",
        "delete",
        "void",
        "throw",
        "new",
        "do",
        "else",
        "instanceof",
        "yield",
        "await",
    ]
)
"""Names after which a slash begins a regular expression."""

AFTER_VALUE = (")", "]", "}", "++", "--")
"""Signs after which a slash divides. (A regular expression after the condition of an `if` would need a parser.)"""


def tokenize(code: str, name: str) -> Iterator[Token]:
    """Yield the tokens of a script, which together are the script.

    Args:
        code: the script.
        name: its name, for messages.

    Raises:
        DataError: if a part of it cannot be read.
    """
    at, line = 0, 1
    braces: list[int] = []  # for each open `${`: the number of open braces within it
    before = Token("sign", ";", 1)  # the last token that is neither space nor comment
    while at < len(code):
        kind: Kind
        if code[at] == "`" or (code[at] == "}" and braces and braces[-1] == 0):
            kind, found = "template", TEMPLATE.match(code, at + 1)
            if code[at] == "}":
                braces.pop()
            if found and found[0].endswith("${"):
                braces.append(0)
        elif code[at] == "/" and code[at : at + 2] not in ("//", "/*") and _begins_regex(before):
            kind, found = "regex", REGEX.match(code, at)
        else:
            found = TOKEN.match(code, at)
            kind = found.lastgroup if found else "sign"  # type: ignore[assignment]  # a name in PATTERNS
        if not found:
            raise DataError(f"{name}, line {line}: this JavaScript cannot be bundled: {code[at:][:20]!r}")
        token = Token(kind, code[at : found.end()], line)
        if braces and kind == "sign":
            braces[-1] += (token.text == "{") - (token.text == "}")
        at, line = found.end(), line + token.text.count("\n")
        if kind not in ("space", "comment"):
            before = token
        yield token


def _begins_regex(before: Token) -> bool:
    """Whether a slash after a token begins a regular expression."""
    if before.kind == "sign":
        return before.text not in AFTER_VALUE
    return before.kind == "name" and before.text in BEFORE_REGEX
