"""Read pair files. A line that is not a pair is an error, or is skipped and added to a list of rejects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from henkan.errors import DataError, Message
from henkan.text.detection import make_format
from henkan.text.formats import PairFormat
from henkan.text.layout import Layout, LayoutOptions
from henkan.text.lines import BINARY, LineError, line_text, lines, peeked
from henkan.text.lines import MAX_LINE_BYTES as MAX_LINE_BYTES  # re-exported for callers of `read_pairs`
from henkan.text.pairs import Pairs
from henkan.text.rejects import Rejects as Rejects

LINES_BETWEEN_REPORTS = 20_000

Progress = Callable[[int], None]


@dataclass(frozen=True)
class PairFile:
    """A pair file that was read.

    Attributes:
        path: the file.
        pairs: its pairs.
        format: "pairs", "lexicon", "csv" or "jsonl".
        notes: what was detected, interpreted or ignored.
    """

    path: Path
    pairs: Pairs
    format: str
    notes: tuple[Message, ...]


def read_pairs(
    path: Path, *, rejects: Rejects | None = None, progress: Progress | None = None, **layout: Unpack[LayoutOptions]
) -> Pairs:
    """Read the pairs of a file.

    A byte order mark, Windows line ends and gzip are supported. Source and target may be empty. With features, the
    source becomes `text TAB features`.

    Args:
        path: the file, which may be a pipe.
        rejects: list of skipped lines; None: a line that is not a pair is an error.
        progress: function that is called regularly with the number of lines read.
        layout: attributes of `henkan.text.layout.Layout`: delimiter, strip, columns, format and encoding.

    Raises:
        DataError: if the file cannot be read, has no pairs, or has a line that is not a pair.
        SettingsError: if the list of rejects cannot be written, or would overwrite another file; or the layout is
            invalid.
    """
    return read_pair_file(path, Layout(**layout), rejects, progress).pairs


def read_pair_file(
    path: Path, layout: Layout, rejects: Rejects | None = None, progress: Progress | None = None
) -> PairFile:
    """Read a pair file like `read_pairs`, and return also its format and notes for the user."""
    if rejects is not None:
        rejects.begin(path)
    skipped_before = 0 if rejects is None else rejects.skipped
    try:
        with path.open("rb", buffering=0) as file:
            prefix, rest = peeked(lines(file, path, layout.encoding))
            name, form = make_format(path.name, prefix, layout)
            detected = layout.format == "auto" and name in ("lexicon", "csv")
            reader = _Reader(path, layout.encoding, form, detected, b"\0" in b"".join(prefix), rejects, progress)
            pairs = Pairs.of(reader.pairs(rest))
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; give a file of pairs") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check path and permissions") from None
    if rejects is not None:
        rejects.end()
    if not len(pairs):
        if rejects is not None and rejects.skipped > skipped_before:
            raise DataError(f"{path}: no line is a pair; see {rejects.path} for the reasons")
        problem = "has no pairs" if prefix else "is empty"
        raise DataError(f"{path}: the file {problem}; expected a source and a target on each line")
    return PairFile(path, pairs, name, tuple(_notes(path, form, detected)))


@dataclass(frozen=True)
class _Reader:
    """Reads the lines of a file.

    Attributes:
        path, encoding: the file and its encoding.
        format: its format.
        detected: whether the format was detected, and is not the default.
        binary: whether the first lines have NUL characters, which text has not.
        rejects: list of skipped lines, or None.
        progress: called with the number of lines read, or None.
    """

    path: Path
    encoding: str
    format: PairFormat
    detected: bool
    binary: bool
    rejects: Rejects | None
    progress: Progress | None

    def pairs(self, lines: Iterator[bytes]) -> Iterator[tuple[str, str]]:
        """Yield the pairs."""
        rejects, progress, parse, encoding = self.rejects, self.progress, self.format.parse, self.encoding
        for number, raw in self.format.records(lines):
            if rejects is not None:
                rejects.lines += 1
            try:
                pair = parse(line_text(raw, first=number == 1, encoding=encoding))
            except LineError as reason:
                if rejects is None:
                    raise self._error(number, reason) from None
                rejects.add(self.path, number, str(reason), raw.rstrip(b"\r\n").replace(b"\n", b"\\n"))
            else:
                if pair is not None:
                    yield pair
            if progress is not None and number % LINES_BETWEEN_REPORTS == 0:
                progress(number)

    def _error(self, number: int, reason: LineError) -> DataError:
        if self.binary and reason.remedy == "name_encoding_of_lines":
            return DataError(f"{self.path}, line {number}: {BINARY}")
        if not self.detected:
            return DataError(f"{self.path}, line {number}: {reason}", reason.remedy, **reason.values)
        remedy = "fix_line_or_format" if reason.remedy == "skip_lines" else reason.remedy
        problem = f"{self.path}, line {number}: {reason} (the file is read as {self.format.description})"
        return DataError(problem, remedy, **reason.values)


def _notes(path: Path, form: PairFormat, detected: bool) -> Iterator[Message]:
    """Yield what to tell the user about a file: first the detected format."""
    notes = form.notes()
    if detected:
        details = [note.problem for note in notes if note.remedy is None]
        yield Message("; ".join([f"{path} is read as {form.description}", *details]), "another_format")
        notes = [note for note in notes if note.remedy is not None]
    for note in notes:
        yield Message(f"{path}: {note.problem}", note.remedy, note.values)
