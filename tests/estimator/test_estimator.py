import json
import shutil
import uuid
from types import SimpleNamespace

import pytest

import henkan
from henkan import DataError, Epoch, ModelFolderError, NotFittedError, Preparing, Seq2Seq, SettingsError, Started, Step
from henkan.errors import CheckpointError
from henkan.training import validation
from henkan.training.events import Calibrating, Ended, Estimated, Rollback
from henkan.training.trainer import Trainer
from henkan.training.validation import Validator


def test_fit_returns_the_trained_model(words, trained):
    assert isinstance(trained, Seq2Seq)
    assert trained.score(*words) == 1
    assert trained.predict(["cab"]) == ["CAB"]


def test_loaded_model_makes_the_same_predictions(trained, folder, words):
    loaded = henkan.load(folder)
    assert loaded.convert(words[0]) == trained.convert(words[0])
    assert loaded.score(*words) == 1


def test_replacing_a_saved_model_needs_force(trained, folder):
    with pytest.raises(ModelFolderError, match=r"already has a model; pass force=True to replace it"):
        trained.save(folder)
    trained.save(str(folder), force=True)


@pytest.mark.parametrize(
    "settings", [{"reverse": False, "peeky": False}, {"recipe": "book", "learning_rate": 0.02}], ids=str
)
def test_other_settings_learn_and_can_be_saved(words, settings, tmp_path):
    model = Seq2Seq(**{"epochs": 80, "batch_size": 8, "hidden_size": 32} | settings).fit(*words)
    assert model.score(*words) > 0.9
    model.save(tmp_path / "model")
    assert henkan.load(tmp_path / "model").predict(words[0]) == model.predict(words[0])


def test_callback_receives_all_events(words):
    events = []
    model = Seq2Seq(epochs=2, batch_size=20).fit(*words, dev=(["ab", "?"], ["AB", "?"]), callback=events.append)
    kinds = [Started, Preparing, Estimated, *[Step, Step, Epoch] * 2, Calibrating, Ended]
    assert [type(event) for event in events] == kinds
    started, ended = events[0], events[-1]
    assert (started.pairs, started.held_out, started.epochs) == (39, 2, 2)
    assert (started.settings["hidden_size"], started.settings["batch_size"], started.settings["seed"]) == (128, 20, 0)
    assert (started.steps_done, started.epochs_done, started.teacher) == (0, (), False)
    assert events[-3].exact_match in (0, 0.5)  # the unknown symbol counts as wrong
    assert ended == Ended("finished", model.score(["ab", "?"], ["AB", "?"]), 1, started.run, False)
    assert started.converter.predict(["ab"]) == model.predict(["ab"])


DEV = (["ab"], ["AB"])


@pytest.mark.parametrize(
    ("settings", "dev", "expected"),
    [
        ({}, None, [(4, 0)]),
        ({"calibrate_outside": False}, DEV, [(204, 0)]),
        ({}, DEV, [(204, 1)]),  # and 0.3 of the updates for the confidence outside
        ({"ensemble": 3}, DEV, [(204, 2 * 204 + 1), (204, 204 + 1), (204, 1)]),
    ],
    ids=["no validation set", "validation set", "confidence outside", "ensemble"],
)
def test_estimated_time_includes_all_that_follows(words, monkeypatch, settings, dev, expected):
    """With 2 epochs of 2 updates, of 1 second each, and 100 seconds for an evaluation on the validation set."""
    monkeypatch.setattr(Trainer, "_prepare", lambda *_: 1.0)
    monkeypatch.setattr(Validator, "estimated_seconds", lambda _: 100.0)
    events = []
    Seq2Seq(epochs=2, batch_size=20, **settings).fit(*words, dev=dev, callback=events.append)
    assert [(each.seconds, each.following) for each in events if isinstance(each, Estimated)] == expected


