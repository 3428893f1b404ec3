"""One trial: a model, or one for each fold, and what is measured."""

from types import SimpleNamespace

import numpy as np
import pytest

from henkan.errors import SettingsError
from henkan.selection.training_run import TrainingRun, train
from henkan.selection.tuning import trial
from henkan.selection.tuning.splits import Examples
from henkan.selection.tuning.trial import STEPS, Expected, Progress, Trial, run_trial
from henkan.training.events import Estimated, Rollback
from tuned import SMALL, UPPER, space

DEV = UPPER.take(range(0, 64, 4))
TRAIN = UPPER.take([row for row in range(64) if row % 4])


LEARNING = {
    "epochs": 20,
    "hidden_size": 16,
    "embedding_size": 16,
    "learning_rate": 0.02,
    "dropout": 0.0,
    "embedding_dropout": 0.0,
}


def variant(**settings):
    found = space({**SMALL, **settings})
    return found.variant(found.default)


class Reports(list):
    """Receives what a trial reports; a list of its progress."""

    def __call__(self, news):
        if isinstance(news, Progress):
            self.append(news)


def test_trial_measures_what_a_training_run_reaches():
    examples, settings = Examples(TRAIN, DEV, variant().model), variant(**LEARNING)
    progress = Reports()
    found = run_trial(examples, Trial(settings, 3), progress)
    fitted = train(TrainingRun(TRAIN, DEV, [settings], 3))
    assert found.exact_match == fitted.held_out.exact_match == np.mean(found.right)
    assert len(found.right) == len(DEV)
    assert found.epochs == 20
    matches = [epoch["exact_match"] for epoch in fitted.saved.metrics["epochs"]]
    assert found.value == pytest.approx(np.mean(matches[-4:]))  # the last fifth
    assert matches[-1] > 0
    assert matches[0] < found.value
    assert [each.step for each in progress] == [*range(1, STEPS + 1)]
    assert progress[4].value == pytest.approx(np.mean(matches[6:10]))
    assert progress[-1].value == found.value


def test_runs_of_few_epochs_report_every_epoch():
    progress = Reports()
    run_trial(Examples(TRAIN, DEV, variant().model), Trial(variant(epochs=3), 0), progress)
    assert [each.step for each in progress] == [3, 6, 10]


def test_cross_validation_reports_after_each_fold():
    examples, progress = Examples(UPPER, None, variant().model), Reports()
    found = run_trial(examples, Trial(variant(), 0), progress)
    assert [each.step for each in progress] == [1, 2, 3, 4, 5]
    assert progress[-1].value == pytest.approx(found.value)
    assert len(found.right) == len(UPPER)
    assert found.exact_match == np.mean(found.right)


def test_cross_validated_sources_have_the_same_order_for_every_seed(monkeypatch):
    """Otherwise two settings or seeds could not be compared source by source."""

    class Result:
        def __init__(self, source):
            self.right = source[0] in "abc"
            self.conversion = SimpleNamespace(source=source)

    monkeypatch.setattr(trial, "train", lambda *_: SimpleNamespace(converter=None, normalize=str.lower))
    monkeypatch.setattr(
        trial, "evaluate", lambda _, pairs: SimpleNamespace(predictions=list(map(Result, pairs.sources)))
    )
    monkeypatch.setattr(trial._Curve, "value", 0.0)
    examples = Examples(UPPER, None, variant().model)
    for seed in (0, 1):
        assert run_trial(examples, Trial(variant(), seed), lambda _: None).right == [True] * 24 + [False] * 40


@pytest.mark.parametrize(("validation", "models"), [(DEV, 1), (None, 5)])
def test_duration_of_all_models_is_estimated_once(monkeypatch, validation, models):
    def estimated(run, report):
        report(Estimated(2.0, 0.0))
        return train(run, report)

    monkeypatch.setattr(trial, "train", estimated)
    reports = []
    run_trial(Examples(TRAIN, validation, variant().model), Trial(variant(), 0), reports.append)
    first, second = [each for each in reports if isinstance(each, Expected)]  # the second is that of the training run
    assert first == reports[0] == Expected(2.0 * models)
    assert second.seconds > 0


def test_pause_can_stop_a_trial():
    calls = []

    def pause():
        calls.append(1)
        if len(calls) == 5:
            raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        run_trial(Examples(TRAIN, DEV, variant().model), Trial(variant(), 0), lambda _: None, pause)
    assert len(calls) < 8


def test_diverged_training_is_an_error(monkeypatch):
    def diverging(_run, report):
        report(Rollback(1, 0, 1.0, final=True))

    monkeypatch.setattr(trial, "train", diverging)
    with pytest.raises(SettingsError, match="training diverged"):
        run_trial(Examples(TRAIN, DEV, variant().model), Trial(variant(), 0), lambda _: None)
