"""Reference targets, which decide whether a prediction is correct."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from henkan.text.arrays import Array
from henkan.text.pairs import Pairs
from henkan.text.texts import Texts
from henkan.text.tokenizer import Tokenizer
from henkan.text.vocabulary import FILLER, Vocabulary


class References:
    """The correct targets of sources. If a source occurs with several targets, each of them is correct.

    Args:
        sources, targets: the pairs, with targets in the form that a model predicts; see `of`.
        source_tokenizer, target_tokenizer: the tokenizers of the model. Sources are compared after normalisation.
    """

    def __init__(
        self,
        sources: Sequence[str],
        targets: Sequence[str],
        source_tokenizer: Tokenizer = Tokenizer(),  # noqa: B008  (immutable)
        target_tokenizer: Tokenizer = Tokenizer(),  # noqa: B008
    ) -> None:
        self.sources, self.targets = sources, targets
        self.source_tokenizer, self.target_tokenizer = source_tokenizer, target_tokenizer
        self._index()

    def _index(self) -> None:
        """Sort hashes of the sources, which need far less memory than a dictionary of millions of strings."""
        hashes = map(self._hash, map(self.source_tokenizer.normalize, self.sources))
        values = np.fromiter(hashes, np.int64, count=len(self.sources))
        self._order = np.argsort(values, kind="stable")
        self._hashes = values[self._order]

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the pairs alone: hashes of strings are different in each process."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_order", "_hashes")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the pairs, and their hashes in this process."""
        self.__dict__.update(state)
        self._index()

    @classmethod
    def of(cls, pairs: Pairs, source_vocabulary: Vocabulary, target_vocabulary: Vocabulary) -> References:
        """Create the references of pairs for a model with these vocabularies.

        Targets are normalised as in training. If the model pads strings, trailing spaces are removed.
        """
        targets, tokenizer = pairs.targets, target_vocabulary.tokenizer
        if not tokenizer.plain or target_vocabulary.width is not None:
            targets = Texts.of(_as_predicted(targets, target_vocabulary))
        return cls(pairs.sources, targets, source_vocabulary.tokenizer, tokenizer)

    def __len__(self) -> int:
        return len(self.sources)

    @cached_property
    def rows(self) -> Array:
        """The rows in which a source occurs for the first time, in order: one for each distinct source."""
        starts = np.flatnonzero(np.append(True, self._hashes[1:] != self._hashes[:-1])) if len(self) else self._order
        counts = np.diff(np.append(starts, len(self)))
        found = self._order[starts[counts == 1]].tolist()
        for start, count in zip(starts[counts > 1].tolist(), counts[counts > 1].tolist(), strict=True):
            first: dict[str, int] = {}  # different sources may have the same hash
            for row in self._order[start : start + count].tolist():
                first.setdefault(self.source_tokenizer.normalize(self.sources[row]), row)
            found += first.values()
        return np.sort(np.array(found, np.int64))

    def targets_of(self, source: str) -> Sequence[str]:
        """Return the distinct targets of a source, in their original order."""
        normalize = self.source_tokenizer.normalize
        found: dict[str, None] = {}
        source = normalize(source)
        hashed = self._hash(source)
        for index in range(int(self._hashes.searchsorted(hashed)), len(self)):
            if self._hashes[index] != hashed:
                break
            row = int(self._order[index])
            if normalize(self.sources[row]) == source:
                found[self.targets[row]] = None
        return list(found)

    @staticmethod
    def _hash(normalized: str) -> int:
        return hash(normalized)


def _as_predicted(targets: Iterable[str], vocabulary: Vocabulary) -> Iterator[str]:
    for target in targets:
        normal = vocabulary.tokenizer.normalize(target)
        yield normal if vocabulary.width is None else normal.rstrip(FILLER)
