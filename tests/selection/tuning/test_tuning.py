"""The search, the rounds and the comparison, with models that are not trained but have values that the tests choose."""

from zlib import crc32

import numpy as np
import pytest

from henkan.errors import HenkanError, SettingsError
from henkan.selection.tuning.budget import Budget
from henkan.selection.tuning.search import SEEDS, extrapolated
from henkan.selection.tuning.space import key_of
from henkan.selection.tuning.splits import Examples
from henkan.selection.tuning.study import Record
from henkan.selection.tuning.trial import Expected, Progress, TrialResult
from henkan.selection.tuning.tuning import ROUND_SEEDS, Tuning
from henkan.selection.tuning.workers import Failed, Stopped, TrialWorkers
from tuned import UPPER, measured, space

SPACE = space({})
DEV = Examples(UPPER, UPPER, SPACE.choice.model)
ROWS = 1000


class Stored:
    """Stands for the study: trials in memory. It chooses the first points, and then the defaults."""

    def __init__(self):
        self.trials, self.values, self.pruned_below = [], {}, 0.0

    def ask(self, proposal):
        first = SPACE.first_points(0)
        number = len(self.trials)
        point = first[number] if number < len(first) else proposal() or SPACE.default
        self.trials.append([number, point, "running", {}, None, ""])
        return number, point

    def report(self, number, step, value):
        self.trials[number][3][step] = value
        return value < self.pruned_below

    def complete(self, number, result):
        self.trials[number][2], self.trials[number][4] = "complete", result

    def prune(self, number):
        self.trials[number][2] = "pruned"

    def fail(self, number, reason):
        self.trials[number][2], self.trials[number][5] = "failed", reason

    def records(self):
        return [Record(*each) for each in self.trials]

    def put(self, name, value):
        self.values[name] = value

    def get(self, name, default=None):
        return self.values.get(name, default)


class Workers:
    """Stands for the processes: a trial ends at once, with the value that a function of its variant returns."""

    def __init__(self, value):
        self.value, self.started, self.waiting, self.told = value, [], [], set()
        self.now = 0.0

    def _seconds(self, _variant):
        """How long a trial takes."""
        return 10.0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    @property
    def idle(self):
        return len(self.waiting) < 2

    @property
    def running(self):
        return [key for key, _ in self.waiting]

    def start(self, key, trial):
        self.started.append(trial)
        self.waiting.append((key, iter(self._messages(key, trial))))

    def _messages(self, key, trial):
        result = self.value(trial.variant, trial.seed)
        if isinstance(result, Failed):
            yield result
            return
        yield Expected(self._seconds(trial.variant))
        yield Progress(5, result - 0.1)
        self.now += self._seconds(trial.variant) / 2  # two run at the same time
        yield Stopped() if key in self.told else measured(result, ROWS, self._seconds(trial.variant))

    def stop(self, key):
        self.told.add(key)

    def messages(self):
        key, left = self.waiting[0]
        message = next(left)
        if not isinstance(message, Expected | Progress):
            self.waiting.pop(0)
            self.told.discard(key)
        return [(key, message)]


@pytest.fixture
def tune(monkeypatch):
    """Function that searches, where `value(variant, seed)` is the exact match; returns result, study and workers."""

    def run(value, stored=None, trials=14, examples=DEV, show=lambda _: None, keep_seed=False, **budget):
        stored, workers = stored or Stored(), Workers(value)
        monkeypatch.setattr("henkan.selection.tuning.tuning.TrialWorkers", lambda *_: workers)
        limits = Budget(trials=trials, clock=lambda: workers.now, **budget)
        tuning = Tuning(SPACE, examples, stored, limits, seed=7, jobs=2, show=show, keep_seed=keep_seed)
        return tuning.run(), stored, workers

    return run


def noisy(gain):
    """Values of 60 % with noise, and a gain for reversed targets."""

    def value(variant, seed):
        noise = np.random.default_rng([seed, crc32(str(variant).encode())]).normal(0, 0.004)
        return round(0.6 + gain * variant.model.target_reverse + noise, 3)

    return value


def test_better_setting_is_found_and_compared_with_other_seeds(tune):
    found, stored, workers = tune(noisy(0.05))
    assert found.candidate["target_reverse"] is True
    assert found.point == found.candidate
    assert found.comparison.gain == pytest.approx(0.05, abs=0.015)
    assert (found.effects[0].setting, found.effects[0].value) == ("target_reverse", True)
    trials, rest = workers.started[:14], workers.started[14:]
    assert not {trial.seed for trial in trials} & {7, 8, 9}
    assert {trial.seed for trial in rest} == {7, 8, 9, *range(7 + ROUND_SEEDS, 7 + ROUND_SEEDS + 3)}
    assert [run.seed for run in found.runs] == [7, 8, 9, 7, 8, 9]
    kept = found.runs[3:]
    assert found.seed == max(kept, key=lambda run: run.measured.exact_match).seed
    assert stored.records()[0].point == SPACE.default