def test_evaluation_time_is_estimated_for_the_whole_validation_set(words, monkeypatch):
    """Scoring two of the four pairs, all that can be scored, takes 3 seconds, and the first time 5."""
    clock = iter([0.0, 5.0, 10.0, 13.0])
    monkeypatch.setattr(validation, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    monkeypatch.setattr(Trainer, "_prepare", lambda *_: 0.0)
    events = []
    dev = (["ab", "cab", "a?", "b?"], ["AB", "CAB", "A?", "B?"])
    Seq2Seq(epochs=2, batch_size=20).fit(*words, dev=dev, callback=events.append)
    assert [each.seconds for each in events if isinstance(each, Estimated)] == [2 * 3.0 / 2 * 4]


def test_vocabulary_excludes_the_validation_set(words):
    model = Seq2Seq(epochs=1).fit(*words, dev=(["z"], ["Z"]))
    assert model.convert(["z"])[0].unknown == ["symbol 'z'"]


def test_seed_determines_the_result(words):
    scores = [Seq2Seq(epochs=2, seed=seed).fit(*words).convert(["ab"]) for seed in (1, 1, 2)]
    assert scores[0] == scores[1] != scores[2]


def test_misuse_raises_a_clear_error():
    with pytest.raises(NotFittedError, match="call fit first"):
        Seq2Seq().predict(["a"])
    with pytest.raises(TypeError, match=r"Seq2Seq.__init__\(\) got an unexpected keyword argument 'hidden'"):
        Seq2Seq(hidden=3)
    with pytest.raises(DataError, match="no pairs"):
        Seq2Seq().fit([], [])
    with pytest.raises(DataError, match="2 sources but 1 targets"):
        Seq2Seq().fit(["a", "b"], ["a"])
    with pytest.raises(DataError, match="sources is 'ab'; give a list"):
        Seq2Seq().fit("ab", "ab")
    with pytest.raises(DataError, match="sources is None; give a list"):
        Seq2Seq().fit(None, None)
    with pytest.raises(DataError, match=r"dev must be two lists, sources and targets, as in dev=\(\['ab'.*, not list"):
        Seq2Seq().fit(["a"], ["b"], dev=[("a", "b"), ("c", "d"), ("e", "f")])
    with pytest.raises(DataError, match=r"sources\[1\] is 3"):
        Seq2Seq().fit(["a", 3], ["a", "b"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"checkpoint": 3}, "checkpoint must be the name of a folder, not 3"),
        ({"checkpoint": b"a"}, "checkpoint must be the name of a folder, not b'a'"),
        ({"checkpoint": "a\0b"}, r"checkpoint must be the name of a folder, not 'a\\x00b'"),
        ({"checkpoint": "a", "checkpoint_every": "x"}, "checkpoint_every must be a number of seconds, not 'x'"),
        ({"checkpoint": "a", "checkpoint_every": None}, "checkpoint_every must be a number of seconds, not None"),
        ({"checkpoint": "a", "checkpoint_every": float("nan")}, "checkpoint_every must be a number of seconds"),
        ({"checkpoint": "a", "checkpoint_every": -1}, "checkpoint_every must be a number of seconds, not -1"),
    ],
    ids=str,
)
def test_invalid_checkpoint_arguments_are_rejected(settings, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=message):
        Seq2Seq(epochs=1).fit(["a"], ["b"], **settings)
    assert not any(tmp_path.iterdir())


def test_empty_sources_and_targets_are_allowed():
    model = Seq2Seq(epochs=60, hidden_size=16).fit(["", "a", "b"], ["x", "", "y"])
    assert model.predict(["", "a", "b"]) == ["x", "", "y"]


def test_diverging_training_warns_and_leaves_a_usable_model(words, tmp_path):
    events = []
    model = Seq2Seq(learning_rate=1e20, epochs=20)
    with pytest.warns(RuntimeWarning, match=r"diverged \(non-finite loss\) 4 times .*learning rate below"):
        model.fit(*words, callback=events.append)
    rollbacks = [event for event in events if isinstance(event, Rollback)]
    assert [rollback.learning_rate for rollback in rollbacks] == [5e19, 2.5e19, 1.25e19, 6.25e18]
    assert [rollback.final for rollback in rollbacks] == [False, False, False, True]
    model.save(tmp_path / "model")
    assert henkan.load(tmp_path / "model").predict(["a"]) == model.predict(["a"])


def test_empty_validation_set_is_ignored(words):
    events = []
    Seq2Seq(epochs=1).fit(*words, dev=([], []), callback=events.append)
    assert events[-1].exact_match is None


def test_lone_surrogate_is_an_ordinary_symbol(tmp_path):
    model = Seq2Seq(epochs=60, hidden_size=16).fit(["\ud800", "a"], ["x", "\udfff"])
    model.save(tmp_path / "model")
    assert henkan.load(tmp_path / "model").predict(["\ud800", "a"]) == ["x", "\udfff"]


def test_fill_accepts_targets_that_are_already_filled(words):
    targets = [target.ljust(5) for target in words[1]]
    model = Seq2Seq(recipe="book", epochs=80, batch_size=8, hidden_size=32, learning_rate=0.02).fit(words[0], targets)
    assert model.score(words[0], targets) == model.score(*words) > 0.9


def test_patience_needs_a_validation_set(words):
    with pytest.raises(SettingsError, match="patience needs a validation set"):
        Seq2Seq(schedule="constant", patience=1).fit(*words)


def test_resumed_training_gives_the_same_bits(words, tmp_path):
    def estimator(**settings):
        return Seq2Seq(epochs=6, batch_size=8, hidden_size=8, **settings)

    def stop(event):
        if isinstance(event, Epoch) and event.epoch == 4:
            raise KeyboardInterrupt

    validation_set = (words[0][:5], words[1][:5])
    uninterrupted = estimator().fit(*words, dev=validation_set)
    with pytest.raises(KeyboardInterrupt):
        estimator().fit(*words, dev=validation_set, callback=stop, checkpoint=tmp_path / "c")
    with pytest.raises(CheckpointError, match="layers is 2, but was 1 in the interrupted run; pass the same value"):
        estimator(layers=2).fit(*words, dev=validation_set, checkpoint=tmp_path / "c")
    with pytest.raises(CheckpointError, match="the held-out pairs differ from those of the interrupted run"):
        estimator().fit(*words, dev=(["a"], ["A"]), checkpoint=tmp_path / "c")
    events = []
    resumed = estimator().fit(*words, dev=validation_set, callback=events.append, checkpoint=tmp_path / "c")
    assert [event.epoch for event in events if isinstance(event, Epoch)] == [5, 6]
    vectors = [model._fitted.converter.model.parameters.vector for model in (uninterrupted, resumed)]
    assert (vectors[0] == vectors[1]).all()
    resumed.save(tmp_path / "c")
    assert not (tmp_path / "c" / "checkpoint").exists()
    assert henkan.load(tmp_path / "c").predict(words[0]) == resumed.predict(words[0])


