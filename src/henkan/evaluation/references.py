"""Reference targets: which predictions are correct. The one place that decides it."""

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
    """The targets of some sources. A source that occurs with several targets accepts each of them.

    Args:
        sources, targets: the pairs; targets as a model can predict them, see `of`.
        source_tokenizer, target_tokenizer: the model's. Sources that are equal after normalisation are the same.
    """

    def __init__(
        self,
        sources: Sequence[str],
        targets: Sequence[str],
        source_tokenizer: Tokenizer = Tokenizer(),  # noqa: B008  (it cannot be changed)
        target_tokenizer: Tokenizer = Tokenizer(),  # noqa: B008
    ) -> None:
        self.sources, self.targets = sources, targets
        self.source_tokenizer, self.target_tokenizer = source_tokenizer, target_tokenizer
        # Sorted hashes of the pairs take far less memory than a dictionary of millions of strings.
        pairs = zip(sources, targets, strict=True)
        hashes = np.fromiter((self._hash(*pair) for pair in pairs), np.int64, count=len(sources))
        self._order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]

    @classmethod
    def of(cls, pairs: Pairs, source_vocabulary: Vocabulary, target_vocabulary: Vocabulary) -> References:
        """The references of a model with these vocabularies.

        Targets are normalised as in training, and, if the model fills strings, without spaces at the end.
        """
        targets, tokenizer = pairs.targets, target_vocabulary.tokenizer
        if not tokenizer.plain or target_vocabulary.width is not None:
            targets = Texts.of(_as_predicted(targets, target_vocabulary))
        return cls(pairs.sources, targets, source_vocabulary.tokenizer, tokenizer)

    def __len__(self) -> int:
        return len(self.sources)

    def accepts(self, source: str, prediction: str | None) -> bool:
        """Whether a prediction is one of the source's targets, symbol for symbol."""
        if prediction is None:
            return False
        normalize = self.source_tokenizer.normalize
        hashed, source = self._hash(source, prediction), normalize(source)
        for place in range(int(self._hashes.searchsorted(hashed)), len(self)):
            if self._hashes[place] != hashed:
                return False
            row = int(self._order[place])
            if self.targets[row] == prediction and normalize(self.sources[row]) == source:
                return True
        return False

    def targets_of(self, source: str) -> Sequence[str]:
        """The different targets of a source, in their order."""
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
