"""The trackers with the real packages: what was logged is read back."""

import inspect
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from henkan import Epoch, Seq2Seq, Step
from henkan.trackers import MLflow, TensorBoard, WandB
from snippets import DOCS, snippets
from wandb_file import read

for package in ("tensorboard", "tensorboardX", "mlflow", "wandb"):
    pytest.importorskip(package)

pytestmark = [pytest.mark.workbench, pytest.mark.usefixtures("stores")]

SETTINGS = {"batch_size": 8, "hidden_size": 8, "embedding_size": 4, "epochs": 4}  # 5 updates per epoch
DEV = (["ab", "ba"], ["AB", "BA"])


def fit(words, *callbacks, checkpoint=None, **settings):
    """Train; several callbacks are called in turn."""

    def callback(event):
        for each in callbacks:
            each(event)

    return Seq2Seq(**SETTINGS | settings).fit(*words, dev=DEV, callback=callback, checkpoint=checkpoint)


class Expected:
    """What the events of a run say about its metrics."""

    def __init__(self, every):
        self.every, self.metrics = every, {}

    def __call__(self, event):
        if isinstance(event, Step) and event.step % self.every == 0:
            self._add(event.step, {"train/loss": event.loss, "train/learning_rate": event.learning_rate})
        elif isinstance(event, Epoch):
            values = {"epoch": event.epoch, "train/epoch_loss": event.loss, "train/seconds": event.seconds}
            self._add(5 * event.epoch, values | {"dev/exact_match": event.exact_match})

    def _add(self, step, values):
        for name, value in values.items():
            self.metrics.setdefault(name, {})[step] = value


def at_step(number, error=None):
    """A callback that stops training, with Ctrl-C or an error."""

    def stop(event):
        if isinstance(event, Step) and event.step == number:
            if error is not None:
                raise error
            signal.raise_signal(signal.SIGINT)

    return stop


def interrupted(words, tracker, checkpoint, number=13, **settings):
    with pytest.raises(KeyboardInterrupt):
        fit(words, tracker, at_step(number), checkpoint=checkpoint, **settings)