def test_defaults_are_kept_if_nothing_is_better(tune):
    def value(variant, seed):
        changed = variant != SPACE.variant(SPACE.default)
        return (0.65 if seed >= 7 + SEEDS else 0.58) if changed else 0.6  # the trials seemed to be better

    found, _, _ = tune(value)
    assert key_of(found.point) == key_of(SPACE.default) != key_of(found.candidate)
    assert found.comparison.gain == pytest.approx(-0.02)
    assert found.seed == 7


@pytest.mark.parametrize(
    ("options", "seed"), [({}, 9), ({"examples": "FOLDS"}, 7), ({"keep_seed": True}, 7)], ids=["dev", "folds", "task"]
)
def test_model_of_the_given_seed_is_kept_if_others_have_other_pairs(tune, options, seed):
    if "examples" in options:
        options = {"examples": FOLDS}
    found, _, _ = tune(lambda variant, seed: 0.6 + 0.01 * seed + 0.1 * variant.model.target_reverse, **options)
    assert found.point == found.candidate
    assert found.seed == seed


FOLDS = Examples(UPPER, None, SPACE.choice.model)


def test_folds_have_the_same_sources_for_every_seed(tune):
    """Cross-validation with three seeds does not have three times as many sources."""
    better = lambda variant, _: 0.6 + 0.1 * variant.model.target_reverse  # noqa: E731
    found, _, _ = tune(better, examples=FOLDS)
    one, _, _ = tune(better, examples=DEV)
    assert found.comparison.error == one.comparison.error > 0


def test_interrupted_comparison_is_resumed(tune):
    def stops(variant, seed):
        if seed == 9:
            raise KeyboardInterrupt
        return noisy(0.05)(variant, seed)

    stored = Stored()
    with pytest.raises(KeyboardInterrupt):
        tune(stops, stored)
    found, _, workers = tune(noisy(0.05), stored)
    assert [trial.seed for trial in workers.started] == [9, 9]
    expected, _, _ = tune(noisy(0.05))
    assert found == expected


def test_interrupted_rounds_are_resumed_with_the_same_candidates(tune):
    stored = Stored()

    def stops(variant, seed):
        if seed == 7 + ROUND_SEEDS + 1:
            raise KeyboardInterrupt
        return noisy(0.05)(variant, seed)

    with pytest.raises(KeyboardInterrupt):
        tune(stops, stored)
    found, _, workers = tune(noisy(0.05), stored)
    assert min(trial.seed for trial in workers.started if trial.seed > 50) == 7 + ROUND_SEEDS + 1
    assert found == tune(noisy(0.05))[0]


def test_trials_that_fall_behind_are_stopped_except_the_defaults(tune):
    stored = Stored()
    stored.pruned_below = 0.55
    tune(lambda *_: 0.6, stored)
    states = [each.state for each in stored.records()]
    assert states[0] == "complete"
    assert "pruned" in states
    assert states.count("complete") == 1
    assert all(each.steps == {5: 0.5} for each in stored.records() if each.state == "pruned")


def test_failures_end_trials_and_drop_candidates_but_not_the_search(tune):
    def value(variant, seed):
        if variant.model.layers == 2:
            return Failed("not enough memory")
        if variant.training.batch_size == 8 and seed >= 7 + ROUND_SEEDS:
            return Failed("training diverged", SettingsError("training diverged"))
        return 0.7 if variant.training.batch_size == 8 else 0.6

    found, stored, _ = tune(value)
    failed = [each for each in stored.records() if each.state == "failed"]
    assert failed
    assert all(each.point["layers"] == 2 and each.reason == "not enough memory" for each in failed)
    assert found.candidate["batch_size"] != 8


def test_defaults_that_cannot_be_trained_are_an_error(tune):
    with pytest.raises(SettingsError, match="no pairs"):
        tune(lambda *_: Failed("no pairs", SettingsError("no pairs")))
    stored = Stored()
    with pytest.raises(HenkanError, match="a model with the defaults cannot be trained: not enough memory"):
        tune(lambda *_: Failed("not enough memory"), stored)
    assert stored.get("searched") is None


def test_repeated_points_have_other_seeds(tune):
    _, stored, workers = tune(noisy(0.0), trials=30)
    tried = [(str(trial.variant), trial.seed) for trial in workers.started[:30]]
    assert len({*tried}) == 30
    keys = [key_of(each.point) for each in stored.records()]
    assert len({*keys}) < 30  # the defaults are tried again