def test_finished_training_is_kept_until_the_model_is_saved(words, tmp_path):
    def fit(**settings):
        events = []
        settings = {"epochs": 2, "hidden_size": 8, "ensemble": 2} | settings
        model = Seq2Seq(**settings).fit(*words, dev=words, callback=events.append, checkpoint=tmp_path / "c")
        return model, [event.epoch for event in events if isinstance(event, Epoch)]

    first, epochs = fit()
    assert epochs == [1, 2, 1, 2]
    second, epochs = fit()
    assert epochs == []
    assert second.convert(words[0], confidence=True) == first.convert(words[0], confidence=True)
    assert second._fitted.saved.metrics == first._fitted.saved.metrics
    with pytest.raises(CheckpointError, match="hidden size is 9, but was 8"):
        fit(hidden_size=9)
    with pytest.raises(ModelFolderError):
        second.save(tmp_path)  # refused: the folder has other files
    assert fit()[1] == []
    second.save(tmp_path / "m")
    assert not (tmp_path / "c" / "checkpoint").exists()
    other, epochs = fit(hidden_size=9)
    assert epochs == [1, 2, 1, 2]
    first.save(tmp_path / "n")  # must not delete the checkpoint, which now belongs to `other`
    assert fit(hidden_size=9)[1] == []
    other.save(tmp_path / "o")
    assert not (tmp_path / "c" / "checkpoint").exists()


def test_other_files_are_not_mistaken_for_a_checkpoint(words, tmp_path):
    mine = tmp_path / "c" / "checkpoint" / "thesis.pt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(CheckpointError, match=r"has other files \(thesis\.pt\)"):
        Seq2Seq(epochs=1).fit(*words, checkpoint=tmp_path / "c")
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("member", ["unfinished", "finished"])
def test_progress_of_another_model_size_is_rejected(words, tmp_path, monkeypatch, member):
    """Even if the progress file has the identifier of this training run."""

    def stop(event):
        if isinstance(event, Epoch):
            events.append(event)
            if len(events) == (1 if member == "unfinished" else 2):
                raise KeyboardInterrupt

    monkeypatch.setattr("henkan.training.checkpoint.uuid4", lambda: uuid.UUID(int=1))
    for name, size in (("small", 4), ("large", 8)):
        events, model = [], Seq2Seq(epochs=1, ensemble=2, hidden_size=size)
        with pytest.raises(KeyboardInterrupt):
            model.fit(*words, callback=stop, checkpoint=tmp_path / name, checkpoint_every=0)
    small, large = (tmp_path / name / "checkpoint" for name in ("small", "large"))
    for path in large.iterdir():
        if path.name.startswith(("progress", "tensors")):
            shutil.copy(path, small)
    with pytest.raises(CheckpointError, match=r"progress\.json does not fit the model"):
        Seq2Seq(epochs=1, ensemble=2, hidden_size=4).fit(*words, checkpoint=tmp_path / "small")


def test_new_folders_are_synced_before_the_checkpoint(words, tmp_path, monkeypatch):
    from henkan.storage import files
    from henkan.training import checkpoint_folder

    synced = []
    for module in (checkpoint_folder, files):
        monkeypatch.setattr(module, "sync_folder", synced.append)
    Seq2Seq(epochs=1).fit(*words, checkpoint=tmp_path / "a" / "b")
    folder = tmp_path / "a" / "b" / "checkpoint"
    assert set(synced) == {folder, *list(folder.parents)[:3]}
    assert max(map(synced.index, list(folder.parents)[:3])) < synced.index(folder)


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        (0, [(1, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (6, 4)]),
        (1e9, [(1, 0), (1, 0), (1, 0), (1, 0), (2, 2), (2, 2), (2, 2)]),
    ],
)
def test_when_checkpoints_are_written(words, tmp_path, interval, expected):
    """Before the first batch, after every epoch, and after an update if the interval has passed."""

    def record_progress(event):
        if isinstance(event, Preparing | Step | Epoch):
            content = json.loads((tmp_path / "c/checkpoint/progress.json").read_text())["content"]
            progress.append((content["number"], content["state"]["position"]["step"]))

    progress = []
    Seq2Seq(epochs=2, batch_size=20).fit(
        *words, callback=record_progress, checkpoint=tmp_path / "c", checkpoint_every=interval
    )
    assert progress == expected
