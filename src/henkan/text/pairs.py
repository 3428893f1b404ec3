"""Read, write and split pairs of strings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from henkan.errors import DataError


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

    def take(self, rows: Iterable[int]) -> Pairs:
        """The pairs of some rows."""
        places = list(rows)
        return Pairs([self.sources[row] for row in places], [self.targets[row] for row in places])

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Pairs:
        """Pairs from (source, target) tuples."""
        both = list(pairs)
        return cls([source for source, _ in both], [target for _, target in both])


def read_pairs(path: Path, *, delimiter: str = "\t", strip: bool = False) -> Pairs:
    """Read a file of pairs: UTF-8, one pair a line, source and target with a delimiter between them.

    A byte order mark and Windows line ends are understood. Either side may be empty.

    Args:
        path: the file.
        delimiter: what stands between source and target.
        strip: whether to take white space off both ends of either side.

    Raises:
        DataError: if the file cannot be read, holds no pair, or a line is not a pair; it names the line.
    """
    if not delimiter:
        raise DataError("the delimiter is empty; give the character that stands between source and target")
    try:
        with path.open("rb") as file:
            pairs = Pairs.of(_parse(file, path, delimiter, strip))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check the name") from None
    if not len(pairs):
        raise DataError(f"{path}: the file is empty; it should hold a source and a target on each line")
    return pairs


def _parse(file: BinaryIO, path: Path, delimiter: str, strip: bool) -> Iterable[tuple[str, str]]:
    for number, raw in enumerate(file, start=1):
        line = decode_line(raw, f"{path}, line {number}", first=number == 1)
        parts = line.split(delimiter)
        if len(parts) != 2:
            found = "no" if len(parts) == 1 else f"{len(parts) - 1} times the"
            shown = "(a tab)" if delimiter == "\t" else repr(delimiter)
            raise DataError(
                f"{path}, line {number}: {found} delimiter {shown}, where one should stand between "
                f"source and target; mend the line or name another --delimiter"
            )
        source, target = (part.strip() for part in parts) if strip else parts
        yield source, target


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


def hold_out(pairs: Pairs, seed: int, share: float = 0.1) -> tuple[Pairs, Pairs]:
    """Split into training and held-out pairs, drawn by the seed.

    Pairs with the same source go to the same side: a question that was trained on is no test.

    Raises:
        DataError: if there are not two different sources.
    """
    distinct = list(dict.fromkeys(pairs.sources))
    if len(distinct) < 2:
        raise DataError("one source is too few to hold a part out; give more pairs, or hold nothing out (--dev none)")
    order = np.random.default_rng([seed, 1]).permutation(len(distinct))
    held_out = {distinct[place] for place in order[: max(1, round(share * len(distinct)))]}
    sides = np.fromiter((source in held_out for source in pairs.sources), bool, count=len(pairs))
    return pairs.take(np.flatnonzero(~sides).tolist()), pairs.take(np.flatnonzero(sides).tolist())
