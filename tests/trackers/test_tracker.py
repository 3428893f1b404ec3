"""What is logged, when and in which run, with a tracker that only remembers it."""

import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest

import henkan
from fake_tracker import FakeTracker
from henkan import Ended, Epoch, Seq2Seq, SettingsError, Started, Step
from henkan.trackers import Tracker
from henkan.training.events import Calibrating, Rollback

SETTINGS = {"batch_size": 8, "hidden_size": 8, "embedding_size": 4, "epochs": 4}  # 5 updates per epoch
DEV = (["ab", "ba"], ["AB", "BA"])


def fit(words, *callbacks, dev=DEV, checkpoint=None, **settings):
    """Train; several callbacks are called in turn."""

    def callback(event):
        for each in callbacks:
            each(event)

    return Seq2Seq(**SETTINGS | settings).fit(*words, dev=dev, callback=callback, checkpoint=checkpoint)


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def started(run="a", **others):
    return Started(None, 8, 2, 3, 100, run=run, settings={"layers": 1}, **others)


def step(number, loss=1.0):
    return Step(1, number, 100, loss, 0.01, number, 1.0)


def epoch(number, exact_match=0.5, dev_loss=1.0):
    return Epoch(number, 1.0, exact_match, 2.0, 0.01, dev_loss)


ENDED = Ended("finished", 0.5, 1, "a", False)


def test_values_are_those_of_the_events(words):
    tracker, events = FakeTracker(every=3), []
    model = fit(words, tracker, events.append)
    [run] = tracker.runs
    steps, epochs = of(Step, events), of(Epoch, events)
    assert run.values("train/loss") == {event.step: event.loss for event in steps if event.step % 3 == 0}
    assert run.values("train/learning_rate") == {e.step: e.learning_rate for e in steps if e.step % 3 == 0}
    assert run.values("epoch") == {5: 1, 10: 2, 15: 3, 20: 4}
    assert run.values("train/epoch_loss") == {5 * event.epoch: event.loss for event in epochs}
    assert run.values("train/seconds") == {5 * event.epoch: event.seconds for event in epochs}
    assert run.values("dev/exact_match") == {5 * event.epoch: event.exact_match for event in epochs}
    assert run.values("dev/loss") == {5 * e.epoch: e.dev_loss for e in epochs if e.dev_loss is not None}
    metrics = model._fitted.saved.metrics
    assert run.values("best/epoch") == {20: metrics["best_epoch"]}
    assert run.values("best/exact_match") == run.values("final/exact_match") == {20: model.score(*DEV)}
    assert run.outcomes == ["finished"]


def test_all_settings_in_effect_are_logged(words):
    tracker = FakeTracker(name="capitals")
    model = fit(words, tracker, seed=3, batch_size=None)
    first = model._fitted.saved.first
    [run] = [each.run for each in tracker.runs]
    assert (run.name, run.step, run.member, run.ensemble) == ("capitals", 0, None, None)
    settings = dict(run.settings)
    assert {*vars(first.model)} | {*vars(first.training)} <= settings.keys()
    assert settings["architecture"] == first.model.architecture
    assert (settings["hidden_size"], settings["seed"], settings["batch_size"]) == (8, 3, 16)
    assert (settings["pairs"], settings["held_out"], settings["ensemble"]) == (39, 2, 1)
    assert settings["weights"] == sum(array.size for array in first.members[0].values())
    assert settings["henkan"] == henkan.__version__
    assert settings["engine"].startswith("NumPy")


def test_without_a_validation_set_only_losses_are_logged(words):
    tracker = FakeTracker()
    fit(words, tracker, dev=None)
    assert {*tracker.runs[0].names} == {
        "train/loss",
        "train/learning_rate",
        "epoch",
        "train/epoch_loss",
        "train/seconds",
    }


def test_members_of_an_ensemble_are_runs_of_their_own(words):
    tracker = FakeTracker(name="capitals")
    model = fit(words, tracker, ensemble=2)
    whole, *members = tracker.runs
    assert [each.run.name for each in tracker.runs] == ["capitals", "capitals-member-1", "capitals-member-2"]
    assert [each.run.ensemble for each in tracker.runs] == [None, whole.run, whole.run]
    assert [each.run.settings["seed"] for each in members] == [0, 1]
    assert len({each.run.id for each in tracker.runs}) == 3
    assert tracker.order == ["start 0", "start 1", "finish 1", "start 2", "finish 2", "finish 0"]
    assert whole.values("final/exact_match") == {0: model.score(*DEV)}
    assert {*whole.names} == {"final/exact_match"}
    for member, metrics in zip(members, model._fitted.saved.metrics["members"], strict=True):
        assert member.values("best/epoch") == {20: metrics["best_epoch"]}
        assert [*member.values("train/epoch_loss").values()] == [each["loss"] for each in metrics["epochs"]]


