"""The lexicon of a saved model: known sources with their targets, as JSON Lines.

Each line of the file is an entry, `{"source": "Tanaka", "target": "田中"}`. A source may have several entries; the
first is its prediction. Sources are stored as they were given. The model's normalization is applied when they are
looked up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from henkan.errors import DataError, ModelFolderError
from henkan.storage.size_limits import LEXICON as LIMIT

STRING = r'"([^"\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*+)*+)"'
ENTRY = re.compile(rf'\{{"source": {STRING}, "target": {STRING}\}}\n')
"""A line of the file. Nothing else is parsed, so a damaged file cannot have other values, names or repeated names."""


@dataclass(frozen=True)
class SavedLexicon:
    """The contents of a lexicon file. They are parsed when they are needed.

    Attributes:
        content: the bytes of the file.
        folder: the model folder that it was read from, for error messages; None if it was not read.

    Raises:
        ModelFolderError: if it has too many lines.
    """

    content: bytes
    folder: Path | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if len(self) > LIMIT.values:
            raise self._damaged()

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> SavedLexicon | None:
        """Create a lexicon from sources with targets; None if there are none. Repeated pairs are left out.

        Raises:
            DataError: if there are too many for a file.
        """
        distinct = dict.fromkeys(pairs)
        if len(distinct) > LIMIT.values:
            raise DataError(f"a lexicon has at most {LIMIT.values:,} entries, not {len(distinct):,}; store fewer pairs")
        content = b"".join(_line(*pair) for pair in distinct)
        if len(content) > LIMIT.bytes:
            raise DataError(f"a lexicon has at most {LIMIT.bytes:,} bytes, not {len(content):,}; store fewer pairs")
        return cls(content) if content else None

    def __len__(self) -> int:
        """The number of entries, without parsing them."""
        return self.content.count(b"\n")

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield the sources and targets.

        Raises:
            ModelFolderError: at the first line that is not an entry.
        """
        for line in BytesIO(self.content):
            try:
                entry = ENTRY.fullmatch(line.decode())
                if entry is None:
                    raise ValueError
                source, target = entry.groups()
                yield _unescaped(source), _unescaped(target)
            except ValueError:  # also of the decoder and of the JSON parser
                raise self._damaged() from None

    def _damaged(self) -> ModelFolderError:
        where = "" if self.folder is None else f"{self.folder}: "
        return ModelFolderError(f"{where}lexicon.jsonl is damaged", "retrain_or_restore")


def _line(source: str, target: str) -> bytes:
    try:
        return f'{{"source": {_quoted(source)}, "target": {_quoted(target)}}}\n'.encode()
    except UnicodeEncodeError:  # an unpaired surrogate: JSON can escape it, UTF-8 cannot encode it
        return f'{{"source": {json.dumps(source)}, "target": {json.dumps(target)}}}\n'.encode()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _unescaped(text: str) -> str:
    """The string that a JSON string without its quotes stands for."""
    return str(json.loads(f'"{text}"')) if "\\" in text else text


def entries(count: int) -> str:
    """Return a number of entries in words."""
    return f"{count:,} {'entry' if count == 1 else 'entries'}"
