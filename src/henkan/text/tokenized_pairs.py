"""Pairs of strings with their tokens, so that each string is tokenized only once."""

from __future__ import annotations

from dataclasses import dataclass

from henkan.config import ModelConfig
from henkan.text.pairs import Pairs
from henkan.text.tokenizer import Tokenized, Tokenizer, tokenize, tokenizers


@dataclass(frozen=True)
class TokenizedPairs:
    """Pairs and their tokens.

    Attributes:
        pairs: the strings.
        source, target: their tokens.
        source_tokenizer, target_tokenizer: the tokenizers.
    """

    pairs: Pairs
    source: Tokenized
    target: Tokenized
    source_tokenizer: Tokenizer
    target_tokenizer: Tokenizer

    @classmethod
    def of(cls, pairs: Pairs, model: ModelConfig) -> TokenizedPairs:
        """Tokenize pairs according to the settings of a model."""
        source, target = tokenizers(model)
        return cls(pairs, tokenize(pairs.sources, source), tokenize(pairs.targets, target), source, target)

    def __len__(self) -> int:
        return len(self.pairs)
