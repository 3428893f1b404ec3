"""Texts on standard input, one per line."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import click

from henkan.cli.text_arguments import check_utf8
from henkan.errors import DataError
from henkan.text.encodings import Utf8Stream, encoding_name
from henkan.text.lines import BINARY, MAX_LINE_BYTES, decode_line

READ_SIZE = 1 << 16


def check_encoding(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """Return the canonical name of an encoding.

    Raises:
        SettingsError: if there is no such encoding.
    """
    return encoding_name(value)


def decoded_lines(file: BinaryIO, encoding: str) -> Iterator[Sequence[str]]:
    """Yield the lines of a file in batches, as soon as they arrive.

    All lines of one read form a batch: a fast pipe is read in large batches, and a slow one gets its predictions at
    once.

    Raises:
        DataError: at a line that cannot be decoded, after the lines before it were yielded.
    """
    number = 1
    if encoding != "utf-8":
        file = io.BufferedReader(Utf8Stream(file, encoding), READ_SIZE)
    read: Any = getattr(file, "read1", file.read)
    for lines in _line_batches(iter(lambda: read(READ_SIZE), b"")):
        texts: list[str] = []
        try:
            for line in lines:
                texts.append(decode_line(line, f"line {number}", first=number == 1, encoding=encoding))
                number += 1
        except DataError as error:
            yield texts
            if error.message.remedy == "name_encoding" and any(b"\0" in line for line in lines):
                raise DataError(f"line {number}: {BINARY}") from None
            raise
        yield texts


def _line_batches(pieces: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Yield the complete lines of each piece of a file."""
    incomplete: list[bytes] = []
    for data in pieces:
        *lines, rest = data.split(b"\n")
        if lines:
            yield [b"".join([*incomplete, lines[0]]), *lines[1:]]
            incomplete = []
        incomplete.append(rest)
        if sum(map(len, incomplete)) > MAX_LINE_BYTES:
            break  # the line is too long, and the input may never end
    if last := b"".join(incomplete):
        yield [last]


def read_text() -> str:
    """Read a text interactively.

    Raises:
        DataError: if it is not UTF-8.
        EOFError: at the end of the input.
    """
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")
    if sys.stdout.isatty():
        return check_utf8(input("> "))
    click.echo("> ", err=True, nl=False)  # standard output has only predictions
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return check_utf8(line.rstrip("\n"))
