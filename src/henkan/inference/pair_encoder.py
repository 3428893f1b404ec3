"""Encodes pairs with the vocabularies and the target codec of a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from henkan.batching.copy_ids import CopyIds, copies_of
from henkan.batching.encoded_pairs import EncodedPairs
from henkan.inference.source_reader import SourceText
from henkan.model.codec import TargetCodec
from henkan.text.tokenizer import Sequences, tokenize
from henkan.text.vocabulary import Vocabulary


class PairEncoder:
    """Encodes pairs.

    Args:
        source_vocabulary, target_vocabulary: the vocabularies.
        codec: the target codec.
        reverse: whether the model reads sources backwards.
        copies: whether it needs the copy ids of its sources; see `henkan.batching.copy_ids`.
    """

    def __init__(
        self,
        source_vocabulary: Vocabulary,
        target_vocabulary: Vocabulary,
        codec: TargetCodec,
        *,
        reverse: bool,
        copies: bool = False,
    ) -> None:
        self.source_vocabulary, self.target_vocabulary = source_vocabulary, target_vocabulary
        self.codec, self.reverse, self.copies = codec, reverse, copies

    def copy_ids(self, sources: Iterable[str]) -> CopyIds | None:
        """Copy ids of sources; None if the model does not need them."""
        if not self.copies:
            return None
        tokenizer = self.source_vocabulary.tokenizer
        return CopyIds.of(tokenize(sources, tokenizer), tokenizer, self.target_vocabulary)

    def copies_of(self, source: str) -> dict[str, int]:
        """Ids of the symbols that the model can only copy from a source."""
        if not self.copies:
            return {}
        tokenizer = self.source_vocabulary.tokenizer
        return copies_of(tokenizer.tokenize(source), tokenizer, self.target_vocabulary)

    def target_ids(self, source: str, target: str) -> list[int]:
        """Ids of a target. Symbols that the target vocabulary lacks may be copies of source symbols.

        Raises:
            UnanswerableError: if the model cannot write the target.
        """
        return self.target_vocabulary.encode(target, others=self.copies_of(source))

    def encode_target(self, source: SourceText, target: str) -> list[int]:
        """Encode a target as the symbols to predict.

        Raises:
            UnanswerableError: if the model cannot write the target.
        """
        [output] = self.outputs([source.ids], [self.target_ids(source.text, target)])
        return output

    def outputs(self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> list[list[int]]:
        """The symbols to predict for pairs of ids."""
        symbols = len(self.target_vocabulary) + self._positions(sources)
        encoded = self.codec.encode(Sequences.of(sources, len(self.source_vocabulary)), Sequences.of(targets, symbols))
        flat, ends = encoded.flat.tolist(), encoded.offsets.tolist()
        return [flat[start:end] for start, end in pairwise(ends)]

    def encode(self, sources: Sequence[str], targets: Sequence[str]) -> EncodedPairs:
        """Encode pairs for training.

        Raises:
            UnanswerableError: if a source or a target has a symbol that is not in its vocabulary.
        """
        ids = [self.source_vocabulary.encode(source) for source in sources]
        outputs = self.outputs(ids, [self.target_vocabulary.encode(target) for target in targets])
        return self.of_ids(ids, outputs, self.copy_ids(sources))

    def of_ids(
        self,
        sources: Sequence[Sequence[int]],
        outputs: Sequence[Sequence[int]],
        copy_ids: CopyIds | None = None,
    ) -> EncodedPairs:
        """Create encoded pairs from the ids of the sources, the symbols to predict and the result of `copy_ids`."""
        sizes = len(self.source_vocabulary), self.codec.size + self._positions(sources)
        return EncodedPairs.of(sources, outputs, sizes, start=self.codec.start, reverse=self.reverse, copy_ids=copy_ids)

    def _positions(self, sources: Sequence[Sequence[int]]) -> int:
        """Number of ids above those of the target vocabulary that copies of source symbols may have."""
        return max(map(len, sources), default=0) if self.copies else 0
