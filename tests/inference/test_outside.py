"""Confidence of sources outside the training data."""

import numpy as np
import pytest

from henkan.inference.calibration import expected_calibration_error
from henkan.inference.outside import Correction, TrainingDomain
from henkan.text.training_range import TrainingRange


def predictions(n, accuracy, seed=0):
    """Overconfident predictions: confidences of about 0.9, and whether each is correct, by distance."""
    generator = np.random.default_rng(seed)
    distances = generator.choice([0.1, 0.3], n)
    return (
        generator.uniform(0.8, 0.99, n),
        distances,
        generator.random(n) < np.array([accuracy(distance) for distance in distances]),
    )


def test_confidence_becomes_the_accuracy_at_each_distance():
    accuracy = {0.1: 0.7, 0.3: 0.2}.get
    correction = Correction.fit(*predictions(2000, accuracy))
    confidences, distances, right = predictions(2000, accuracy, seed=1)
    corrected = [correction.confidence(p, d) for p, d in zip(confidences, distances, strict=True)]
    assert expected_calibration_error(confidences, right) > 0.3
    assert expected_calibration_error(corrected, right) < 0.05


def test_a_decline_continues_beyond_the_reach():
    correction = Correction.fit(*predictions(2000, {0.1: 0.7, 0.3: 0.2}.get))
    assert correction.reach == 0.3
    assert correction.confidence(0.9, 0.5) < 0.1
    assert correction.confidence(0.9, 2.0) < 0.001


@pytest.mark.parametrize("seed", range(20))
def test_without_a_decline_nothing_supports_an_estimate_beyond_the_reach(seed):
    confidences, _, right = predictions(500, lambda _: 0.6, seed)
    correction = Correction.fit(confidences, np.full(500, 0.1), right)
    assert correction.decline == 0
    assert correction.confidence(0.9, 0.1) == pytest.approx(right.mean(), abs=0.05)
    assert correction.confidence(0.9, 0.2) is None


def test_rising_accuracy_is_not_extrapolated():
    correction = Correction.fit(*predictions(2000, {0.1: 0.3, 0.3: 0.8}.get))
    assert correction.decline == 0
    assert correction.slope >= 0


def test_if_all_predictions_are_wrong_confidence_is_low_at_any_distance():
    confidences, distances, _ = predictions(500, lambda _: 0.0)
    correction = Correction.fit(confidences, distances, np.zeros(500, bool))
    assert correction.confidence(0.999999, 0.1) < 0.02
    assert correction.confidence(0.999999, 9) < 0.02


def test_confidence_is_never_raised():
    confidences, distances, _ = predictions(500, lambda _: 1)
    correction = Correction.fit(confidences, distances, np.ones(500, bool))
    assert correction.confidence(0.5, 0.1) == 0.5


def test_few_predictions_give_no_correction():
    assert Correction.fit(*predictions(29, lambda _: 0.5)) is None


def test_the_lowest_of_several_corrections_applies():
    half, tenth = Correction(0.0, 0.0, 0.0, 1.0, 1.0), Correction(0.0, -np.log(19), 0.0, 1.0, 1.0)
    domain = TrainingDomain(TrainingRange(3, 0, False), {"longer than in training": half, "no tags": tenth})
    assert domain.confidence(0.9, {"longer than in training": 0.5}) == 0.5
    assert domain.confidence(0.9, {"longer than in training": 0.5, "no tags": 0}) == pytest.approx(0.05)
    assert domain.confidence(0.9, {"longer than in training": 0.5, "symbols not in training": 0}) is None
    # An upper bound near 0 is an estimate: being outside in another way too cannot raise the accuracy.
    assert domain.confidence(0.9, {"no tags": 0, "symbols not in training": 0}) == pytest.approx(0.05)
