"""Files of pairs: every line is a pair, an error that names it, or listed among the rejects."""

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
from henkan.text.rejects import Rejects as Rejects  # whoever has pairs read gives it
from henkan.text.tokenizer import TAG

MOST_BYTES = 2**20
"""Of a line; what is longer is no pair, and a file without line ends must not fill the memory."""

MOST_PIECES = 1024
LINES_BETWEEN_REPORTS = 20_000
UTF16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
GZIP = b"\x1f\x8b"
LONGEST_MARK = 4
BUFFER = 2**16

Progress = Callable[[int], None]


class _LineError(Exception):
    """Why a line is not a pair; as `DataError` says it, after the place."""


def read_pairs(
    path: Path,
    *,
    delimiter: str = "\t",
    strip: bool = False,
    columns: Columns = TWO_COLUMNS,
    rejects: Rejects | None = None,
    progress: Progress | None = None,
) -> Pairs:
    """Read a file of pairs: UTF-8, one pair a line, its columns with a delimiter between them.

    A byte order mark and Windows line ends are understood, and so is gzip. Either side may be empty. Where there are
    features, the source becomes `text TAB features`. A file whose name ends in `.jsonl` (or `.jsonl.gz`) has an object
    with `source`, `target` and perhaps `features`, or an array `[source, target]`, on every line: so any string can be
    given, with tabs, line ends and half a surrogate pair.

    Args:
        path: the file.
        delimiter: what stands between columns.
        strip: whether to take white space off both ends of every column.
        columns: which holds what.
        rejects: where to list lines that are not pairs, which are left out then; None: such a line is an error.
        progress: told now and then how many lines were read.

    Raises:
        DataError: if the file cannot be read, holds no pair, or a line is not a pair; it names the line.
        SettingsError: if the list of rejects cannot be written, or would take the place of something else.
    """
    if not delimiter:
        raise DataError("the delimiter is empty; give the character that stands between source and target")
    if rejects is not None:
        rejects.begin(path)
    json_lines = path.name.removesuffix(".gz").endswith(".jsonl")

    def parse(text: str) -> tuple[str, str]:
        return _from_json(text, columns) if json_lines else _from_columns(text, delimiter, strip, columns)

    before = 0 if rejects is None else rejects.left_out
    try:
        with path.open("rb", buffering=0) as file:
            pairs = Pairs.of(_pairs(_lines(_unpacked(file, path), path), path, parse, rejects, progress))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check the name and the rights") from None
    if rejects is not None:
        rejects.end()
    if not len(pairs):
        if rejects is not None and rejects.left_out > before:
            raise DataError(f"{path}: no line could be read as a pair; {rejects.path} has the reasons")
        raise DataError(f"{path}: the file is empty; it should hold a source and a target on each line")
    return pairs


class _Begun(io.RawIOBase):
    """A file whose first bytes were read already, and come first nevertheless: a pipe cannot go back."""

    def __init__(self, begin: bytes, file: io.RawIOBase) -> None:
        self._begin, self._file = begin, file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if not self._begin:
            return self._file.readinto(buffer)
        count = min(len(buffer), len(self._begin))
        buffer[:count], self._begin = self._begin[:count], self._begin[count:]
        return count


def _unpacked(file: io.RawIOBase, path: Path) -> BinaryIO:
    """The file's own bytes, or those that gzip has packed."""
    begin = b""
    while len(begin) < LONGEST_MARK and (more := file.read(LONGEST_MARK - len(begin))):  # a pipe may give one at a time
        begin += more
    if begin.startswith(UTF16_OR_32):
        raise DataError(f"{path}: this is UTF-16 or UTF-32; convert it first, as with `iconv -f UTF-16 -t UTF-8`")
    whole = io.BufferedReader(_Begun(begin, file), BUFFER)
    return cast(BinaryIO, gzip.GzipFile(fileobj=whole)) if begin.startswith(GZIP) else whole


def _lines(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """Lines of at most `MOST_BYTES` + 1; of a longer one, the beginning."""
    number = 0
    try:
        while line := file.readline(MOST_BYTES + 1):
            number += 1
            yield line
            pieces = 0
            while len(line) > MOST_BYTES and not line.endswith(b"\n"):
                line = file.readline(MOST_BYTES + 1)
                pieces += 1
                if not line:
                    return
                if pieces > MOST_PIECES:
                    raise DataError(f"{path}, line {number}: the line does not end; is this a file of pairs?")
                if len(line) <= MOST_BYTES:
                    break
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DataError(
            f"{path}: the gzip file is damaged or cut off after line {number}; unpack it again from its source"
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
            pair = parse(line_text(raw, first=number == 1))
        except _LineError as reason:
            if rejects is None:
                raise DataError(
                    f"{path}, line {number}: {reason}, or leave such lines out with --rejects FILE"
                ) from None
            rejects.add(path, number, str(reason), raw.rstrip(b"\r\n"))
        else:
            yield pair
        if progress is not None and number % LINES_BETWEEN_REPORTS == 0:
            progress(number)


def line_text(raw: bytes, *, first: bool) -> str:
    """The text of a line of bytes, without its line end and, on the first line, a byte order mark."""
    if len(raw) > MOST_BYTES and not raw.endswith(b"\n"):
        raise _LineError(f"longer than {MOST_BYTES:,} bytes; cut it")
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    if first:
        raw = raw.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in raw:
        raise _LineError("a NUL character; is this a binary file, or UTF-16? convert it first")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise _LineError(f"not UTF-8 (byte {error.start + 1} of the line); convert it first") from None


def decode_line(raw: bytes, place: str, *, first: bool) -> str:
    """As `line_text`.

    Raises:
        DataError: beginning with `place`, if it is no line of text.
    """
    try:
        return line_text(raw, first=first)
    except _LineError as reason:
        raise DataError(f"{place}: {reason}") from None


def _from_columns(text: str, delimiter: str, strip: bool, columns: Columns) -> tuple[str, str]:
    parts = text.split(delimiter)
    if len(parts) != columns.count and (columns.count is not None or len(parts) < columns.fewest):
        raise _LineError(_wrong_columns(len(parts), delimiter, columns))
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
    wanted = ("source", "target", *(("features",) if columns.features is not None else ()))
    if not isinstance(value, dict) or not all(isinstance(value.get(name), str) for name in wanted):
        names = ", ".join(f'"{name}": "..."' for name in wanted)
        raise _LineError(f"not a JSON object of strings {{{names}}}; mend the line")
    return _tagged(value["source"], value.get("features") if columns.features is not None else None), value["target"]


def _tagged(source: str, features: str | None) -> str:
    if features is None:
        return source
    if TAG in source:
        raise _LineError("the source holds a tab, which stands before features; take it out")
    return source + TAG + features


def _wrong_columns(found: int, delimiter: str, columns: Columns) -> str:
    shown = "(a tab)" if delimiter == "\t" else repr(delimiter)
    if columns == TWO_COLUMNS:
        times = "no" if found == 1 else f"{found - 1} times the"
        return (
            f"{times} delimiter {shown}, where one should stand between source and target; "
            "mend the line, name another --delimiter or the --columns"
        )
    least = "" if columns.count else "at least "
    return (
        f"{found} columns with the delimiter {shown} between them, where {least}{columns.fewest} should be; "
        "mend the line, name another --delimiter or other --columns"
    )
