"""The snippets of the pages: found, run, and held against the output that the page shows.

    python docs/building/snippets.py        says where a page shows another output than comes
    python docs/building/snippets.py --write    writes what comes into the pages

A block of Python is followed by what it prints (a block `text`), or prints nothing; the blocks of a page share their
names. In a block `console`, a line that begins with `$ ` is a command, and what it prints follows.
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
    """Something to try.

    Attributes:
        kind: "python" or "console".
        code: what to run. output: what the page says that it prints.
        start, end: where the output stands in the page; the same where it stands nowhere.
    """

    kind: str
    code: str
    output: str
    start: int
    end: int


def snippets(page: str) -> Iterator[Snippet]:
    """Those of a page's text, in their order."""
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
    """What they print, run one after another in an empty folder."""
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
    done = subprocess.run(  # noqa: S603
        [sys.executable, *python, *arguments], env=environment, check=True, capture_output=True, encoding="utf-8"
    )
    return done.stdout


def agree(snippet: Snippet, printed: str) -> bool:
    """Whether a page shows what is printed: words as they stand, numbers to the digits that are shown.

    One unit in the last digit is forgiven, for machines round differently; in whole numbers where they are rounded, as
    the percentages of our commands are.
    """
    shown = snippet.output
    if NUMBER.sub("0", shown).split() != NUMBER.sub("0", printed).split():
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(printed), strict=True)
    return all(one == other or _close(one, other, whole=snippet.kind == "console") for one, other in pairs)


def _close(shown: str, printed: str, *, whole: bool) -> bool:
    mantissa, _, exponent = shown.partition("e")
    digits = len(mantissa.partition(".")[2])
    unit = 10.0 ** (int(exponent or 0) - digits)
    if digits == 0 and not exponent and not whole:
        return False
    # a float64 printed in full holds no more than that through a calculation
    return abs(float(shown) - float(printed)) <= max(1.001 * unit, 1e-7 * abs(float(shown)))


def main() -> int:
    """Say what differs, or write it."""
    wrong = 0
    for path in sorted(DOCS.glob("??/*.md")):
        text = path.read_text(encoding="utf-8")
        found = list(snippets(text))
        for snippet, output in reversed(list(zip(found, run(found), strict=True))):
            if agree(snippet, output):
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