def scalars(folder):
    """Return metric -> step -> value, as TensorBoard shows them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    metrics = {}
    for tag in found.Tags()["scalars"]:
        pairs = [(each.step, each.value) for each in found.Scalars(tag)]
        assert len(dict(pairs)) == len(pairs), "a step is logged twice"
        metrics[tag] = dict(pairs)
    return metrics


def hyperparameters(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    found = EventAccumulator(str(folder))
    found.Reload()
    contents = {}
    for tag, content in found.PluginTagToContent("hparams").items():
        contents[tag] = plugin_data_pb2.HParamsPluginData.FromString(content)
    return contents


def assert_same(found, expected):
    """Compare metrics with those of the events; TensorBoard stores 32-bit numbers."""
    for name, values in expected.items():
        assert found[name].keys() == values.keys(), name
        np.testing.assert_allclose([*found[name].values()], [*values.values()], rtol=1e-6)


def test_tensorboard_has_the_values_of_the_events(words, stores):
    expected = Expected(2)
    model = fit(words, TensorBoard(stores / "runs", name="capitals", every=2), expected)
    [folder] = (stores / "runs").iterdir()
    assert folder.name.startswith("capitals-")
    found = scalars(folder)
    assert_same(found, expected.metrics)
    assert found["final/exact_match"] == {20: model.score(*DEV)}
    table = hyperparameters(folder)
    settings = table["_hparams_/session_start_info"].session_start_info.hparams
    assert settings["hidden_size"].number_value == 8
    assert settings["architecture"].string_value == model._fitted.saved.first.model.architecture
    assert settings["weights"].number_value == model._fitted.saved.metrics["weights"]
    assert "_hparams_/session_end_info" in table
    metrics = [each.name.tag for each in table["_hparams_/experiment"].experiment.metric_infos]
    assert "final/exact_match" in metrics


def test_tensorboard_has_a_subfolder_for_each_member(words, stores):
    fit(words, TensorBoard(), ensemble=2)
    [folder] = (stores / "runs").iterdir()
    assert sorted(each.name for each in folder.iterdir() if each.is_dir()) == ["member-1", "member-2"]
    assert [*scalars(folder / "member-2")["epoch"].values()] == [1, 2, 3, 4]
    assert {*scalars(folder)} >= {"final/exact_match"}


@pytest.mark.parametrize("checkpoint_every", [0, 1e9])
def test_tensorboard_continues_in_the_same_folder(words, stores, checkpoint_every, monkeypatch):
    """Also if the run was killed long after its last checkpoint: then updates are made, and written, again."""
    expected = Expected(2)
    fit(words, expected)
    if checkpoint_every:
        killed(words, TensorBoard(every=2), stores / "c", monkeypatch)
    else:
        interrupted(words, TensorBoard(every=2), stores / "c")
    fit(words, TensorBoard(every=2), checkpoint=stores / "c")
    [folder] = (stores / "runs").iterdir()
    del expected.metrics["train/seconds"]
    assert_same(scalars(folder), expected.metrics)


def killed(words, tracker, checkpoint, monkeypatch):
    """Train until update 13; the last checkpoint is that of update 10."""
    with monkeypatch.context() as patched:
        patched.setattr(type(tracker), "finish", lambda _, handle, __: getattr(handle, "close", int)())
        with pytest.raises(ZeroDivisionError):
            fit(words, tracker, at_step(13, ZeroDivisionError()), checkpoint=checkpoint)


def test_tensorboard_hides_nothing_of_a_new_run_with_the_same_name(words, stores):
    for _ in range(2):
        fit(words, TensorBoard(name="capitals"))
    folders = [*(stores / "runs").iterdir()]
    assert [len(scalars(each)["epoch"]) for each in folders] == [4, 4]


def runs_of_mlflow():
    import mlflow

    return {each.info.run_name: each for each in mlflow.search_runs(output_format="list")}


def history(run, name):
    import mlflow

    pairs = [(each.step, each.value) for each in mlflow.MlflowClient().get_metric_history(run.info.run_id, name)]
    assert len(dict(pairs)) == len(pairs), "a step is logged twice"
    return dict(pairs)


def test_mlflow_has_the_values_of_the_events(words):
    import mlflow

    expected = Expected(2)
    model = fit(words, MLflow(name="capitals", every=2), expected)
    run = runs_of_mlflow()["capitals"]
    assert {name: history(run, name) for name in expected.metrics} == expected.metrics
    assert history(run, "final/exact_match") == {20: model.score(*DEV)}
    assert run.info.status == "FINISHED"
    first = model._fitted.saved.first
    assert run.data.params["architecture"] == first.model.architecture
    assert (run.data.params["hidden_size"], run.data.params["pairs"]) == ("8", "39")
    assert {*vars(first.model)} | {*vars(first.training)} <= run.data.params.keys()
    assert run.data.tags["henkan.version"] == run.data.params["henkan"]
    assert mlflow.active_run() is None


def test_mlflow_has_nested_runs_for_members(words):
    fit(words, MLflow(name="capitals"), ensemble=2)
    runs = runs_of_mlflow()
    assert {*runs} == {"capitals", "capitals-member-1", "capitals-member-2"}
    parent = runs["capitals"].info.run_id
    for name in ("capitals-member-1", "capitals-member-2"):
        assert runs[name].data.tags["mlflow.parentRunId"] == parent
        assert [*history(runs[name], "epoch").values()] == [1, 2, 3, 4]
    assert history(runs["capitals"], "epoch") == {}
    assert [each.info.status for each in runs.values()] == ["FINISHED"] * 3


@pytest.mark.parametrize("members", [1, 2])
def test_mlflow_continues_the_same_run(words, stores, members):
    expected = Expected(2)
    fit(words, expected)
    interrupted(words, MLflow(name="x", every=2), stores / "c", ensemble=members)
    assert {each.info.status for each in runs_of_mlflow().values()} == {"KILLED"}
    fit(words, MLflow(name="x", every=2), checkpoint=stores / "c", ensemble=members)
    runs = runs_of_mlflow()
    assert len(runs) == (1 if members == 1 else 3)
    assert {each.info.status for each in runs.values()} == {"FINISHED"}
    first = runs["x" if members == 1 else "x-member-1"]
    del expected.metrics["train/seconds"]
    assert {name: history(first, name) for name in expected.metrics} == expected.metrics


def test_mlflow_logs_no_step_twice_after_a_run_was_killed(words, stores, monkeypatch):
    import mlflow

    expected, tracker = Expected(2), MLflow(name="x", every=2)
    fit(words, expected)
    with monkeypatch.context() as patched:
        patched.setattr(MLflow, "finish", lambda self, handle, _: (self._send(handle), mlflow.end_run("RUNNING")))
        with pytest.raises(ZeroDivisionError):
            fit(words, tracker, at_step(13, ZeroDivisionError()), checkpoint=stores / "c")
    assert max(history(runs_of_mlflow()["x"], "train/loss")) == 12
    fit(words, MLflow(name="x", every=2), checkpoint=stores / "c")
    [run] = runs_of_mlflow().values()
    del expected.metrics["train/seconds"]
    assert {name: history(run, name) for name in expected.metrics} == expected.metrics


def test_mlflow_marks_failed_runs(words):
    import mlflow

    with pytest.raises(ZeroDivisionError):
        fit(words, MLflow(name="x"), at_step(3, ZeroDivisionError()))
    assert runs_of_mlflow()["x"].info.status == "FAILED"
    assert mlflow.active_run() is None


def test_mlflow_logs_to_the_run_of_the_caller(words):
    import mlflow

    with mlflow.start_run(run_name="mine") as mine:
        mlflow.log_param("hidden_size", "mine")
        fit(words, MLflow())
        fit(words, MLflow(name="ensemble"), ensemble=2)
        assert mlflow.active_run().info.run_id == mine.info.run_id
    runs = runs_of_mlflow()
    assert {*runs} == {"mine", "ensemble-member-1", "ensemble-member-2"}
    assert (runs["mine"].data.params["hidden_size"], runs["mine"].data.params["pairs"]) == ("mine", "39")
    assert runs["ensemble-member-1"].data.tags["mlflow.parentRunId"] == mine.info.run_id


def test_mlflow_logs_teachers_beside_the_run_of_the_caller(words):
    import mlflow

    known = [each[1::2] for each in words]
    with mlflow.start_run(run_name="mine") as mine:
        model = Seq2Seq(**SETTINGS | {"epochs": 12, "schedule": "constant"})
        model.fit(*known, unlabelled=words[0][::2], callback=MLflow(name="x"))
    runs = runs_of_mlflow()
    assert {*runs} == {"mine", "x-teachers", *(f"x-teachers-member-{k}" for k in (1, 2, 3, 4))}
    assert runs["mine"].data.params["ensemble"] == "1"
    assert int(runs["mine"].data.params["labelled"]) > 0
    assert runs["x-teachers"].data.tags["mlflow.parentRunId"] == mine.info.run_id


def test_mlflow_uses_the_configured_experiment(words, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "capitals")
    fit(words, MLflow(name="x"))
    assert len(mlflow.search_runs(experiment_names=["capitals"], output_format="list")) == 1


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")  # MLflow's own statements
def test_mlflow_logs_to_its_default_database(words, stores, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    expected = Expected(10)
    fit(words, MLflow(name="x"), expected)
    run = runs_of_mlflow()["x"]
    assert {name: history(run, name) for name in expected.metrics} == expected.metrics
    assert (stores / "mlflow.db").exists()


def test_a_store_that_is_refused_is_a_warning(words, monkeypatch):
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://x")
    with pytest.warns(RuntimeWarning, match="logging to MLflow has failed .*; training continues without it"):
        fit(words, MLflow())
    assert mlflow.active_run() is None


def test_a_disk_that_fails_is_a_warning(words, stores):
    """The parent of the folder is a file."""
    (stores / "runs").write_text("")
    with pytest.warns(RuntimeWarning, match="logging to TensorBoard has failed .*; training continues without it"):
        fit(words, TensorBoard())


def offline_runs(folder):
    """Return all runs in the order of their start."""
    import wandb

    wandb.teardown()  # waits for the process that writes the files
    return [read(path) for path in sorted(folder.glob("wandb/offline-run-*/*.wandb"))]


def test_wandb_has_the_values_of_the_events(words, stores):
    import wandb

    expected = Expected(2)
    model = fit(words, WandB(name="capitals", every=2), expected)
    [run] = offline_runs(stores)
    assert run.name == "capitals"
    assert {name: run.values(name) for name in expected.metrics} == expected.metrics
    assert run.values("final/exact_match") == {20: model.score(*DEV)}
    first = model._fitted.saved.first
    assert {*vars(first.model)} | {*vars(first.training)} <= run.config.keys()
    assert (run.config["hidden_size"], run.config["pairs"]) == (8, 39)
    assert ("train/*", "update") in run.axes
    assert (run.job_type, run.group, run.exit_code) == ("model", "", 0)
    assert wandb.run is None


def test_wandb_has_a_group_for_an_ensemble(words, stores):
    with pytest.raises(ZeroDivisionError):
        fit(words, WandB(name="x"), Stop(7), ensemble=2, epochs=1)
    runs = offline_runs(stores)
    assert {each.name: (each.job_type, each.exit_code) for each in runs} == {
        "x": ("ensemble", 1),
        "x-member-1": ("member", 0),
        "x-member-2": ("member", 1),
    }
    [group] = {each.group for each in runs}
    assert group.startswith("x-")


class Stop:
    """Fails after this number of updates of all models."""

    def __init__(self, left):
        self.left = left

    def __call__(self, event):
        self.left -= isinstance(event, Step)
        if self.left == 0:
            raise ZeroDivisionError


def test_wandb_continues_with_the_same_id(words, stores):
    """Offline, each part is a file of its own; `wandb sync` joins those with the same id."""
    interrupted(words, WandB(name="x", every=2), stores / "c")
    fit(words, WandB(name="x", every=2), checkpoint=stores / "c")
    first, second = sorted(offline_runs(stores), key=lambda run: -(run.exit_code or 0))
    assert first.id == second.id
    assert [*first.values("train/loss")] == [2, 4, 6, 8, 10, 12]
    assert [*second.values("train/loss")] == [14, 16, 18, 20]
    assert [*(first.values("epoch") | second.values("epoch"))] == [5, 10, 15, 20]


def test_wandb_logs_to_the_run_of_the_caller(words, stores):
    import wandb

    with wandb.init(name="mine") as mine:
        tracker = WandB()
        fit(words, tracker)
        assert wandb.run is mine
        mine.log({"own": 1})
        assert not tracker._continues  # if the caller has resumed the run, its steps are those of an earlier fit
    [run] = offline_runs(stores)
    assert run.name == "mine"
    assert [*run.values("epoch").values()] == [1, 2, 3, 4]
    assert run.history[-1]["own"] == 1


def test_arguments_of_wandb_init_can_be_given(words, stores):
    fit(words, WandB(init={"group": "mine", "job_type": "test"}, name="x"))
    [run] = offline_runs(stores)
    assert (run.group, run.job_type) == ("mine", "test")


def test_a_run_that_wandb_continues_online_knows_its_last_step():
    """Without a network, only names can be checked: those of `Run` and of the arguments of its methods."""
    import wandb

    class Resumed:
        resumed, summary = True, {"update": 40.0, "epoch": 2}

    assert WandB().logged(Resumed()) == (40, 2)
    another = WandB()
    another._continues = False
    assert another.logged(Resumed()) == (0, 0)
    assert isinstance(wandb.Run.resumed, property)
    inspect.signature(wandb.init).bind(id="", resume="allow", name="", group="", job_type="", reinit="create_new")
    inspect.signature(wandb.Run.finish).bind(None, exit_code=0)


STOP = """
import signal, sys
from henkan.training.checkpoint import Checkpoints
real, calls = Checkpoints.after, []
def after(self, event, progress):
    calls.append(event)
    if len(calls) == 13:
        signal.raise_signal(signal.SIGINT)
    return real(self, event, progress)
