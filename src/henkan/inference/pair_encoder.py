"""Encodes pairs with the vocabularies and the target codec of a model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from henkan.batching.encoded_pairs import EncodedPairs
from henkan.model.codec import TargetCodec
from henkan.text.tokenizer import Sequences
from henkan.text.vocabulary import Vocabulary


class PairEncoder:
    """Encodes pairs.

    Args:
        source_vocabulary, target_vocabulary: the vocabularies.
        codec: the target codec.
        reverse: whether the model reads sources backwards.
    """

    def __init__(
        self, source_vocabulary: Vocabulary, target_vocabulary: Vocabulary, codec: TargetCodec, *, reverse: bool
    ) -> None:
        self.source_vocabulary, self.target_vocabulary = source_vocabulary, target_vocabulary
        self.codec, self.reverse = codec, reverse

    def encode_target(self, source: Sequence[int], target: str) -> list[int]:
        """Encode a target as the symbols to predict.

        Args:
            source: ids of the source.
            target: the target text.

        Raises:
            UnanswerableError: if the target has a symbol that is not in the target vocabulary.
        """
        [output] = self.outputs([source], [self.target_vocabulary.encode(target)])
        return output

    def outputs(self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> list[list[int]]:
        """The symbols to predict for pairs of ids."""
        encoded = self.codec.encode(
            Sequences.of(sources, len(self.source_vocabulary)), Sequences.of(targets, len(self.target_vocabulary))
        )
        flat, ends = encoded.flat.tolist(), encoded.offsets.tolist()
        return [flat[start:end] for start, end in pairwise(ends)]

    def encode(self, sources: Sequence[str], targets: Sequence[str]) -> EncodedPairs:
        """Encode pairs for training.

        Raises:
            UnanswerableError: if a source or a target has a symbol that is not in its vocabulary.
        """
        ids = [self.source_vocabulary.encode(source) for source in sources]
        return self.of_ids(ids, self.outputs(ids, [self.target_vocabulary.encode(target) for target in targets]))

    def of_ids(self, sources: Sequence[Sequence[int]], outputs: Sequence[Sequence[int]]) -> EncodedPairs:
        """Create encoded pairs from the ids of the sources and the symbols to predict."""
        sizes = len(self.source_vocabulary), self.codec.size
        return EncodedPairs.of(sources, outputs, sizes, start=self.codec.start, reverse=self.reverse)