def test_the_models_that_predict_targets_are_runs_of_their_own(words):
    tracker = FakeTracker(name="capitals")
    known, unlabelled = [each[1::2] for each in words], words[0][::2]
    Seq2Seq(**SETTINGS | {"epochs": 12, "schedule": "constant"}).fit(*known, unlabelled=unlabelled, callback=tracker)
    names = [each.run.name for each in tracker.runs]
    assert names == ["capitals-teachers", *[f"capitals-teachers-member-{k}" for k in (1, 2, 3, 4)], "capitals"]
    assert [each.outcomes for each in tracker.runs] == [["finished"]] * 6
    assert tracker.runs[0].run.id != tracker.runs[-1].run.id
    assert tracker.runs[-1].run.settings["labelled"] > 0


@pytest.mark.parametrize(("error", "outcome"), [(KeyboardInterrupt, "interrupted"), (ZeroDivisionError, "failed")])
@pytest.mark.parametrize("count", [1, 2])
def test_runs_are_closed_after_an_interruption_or_an_error(words, error, outcome, count):
    tracker, events = FakeTracker(), []

    def stop(event):
        events.append(event)
        if len(of(Epoch, events)) == count:
            raise error

    with pytest.raises(error):
        fit(words, tracker, stop, ensemble=2, epochs=1)
    assert [each.outcomes for each in tracker.runs] == [[outcome], *[["finished"]] * (count - 1), [outcome]]
    assert not any("final/exact_match" in each.names for each in tracker.runs)


def test_a_context_manager_closes_what_is_left_open():
    for error, outcome in ((None, "finished"), (ValueError, "failed"), (KeyboardInterrupt, "interrupted")):
        tracker = FakeTracker()
        try:
            with tracker:
                tracker(started())
                if error is not None:
                    raise error
        except (ValueError, KeyboardInterrupt):
            pass
        assert tracker.runs[0].outcomes == [outcome]
    with tracker:
        pass
    assert len(tracker.runs) == 1


def test_a_run_whose_end_was_not_reported_is_closed_before_the_next():
    tracker = FakeTracker()
    for event in (started("a"), step(10), started("b"), step(20), Ended("finished", None, 1, "b", False)):
        tracker(event)
    assert [(each.run.id, each.outcomes) for each in tracker.runs] == [("a", ["failed"]), ("b", ["finished"])]
    assert [each.values("train/loss") for each in tracker.runs] == [{10: 1.0}, {20: 1.0}]


@pytest.mark.parametrize("count", [3, 5, 7, 10, 18])
def test_a_resumed_run_continues_without_double_steps(words, tmp_path, count):
    whole, first, second = (FakeTracker(every=2) for _ in range(3))
    uninterrupted = fit(words, whole)

    def stop(event):
        if isinstance(event, Step) and event.step == count:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(words, first, stop, checkpoint=tmp_path / "c")
    resumed = fit(words, second, checkpoint=tmp_path / "c")
    assert resumed.predict(words[0]) == uninterrupted.predict(words[0])
    [before], [after], [all_at_once] = first.runs, second.runs, whole.runs
    assert before.run.id == after.run.id != all_at_once.run.id
    assert (before.outcomes, after.outcomes, after.run.step) == (["interrupted"], ["finished"], count)
    assert without_seconds(before.logged + after.logged) == without_seconds(all_at_once.logged)


def without_seconds(logged):
    return [(name, value, step) for name, value, step in logged if name != "train/seconds"]


def test_steps_that_a_killed_run_has_logged_are_not_logged_again():
    """The checkpoint is older than the last logged step, so the tracker knows more than the events."""
    tracker = FakeTracker(continued=(40, 2))
    for event in (
        started(steps_done=20, epochs_done=(epoch(1),)),
        *map(step, range(21, 36)),
        epoch(2, 0.75),
        *map(step, range(36, 51)),
        epoch(3, 0.25),
        ENDED,
    ):
        tracker(event)
    [run] = tracker.runs
    assert run.values("train/loss") == {50: 1.0}
    assert run.values("epoch") == {50: 3}
    assert run.values("best/epoch") == {50: 2}


def test_only_the_end_of_a_run_whose_models_are_finished_is_logged():
    tracker = FakeTracker()
    tracker(Ended("failed", None, 1, "a", False))
    assert not tracker.runs
    tracker(ENDED)
    [run] = tracker.runs
    assert (run.run.id, run.run.settings, run.outcomes) == ("a", {}, ["finished"])
    assert run.logged == [("final/exact_match", 0.5, 0)]


