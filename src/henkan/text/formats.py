"""Formats with one pair per line: columns separated by a delimiter, and JSON Lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

from henkan.errors import Message
from henkan.text import strict_json
from henkan.text.layout import TAB
from henkan.text.lines import LineError
from henkan.text.pairs import TAGGED_COLUMNS, TWO_COLUMNS, Columns
from henkan.text.tokenizer import TAG

KEYS_COUNTED = 20
"""Number of distinct unused keys of JSON objects that are counted, so that memory stays bounded."""

DELIMITERS = (",", ";", ":", "|", "=", "\u3000", "\xa0")
"""Characters between two columns, apart from tabs and spaces."""

GROUPS_SHOWN = 4


class PairFormat(Protocol):
    """Parses the lines of one file, and counts what it ignores.

    Attributes:
        description: name of the format, as in "the file is read as CSV".
    """

    description: str

    def records(self, lines: Iterator[bytes]) -> Iterable[tuple[int, bytes]]:
        """Yield the number of the first line and the bytes of each record, which is a line unless it is quoted."""

    def parse(self, text: str) -> tuple[str, str] | None:
        """Return source and target of a record, or None if there is nothing to read, such as in a comment.

        Raises:
            LineError: if it is not a pair.
        """

    def notes(self) -> list[Message]:
        """Return what was ignored or interpreted, in clauses."""


class DelimitedFormat:
    """Columns separated by a delimiter.

    Args:
        delimiter: the delimiter.
        strip: whether to remove leading and trailing whitespace from every column.
        columns: the meaning of the columns.
    """

    def __init__(self, delimiter: str, strip: bool, columns: Columns) -> None:
        self.description = "pairs"
        self.delimiter, self.strip, self.columns = delimiter, strip, columns
        self._widths: Counter[int] = Counter()

    def records(self, lines: Iterator[bytes]) -> Iterable[tuple[int, bytes]]:
        """Yield each line with its number."""
        return enumerate(lines, start=1)

    def parse(self, text: str) -> tuple[str, str] | None:
        """Return source and target of a line."""
        return self.pair(text.split(self.delimiter), text)

    def pair(self, parts: list[str], text: str) -> tuple[str, str]:
        """Return source and target of a record, given its columns and, for an error message, its text."""
        columns = self.columns
        if len(parts) != columns.count:
            if columns.count is not None or len(parts) < columns.min_columns:
                problem = _wrong_columns(len(parts), self.delimiter, columns)
                raise LineError(problem, "read_as_lexicon" if is_lexicon_line(text) else "fix_line_or_layout")
            self._widths[len(parts)] += 1
        if self.strip:
            parts = [part.strip() for part in parts]
        source, target = parts[columns.source], parts[columns.target]
        return (source if columns.features is None else _tagged(source, parts[columns.features])), target

    def notes(self) -> list[Message]:
        """Return which columns were ignored although the user did not name them."""
        used = {self.columns.source, self.columns.target, self.columns.features}
        rows = self._widths.total()
        counts = {
            column: sum(count for width, count in self._widths.items() if width > column)
            for column in range(min(max(self._widths, default=0), 1000))
            if column not in used
        }
        if not counts:
            return []
        groups = [f"{_columns_text(group)} in {count:,} of {rows:,} lines" for group, count in _grouped(counts)]
        more = ", and more" if len(groups) > GROUPS_SHOWN else ""
        problem = f"{', '.join(groups[:GROUPS_SHOWN])}{more} ignored"
        if self.delimiter.isspace():
            return [Message(problem, "read_as_lexicon_if_phones")]
        names = {self.columns.source: "source", self.columns.target: "target", self.columns.features: "features"}
        example = ",".join(names.get(column, "-") for column in range(self._widths.most_common(1)[0][0]))
        return [Message(problem, "name_columns", {"columns": example})]


class JsonFormat:
    """JSON Lines: on every line an object with `source`, `target` and maybe `features`, or an array of them.

    Args:
        columns: whether there are features.
    """

    def __init__(self, columns: Columns) -> None:
        self._names = ("source", "target", *(("features",) if columns.features is not None else ()))
        self.description = "JSON Lines"
        self._ignored: Counter[str] = Counter()
        self._rows = 0

    def records(self, lines: Iterator[bytes]) -> Iterable[tuple[int, bytes]]:
        """Yield each line with its number."""
        return enumerate(lines, start=1)

    def parse(self, text: str) -> tuple[str, str] | None:
        """Return source and target of a line."""
        names, value = self._names, None
        with suppress(ValueError):
            value = strict_json.parse(text)
        if isinstance(value, list) and len(value) == len(names):
            value = dict(zip(names, value, strict=True))
        if not isinstance(value, dict) or not all(isinstance(value.get(name), str) for name in names):
            expected = ", ".join(f'"{name}": "..."' for name in names)
            raise LineError(f"not a JSON object of strings {{{expected}}}")
        self._rows += 1
        if len(value) > len(names):
            self._count_ignored(value)
        return (value["source"] if len(names) == 2 else _tagged(value["source"], value["features"])), value["target"]

    def _count_ignored(self, value: dict[str, Any]) -> None:
        for key in value.keys() - set(self._names):
            if key in self._ignored or len(self._ignored) < KEYS_COUNTED:
                self._ignored[key] += 1

    def notes(self) -> list[Message]:
        """Return which keys were ignored."""
        if not self._ignored:
            return []
        keys = [
            f"the key {key!a:.40} in {count:,} of {self._rows:,} lines" for key, count in sorted(self._ignored.items())
        ]
        return [Message(f"{', '.join(keys[:GROUPS_SHOWN])}{', and more' if len(keys) > GROUPS_SHOWN else ''} ignored")]


def has_delimiter(words: Sequence[str]) -> bool:
    """Whether at least half of the words contain the same delimiter: `ba;B AA0` is not a word and its phones."""
    return any(2 * sum(each in word for word in words) >= len(words) for each in DELIMITERS)


def is_lexicon_line(text: str) -> bool:
    """Whether a line may be a word and its phones: short strings separated by whitespace."""
    phones = text.split()[1:]
    if has_delimiter(text.replace(TAB, " ").split(" ")[:1]):
        return False
    return text.count(TAB) < 2 and len(phones) > 1 and sum(map(len, phones)) <= 3 * len(phones)


def _tagged(source: str, features: str) -> str:
    if TAG in source:
        raise LineError("the source contains a tab, which separates text from features", fix="remove the tab")
    return source + TAG + features


def _wrong_columns(found: int, delimiter: str, columns: Columns) -> str:
    shown = "(a tab)" if delimiter == TAB else repr(delimiter)
    if columns == TWO_COLUMNS:
        times = "no" if found == 1 else f"{found - 1} times the"
        return f"{times} delimiter {shown}, expected exactly one between source and target"
    at_least = "" if columns.count else "at least "
    names = " (source, target, features)" if columns == TAGGED_COLUMNS else ""
    return f"{found} columns separated by the delimiter {shown}, expected {at_least}{columns.min_columns}{names}"


def _grouped(counts: dict[int, int]) -> Iterator[tuple[list[int], int]]:
    """Yield lists of adjacent columns, and the number of lines that have them."""
    group: list[int] = []
    for column, count in counts.items():
        if group and (counts[group[0]] != count or column != group[-1] + 1):
            yield group, counts[group[0]]
            group = []
        group.append(column)
    yield group, counts[group[0]]


def _columns_text(group: list[int]) -> str:
    first, last = group[0] + 1, group[-1] + 1
    return f"column {first}" if first == last else f"columns {first} to {last}"
