"""Run the code snippets of the pages and compare their output with the output shown.

    python docs/building/snippets.py            report differences
    python docs/building/snippets.py --write    replace the shown output by the actual output

A `python` block is followed by a `text` block with its output, or prints nothing; the blocks of a page share one
namespace. In a `console` block, a line that begins with `$ ` is a command; its output follows.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[1]
FENCED = re.compile(r"^```(\S+)(?: ([^\n]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTPUT = re.compile(r"\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


@dataclass(frozen=True)
class Snippet:
    """Code in a page, with the output shown.

    Attributes:
        kind: "python" or "console".
        code: code or command to run. output: output shown in the page.
        start, end: position of the output in the page, in characters; equal if no output is shown.
    """

    kind: str
    code: str
    output: str
    start: int
    end: int


def snippets(page: str) -> Iterator[Snippet]:
    """Yield the snippets of a page in order."""
    for block in FENCED.finditer(page):
        if block[1] == "python":
            shown = OUTPUT.match(page, block.end())
            yield Snippet("python", block[3], shown[1] if shown else "", *(shown.span(1) if shown else (0, 0)))
        elif block[1] == "console":
            place = block.start(3)
            for part in re.split(r"^(?=\$ )", block[3], flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                start, place = place + len(command) + 1, place + len(part)
                yield Snippet("console", command.removeprefix("$ "), output, start, place)


def run(snippets: list[Snippet]) -> list[str]:
    """Run snippets one after another in an empty folder and return their outputs."""
    outputs, names = [], {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for snippet in snippets:
            printed = io.StringIO()
            if snippet.kind == "python":
                with contextlib.redirect_stdout(printed):
                    exec(compile(snippet.code, "the page", "exec"), names)  # noqa: S102
            else:
                printed.write(_command(snippet.code))
            outputs.append("".join(f"{line.rstrip()}\n" for line in printed.getvalue().splitlines()))
    return outputs


def _command(line: str) -> str:
    name, *arguments = shlex.split(line)
    python = {"henkan": ["-m", "henkan"], "python": []}[name]
    arguments = [str(DOCS.parent / each) if (DOCS.parent / each).exists() else each for each in arguments]
    environment = {**os.environ, "PYTHONUTF8": "1", "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, *python, *arguments], env=environment, check=True, capture_output=True, encoding="utf-8"
    )
    return done.stdout


def matches(snippet: Snippet, printed: str) -> bool:
    """Whether the output shown in a page matches the printed output: words exactly, numbers to the digits shown.

    The last digit may differ by one, because rounding depends on the machine. Integers must be equal, except in the
    output of commands, which round percentages.
    """
    shown = snippet.output
    if NUMBER.sub("0", shown).split() != NUMBER.sub("0", printed).split():
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(printed), strict=True)
    return all(one == other or _close(one, other, rounded=snippet.kind == "console") for one, other in pairs)


def _close(shown: str, printed: str, *, rounded: bool) -> bool:
    mantissa, _, exponent = shown.partition("e")
    digits = len(mantissa.partition(".")[2])
    unit = 10.0 ** (int(exponent or 0) - digits)
    if digits == 0 and not exponent and not rounded:
        return False
    # the last digits of a float64 printed in full depend on the order of operations
    return abs(float(shown) - float(printed)) <= max(1.001 * unit, 1e-7 * abs(float(shown)))


def main() -> int:
    """Report differences, or write the actual output."""
    wrong = 0
    for path in sorted(DOCS.glob("??/*.md")):
        text = path.read_text(encoding="utf-8")
        found = list(snippets(text))
        for snippet, output in reversed(list(zip(found, run(found), strict=True))):
            if matches(snippet, output):
                continue
            wrong += 1
            print(f"{path.relative_to(DOCS)}:\n{snippet.code.rstrip()}\nprints\n{output}")
            if "--write" in sys.argv and snippet.end:
                text = text[: snippet.start] + output + text[snippet.end :]
        if "--write" in sys.argv:
            path.write_text(text, encoding="utf-8")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
