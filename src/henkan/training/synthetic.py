"""Adds pairs to the given training pairs: synthetic ones (`henkan.text.augmentation`), and unlabelled sources with
predicted targets (`henkan.training.labelling`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from henkan.config import MIN_EPOCHS, TrainingConfig
from henkan.errors import SettingsError
from henkan.text.arrays import Array
from henkan.text.augmentation import Augmentation
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.text.tokenizer import Sequences, concatenated
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


class IdPairs(NamedTuple):
    """Pairs of strings as ids."""

    sources: Sequences
    targets: Sequences


def draw_synthetic_pairs(
    pairs: IdPairs, vocabularies: tuple[Vocabulary, Vocabulary], training: TrainingConfig
) -> IdPairs | None:
    """Create the synthetic pairs of a training run, or None if there are none.

    Args:
        pairs: the given pairs.
        vocabularies: source and target vocabulary.
        training: the settings; `augment` is the number of synthetic pairs, or None: by data.

    Raises:
        SettingsError: if a number is given, but no pair has a shared part.
    """
    wanted, n = training.augment, len(pairs.sources)
    count = (min(SYNTHETIC, SYNTHETIC_PER_PAIR * n) if n <= MAX_PAIRS else 0) if wanted is None else wanted
    if not count:
        return None
    augmentation = augmentation_of(*pairs, *vocabularies)
    if wanted is None and augmentation.share < MIN_SHARE:
        return None
    if not augmentation.share:
        raise SettingsError(NONE_POSSIBLE, argument="augment")
    return IdPairs(*_draw(augmentation, count, training.seed)[:2])


def copies_beside(others: int, pairs: int) -> int:
    """Return how often each of the given pairs is in an epoch, beside a number of other pairs."""
    return max(1, round(others / pairs))


def epoch_of(pairs: IdPairs, others: IdPairs, training: TrainingConfig) -> tuple[IdPairs, TrainingConfig]:
    """Return the pairs of one epoch, and the settings with their number of epochs if it depends on the pairs.

    Args:
        pairs: the given pairs. They are repeated so that an epoch has about as many of them as of others.
        others: synthetic pairs, and pairs whose targets were predicted; one or more.
        training: the settings.
    """
    n = len(pairs.sources)
    copies = copies_beside(len(others.sources), n)
    rows = np.tile(np.arange(n), copies)
    epoch = joined([IdPairs(pairs.sources.take(rows), pairs.targets.take(rows)), others])
    if training.epochs is None:
        epochs = min(training.sized(len(epoch.sources)).epochs or 0, MAX_PASSES // copies)
        training = replace(training, epochs=max(MIN_EPOCHS, epochs))
    return epoch, training


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


def joined(parts: Sequence[IdPairs]) -> IdPairs:
    """Concatenate lists of pairs."""
    return IdPairs(concatenated([each.sources for each in parts]), concatenated([each.targets for each in parts]))
