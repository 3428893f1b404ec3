import numpy as np
import pytest

from henkan.inference.calibration import TEMPERATURES, Calibration, coverage, expected_calibration_error


def best_temperature(*parts):
    calibration = Calibration()
    for scores, right in parts:
        calibration.add(scores, right)
    return calibration.temperature()


def test_the_temperature_that_fits():
    """Answers of one symbol of two, whose odds were raised to the third power, want a temperature of 3."""
    generator = np.random.default_rng(0)
    truth = generator.uniform(0.5, 1, 20_000)
    right = generator.random(20_000) < truth
    odds = (truth / (1 - truth)) ** 3
    scores = np.array([np.log(odds ** (1 / t) / (1 + odds ** (1 / t))) for t in TEMPERATURES])
    assert best_temperature((scores, right)) == pytest.approx(3, rel=0.1)
    halves = ((scores[:, :7000], right[:7000]), (scores[:, 7000:], right[7000:]))
    assert best_temperature(*halves) == best_temperature((scores, right))


def test_a_model_without_an_error_is_not_made_sure_of_everything():
    scores = [[np.log(0.9) / t] * 8 for t in TEMPERATURES]  # surer when hot, here
    chosen = best_temperature((scores, [True] * 8))
    assert np.exp(np.log(0.9) / chosen) == pytest.approx(9 / 10, abs=0.02)


def test_expected_calibration_error_by_hand():
    confidences, right = [0.95, 0.92, 0.31, 0.33, 1.0], [True, False, False, True, True]
    bins = [abs(0.95 + 0.92 + 1.0 - 2), abs(0.31 + 0.33 - 1)]
    assert expected_calibration_error(confidences, right) == pytest.approx(sum(bins) / 5)
    assert expected_calibration_error([], []) == 0


def test_coverage_by_hand():
    confidences, right = [0.9, 0.2, 0.8, 0.5], [True, False, True, False]
    assert coverage(confidences, right, (1, 0.75, 0.5)) == [
        (1, 0.2, 0.5),
        (0.75, 0.5, pytest.approx(2 / 3)),
        (0.5, 0.8, 1),
    ]
    assert coverage([], []) == []


def test_an_answer_without_a_log_probability_does_not_count():
    scores = [[np.log(0.6) / t, float("-inf")] for t in TEMPERATURES]
    assert best_temperature((scores, [True, False])) == best_temperature(([[row[0]] for row in scores], [True]))
    assert best_temperature(([[float("-inf")]] * len(TEMPERATURES), [True])) == best_temperature() == 1
