"""Read, write and split pairs of strings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from henkan.errors import DataError, SettingsError
from henkan.text.symbols import TAG


@dataclass(frozen=True)
class Pairs:
    """Sources and their targets, in the same order."""

    sources: Sequence[str]
    targets: Sequence[str]

    def __post_init__(self) -> None:
        if len(self.sources) != len(self.targets):
            raise DataError(f"there are {len(self.sources)} sources but {len(self.targets)} targets")

    def __len__(self) -> int:
        return len(self.sources)

    def digest(self) -> str:
        """A SHA-256 sum by which the same pairs are known again."""
        digest = hashlib.sha256()
        for strings in (self.sources, self.targets):
            for string in strings:
                digest.update(f"{len(string)} {string}".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def take(self, rows: Iterable[int]) -> Pairs:
        """The pairs of some rows."""
        places = list(rows)
        return Pairs([self.sources[row] for row in places], [self.targets[row] for row in places])

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Pairs:
        """Pairs from (source, target) tuples."""
        both = list(pairs)
        return cls([source for source, _ in both], [target for _, target in both])


@dataclass(frozen=True)
class Columns:
    """Which column of a file holds what, from 0.

    Attributes:
        source, target: the texts.
        features: the feature tags of the source, or None.
        count: how many columns every line has; None: at least as many as are asked for.
    """

    source: int = 0
    target: int = 1
    features: int | None = None
    count: int | None = 2

    @property
    def fewest(self) -> int:
        """Columns that a line must have."""
        return self.count or 1 + max(self.source, self.target, self.features or 0)

    @classmethod
    def parse(cls, text: str) -> Columns:
        """Columns from words.

        Either names in the order of the file, `target,source,features`, where any other name is a column that is
        passed over; or the numbers, from 1, of the source's, the target's and the features' columns: `3,1`.

        Raises:
            SettingsError: if it is neither.
        """
        names = [name.strip() for name in text.split(",")]
        if all(name.isdecimal() and int(name) > 0 for name in names) and len(names) in (2, 3):
            places = [int(name) - 1 for name in names]
            if len(set(places)) == len(places):
                return cls(places[0], places[1], places[2] if len(places) == 3 else None, None)
        known = [name for name in names if name in ("source", "target", "features")]
        if not {"source", "target"} <= set(known) or len(set(known)) != len(known):
            raise SettingsError(
                f"columns must name source and target once each, as in source,target,features or 1,2,3, not {text!r}"
            )
        features = names.index("features") if "features" in names else None
        return cls(names.index("source"), names.index("target"), features, len(names))


TWO_COLUMNS = Columns()


def read_pairs(path: Path, *, delimiter: str = "\t", strip: bool = False, columns: Columns = TWO_COLUMNS) -> Pairs:
    """Read a file of pairs: UTF-8, one pair a line, its columns with a delimiter between them.

    A byte order mark and Windows line ends are understood. Either side may be empty. Where there are features, the
    source becomes `text TAB features`.

    Args:
        path: the file.
        delimiter: what stands between columns.
        strip: whether to take white space off both ends of every column.
        columns: which holds what.

    Raises:
        DataError: if the file cannot be read, holds no pair, or a line is not a pair; it names the line.
    """
    if not delimiter:
        raise DataError("the delimiter is empty; give the character that stands between source and target")
    try:
        with path.open("rb") as file:
            pairs = Pairs.of(_parse(file, path, delimiter, strip, columns))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check the name") from None
    if not len(pairs):
        raise DataError(f"{path}: the file is empty; it should hold a source and a target on each line")
    return pairs


def _parse(file: BinaryIO, path: Path, delimiter: str, strip: bool, columns: Columns) -> Iterable[tuple[str, str]]:
    for number, raw in enumerate(file, start=1):
        place = f"{path}, line {number}"
        parts = decode_line(raw, place, first=number == 1).split(delimiter)
        if len(parts) != columns.count and (columns.count is not None or len(parts) < columns.fewest):
            raise DataError(f"{place}: {_wrong_columns(len(parts), delimiter, columns)}")
        if strip:
            parts = [part.strip() for part in parts]
        source, target = parts[columns.source], parts[columns.target]
        if columns.features is not None:
            if TAG in source:
                raise DataError(f"{place}: the source holds a tab, which stands before features; take it out")
            source += TAG + parts[columns.features]
        yield source, target


def _wrong_columns(found: int, delimiter: str, columns: Columns) -> str:
    shown = "(a tab)" if delimiter == "\t" else repr(delimiter)
    if columns == TWO_COLUMNS:
        times = "no" if found == 1 else f"{found - 1} times the"
        return (
            f"{times} delimiter {shown}, where one should stand between source and target; "
            "mend the line, or name another --delimiter or the --columns"
        )
    least = "" if columns.count else "at least "
    return (
        f"{found} columns with the delimiter {shown} between them, where {least}{columns.fewest} should be; "
        "mend the line, or name another --delimiter or other --columns"
    )


def decode_line(raw: bytes, place: str, *, first: bool) -> str:
    """The text of a line of bytes, without its line end and, on the first line, a byte order mark.

    Raises:
        DataError: beginning with `place`, if it is not UTF-8.
    """
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    if first:
        raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: not UTF-8 (byte {error.start + 1} of the line); convert it first") from None


def write_pairs(pairs: Pairs, file: BinaryIO) -> None:
    """Write a line for each pair: source TAB target, UTF-8."""
    for source, target in zip(pairs.sources, pairs.targets, strict=True):
        file.write(f"{source}\t{target}\n".encode())


def hold_out(pairs: Pairs, seed: int, share: float = 0.1, normalize: Callable[[str], str] = str) -> tuple[Pairs, Pairs]:
    """Split into training and held-out pairs, drawn by the seed.

    Pairs whose sources are the same, after normalisation, go to the same side: a question that was trained on is no
    test.

    Raises:
        DataError: if there are not two different sources.
    """
    sources = list(map(normalize, pairs.sources))
    distinct = list(dict.fromkeys(sources))
    if len(distinct) < 2:
        raise DataError("one source is too few to hold a part out; give more pairs, or hold nothing out (--dev none)")
    order = np.random.default_rng([seed, 1]).permutation(len(distinct))
    held_out = {distinct[place] for place in order[: max(1, round(share * len(distinct)))]}
    sides = np.fromiter((source in held_out for source in sources), bool, count=len(pairs))
    return pairs.take(np.flatnonzero(~sides).tolist()), pairs.take(np.flatnonzero(sides).tolist())
