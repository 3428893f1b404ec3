"""How sources and targets are related: which symbols they share, and whether they correspond from left to right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henkan.text.arrays import Array
from henkan.text.edit_distance import EditDistance, sample
from henkan.text.edit_lattice import MATCH
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.text.tokenizer import Sequences
from henkan.text.vocabulary import Vocabulary

SAMPLE, CELLS = 2000, 2**20


@dataclass(frozen=True)
class EditStatistics:
    """Statistics of a sample of pairs.

    Attributes:
        copied: share of the target symbols that are copies of source symbols in the same order, from 0 to 1.
        explained: share of the information in the targets that the symbols of the sources explain if they correspond
            from left to right, from about 0 (targets belong to other sources) to 1. It is measured on pairs that the
            edit distance has not been learned from.
    """

    copied: float
    explained: float

    @classmethod
    def of(cls, tokenized: TokenizedPairs) -> EditStatistics:
        """Compute the statistics."""
        source = Vocabulary.from_tokens(tokenized.source, tokenized.source_tokenizer, boundary=False)
        target = Vocabulary.from_tokens(tokenized.target, tokenized.target_tokenizer, boundary=True)
        sources = source.encode_tokens(tokenized.source).after_last(source.is_tag)
        targets = target.encode_tokens(tokenized.target)
        rows = np.random.default_rng(0).permutation(sample(sources, targets, SAMPLE, CELLS))
        sources, targets = sources.take(rows), targets.take(rows)
        same = source.ids_in(target)
        distance = EditDistance.learn(sources, targets, same, len(target))
        kinds, read, written, _ = distance.align(sources, targets, same)
        copied = same[read] == written
        share = (copied & (kinds == MATCH)).sum() / max(1, len(targets.flat))
        return cls(float(share), _explained(sources, targets, same, len(target)))


def _explained(sources: Sequences, targets: Sequences, same: Array, symbols: int) -> float:
    """Mutual information of source and target under the edit distance, divided by the entropy of the target."""
    learned, measured = np.arange(0, len(sources), 2), np.arange(1, len(sources), 2)
    if not len(measured):
        return 0.0
    distance = EditDistance.learn(sources.take(learned), targets.take(learned), same, symbols)
    together = distance.log_probabilities(sources.take(measured), targets.take(measured), same).sum()
    alone = [
        _unigram(strings.take(learned), strings.take(measured), size)
        for strings, size in ((sources, len(same)), (targets, symbols))
    ]
    return float((together - sum(alone)) / -alone[1])


def _unigram(learned: Sequences, measured: Sequences, symbols: int) -> float:
    """Log-probability in nats of strings whose symbols, and their ends, are independent of each other."""
    counts = np.bincount(learned.flat, minlength=symbols) + 0.5
    total = np.log(counts.sum() + len(learned) + 0.5)
    ends = len(measured) * (np.log(len(learned) + 0.5) - total)
    return float((np.log(counts) - total)[measured.flat].sum() + ends)
