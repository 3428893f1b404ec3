import numpy as np
import pytest

from henkan.inference.calibration import TEMPERATURES, Calibration, coverage, expected_calibration_error


def best_temperature(*parts):
    calibration = Calibration()
    for scores, correct in parts:
        calibration.add(scores, correct)
    return calibration.temperature()


def test_temperature_corrects_overconfidence():
    """Predictions of one of two symbols, with odds raised to the third power, need a temperature of 3."""
    generator = np.random.default_rng(0)
    truth = generator.uniform(0.5, 1, 20_000)
    correct = generator.random(20_000) < truth
    odds = (truth / (1 - truth)) ** 3
    scores = np.array([np.log(odds ** (1 / t) / (1 + odds ** (1 / t))) for t in TEMPERATURES])
    assert best_temperature((scores, correct)) == pytest.approx(3, rel=0.1)
    halves = ((scores[:, :7000], correct[:7000]), (scores[:, 7000:], correct[7000:]))
    assert best_temperature(*halves) == best_temperature((scores, correct))


def test_model_without_errors_does_not_become_fully_confident():
    scores = [[np.log(0.9) / t] * 8 for t in TEMPERATURES]  # here, a higher temperature gives a higher confidence
    chosen = best_temperature((scores, [True] * 8))
    assert np.exp(np.log(0.9) / chosen) == pytest.approx(9 / 10, abs=0.02)


def test_expected_calibration_error_matches_a_hand_computed_example():
    confidences, correct = [0.95, 0.92, 0.31, 0.33, 1.0], [True, False, False, True, True]
    bins = [abs(0.95 + 0.92 + 1.0 - 2), abs(0.31 + 0.33 - 1)]
    assert expected_calibration_error(confidences, correct) == pytest.approx(sum(bins) / 5)
    assert expected_calibration_error([], []) == 0


def test_coverage_matches_a_hand_computed_example():
    confidences, correct = [0.9, 0.2, 0.8, 0.5], [True, False, True, False]
    assert coverage(confidences, correct, (1, 0.75, 0.5)) == [
        (1, 0.2, 0.5),
        (0.75, 0.5, pytest.approx(2 / 3)),
        (0.5, 0.8, 1),
    ]
    assert coverage([], []) == []


def test_predictions_with_zero_probability_are_ignored():
    scores = [[np.log(0.6) / t, float("-inf")] for t in TEMPERATURES]
    assert best_temperature((scores, [True, False])) == best_temperature(([[row[0]] for row in scores], [True]))
    assert best_temperature(([[float("-inf")]] * len(TEMPERATURES), [True])) == best_temperature() == 1