def test_updates_after_a_rollback_are_logged_once():
    tracker = FakeTracker()
    rollback = Rollback(1, 5, 0.005, final=False)
    for event in (
        started(),
        *map(step, range(1, 28)),
        rollback,
        *(step(n, 2.0) for n in range(6, 41)),
        rollback,
        ENDED,
    ):
        tracker(event)
    [run] = tracker.runs
    assert run.values("train/loss") == {10: 1.0, 20: 1.0, 30: 2.0, 40: 2.0}
    assert run.values("rollbacks") == {27: 1, 40: 2}
    for event in (started("b"), step(1), rollback):
        tracker(event)
    assert tracker.runs[1].values("rollbacks") == {1: 1}


def test_the_best_epoch_is_that_of_the_model():
    tracker = FakeTracker()
    epochs = [epoch(1, 0.5, 2.0), epoch(2, 0.75, 1.5), epoch(3, 0.75, 1.0), epoch(4, 0.75, 1.0), epoch(5, 0.5, None)]
    for event in (started(), step(10), *epochs, Calibrating(), ENDED):
        tracker(event)
    assert tracker.runs[0].values("best/epoch") == {10: 3}


@pytest.mark.parametrize("place", ["start", "log", "finish"])
def test_a_tracker_that_fails_warns_once_and_training_continues(words, place):
    tracker, expected = FakeTracker(fails=place), fit(words)
    with pytest.warns(RuntimeWarning) as warned:
        model = fit(words, tracker)
    assert [str(each.message) for each in warned] == [
        "logging to a fake has failed (no space left); training continues without it"
    ]
    assert model.log_probability(*words) == expected.log_probability(*words)
    assert [each.outcomes for each in tracker.runs] == [[], ["failed"], ["finished"]][
        {"start": slice(0, 0), "log": slice(1, 2), "finish": slice(2, 3)}[place]
    ]
    tracker.fails = None
    with warnings.catch_warnings():
        fit(words, tracker)  # another run is logged again
    assert tracker.runs[-1].outcomes == ["finished"]
    assert tracker.runs[-1].values("epoch") == {5: 1, 10: 2, 15: 3, 20: 4}


def test_a_tracker_that_failed_logs_the_same_run_again_once_it_is_resumed(words, tmp_path):
    """As after a lost connection; the tracker is the same object, as in a notebook."""
    said = []
    tracker = FakeTracker(fails="log", warn=said.append)

    def stop(event):
        if isinstance(event, Epoch) and event.epoch == 2:
            tracker.fails = None
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(words, tracker, stop, checkpoint=tmp_path / "c")
    assert [each.outcomes for each in tracker.runs] == [["failed"]]
    fit(words, tracker, checkpoint=tmp_path / "c")
    first, second = tracker.runs
    assert (first.run.id, second.outcomes) == (second.run.id, ["finished"])
    assert second.values("epoch") == {15: 3, 20: 4}
    assert len(said) == 1


def test_a_failed_tracker_stays_silent_for_all_members(words):
    said = []
    tracker = FakeTracker(fails="log", warn=said.append)
    fit(words, tracker, ensemble=3, epochs=1)
    assert len(said) == 1
    assert [each.outcomes for each in tracker.runs] == [["failed"], ["failed"]]


def test_only_the_first_process_logs(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("RANK", "1")
    tracker = FakeTracker()
    for event in (started(), step(10), ENDED):
        tracker(event)
    assert not tracker.runs
    monkeypatch.setenv("RANK", "0")
    tracker(started())
    assert len(tracker.runs) == 1


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "10"])
def test_invalid_intervals_are_refused(every):
    with pytest.raises(SettingsError, match="every must be a number of updates from 1, not"):
        FakeTracker(every=every)


def test_missing_packages_are_named():
    class Missing(FakeTracker):
        package = "no_such_package"

    with pytest.raises(SettingsError, match=r"requires the package no_such_package; pip install 'henkan\[fake\]'"):
        Missing()


def test_trackers_are_imported_when_they_are_used():
    code = (
        "import sys, henkan; trackers = henkan.trackers; trackers.TensorBoard, trackers.MLflow, trackers.WandB; "
        "print({'mlflow', 'tensorboardX', 'wandb'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    assert {"MLflow", "TensorBoard", "WandB"} <= {*dir(henkan.trackers)}
    assert issubclass(henkan.trackers.WandB, Tracker)
    with pytest.raises(AttributeError):
        henkan.trackers.Other  # noqa: B018


def test_interval_may_be_a_number_of_numpy():
    assert FakeTracker(every=np.int64(5)).every == 5
