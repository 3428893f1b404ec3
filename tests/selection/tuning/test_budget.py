"""The budget of a search."""

import pytest

from henkan.selection.tuning.budget import FINAL_MODEL, ROUNDS, Budget, final_seconds


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_time_before_an_interruption_counts():
    clock = Clock()
    budget = Budget(minutes=10, spent=60.0, clock=clock)
    clock.now += 30
    assert budget.seconds == 90
    assert budget.left == 510


def test_trials_start_only_if_there_is_time_for_what_follows():
    clock = Clock()
    budget = Budget(minutes=10, clock=clock)
    assert budget.allows_trial(50, 60.0, 300.0)
    clock.now += 280  # 320 s are left, 20 of them for trials
    assert not budget.allows_trial(50, 60.0, 300.0)
    assert budget.allows_trial(50, 30.0, 300.0)


def test_number_of_trials_is_limited():
    budget = Budget(trials=5)
    assert budget.left == float("inf")
    assert budget.allows_trial(4, 1e9, 1e9)
    assert not budget.allows_trial(5, 0.0, 0.0)


def test_what_follows_a_search_takes_at_most_half_of_the_time():
    assert Budget().rounds(1e9, 1, 6) == ROUNDS[0]
    for duration in (10.0, 40.0, 60.0, 70.0, 80.0, 200.0):
        budget = Budget(minutes=20)
        rounds = budget.rounds(duration, 2, 6)
        models = sum(candidates * each for candidates, each in rounds)
        assert rounds == [] or final_seconds(models + 6, duration, 2) <= 600
    assert Budget(minutes=20).rounds(10.0, 2, 6) == ROUNDS[0]
    assert Budget(minutes=20).rounds(200.0, 2, 6) == []


def test_models_that_are_trained_at_the_same_time_take_the_time_of_one():
    assert final_seconds(6, 10.0, 2) == pytest.approx(10 * (3 + FINAL_MODEL))
    assert final_seconds(7, 10.0, 2) == pytest.approx(10 * (4 + FINAL_MODEL))
