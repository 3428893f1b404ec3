"""The separator between feature tags, detected in the training data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from henkan.config import ModelConfig
from henkan.text.tokenizer import DEFAULT_TAG_SEPARATOR, TAG

SEPARATORS = (DEFAULT_TAG_SEPARATOR, "|", ",", "+")
"""Separators that are detected, apart from the space; the first wins a tie."""

SHARE = 0.05
"""Share of the sources with tags that must have a separator. One source in a thousand may have a stray comma."""

ROWS = 100_000
"""Number of sources that are searched."""


def with_tag_separator(model: ModelConfig, sources: Sequence[str]) -> ModelConfig:
    """Return the settings of a model with the separator between feature tags, detected if it is not given.

    Args:
        model: the settings.
        sources: sources of the training pairs. A separator must be detected only once, in all pairs: a part of them may
            have few tags.
    """
    if not model.features or model.tag_separator is not None:
        return model
    return replace(model, tag_separator=detect_tag_separator(sources[:: 1 + len(sources) // ROWS]))


def detect_tag_separator(sources: Iterable[str]) -> str:
    """Return the most frequent separator between the feature tags of sources.

    `V;PST`, `Case=Nom|Number=Sing`, `k=v,k=v`, `V+PST` and `V PST` are detected. A space is the separator only if there
    is no other, because it often follows one. The result is `;` if nothing is found.
    """
    found: Counter[str] = Counter()
    total = 0
    for source in sources:
        tags = source.partition(TAG)[2].strip()
        total += tags != ""
        found.update(separator for separator in (*SEPARATORS, " ") if separator in tags)
    candidates = [separator for separator in SEPARATORS if found[separator] >= max(1, SHARE * total)]
    if not candidates and found[" "] >= max(1, SHARE * total):
        return " "
    return max(candidates, key=lambda separator: found[separator], default=DEFAULT_TAG_SEPARATOR)
