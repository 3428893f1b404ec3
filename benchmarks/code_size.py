"""Counts flat modules, long files, functions with many parameters, and the longest function of the source code.

python benchmarks/code_size.py [SRC]
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def parameters(function: FUNCTIONS) -> int:
    """Return the number of parameters without `self`, `cls`, `*args` and `**kwargs`."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return sum(argument.arg not in ("self", "cls") for argument in named)


def lines(function: FUNCTIONS) -> int:
    """Return the number of lines without the docstring."""
    count = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        count -= (first.end_lineno or first.lineno) - first.lineno + 1
    return count


def main() -> None:
    """Print a table."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "src"
    texts = {path: path.read_text(encoding="utf-8") for path in source.rglob("*.py")}
    nodes = [node for text in texts.values() for node in ast.walk(ast.parse(text))]
    functions = [node for node in nodes if isinstance(node, FUNCTIONS)]
    rows = {
        "flat modules": len(list((source / "henkan").glob("*.py"))),
        "files over 300 lines": sum(len(text.splitlines()) > 300 for text in texts.values()),
        "functions with more than six parameters": sum(parameters(function) > 6 for function in functions),
        "longest function without docstring, lines": max(map(lines, functions)),
    }
    print("| measure | value |\n| --- | --- |")
    print("\n".join(f"| {name} | {value} |" for name, value in rows.items()))


if __name__ == "__main__":
    main()
