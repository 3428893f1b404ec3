"""Read the lines of a file, which may be compressed, a pipe, or in another encoding than UTF-8."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

from henkan.errors import DataError
from henkan.text.encodings import INVALID_UTF8, Utf8Stream

MAX_LINE_BYTES = 2**20
"""Longer lines are invalid, so that a file without line ends does not fill the memory."""

MAX_LINE_PIECES = 1024
UTF16 = (b"\xff\xfe", b"\xfe\xff")
UTF32 = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
GZIP = b"\x1f\x8b"
BINARY = "not UTF-8 (a binary or UTF-16 file?); give a text file or, if the file is UTF-16, name its encoding"
SIGNATURE_BYTES = 4
BUFFER_BYTES = 2**16
PREFIX_BYTES, PREFIX_LINES = 2**16, 1000


class LineError(Exception):
    """A line is not a pair.

    Args:
        problem: why not.
        remedy: key of the remedy in `henkan.errors`.
        values: values for the placeholders of the remedy; `fix` is how to make the line valid.
    """

    def __init__(self, problem: str, remedy: str = "skip_lines", *, fix: str = "fix the line", **values: str) -> None:
        super().__init__(problem)
        self.remedy, self.values = remedy, {"fix": fix, **values}


def lines(file: io.RawIOBase, path: Path, encoding: str = "utf-8") -> Iterator[bytes]:
    """Yield the lines of an open file in UTF-8, with their line ends, each truncated to `MAX_LINE_BYTES` + 1 bytes.

    Args:
        file: the file.
        path: its path, for error messages.
        encoding: its encoding.

    Raises:
        DataError: if the file is damaged.
    """
    unpacked = _unpacked(file)
    if encoding == "utf-8":
        return _lines(_not_utf16(unpacked, path), path)
    return _lines(io.BufferedReader(Utf8Stream(unpacked, encoding), BUFFER_BYTES), path)


def peeked(lines: Iterator[bytes]) -> tuple[list[bytes], Iterator[bytes]]:
    """Read the first lines of a file, `PREFIX_LINES` or about `PREFIX_BYTES`.

    Returns:
        these lines, and an iterator over all lines. An error in the first lines is raised by the iterator.
    """
    prefix, size = [], 0
    rest = lines
    try:
        for line in lines:
            prefix.append(line)
            size += len(line)
            if size >= PREFIX_BYTES or len(prefix) == PREFIX_LINES:
                break
    except DataError as error:
        rest = _raise_later(error)
    return prefix, chain(prefix, rest)


def _raise_later(error: DataError) -> Iterator[bytes]:
    raise error
    yield  # makes this function a generator


class _Prefixed(io.RawIOBase):
    """A file whose first bytes have been read, and are returned again: a pipe cannot be rewound."""

    def __init__(self, prefix: bytes, file: io.RawIOBase) -> None:
        self._prefix, self._file = prefix, file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if not self._prefix:
            return self._file.readinto(buffer)
        count = min(len(buffer), len(self._prefix))
        buffer[:count], self._prefix = self._prefix[:count], self._prefix[count:]
        return count


def _unpacked(file: io.RawIOBase) -> BinaryIO:
    """Open the file for buffered reading, decompressed if it is gzip."""
    prefix = b""  # filled in a loop, because a pipe may return one byte at a time
    while len(prefix) < SIGNATURE_BYTES and (data := file.read(SIGNATURE_BYTES - len(prefix))):
        prefix += data
    buffered = io.BufferedReader(_Prefixed(prefix, file), BUFFER_BYTES)
    return cast(BinaryIO, gzip.GzipFile(fileobj=buffered)) if prefix.startswith(GZIP) else buffered


def _not_utf16(file: BinaryIO, path: Path) -> BinaryIO:
    """Check that a file does not start with the byte order mark of UTF-16 or UTF-32."""
    try:
        start = cast(io.BufferedReader, file).peek(SIGNATURE_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return file  # reported with a line number when the lines are read
    if start.startswith((*UTF16, *UTF32)):
        name = "utf-32" if start.startswith(UTF32) else "utf-16"
        raise DataError(f"{path}: the file is {name.upper()}, not UTF-8", "name_encoding", encoding=name)
    return file


def _lines(file: BinaryIO, path: Path) -> Iterator[bytes]:
    number = 0
    try:
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            yield line
            pieces = 0
            while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE_BYTES + 1)
                pieces += 1
                if not line:
                    return
                if pieces > MAX_LINE_PIECES:
                    raise DataError(
                        f"{path}, line {number}: the line is extremely long; check that this is a pair file"
                    )
                if len(line) <= MAX_LINE_BYTES:
                    break
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DataError(
            f"{path}: the gzip file is damaged or truncated after line {number}; download or create it again"
        ) from None


def line_text(raw: bytes, *, first: bool, encoding: str = "utf-8") -> str:
    """Decode a line, without its line end and, on the first line, without a byte order mark.

    Args:
        raw: the line, in UTF-8.
        first: whether it is the first line.
        encoding: the encoding from which the line was converted, for the error message.

    Raises:
        LineError: if it is not a line of text.
    """
    if len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n"):
        raise LineError(f"longer than {MAX_LINE_BYTES:,} bytes", fix="shorten the line")
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    if first:
        raw = raw.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in raw:
        fix = "remove it or, if the file is UTF-16, name its encoding"
        raise LineError("contains a NUL character (a binary or UTF-16 file?)", fix=fix)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        if encoding == "utf-8":
            problem = f"not UTF-8 (byte {error.start + 1} of the line)"
            raise LineError(problem, "name_encoding_of_lines", encoding="latin-1") from None
        place = len(raw[: raw.index(INVALID_UTF8)].decode()) + 1
        problem = f"not {encoding} (character {place} of the line)"
        raise LineError(problem, "other_encoding_of_lines") from None


def decode_line(raw: bytes, place: str, *, first: bool, encoding: str = "utf-8") -> str:
    """Decode a line of input, without its line end and, on the first line, without a byte order mark.

    Args:
        raw: the line, in UTF-8.
        place: prefix of the error message, such as "line 3".
        first: whether it is the first line.
        encoding: the encoding from which the line was converted, for the error message.

    Raises:
        DataError: if it is not a line of text.
    """
    try:
        return line_text(raw, first=first, encoding=encoding)
    except LineError as reason:
        remedy = {"name_encoding_of_lines": "name_encoding", "other_encoding_of_lines": "other_encoding"}
        if reason.remedy in remedy:
            raise DataError(f"{place}: {reason}", remedy[reason.remedy], encoding="latin-1") from None
        raise DataError(f"{place}: {reason}; {reason.values['fix']}") from None
