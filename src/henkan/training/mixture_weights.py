"""Weights of the models of a mixed ensemble, fitted to a validation set.

The weights maximise the mean log-probability of the correct proposals (Och & Ney 2002), where the models' weighted
log-probabilities of all proposals y for a source x are normalised:

    P(y | x) = exp(sum_m w_m log P_m(y | x)) / sum_y' exp(sum_m w_m log P_m(y' | x))

The penalty `PENALTY` sum_m (log w_m - mean log w)^2 draws them to equal weights, because validation sets are small.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from henkan.evaluation.evaluation_set import EvaluationSet
from henkan.inference.mixture import Mixture
from henkan.text.arrays import Array

PENALTY = 0.02
UPDATES, RATE = 500, 0.02
MARGIN = 10.0
"""What a model cannot write has its lowest log-probability minus this, in nats, instead of minus infinity."""


def fit_weights(mixture: Mixture, validation: EvaluationSet) -> list[float]:
    """Fit the weights of the models.

    Args:
        mixture: the ensemble; its weights are not used.
        validation: the validation set.

    Returns:
        the weights, one for each model, with a mean of 1. They are equal if no proposal is correct.
    """
    texts = [validation.pairs.sources[row] for row in validation.references.rows.tolist()]
    targets = [set(validation.references.targets_of(text)) for text in texts]
    proposals = mixture.proposals(texts)
    rows = [row for row, each in enumerate(proposals) if not targets[row].isdisjoint(each)]
    repeated = [texts[row] for row in rows for _ in proposals[row]]
    scores = mixture.scores(repeated, [proposal for row in rows for proposal in proposals[row]])[:, 0]
    right = np.array([proposal in targets[row] for row in rows for proposal in proposals[row]], bool)
    lengths = [len(proposals[row]) for row in rows]
    logs = np.zeros(len(mixture.converters))
    if rows:
        possible = np.isfinite(scores)
        lowest = np.where(possible, scores, 0.0).min(axis=1, keepdims=True) - MARGIN
        logs = _maximise(np.where(possible, scores, lowest), right, lengths)
    weights: list[float] = (np.exp(logs) / np.exp(logs).mean()).tolist()
    return weights


def _maximise(scores: Array, right: Array, lengths: Sequence[int]) -> Array:
    """Return the logarithms of the weights (M,), found by gradient ascent.

    Args:
        scores: (M, K) log-probabilities of all proposals.
        right: (K,) whether a proposal is correct.
        lengths: number of proposals for each source.
    """
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    logs = np.full(len(scores), -np.log(len(scores)))
    for update in range(UPDATES):
        weights = np.exp(logs)
        combined = weights @ scores
        p = _normalised(combined, starts, lengths)
        q = _normalised(np.where(right, combined, -np.inf), starts, lengths)
        gradient = weights * (scores @ (q - p)) / len(lengths) - 2 * PENALTY * (logs - logs.mean())
        logs += RATE * (1 - update / UPDATES) * gradient / max(1e-12, float(np.abs(gradient).max()))
    return logs


def _normalised(logs: Array, starts: Array, lengths: Sequence[int]) -> Array:
    """Return the probabilities (K,) of the proposals for each source."""
    probabilities = np.exp(logs - np.repeat(np.maximum.reduceat(logs, starts), lengths))
    normalised: Array = probabilities / np.repeat(np.add.reduceat(probabilities, starts), lengths)
    return normalised
