from shutil import rmtree

import pytest

from henkan.text.pairs import Pairs
from henkan.training.events import Epoch
from henkan_experiments import plan
from henkan_experiments.plan import Plan, Run
from henkan_experiments.runs import LastAnswers, done_run, make_run, model_folder


def test_what_is_told_of_is_the_state_after_the_last_epoch(tmp_path, words, monkeypatch):
    """And not the best epoch, which is chosen by the pairs that are asked."""
    monkeypatch.setattr(plan, "QUICK", plan.Size({}, {("addition", "modern"): 12}, {}))
    (tmp_path / "runs").mkdir()
    run, pairs = Run("addition", "modern", "both", 1), Pairs(*words)
    result = make_run(run, Plan(quick=True), (pairs, pairs), tmp_path)
    by_epoch = [epoch["exact_match"] for epoch in result["epochs"]]
    assert len(by_epoch) == 12
    assert by_epoch[0] < by_epoch[-1]
    right = sum(map(str.__eq__, result["answers"], words[1]))
    assert result["exact_match"] == right / len(words[1]) == by_epoch[-1]
    assert done_run(tmp_path, run) == result
    assert done_run(tmp_path, Run("addition", "modern", "both", 2)) is None
    assert not (tmp_path / "runs" / run.name).exists()
    rmtree(model_folder(tmp_path, run))  # without which there is nothing to experiment with
    assert done_run(tmp_path, run) is None


@pytest.fixture
def stopped(tmp_path, words, monkeypatch):
    """A training that is to have four epochs, killed after its second: plan, run, pairs and folder."""
    monkeypatch.setattr(plan, "QUICK", plan.Size({}, {("addition", "book"): 4}, {}))
    run, pairs = Run("addition", "book", "plain", 1), Pairs(*words)
    stop_after(2, monkeypatch)
    with pytest.raises(Killed):
        make_run(run, Plan(quick=True), (pairs, pairs), tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(plan, "QUICK", plan.Size({}, {("addition", "book"): 4}, {}))
    return run, Plan(quick=True), (pairs, pairs), tmp_path


class Killed(BaseException):
    pass


def stop_after(epoch, monkeypatch):
    before = LastAnswers.__call__

    def call(self, event):
        before(self, event)
        if isinstance(event, Epoch) and event.epoch == epoch:
            raise Killed

    monkeypatch.setattr(LastAnswers, "__call__", call)


def without_seconds(result):
    epochs = [{name: value for name, value in epoch.items() if "seconds" not in name} for epoch in result["epochs"]]
    return result | {"epochs": epochs, "seconds": None}


def test_a_killed_training_goes_on_to_the_same_result(stopped, tmp_path_factory):
    result = make_run(*stopped)
    run, *rest, _ = stopped
    assert without_seconds(result) == without_seconds(make_run(run, *rest, tmp_path_factory.mktemp("anew")))


def test_a_damaged_checkpoint_is_made_anew(stopped, tmp_path_factory):
    run, *rest, folder = stopped
    progress = folder / "runs" / run.name / "checkpoint" / "progress.json"
    progress.write_text(progress.read_text()[:-9])
    assert without_seconds(make_run(*stopped)) == without_seconds(make_run(run, *rest, tmp_path_factory.mktemp("anew")))


def test_answers_outlive_a_kill_after_the_last_epoch(stopped, monkeypatch):
    run, *_, folder = stopped
    with monkeypatch.context() as patch:
        stop_after(4, patch)
        with pytest.raises(Killed):
            make_run(*stopped)
    assert done_run(folder, run) is None
    seen = []
    with monkeypatch.context() as patch:
        patch.setattr(LastAnswers, "__call__", lambda _, event: seen.append(event))
        result = make_run(*stopped)
    assert result["exact_match"] == result["epochs"][-1]["exact_match"]
    assert len(result["answers"]) == len(stopped[2][1])
    assert [event.epoch for event in seen if isinstance(event, Epoch)] == [4]  # of which nothing was written


def test_answers_that_are_missing_are_made_anew(stopped, monkeypatch, tmp_path_factory):
    """As after a kill between the last epoch and the writing of its answers."""
    before, missed = LastAnswers.__call__, []

    def miss_the_first(self, event):
        if isinstance(event, Epoch) and event.epoch == 4 and not missed:
            missed.append(event)
        else:
            before(self, event)

    with monkeypatch.context() as patch:
        patch.setattr(LastAnswers, "__call__", miss_the_first)
        result = make_run(*stopped)
    assert missed
    run, *rest, _ = stopped
    assert without_seconds(result) == without_seconds(make_run(run, *rest, tmp_path_factory.mktemp("anew")))
