"""Encodes pairs with the vocabularies and the target codec of a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from henkan.batching.copy_ids import CopyIds, copies_of
from henkan.batching.encoded_pairs import EncodedPairs
from henkan.engine.base import Capabilities
from henkan.errors import UnanswerableError
from henkan.inference.source_reader import SourceText
from henkan.model.codec import TargetCodec
from henkan.text.tokenizer import Sequences, tokenize
from henkan.text.vocabulary import UNKNOWN, Vocabulary


class PairEncoder:
    """Encodes pairs.

    Args:
        source_vocabulary, target_vocabulary: the vocabularies.
        codec: the target codec.
        capabilities: what the model can do.
    """

    def __init__(
        self,
        source_vocabulary: Vocabulary,
        target_vocabulary: Vocabulary,
        codec: TargetCodec,
        capabilities: Capabilities,
    ) -> None:
        self.source_vocabulary, self.target_vocabulary = source_vocabulary, target_vocabulary
        self.codec, self.capabilities = codec, capabilities

    def copy_ids(self, sources: Iterable[str]) -> CopyIds | None:
        """Copy ids of sources, for batches; None if the model does not need them."""
        return self._copy_ids(sources) if self.capabilities.copy_ids else None

    def codec_copy_ids(self, sources: Iterable[str], ids: Iterable[Sequence[int]]) -> CopyIds | None:
        """Copy ids of sources, for the codec; None if it does not need them.

        Args:
            sources: the sources.
            ids: ids of each. Only those of the unknown symbol do not tell which symbol can be copied.
        """
        copies = self.capabilities.copying and self.codec.ambiguous and self.source_vocabulary.unknown
        return self._copy_ids(sources) if copies and any(UNKNOWN in each for each in ids) else None

    def _copy_ids(self, sources: Iterable[str]) -> CopyIds:
        tokenizer = self.source_vocabulary.tokenizer
        return CopyIds.of(tokenize(sources, tokenizer), tokenizer, self.target_vocabulary)

    def copies_of(self, source: str) -> dict[str, int]:
        """Ids of the symbols that the model can only copy from a source."""
        if not self.capabilities.copying:
            return {}
        tokenizer = self.source_vocabulary.tokenizer
        return copies_of(tokenizer.tokenize(source), tokenizer, self.target_vocabulary)

    def target_ids(self, source: str, target: str) -> list[int]:
        """Ids of a target. Symbols that the target vocabulary lacks may be copies of source symbols.

        Raises:
            UnanswerableError: if the model cannot write the target.
        """
        try:
            return self.target_vocabulary.encode(target)
        except UnanswerableError:
            return self.target_vocabulary.encode(target, others=self.copies_of(source))

    def encode_target(self, source: SourceText, target: str) -> list[int]:
        """Encode a target as the symbols to predict.

        Raises:
            UnanswerableError: if the model cannot write the target.
        """
        targets, copy_ids = [self.target_ids(source.text, target)], self.codec_copy_ids([source.text], [source.ids])
        [output] = self.outputs([source.ids], targets, copy_ids)
        if output is None:
            raise UnanswerableError(target, 0, "symbols that can only be copied are not in the order of the source")
        return output

    def outputs(
        self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], copy_ids: CopyIds | None = None
    ) -> list[list[int] | None]:
        """The symbols to predict for pairs of ids; None for a target that the model cannot write.

        Args:
            sources: ids of the sources.
            targets: ids of the targets, as from `target_ids`.
            copy_ids: copy ids of the sources, as from `codec_copy_ids`.
        """
        symbols = len(self.target_vocabulary) + self._positions(sources)
        ids = Sequences.of(sources, len(self.source_vocabulary)), Sequences.of(targets, symbols)
        encoded = self.codec.encode(*ids, copy_ids)
        flat, ends = encoded.flat.tolist(), encoded.offsets.tolist()
        written = (flat[start:end] for start, end in pairwise(ends))
        return [output if output or self.codec.fixed_length else None for output in written]

    def encode(self, sources: Sequence[str], targets: Sequence[str]) -> EncodedPairs:
        """Encode pairs for training.

        Raises:
            UnanswerableError: if a source or a target has a symbol that is not in its vocabulary.
        """
        ids = [self.source_vocabulary.encode(source) for source in sources]
        outputs = self.outputs(ids, [self.target_vocabulary.encode(target) for target in targets])
        return self.of_ids(ids, [output or [] for output in outputs], self.copy_ids(sources))

    def of_ids(
        self,
        sources: Sequence[Sequence[int]],
        outputs: Sequence[Sequence[int]],
        copy_ids: CopyIds | None = None,
    ) -> EncodedPairs:
        """Create encoded pairs from the ids of the sources, the symbols to predict and the result of `copy_ids`."""
        sizes = len(self.source_vocabulary), self.codec.size + self._positions(sources)
        reverse = self.capabilities.reverse
        return EncodedPairs.of(sources, outputs, sizes, start=self.codec.start, reverse=reverse, copy_ids=copy_ids)

    def _positions(self, sources: Sequence[Sequence[int]]) -> int:
        """Number of ids above those of the target vocabulary that copies of source symbols may have."""
        return max(map(len, sources), default=0) if self.capabilities.copying else 0
