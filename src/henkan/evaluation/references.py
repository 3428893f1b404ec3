"""Reference targets, which decide whether a prediction is correct."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

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
        # Sorted hashes of the pairs need far less memory than a dictionary of millions of strings.
        pairs = zip(sources, targets, strict=True)
        hashes = np.fromiter((self._hash(*pair) for pair in pairs), np.int64, count=len(sources))
        self._order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]

    @classmethod
    def of(cls, pairs: Pairs, source_vocabulary: Vocabulary, target_vocabulary: Vocabulary) -> References:
        """Create the references for a model with these vocabularies.

        Targets are normalised as in training. If the model pads strings, trailing spaces are removed.
        """
        targets, tokenizer = pairs.targets, target_vocabulary.tokenizer
        if not tokenizer.plain or target_vocabulary.width is not None:
            targets = Texts.of(_as_predicted(targets, target_vocabulary))
        return cls(pairs.sources, targets, source_vocabulary.tokenizer, tokenizer)

    def __len__(self) -> int:
        return len(self.sources)

    def accepts(self, source: str, prediction: str | None) -> bool:
        """Whether a prediction exactly matches one of the targets of the source."""
        if prediction is None:
            return False
        normalize = self.source_tokenizer.normalize
        hashed, source = self._hash(source, prediction), normalize(source)
        for index in range(int(self._hashes.searchsorted(hashed)), len(self)):
            if self._hashes[index] != hashed:
                return False
            row = int(self._order[index])
            if self.targets[row] == prediction and normalize(self.sources[row]) == source:
                return True
        return False

    def targets_of(self, source: str) -> Sequence[str]:
        """Return the distinct targets of a source, in their original order."""
        return self._by_source[self.source_tokenizer.normalize(source)]

    @cached_property
    def _by_source(self) -> Mapping[str, Sequence[str]]:
        targets: dict[str, dict[str, None]] = defaultdict(dict)
        for source, target in zip(self.sources, self.targets, strict=True):
            targets[self.source_tokenizer.normalize(source)][target] = None
        return {source: list(each) for source, each in targets.items()}

    def _hash(self, source: str, target: str) -> int:
        return hash((self.source_tokenizer.normalize(source), target))


def _as_predicted(targets: Iterable[str], vocabulary: Vocabulary) -> Iterator[str]:
    for target in targets:
        normal = vocabulary.tokenizer.normalize(target)
        yield normal if vocabulary.width is None else normal.rstrip(FILLER)
