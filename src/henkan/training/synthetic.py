"""Adds synthetic pairs to the training pairs; see `henkan.text.augmentation`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from henkan.config import MIN_EPOCHS, TrainingConfig
from henkan.errors import SettingsError
from henkan.text.arrays import Array
from henkan.text.augmentation import Augmentation
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.text.tokenizer import Sequences
from henkan.text.vocabulary import Vocabulary

MAX_PAIRS = 1500
"""With more training pairs, synthetic ones are not added by default."""

SYNTHETIC, SYNTHETIC_PER_PAIR = 3000, 30
"""Default number of synthetic pairs: at most 30 for each training pair."""

MAX_PASSES = 1000
"""Maximum number of passes over the given pairs, if the number of epochs is not given."""

NONE_POSSIBLE = "no source shares three letters with its target, so no synthetic pairs can be made"

MIN_SHARE = 0.5
"""Share of the pairs whose source and target must share a part, so that synthetic pairs are added by default."""


class Synthetic(NamedTuple):
    """Training pairs with synthetic ones.

    Attributes:
        sources, targets: ids of the pairs of one epoch: copies of the given pairs, then the synthetic ones.
        training: the settings, with the number of synthetic pairs filled in, and that of epochs if it depends on them.
    """

    sources: Sequences
    targets: Sequences
    training: TrainingConfig


def add_synthetic_pairs(
    sources: Sequences, targets: Sequences, vocabularies: tuple[Vocabulary, Vocabulary], training: TrainingConfig
) -> Synthetic:
    """Add synthetic pairs, and repeat the given ones so that an epoch has about as many of both.

    Args:
        sources, targets: ids of the pairs.
        vocabularies: source and target vocabulary.
        training: the settings; `augment` is the number of synthetic pairs, or None: by data.

    Raises:
        SettingsError: if a number is given, but no pair has a shared part.
    """
    wanted, n = training.augment, len(sources)
    automatic = wanted is None
    count = (min(SYNTHETIC, SYNTHETIC_PER_PAIR * n) if n <= MAX_PAIRS else 0) if wanted is None else wanted
    if count:
        augmentation = augmentation_of(sources, targets, *vocabularies)
        if automatic and augmentation.share < MIN_SHARE:
            count = 0
        elif not augmentation.share:
            raise SettingsError(NONE_POSSIBLE, argument="augment")
    if count:
        new_sources, new_targets, _ = _draw(augmentation, count, training.seed)
        copies = max(1, round(count / n))
        rows = np.tile(np.arange(n), copies)
        sources, targets = joined([sources.take(rows), new_sources]), joined([targets.take(rows), new_targets])
        if training.epochs is None:
            epochs = min(training.sized(len(sources)).epochs or 0, MAX_PASSES // copies)
            training = replace(training, epochs=max(MIN_EPOCHS, epochs))
    return Synthetic(sources, targets, replace(training, augment=count))


class SyntheticPair(NamedTuple):
    """A synthetic pair, and the number of the pair that it was made from."""

    source: str
    target: str
    row: int


def synthetic_pairs(tokenized: TokenizedPairs, count: int, seed: int) -> list[SyntheticPair]:
    """Create the synthetic pairs that training with this seed uses, as text.

    Args:
        tokenized: the training pairs.
        count: number of synthetic pairs.
        seed: the random seed.

    Returns:
        the pairs; none if no source shares a part with its target.
    """
    source = Vocabulary.from_tokens(tokenized.source, tokenized.source_tokenizer, boundary=False)
    target = Vocabulary.from_tokens(tokenized.target, tokenized.target_tokenizer, boundary=True)
    pairs = source.encode_tokens(tokenized.source), target.encode_tokens(tokenized.target)
    sources, targets, rows = _draw(augmentation_of(*pairs, source, target), count, seed)
    return [
        SyntheticPair(source.decode(sources[number].tolist()), target.decode(targets[number].tolist()), row)
        for number, row in enumerate(rows.tolist())
    ]


def _draw(augmentation: Augmentation, count: int, seed: int) -> tuple[Sequences, Sequences, Array]:
    return augmentation.draw(count, np.random.default_rng([seed, 7]))


def augmentation_of(sources: Sequences, targets: Sequences, source: Vocabulary, target: Vocabulary) -> Augmentation:
    """Return what creates synthetic pairs from given ones.

    Args:
        sources, targets: ids of the pairs.
        source, target: their vocabularies.
    """
    return Augmentation(
        sources,
        targets,
        same=source.ids_in(target),
        symbols=source.symbols_by_id,
        is_tag=source.is_tag,
        target_symbols=len(target),
    )


def joined(parts: Iterable[Sequences]) -> Sequences:
    """Concatenate lists of strings."""
    each = list(parts)
    lengths = np.concatenate([part.lengths() for part in each])
    return Sequences(np.concatenate([part.flat for part in each]), np.concatenate([[0], np.cumsum(lengths)]))
