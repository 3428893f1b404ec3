"""Confidence of sources outside the training data.

A network is usually too confident of such sources. How likely its predictions are correct is estimated from a model
that was trained on only a part of the training data (see `henkan.training.probe`): its predictions for the other part
show how accuracy depends on the confidence and on how far a source is outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import exp

import numpy as np

from henkan.text.arrays import Array
from henkan.text.training_range import TrainingRange

MIN_PREDICTIONS = 30
"""With fewer predictions, no correction is estimated."""

NEGLIGIBLE = 0.1
"""An estimate below this also holds further outside, or outside in other ways, where accuracy can only be lower."""

LOGIT_LIMIT = 9.0
PRIOR = np.array([1.0, 0.0, 0.0])
PRECISION = np.array([1.0, 1e-6, 1e-2])
"""Mean and precision of the normal prior of slope, intercept and decline: without data, confidence does not change."""


@dataclass(frozen=True)
class Correction:
    """Logistic regression of correctness (Platt 1999) on the confidence and on the distance from the training data.

    Attributes:
        slope: coefficient of the logit of the confidence, at least 0.
        intercept: the intercept.
        decline: coefficient of the distance, at most 0.
        reach: largest distance in the predictions that were used to fit it.
        highest: highest confidence of these predictions. Nothing is known about higher ones, so they count as this.
    """

    slope: float
    intercept: float
    decline: float
    reach: float
    highest: float

    @classmethod
    def fit(cls, confidences: Array, distances: Array, right: Array) -> Correction | None:
        """Fit the correction to n predictions of sources outside the training data of their model.

        Labels are smoothed as in `henkan.inference.calibration.Calibration`.

        Args:
            confidences: (n,) confidence of each prediction, from 0 to 1.
            distances: (n,) distance of each source from the training data; see `TrainingRange.outside`.
            right: (n,) whether each prediction is correct.

        Returns:
            the correction, or None if there are too few predictions.
        """
        correct = int(right.sum())
        if len(right) < MIN_PREDICTIONS:
            return None
        labels = np.where(right, (correct + 1) / (correct + 2), 1 / (len(right) - correct + 2))
        inputs = np.stack([_logit(confidences), np.ones(len(right)), distances], axis=1)
        free = np.array([True, True, len(np.unique(distances)) > 1])
        weights = _regress(inputs, labels, free)
        for index, impossible in ((2, weights[2] > 0), (0, weights[0] < 0)):
            if impossible:
                free[index] = False
                weights = _regress(inputs, labels, free)
        slope, intercept, decline = weights.tolist()
        return cls(
            slope=max(slope, 0.0),
            intercept=intercept,
            decline=min(decline, 0.0),
            reach=float(distances.max()),
            highest=float(confidences.max()),
        )

    def confidence(self, confidence: float, distance: float) -> float | None:
        """Return the corrected confidence, never above the given one; None if nothing supports an estimate.

        Args:
            confidence: confidence of the prediction, as for a source inside the training data.
            distance: distance of the source from the training data.
        """
        logit = float(_logit(np.array(min(confidence, self.highest))))
        score = self.slope * logit + self.intercept + self.decline * distance
        corrected = min(confidence, 1 / (1 + exp(-max(score, -500.0))))
        supported = distance <= self.reach or self.decline < 0 or corrected < NEGLIGIBLE
        return corrected if supported else None


@dataclass(frozen=True)
class TrainingDomain:
    """What a model was trained on, and how accurate it is outside.

    Attributes:
        training_range: what the training sources contained.
        corrections: kind of `henkan.text.training_range.KINDS` -> correction of the confidence.
    """

    training_range: TrainingRange
    corrections: Mapping[str, Correction] = field(default_factory=dict)

    def confidence(self, confidence: float, outside: Mapping[str, float]) -> float | None:
        """Return the confidence of a prediction for a source outside the training data.

        Args:
            confidence: confidence of the prediction, as for a source inside the training data.
            outside: kind -> distance; see `TrainingRange.outside`.

        Returns:
            the lowest of the corrected confidences; None if nothing supports one of them.
        """
        corrected = [
            self.corrections[kind].confidence(confidence, distance) if kind in self.corrections else None
            for kind, distance in outside.items()
        ]
        lowest = min([confidence, *(each for each in corrected if each is not None)])
        return None if None in corrected and lowest >= NEGLIGIBLE else lowest


def corrections_to_values(corrections: Mapping[str, Correction]) -> dict[str, dict[str, float]]:
    """Convert corrections to JSON values."""
    return {kind: asdict(each) for kind, each in corrections.items()}


def _logit(probabilities: Array) -> Array:
    limit = 1 / (1 + np.exp(LOGIT_LIMIT))
    p = np.clip(probabilities, limit, 1 - limit)
    logits: Array = np.log(p / (1 - p))
    return logits


def _regress(inputs: Array, labels: Array, free: Array, steps: int = 50) -> Array:
    """Fit the free weights of a logistic regression; the others are 0.

    Newton's method with step halving: far from the minimum, a whole step can lead uphill, and then back again.
    """
    weights, X = np.where(free, PRIOR, 0.0), inputs[:, free]
    loss = _loss(weights, inputs, labels, free)
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        gradient = X.T @ (p - labels) + (PRECISION * (weights - PRIOR))[free]
        hessian = (X * (p * (1 - p))[:, None]).T @ X + np.diag(PRECISION[free])
        step = np.zeros(len(weights))
        step[free] = np.linalg.solve(hessian, gradient)
        while (lower := _loss(weights - step, inputs, labels, free)) > loss and np.abs(step).max() >= 1e-6:
            step /= 2
        if np.abs(step).max() < 1e-6:
            break
        weights, loss = weights - step, lower
    return weights


def _loss(weights: Array, inputs: Array, labels: Array, free: Array) -> float:
    """Cross-entropy, plus the negative logarithm of the prior."""
    logits = inputs @ weights
    entropy = np.logaddexp(0, logits) - labels * logits
    return float(entropy.sum() + (PRECISION * (weights - PRIOR) ** 2)[free].sum() / 2)
