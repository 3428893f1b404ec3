"""The budget of a search."""

import pytest

from henkan.errors import SettingsError
from henkan.selection.tuning.budget import FINAL_MODEL, ROUNDS, TOLERANCE, Budget, final_seconds, least_seconds


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
    assert Budget().rounds(lambda _: 1e9) == ROUNDS[0]
    for duration in (10.0, 40.0, 60.0, 70.0, 80.0, 200.0):

        def final(models, duration=duration):
            return final_seconds(models, 6, duration, duration, 2)

        rounds = Budget(minutes=20).rounds(final)
        models = sum(candidates * each for candidates, each in rounds)
        assert rounds == [] or final(models) <= 600
    assert Budget(minutes=20).rounds(lambda models: models + 593) == ROUNDS[1]
    assert Budget(minutes=20).rounds(lambda _: 601) == []


def test_models_that_are_trained_at_the_same_time_take_the_time_of_one():
    assert final_seconds(0, 6, 10.0, 30.0, 2) == pytest.approx(3 * 20 + 30 * FINAL_MODEL)
    assert final_seconds(1, 6, 10.0, 30.0, 2) == pytest.approx(30 + 3 * 20 + 30 * FINAL_MODEL)
    assert final_seconds(4, 6, 10.0, 30.0, 1) == pytest.approx(4 * 30 + 6 * 20 + 30 * FINAL_MODEL)


def test_a_search_has_two_trials_and_what_follows():
    assert least_seconds(10.0, 1, 6) == pytest.approx(10 * (2 + 6 + FINAL_MODEL))
    assert least_seconds(10.0, 2, 6) == pytest.approx(10 * (1 + 3 + FINAL_MODEL))


def test_budget_that_is_too_short_is_refused_with_one_that_is_not():
    budget = Budget(minutes=2)
    budget.check(TOLERANCE * 120, 50.0)
    with pytest.raises(SettingsError, match="a trial takes about 50 s and a search at least 5 minutes; ") as caught:
        budget.check(241.0, 50.0)
    assert str(caught.value).endswith("; pass minutes=5 or more")
    Budget(minutes=5).check(241.0, 50.0)
    Budget(trials=3).check(1e9, 1e8)
    with pytest.raises(SettingsError, match="at least 1 minute; pass minutes=1 or more"):
        Budget(minutes=0.01).check(3.0, 1.0)
