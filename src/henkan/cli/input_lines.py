"""Texts on standard input, one per line."""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

import click

from henkan.cli.text_arguments import check_utf8
from henkan.errors import DataError, SettingsError
from henkan.text.reading import MAX_LINE_BYTES, decode_line

READ_SIZE = 1 << 16


def check_encoding(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """Return the canonical name of an encoding.

    Raises:
        SettingsError: if there is no such encoding.
    """
    try:
        found = codecs.lookup(value)
        "".encode(value)  # fails for codecs between bytes, such as base64
        return found.name
    except (LookupError, ValueError):
        raise SettingsError(
            f"encoding must be the name of a text encoding, such as utf-8, utf-16, latin-1 or shift_jis, not {value!r}",
            argument="encoding",
        ) from None


def decoded_lines(file: BinaryIO, encoding: str) -> Iterator[Sequence[str]]:
    """Yield the lines of a file in batches, as soon as they arrive.

    All lines of one read form a batch: a fast pipe is read in large batches, and a slow one gets its predictions at
    once.

    Raises:
        DataError: at a line that cannot be decoded, after the lines before it were yielded.
    """
    number = 1
    for lines in _line_batches(_as_utf8(file, encoding)):
        texts: list[str] = []
        try:
            for line in lines:
                texts.append(decode_line(line, f"line {number}", first=number == 1))
                number += 1
        except DataError:
            yield texts
            raise
        yield texts


def _as_utf8(file: BinaryIO, encoding: str) -> Iterator[bytes]:
    """Yield the contents of a file in another encoding as UTF-8, one read at a time."""
    read: Any = getattr(file, "read1", file.read)
    decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()
    line = 1
    while data := read(READ_SIZE):
        if decoder is None:
            yield data
            continue
        text, valid = _decode(decoder, data)
        yield text.encode("utf-8", "surrogatepass")
        line += text.count("\n")
        if not valid:
            raise DataError(f"line {line}: not {encoding}; give the encoding of the input with --encoding")
    if decoder is not None and not _decode(decoder, b"", final=True)[1]:
        raise DataError(f"line {line}: incomplete {encoding}; give the encoding of the input with --encoding")


def _decode(decoder: codecs.IncrementalDecoder, data: bytes, *, final: bool = False) -> tuple[str, bool]:
    """Decode bytes up to the first that are invalid, and return whether all are valid."""
    state = decoder.getstate()
    try:
        return decoder.decode(data, final), True
    except UnicodeError:
        decoder.setstate(state)
    text = ""
    with suppress(UnicodeError):
        for index in range(len(data)):
            text += decoder.decode(data[index : index + 1])
    return text, False


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
