"""`henkan train --log-to`."""

import pytest

import henkan.trackers
from fake_tracker import FakeTracker
from henkan.training.checkpoint import Checkpoints

TRAIN = ("train", "words.tsv", "--epochs", 3, "--batch-size", 8, "--hidden-size", 8, "--no-calibrate-outside")


@pytest.fixture
def created(monkeypatch):
    """Replace all trackers by ones that remember what is logged; return those that were created."""
    found = []

    def create(name):
        def created(folder=None, init=None, **options):
            found.append(FakeTracker(every=2, **options))
            found[-1].arguments = (name, folder, init)
            return found[-1]

        return created

    for name in ("TensorBoard", "MLflow", "WandB"):
        monkeypatch.setattr(henkan.trackers, name, create(name), raising=False)
    return found


def stop_at(monkeypatch, count):
    """Press Ctrl-C after this number of updates."""
    real, calls = Checkpoints.after, []

    def after(self, event, progress):
        calls.append(event)
        if len(calls) == count:
            self.stop = lambda: 2
        return real(self, event, progress)

    monkeypatch.setattr(Checkpoints, "after", after)


@pytest.mark.usefixtures("pairs_file")
def test_each_named_tracker_logs_the_run_under_the_name_of_its_folder(henkan, created, tmp_path):
    log_to = ("--log-to", "tensorboard", "--log-to", "wandb", "--log-to", "tensorboard", "--log-to", "mlflow")
    done = henkan(*TRAIN, *log_to, "--quiet", "--out", "models/capitals")
    assert done.stdout.startswith("exact match ")
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")
    assert [each.arguments for each in created] == [
        ("TensorBoard", tmp_path / "runs", None),
        ("WandB", None, {"settings": {"silent": True}}),
        ("MLflow", None, None),
    ]
    for tracker in created:
        [run] = tracker.runs
        assert (run.run.name, run.outcomes) == ("capitals", ["finished"])
        assert [*run.values("epoch").values()] == [1, 2, 3]


@pytest.mark.usefixtures("pairs_file")
def test_a_resumed_run_is_logged_where_it_was_logged_before(henkan, created, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        stop_at(patched, 7)
        henkan(*TRAIN, "--log-to", "tensorboard", "--out", "m", status=130)
    (tmp_path / "elsewhere").mkdir()
    henkan("train", "--resume", "../m", cwd=tmp_path / "elsewhere")
    first, second = created
    assert first.arguments == second.arguments == ("TensorBoard", tmp_path / "runs", None)
    [before], [after] = first.runs, second.runs
    assert (before.run.id, before.run.name) == (after.run.id, after.run.name)
    assert (before.outcomes, after.outcomes) == (["interrupted"], ["finished"])
    steps = [*before.values("train/loss"), *after.values("train/loss")]
    assert steps == [*range(2, steps[-1] + 1, 2)]


@pytest.mark.usefixtures("pairs_file")
def test_trackers_of_a_resumed_run_can_be_changed(henkan, created, monkeypatch):
    with monkeypatch.context() as patched:
        stop_at(patched, 7)
        henkan(*TRAIN, "--log-to", "tensorboard", "--out", "m", status=130)
    with monkeypatch.context() as patched:
        stop_at(patched, 3)
        henkan("train", "--resume", "m", "--log-to", "mlflow", status=130)
    henkan("train", "--resume", "m")
    assert [each.arguments[0] for each in created] == ["TensorBoard", "MLflow", "MLflow"]
    assert len({tracker.runs[0].run.id for tracker in created}) == 1


@pytest.mark.usefixtures("pairs_file")
def test_force_starts_another_run(henkan, created):
    for _ in range(2):
        henkan(*TRAIN, "--log-to", "mlflow", "--out", "m", "--force")
    assert len({tracker.runs[0].run.id for tracker in created}) == 2


def test_distillation_is_logged(henkan, created, folder, tmp_path):
    (tmp_path / "pairs.tsv").write_text("a\tA\nb\tB\nabc\tABC\ncab\tCAB\n" * 3)
    (tmp_path / "more.txt").write_text("ab\nba\nca\n")
    options = ("--data", "pairs.tsv", "--unlabelled", "more.txt", "--epochs", 1, "--hidden-size", 8, "--quiet")
    henkan("distil", folder, *options, "--log-to", "mlflow", "--out", "m")
    [run] = created[0].runs
    assert run.run.settings["labelled"] > 0
    assert run.outcomes == ["finished"]


@pytest.mark.usefixtures("pairs_file")
def test_a_tracker_that_fails_does_not_stop_training(henkan, created, monkeypatch, tmp_path):
    real = FakeTracker.__init__
    monkeypatch.setattr(FakeTracker, "__init__", lambda self, **options: real(self, fails="log", **options))
    done = henkan(*TRAIN, "--log-to", "wandb", "--quiet", "--out", "m")
    assert done.stderr == "warning: logging to a fake has failed (no space left); training continues without it\n"
    assert (tmp_path / "m" / "weights.safetensors").exists()
    assert created[0].runs[0].outcomes == ["failed"]


def test_unknown_trackers_are_refused(refused_by_click):
    assert "'neptune' is not one of 'tensorboard', 'mlflow', 'wandb'" in refused_by_click(*TRAIN, "--log-to", "neptune")


@pytest.fixture
def refused_by_click(henkan):
    return lambda *arguments: henkan(*arguments, status=2).stderr
