"""Read pair files. A line that is not a pair is an error, or is skipped and added to a list of rejects."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from henkan.errors import DataError
from henkan.text import strict_json
from henkan.text.pairs import TWO_COLUMNS, Columns, Pairs
from henkan.text.rejects import Rejects as Rejects  # re-exported for callers of `read_pairs`
from henkan.text.tokenizer import TAG

MAX_LINE_BYTES = 2**20
"""Longer lines are invalid, so that a file without line ends does not fill the memory."""

MAX_LINE_PIECES = 1024
LINES_BETWEEN_REPORTS = 20_000
UTF16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
GZIP = b"\x1f\x8b"
SIGNATURE_BYTES = 4
BUFFER_BYTES = 2**16

Progress = Callable[[int], None]


class _LineError(Exception):
    """A line is not a pair.

    Args:
        problem: why not.
        remedy: key of the remedy in `henkan.errors`.
        fix: how to make the line valid.
    """

    def __init__(self, problem: str, remedy: str = "skip_lines", *, fix: str = "fix the line") -> None:
        super().__init__(problem)
        self.remedy, self.fix = remedy, fix


def read_pairs(
    path: Path,
    *,
    delimiter: str = "\t",
    strip: bool = False,
    columns: Columns = TWO_COLUMNS,
    rejects: Rejects | None = None,
    progress: Progress | None = None,
) -> Pairs:
    """Read a pair file: UTF-8, one pair per line, columns separated by a delimiter.

    A byte order mark, Windows line ends and gzip are supported. Source and target may be empty. With features, the
    source becomes `text TAB features`. A file whose name ends in `.jsonl` or `.jsonl.gz` has on every line an object
    with `source`, `target` and optionally `features`, or an array `[source, target]`; this format can
    represent any string, including tabs, line ends and unpaired surrogates.

    Args:
        path: the file.
        delimiter: separator between columns.
        strip: whether to remove leading and trailing whitespace from every column.
        columns: the meaning of the columns.
        rejects: list of skipped lines; None: a line that is not a pair is an error.
        progress: function that is called regularly with the number of lines read.

    Raises:
        DataError: if the file cannot be read, has no pairs, or has a line that is not a pair.
        SettingsError: if the list of rejects cannot be written, or would overwrite another file.
    """
    if not delimiter:
        raise DataError("the delimiter is empty; it must be the text between source and target")
    if rejects is not None:
        rejects.begin(path)
    json_lines = path.name.removesuffix(".gz").endswith(".jsonl")

    def parse(text: str) -> tuple[str, str]:
        return _from_json(text, columns) if json_lines else _from_columns(text, delimiter, strip, columns)

    skipped_before = 0 if rejects is None else rejects.skipped
    try:
        with path.open("rb", buffering=0) as file:
            pairs = Pairs.of(_pairs(_lines(_unpacked(file, path), path), path, parse, rejects, progress))
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; give a file of pairs") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check path and permissions") from None
    if rejects is not None:
        rejects.end()
    if not len(pairs):
        if rejects is not None and rejects.skipped > skipped_before:
            raise DataError(f"{path}: no line is a pair; see {rejects.path} for the reasons")
        raise DataError(f"{path}: the file is empty; expected a source and a target on each line")
    return pairs


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


def _unpacked(file: io.RawIOBase, path: Path) -> BinaryIO:
    """Open the file for buffered reading, decompressed if it is gzip."""
    prefix = b""  # filled in a loop, because a pipe may return one byte at a time
    while len(prefix) < SIGNATURE_BYTES and (data := file.read(SIGNATURE_BYTES - len(prefix))):
        prefix += data
    if prefix.startswith(UTF16_OR_32):
        raise DataError(
            f"{path}: the file is UTF-16 or UTF-32; convert it to UTF-8, for example with `iconv -f UTF-16 -t UTF-8`"
        )
    buffered = io.BufferedReader(_Prefixed(prefix, file), BUFFER_BYTES)
    return cast(BinaryIO, gzip.GzipFile(fileobj=buffered)) if prefix.startswith(GZIP) else buffered


def _lines(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """Yield the lines, each truncated to `MAX_LINE_BYTES` + 1 bytes."""
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


def _pairs(
    lines: Iterator[bytes],
    path: Path,
    parse: Callable[[str], tuple[str, str]],
    rejects: Rejects | None,
    progress: Progress | None,
) -> Iterator[tuple[str, str]]:
    for number, raw in enumerate(lines, start=1):
        if rejects is not None:
            rejects.lines += 1
        try:
            pair = parse(_line_text(raw, first=number == 1))
        except _LineError as reason:
            if rejects is None:
                raise DataError(f"{path}, line {number}: {reason}", reason.remedy, fix=reason.fix) from None
            rejects.add(path, number, str(reason), raw.rstrip(b"\r\n"))
        else:
            yield pair
        if progress is not None and number % LINES_BETWEEN_REPORTS == 0:
            progress(number)


def _line_text(raw: bytes, *, first: bool) -> str:
    """Decode a line, without its line end and, on the first line, without a byte order mark."""
    if len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n"):
        raise _LineError(f"longer than {MAX_LINE_BYTES:,} bytes", fix="shorten the line")
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    if first:
        raw = raw.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in raw:
        raise _LineError("contains a NUL character (a binary or UTF-16 file?)", fix="convert the file to UTF-8")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise _LineError(f"not UTF-8 (byte {error.start + 1} of the line)", fix="convert the file to UTF-8") from None


def decode_line(raw: bytes, place: str, *, first: bool) -> str:
    """Decode a line of input, without its line end and, on the first line, without a byte order mark.

    Args:
        raw: the line.
        place: prefix of the error message, such as "line 3".
        first: whether it is the first line.

    Raises:
        DataError: if it is not a line of UTF-8 text.
    """
    try:
        return _line_text(raw, first=first)
    except _LineError as reason:
        raise DataError(f"{place}: {reason}; {reason.fix}") from None


def _from_columns(text: str, delimiter: str, strip: bool, columns: Columns) -> tuple[str, str]:
    parts = text.split(delimiter)
    if len(parts) != columns.count and (columns.count is not None or len(parts) < columns.min_columns):
        raise _LineError(_wrong_columns(len(parts), delimiter, columns), "fix_line_or_layout")
    if strip:
        parts = [part.strip() for part in parts]
    source, target = parts[columns.source], parts[columns.target]
    return _tagged(source, None if columns.features is None else parts[columns.features]), target


def _from_json(text: str, columns: Columns) -> tuple[str, str]:
    value: Any = None
    with suppress(ValueError):
        value = strict_json.parse(text)
    if isinstance(value, list) and len(value) == 2 + (columns.features is not None):
        value = dict(zip(("source", "target", "features"), value, strict=False))
    names = ("source", "target", *(("features",) if columns.features is not None else ()))
    if not isinstance(value, dict) or not all(isinstance(value.get(name), str) for name in names):
        expected = ", ".join(f'"{name}": "..."' for name in names)
        raise _LineError(f"not a JSON object of strings {{{expected}}}")
    return _tagged(value["source"], value.get("features") if columns.features is not None else None), value["target"]


def _tagged(source: str, features: str | None) -> str:
    if features is None:
        return source
    if TAG in source:
        raise _LineError("the source contains a tab, which separates text from features", fix="remove the tab")
    return source + TAG + features


def _wrong_columns(found: int, delimiter: str, columns: Columns) -> str:
    shown = "(a tab)" if delimiter == "\t" else repr(delimiter)
    if columns == TWO_COLUMNS:
        times = "no" if found == 1 else f"{found - 1} times the"
        return f"{times} delimiter {shown}, expected exactly one between source and target"
    at_least = "" if columns.count else "at least "
    return f"{found} columns separated by the delimiter {shown}, expected {at_least}{columns.min_columns}"
