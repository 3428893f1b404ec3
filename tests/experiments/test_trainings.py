from math import sqrt

import pytest

from henkan_experiments.trainings import over_trainings


def test_numbers_become_means_and_errors_grow_by_the_spread_over_trainings():
    found = over_trainings([
        {"n": 10, "reverse": True, "accuracy": 0.5, "accuracy_error": 0.1, "deep": {"shares": [0.0, 1.0]}},
        {"n": 10, "reverse": True, "accuracy": 0.9, "accuracy_error": 0.3, "deep": {"shares": [0.5, 0.0]}},
    ])  # fmt: skip
    assert (found["n"], found["reverse"]) == (10, True)
    assert found["accuracy"] == pytest.approx(0.7)
    assert found["deep"] == {"shares": [0.25, 0.5]}
    sd = sqrt(2 * 0.2**2)
    assert found["accuracy_error"] == pytest.approx(sqrt(0.2**2 + sd**2 / 2))


def test_errors_of_lists_go_place_by_place():
    found = over_trainings([
        {"state": [1.0, 0.5], "state_error": [0.0, 0.1]},
        {"state": [1.0, 0.7], "state_error": [0.0, 0.1]},
    ])  # fmt: skip
    assert found["state_error"] == pytest.approx([0, sqrt(0.1**2 + 0.02 / 2)])


def test_one_training_stays_as_it_is():
    found = {"accuracy": 0.5, "accuracy_error": 0.1, "told": [None, 0.25], "examples": [{"source": "1+1"}]}
    assert over_trainings([found]) == found


def test_what_some_do_not_have_is_the_mean_of_the_others():
    found = over_trainings([
        {"confidence": None, "told": [0.5, None], "lengths": {"3": 4}, "examples": [], "nothing": None},
        {"confidence": 0.25, "told": [1.0, None], "lengths": {"2": 1, "3": 2}, "examples": [{"source": "1+1"}],
         "nothing": None},
    ])  # fmt: skip
    assert found == {
        "confidence": 0.25,
        "told": [0.75, None],
        "lengths": {"3": 3, "2": 0.5},
        "examples": [{"source": "1+1"}],
        "nothing": None,
    }
