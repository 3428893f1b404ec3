"""Comma-separated values (RFC 4180), in which a quoted field may contain delimiters, quotes and line breaks."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator

from henkan.errors import Message
from henkan.text.formats import DelimitedFormat
from henkan.text.lines import MAX_LINE_BYTES, LineError
from henkan.text.pairs import TWO_COLUMNS, Columns

MAX_RECORD_LINES = 200
"""A quote that is not closed within so many lines, or `MAX_LINE_BYTES`, is an error. It must not hide the rest of the
file, so the lines after it are read again."""

BYTE_ORDER_MARK = "\ufeff"


class CsvFormat(DelimitedFormat):
    """Comma-separated values. A header with the names source and target is skipped, and selects the default columns.

    Args:
        delimiter: one character.
        strip: whether to remove leading and trailing whitespace from every column.
        columns: the meaning of the columns.
    """

    def __init__(self, delimiter: str, strip: bool, columns: Columns) -> None:
        super().__init__(delimiter, strip, columns)
        self.description = f"CSV with the delimiter {delimiter!r}"
        self._at_start = True
        self._has_header = False
        self._ignored: list[str] = []
        self._example: list[str] = []  # of `--columns` for this header

    def records(self, lines: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
        """Yield the number of the first line and the bytes of each record."""
        numbered = _NumberedLines(lines)
        for number, raw in numbered:
            yield number, b"".join([raw, *self._continuation(number, raw, numbered)]) if b'"' in raw else raw

    def _continuation(self, number: int, raw: bytes, numbered: _NumberedLines) -> list[bytes]:
        """Read the other lines of a record; none if its quotes are invalid, so that only its first line is lost."""
        taken: list[tuple[int, bytes]] = []

        def texts() -> Iterator[str]:
            yield raw.decode("utf-8", "replace").removeprefix(BYTE_ORDER_MARK if number == 1 else "")
            size = len(raw)
            for line in numbered:
                taken.append(line)
                size += len(line[1])
                if size > MAX_LINE_BYTES or len(taken) == MAX_RECORD_LINES:
                    return
                yield line[1].decode("utf-8", "replace")

        try:
            next(csv.reader(texts(), delimiter=self.delimiter, strict=True))
        except csv.Error:
            numbered.push_back(taken)
            return []
        return [line for _, line in taken]

    def parse(self, text: str) -> tuple[str, str] | None:
        """Return source and target of a record, or None for a header."""
        try:
            [parts] = csv.reader([text], delimiter=self.delimiter, strict=True)
        except csv.Error as error:
            raise LineError(_problem(str(error)), "fix_line_or_format") from None
        if self._at_start:
            self._at_start = False
            if self._is_header([part.strip().lower() for part in parts]):
                return None
        return self.pair(parts or [""], text)

    def _is_header(self, names: list[str]) -> bool:
        """Whether the first record is a header. Unless columns are given, it selects them."""
        if names.count("source") != 1 or names.count("target") != 1:
            return False
        self._has_header = True
        if self.columns == TWO_COLUMNS:
            self.columns = Columns(names.index("source"), names.index("target"), None, len(names))
            self._ignored = [repr(name) for name in names if name not in ("source", "target")]
            self._example = [name if name in ("source", "target", "features") else "-" for name in names]
        return True

    def notes(self) -> list[Message]:
        """Return the header and the columns that were ignored."""
        notes = [Message("the first line is a header")] if self._has_header else []
        if self._ignored:
            problem = f"the columns {', '.join(self._ignored):.200} of the header are ignored"
            notes.append(Message(problem, "name_columns", {"columns": ",".join(self._example)}))
        return [*notes, *super().notes()]


class _NumberedLines:
    """Lines with their numbers, which can be pushed back."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._again: deque[tuple[int, bytes]] = deque()
        self._lines = enumerate(lines, start=1)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        return self

    def __next__(self) -> tuple[int, bytes]:
        return self._again.popleft() if self._again else next(self._lines)

    def push_back(self, lines: list[tuple[int, bytes]]) -> None:
        """Return these lines again before all others."""
        self._again.extendleft(reversed(lines))


def _problem(error: str) -> str:
    """Describe an error of the module `csv`, whose messages are about its own dialects."""
    if error.startswith("unexpected end"):
        return (
            f"the quoted field that starts on this line has no closing quote within {MAX_RECORD_LINES:,} lines or 1 MiB"
        )
    if error.startswith("field larger"):
        return f"a field is longer than {csv.field_size_limit():,} characters"
    if error.startswith("new-line"):
        return "a carriage return is not in a quoted field"
    return "a closing quote is not followed by the delimiter"