Checkpoints.after = after
from henkan.cli import main
main()
"""


def command(folder, *arguments, code=None):
    program = ["-m", "henkan"] if code is None else ["-c", code]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, "-W", "error", *program, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_command_logs_to_all_trackers_and_resumes(stores, pairs_file):
    """Ctrl-C, then --resume."""
    train = ("train", pairs_file.name, "--batch-size", "4", "--hidden-size", "8", "--epochs", "4", "--quiet")
    train += ("--no-calibrate-outside", "--out", "models/capitals")
    log_to = [word for name in ("tensorboard", "mlflow", "wandb") for word in ("--log-to", name)]
    stopped = command(stores, *train, *log_to, code=STOP)
    assert stopped.returncode == 130, stopped.stderr
    assert [each.info.status for each in runs_of_mlflow().values()] == ["KILLED"]
    resumed = command(stores, "train", "--resume", "models/capitals", "--quiet")
    assert (resumed.returncode, resumed.stderr) == (0, "")
    [folder] = (stores / "runs").iterdir()
    metrics = scalars(folder)
    [run] = runs_of_mlflow().values()
    assert (run.info.run_name, run.info.status) == ("capitals", "FINISHED")
    assert folder.name.startswith("capitals-")
    for name in ("epoch", "train/loss", "dev/exact_match", "final/exact_match"):
        assert metrics[name] == pytest.approx(history(run, name))
    assert [*metrics["epoch"].values()] == [1, 2, 3, 4]
    first, second = sorted(offline_runs(stores), key=lambda each: -(each.exit_code or 0))
    assert (first.id, first.name, first.exit_code) == (second.id, "capitals", 1)
    assert second.exit_code == 0
    assert first.values("train/loss") | second.values("train/loss") == history(run, "train/loss")
    assert resumed.stdout.startswith(f"exact match {100 * history(run, 'final/exact_match')[36]:.3f}% ")


def test_examples_of_the_reference_run(stores):
    section = (DOCS / "api" / "python.md").read_text(encoding="utf-8").partition("## Trackers")[2].partition("\n## ")[0]
    code = [each.code for each in snippets(section)]
    assert len(code) == 4
    done = command(stores, code="\n".join(code))
    assert done.returncode == 0, done.stderr
    folders = [*(stores / "runs").iterdir()]
    assert ["train/epoch_loss" in scalars(each) for each in folders] == [True, True]
    import mlflow

    [run] = mlflow.search_runs(experiment_names=["capitals"], output_format="list")
    assert {"train/epoch_loss", "test/exact_match"} <= run.data.metrics.keys()
    assert len(offline_runs(stores)) == 1
