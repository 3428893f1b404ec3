"""Pairs of strings with their tokens, so that each string is tokenized only once."""

from __future__ import annotations

from dataclasses import dataclass

from henkan.config import ModelConfig
from henkan.text.feature_tags import with_tag_separator
from henkan.text.pairs import Pairs
from henkan.text.tokenizer import Tokenized, Tokenizer, tokenize, tokenizers


@dataclass(frozen=True)
class TokenizedPairs:
    """Pairs and their tokens.

    Attributes:
        pairs: the strings.
        model: settings of the model, including those detected in the pairs.
        source, target: their tokens.
        source_tokenizer, target_tokenizer: the tokenizers.
    """

    pairs: Pairs
    model: ModelConfig
    source: Tokenized
    target: Tokenized
    source_tokenizer: Tokenizer
    target_tokenizer: Tokenizer

    @classmethod
    def of(cls, pairs: Pairs, model: ModelConfig) -> TokenizedPairs:
        """Tokenize pairs according to the settings of a model, after `with_tag_separator`."""
        model = with_tag_separator(model, pairs.sources)
        source, target = tokenizers(model)
        return cls(pairs, model, tokenize(pairs.sources, source), tokenize(pairs.targets, target), source, target)

    def __len__(self) -> int:
        return len(self.pairs)
