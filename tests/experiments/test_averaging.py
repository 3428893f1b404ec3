from math import sqrt

import pytest

from henkan_experiments.averaging import average_runs


def test_numbers_are_averaged_and_errors_include_the_spread_over_runs():
    found = average_runs([
        {"n": 10, "reverse": True, "accuracy": 0.5, "accuracy_error": 0.1, "deep": {"shares": [0.0, 1.0]}},
        {"n": 10, "reverse": True, "accuracy": 0.9, "accuracy_error": 0.3, "deep": {"shares": [0.5, 0.0]}},
    ])  # fmt: skip
    assert (found["n"], found["reverse"]) == (10, True)
    assert found["accuracy"] == pytest.approx(0.7)
    assert found["deep"] == {"shares": [0.25, 0.5]}
    sd = sqrt(2 * 0.2**2)
    assert found["accuracy_error"] == pytest.approx(sqrt(0.2**2 + sd**2 / 2))


def test_errors_of_lists_are_combined_elementwise():
    found = average_runs([
        {"state": [1.0, 0.5], "state_error": [0.0, 0.1]},
        {"state": [1.0, 0.7], "state_error": [0.0, 0.1]},
    ])  # fmt: skip
    assert found["state_error"] == pytest.approx([0, sqrt(0.1**2 + 0.02 / 2)])


def test_one_run_is_unchanged():
    found = {"accuracy": 0.5, "accuracy_error": 0.1, "scores": [None, 0.25], "examples": [{"source": "1+1"}]}
    assert average_runs([found]) == found


def test_missing_values_are_left_out_of_the_mean():
    found = average_runs([
        {"confidence": None, "scores": [0.5, None], "lengths": {"3": 4}, "examples": [], "nothing": None},
        {"confidence": 0.25, "scores": [1.0, None], "lengths": {"2": 1, "3": 2}, "examples": [{"source": "1+1"}],
         "nothing": None},
    ])  # fmt: skip
    assert found == {
        "confidence": 0.25,
        "scores": [0.75, None],
        "lengths": {"3": 3, "2": 0.5},
        "examples": [{"source": "1+1"}],
        "nothing": None,
    }
