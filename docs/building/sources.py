"""Look up functions and classes of `src` by name, so that the code shown in the pages is always current."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

SRC = Path(__file__).parents[2] / "src"


@dataclass(frozen=True)
class Shown:
    """A function, a method or a class.

    Attributes:
        path: file, relative to `src`.
        line: number of the first line.
        text: source code, without the docstring.
    """

    path: str
    line: int
    text: str


def find(name: str, src: Path = SRC) -> Shown:
    """Return the source of an object such as `henkan.nn.layers.affine` or `henkan.nn.lstm.lstm.backward` (nested).

    Raises:
        LookupError: if there is no such module or object.
    """
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        path = src.joinpath(*parts[:count]).with_suffix(".py")
        if path.is_file():
            break
    else:
        raise LookupError(f"no module for {name}")
    source = path.read_text(encoding="utf-8")
    node: ast.AST = ast.parse(source)
    for part in parts[count:]:
        definitions = [each for each in ast.walk(node) if isinstance(each, Definition) and each.name == part]
        if not definitions:
            raise LookupError(f"{path.relative_to(src)} has no {'.'.join(parts[count:])}")
        node = definitions[0]
    assert isinstance(node, Definition)
    lines = source.splitlines()
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    hidden = _docstring(node)
    kept = [line for number, line in enumerate(lines[first - 1 : node.end_lineno], first) if number not in hidden]
    return Shown(str(path.relative_to(src)), first, dedent("\n".join(kept)) + "\n")


Definition = ast.FunctionDef | ast.ClassDef


def _docstring(node: Definition) -> range:
    """Return the line numbers of a docstring and of the empty line after it."""
    if ast.get_docstring(node, clean=False) is None:
        return range(0)
    string, *rest = node.body
    return range(string.lineno, rest[0].lineno if rest else (string.end_lineno or string.lineno) + 1)