def test_without_other_trials_there_is_no_comparison(tune):
    found, _, workers = tune(noisy(0.0), trials=1)
    assert found.comparison is None
    assert found.point == SPACE.default
    assert len(workers.started) == 1


def test_only_candidate_is_not_trained_again_before_the_comparison(tune):
    _, _, workers = tune(noisy(0.0), trials=2)
    assert [trial.seed for trial in workers.started[2:]] == [7, 7, 8, 8, 9, 9]


def test_pruned_trials_stay_as_far_behind_as_they_were():
    complete = [Record(n, {}, "complete", {5: 0.5 + n / 10}, measured(0.7 + n / 10), "") for n in range(2)]
    pruned = Record(2, {}, "pruned", {4: 0.1, 5: 0.35}, None, "")
    assert extrapolated(pruned, complete) == pytest.approx(0.75 - 0.2)
    assert extrapolated(Record(3, {}, "pruned", {9: 0.1}, None, ""), complete) is None


def test_budget_that_is_too_short_ends_the_search_before_the_first_trial(tune):
    stored, news = Stored(), []
    with pytest.raises(SettingsError, match="a trial takes about 10 s and a search at least 1 minute"):
        tune(noisy(0.0), stored, minutes=0.5)
    assert all(each.measured is None for each in stored.records())
    tune(noisy(0.0), show=lambda tuning: news.extend(tuning.news), minutes=1)
    assert news.count("a trial with the defaults takes about 10 s") == 1


def test_time_is_left_for_slow_candidates(tune, monkeypatch):
    """Models with two layers are better, and take three times as long."""
    monkeypatch.setattr(Workers, "_seconds", lambda _, variant: 90.0 if variant.model.layers == 2 else 30.0)
    found, _, workers = tune(lambda variant, _: 0.5 + 0.1 * variant.model.layers, trials=None, minutes=20)
    assert found.candidate["layers"] == 2
    assert 15 * 60 < workers.now + 1.5 * 90 < 20 * 60  # with the final model
    assert [run.seed for run in found.runs] == [7, 8, 9, 7, 8, 9]


def test_settings_that_are_too_slow_to_compare_are_no_candidates(tune, monkeypatch):
    """The search would end early otherwise, or take much longer than it may."""
    monkeypatch.setattr(Workers, "_seconds", lambda _, variant: 270.0 if variant.model.layers == 2 else 60.0)
    gain = lambda variant, _: 0.5 + 0.1 * variant.model.layers + 0.05 * variant.model.target_reverse  # noqa: E731
    found, stored, workers = tune(gain, trials=None, minutes=20)
    assert found.candidate["layers"] is None
    assert found.candidate["target_reverse"] is True
    assert len(stored.records()) > 8
    assert 15 * 60 < workers.now + 1.5 * 60 < 21 * 60  # with the final model


def test_short_search_has_candidates_too(tune, monkeypatch):
    monkeypatch.setattr(Workers, "_seconds", lambda *_: 60.0)
    found, stored, _ = tune(lambda variant, _: 0.5 + 0.1 * (variant.model.layers or 1), trials=None, minutes=6)
    assert len(stored.records()) == 3
    assert found.comparison is not None


def test_news_say_which_settings_are_trained(tune):
    news = []
    tune(noisy(0.05), show=lambda tuning: news.extend(tuning.news))
    rest = [each.partition(":")[0] for each in news if ", seed " in each]
    first, second = (
        [f"candidate {n + 1}, seed {7 + ROUND_SEEDS + k}" for k in ks for n in range(m)]
        for m, ks in ((4, (0,)), (2, (1, 2)))
    )
    assert rest == [
        *first,
        *second,
        *(f"{name}, seed {k}" for k in (7, 8, 9) for name in ("defaults", "best settings")),
    ]


def test_defaults_are_not_pruned_after_an_interruption_either(tune):
    """The trial that was running is started again, under another number."""
    stored = Stored()
    stored.pruned_below = 0.55
    stored.trials.append([0, {**SPACE.default, "layers": 2}, "failed", {}, None, ""])
    stored.ask = lambda proposal: Stored.ask(stored, proposal) if len(stored.trials) > 1 else again()

    def again():
        stored.trials.append([1, SPACE.default, "running", {}, None, ""])
        return 1, SPACE.default

    tune(lambda *_: 0.6, stored)
    assert stored.records()[1].state == "complete"


def test_workers_have_the_interface_of_the_tests():
    assert {name for name in vars(Workers) if not name.startswith("_")} <= {*vars(TrialWorkers)}
    assert isinstance(measured(0.5), TrialResult)
