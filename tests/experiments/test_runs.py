from shutil import rmtree

import pytest

from henkan.text.pairs import Pairs
from henkan.training.events import Epoch
from henkan_experiments import plan
from henkan_experiments.plan import Plan, TrainingRun
from henkan_experiments.runs import FinalAnswers, load_result, model_folder, run_training


def test_result_is_that_of_the_last_epoch(tmp_path, words, monkeypatch):
    """Not of the best epoch, which is chosen with the test set."""
    monkeypatch.setattr(plan, "QUICK", plan.ExperimentSize({}, {("addition", "modern"): 12}, {}))
    (tmp_path / "runs").mkdir()
    run, pairs = TrainingRun("addition", "modern", "both", 1), Pairs(*words)
    result = run_training(run, Plan(quick=True), (pairs, pairs), tmp_path)
    by_epoch = [epoch["exact_match"] for epoch in result["epochs"]]
    assert len(by_epoch) == 12
    assert by_epoch[0] < by_epoch[-1]
    right = sum(map(str.__eq__, result["answers"], words[1]))
    assert result["exact_match"] == right / len(words[1]) == by_epoch[-1]
    assert load_result(tmp_path, run) == result
    assert load_result(tmp_path, TrainingRun("addition", "modern", "both", 2)) is None
    assert not (tmp_path / "runs" / run.name).exists()
    rmtree(model_folder(tmp_path, run))  # the analyses need it
    assert load_result(tmp_path, run) is None


@pytest.fixture
def stopped(tmp_path, words, monkeypatch):
    """A run of four epochs that was killed after the second: run, plan, split and folder."""
    monkeypatch.setattr(plan, "QUICK", plan.ExperimentSize({}, {("addition", "book"): 4}, {}))
    run, pairs = TrainingRun("addition", "book", "plain", 1), Pairs(*words)
    stop_after(2, monkeypatch)
    with pytest.raises(Killed):
        run_training(run, Plan(quick=True), (pairs, pairs), tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(plan, "QUICK", plan.ExperimentSize({}, {("addition", "book"): 4}, {}))
    return run, Plan(quick=True), (pairs, pairs), tmp_path


class Killed(BaseException):
    pass


def stop_after(epoch, monkeypatch):
    before = FinalAnswers.__call__

    def call(self, event):
        before(self, event)
        if isinstance(event, Epoch) and event.epoch == epoch:
            raise Killed

    monkeypatch.setattr(FinalAnswers, "__call__", call)


def without_seconds(result):
    epochs = [{name: value for name, value in epoch.items() if "seconds" not in name} for epoch in result["epochs"]]
    return result | {"epochs": epochs, "seconds": None}


def test_resumed_run_has_the_same_result(stopped, tmp_path_factory):
    result = run_training(*stopped)
    run, *rest, _ = stopped
    assert without_seconds(result) == without_seconds(run_training(run, *rest, tmp_path_factory.mktemp("new")))


def test_damaged_checkpoint_restarts_the_run(stopped, tmp_path_factory):
    run, *rest, folder = stopped
    progress = folder / "runs" / run.name / "checkpoint" / "progress.json"
    progress.write_text(progress.read_text()[:-9])
    assert without_seconds(run_training(*stopped)) == without_seconds(
        run_training(run, *rest, tmp_path_factory.mktemp("new"))
    )


def test_answers_survive_a_kill_after_the_last_epoch(stopped, monkeypatch):
    run, *_, folder = stopped
    with monkeypatch.context() as patch:
        stop_after(4, patch)
        with pytest.raises(Killed):
            run_training(*stopped)
    assert load_result(folder, run) is None
    seen = []
    with monkeypatch.context() as patch:
        patch.setattr(FinalAnswers, "__call__", lambda _, event: seen.append(event))
        result = run_training(*stopped)
    assert result["exact_match"] == result["epochs"][-1]["exact_match"]
    assert len(result["answers"]) == len(stopped[2][1])
    assert [event.epoch for event in seen if isinstance(event, Epoch)] == [4]  # only the last epoch was reported again


def test_missing_answers_restart_the_run(stopped, monkeypatch, tmp_path_factory):
    """As after a kill between the last epoch and the writing of the answers."""
    before, missed = FinalAnswers.__call__, []

    def skip_the_first(self, event):
        if isinstance(event, Epoch) and event.epoch == 4 and not missed:
            missed.append(event)
        else:
            before(self, event)

    with monkeypatch.context() as patch:
        patch.setattr(FinalAnswers, "__call__", skip_the_first)
        result = run_training(*stopped)
    assert missed
    run, *rest, _ = stopped
    assert without_seconds(result) == without_seconds(run_training(run, *rest, tmp_path_factory.mktemp("new")))
