import json
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

import henkan
from henkan import ModelFolderError
from henkan.storage import atomic_folder, files


def test_a_file_is_on_the_disk_before_its_name_is_and_the_name_before_it_counts(tmp_path, monkeypatch):
    """Synced, renamed, and the folder synced: in another order, a power cut could leave half a file or none."""
    happened, sync, replace = [], os.fsync, os.replace

    def name_of(descriptor):
        paths = [tmp_path, *tmp_path.iterdir()]
        return next(path.name for path in paths if os.path.samestat(os.fstat(descriptor), path.stat()))

    def recorded_sync(descriptor):
        happened.append(("sync", name_of(descriptor), (tmp_path / "a").read_bytes(), os.fstat(descriptor).st_size))
        sync(descriptor)

    def recorded_replace(source, target):
        happened.append(("replace", Path(source).name, Path(target).name, Path(source).read_bytes()))
        replace(source, target)

    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", recorded_sync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    files.write_file(tmp_path / "a", b"newer")
    size = tmp_path.stat().st_size
    assert happened == [
        ("sync", "a.part", b"old", len(b"newer")),
        ("replace", "a.part", "a", b"newer"),
        ("sync", tmp_path.name, b"newer", size),
    ]


def test_what_is_no_model_is_not_told_to_be_one(tmp_path):
    """Checkpoints are read by the same functions, and say themselves what is to be done."""
    with pytest.raises(ModelFolderError, match=r"tensors cannot be read \(No such file or directory\)$"):
        files.read_file(tmp_path, "tensors", 9)
    with pytest.raises(ModelFolderError, match=r"tensors is damaged$"):
        files.load_tensors(b"", tmp_path, "tensors")
    with pytest.raises(
        ModelFolderError, match=r"manifest\.json cannot be read .*; pass a folder that was written by save"
    ):
        henkan.load(tmp_path)


def test_what_is_in_the_folder(folder):
    names = {"manifest.json", "config.json", "vocabulary.json", "weights.safetensors", "metrics.json", "README.md"}
    assert {path.name for path in folder.iterdir()} == names
    assert not any(path.name.startswith(".") for path in folder.parent.iterdir())
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["format"], manifest["format_version"], manifest["henkan"]) == (
        "henkan-model",
        1,
        henkan.__version__,
    )
    epochs = json.loads((folder / "metrics.json").read_text())["epochs"]
    assert [epoch["epoch"] for epoch in epochs] == list(range(1, 81))
    assert set(epochs[0]) == {"epoch", "loss", "exact_match", "seconds", "learning_rate", "dev_loss"}
    card = (folder / "README.md").read_text()
    assert "39 pairs" in card
    assert f"henkan predict {folder}" in card


def test_weights_are_readable_without_henkan(folder):
    from safetensors.numpy import load_file

    tensors = load_file(folder / "weights.safetensors")
    assert tensors["members.0.encoder.lstm1.Wh"].shape == (32, 128)


@pytest.mark.parametrize("name", ["manifest.json", "config.json", "vocabulary.json", "weights.safetensors"])
class TestDamage:
    def test_missing(self, folder, name):
        (folder / name).unlink()
        with pytest.raises(ModelFolderError, match=f"{name} cannot be read"):
            henkan.load(folder)

    def test_truncated(self, folder, name):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(ModelFolderError, match=f"{name} is damaged"):
            henkan.load(folder)

    def test_empty(self, folder, name):
        (folder / name).write_bytes(b"")
        with pytest.raises(ModelFolderError, match=f"{name} is damaged"):
            henkan.load(folder)


def test_a_flipped_bit_is_noticed(folder):
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"weights\.safetensors is damaged or was modified"):
        henkan.load(folder)


def test_card_and_metrics_may_be_edited_or_deleted(folder):
    (folder / "README.md").write_text("mine")
    (folder / "metrics.json").unlink()
    assert henkan.load(folder).predict(["a"]) == ["A"]


def rewrite(folder, name, change):
    """Change a JSON file, and its hash in the manifest, as somebody would who wants to be believed."""
    import hashlib

    values = json.loads((folder / name).read_text())
    change(values)
    (folder / name).write_text(json.dumps(values))
    if name != "manifest.json":
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        rewrite(folder, "manifest.json", lambda manifest: manifest["sha256"].update({name: digest}))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("manifest.json", lambda v: v.update(format_version=2), "format 2, newer than this henkan reads .1.; upgrade"),
        ("manifest.json", lambda v: v.update(format_version="1"), "no valid format version"),
        ("manifest.json", lambda v: v.update(format="zip"), "does not describe a henkan model"),
        ("manifest.json", lambda v: v.pop("sha256"), "damaged"),
        ("config.json", lambda v: v.pop("model"), "config.json does not have the form"),
        ("config.json", lambda v: v["model"].update(hidden_size=31), "does not fit"),
        ("config.json", lambda v: v["model"].update(hidden_size=-1), "hidden size must be"),
        ("config.json", lambda v: v["model"].update(fill=True), "does not fit"),
        ("config.json", lambda v: v["model"].update(attention=True), "weights.safetensors does not fit"),
        ("config.json", lambda v: v.update(members=2), "weights.safetensors does not fit"),
        ("config.json", lambda v: v.update(members=10**12), "members"),
        ("config.json", lambda v: v["data"].update(more=1), "config.json does not have the form"),
        ("config.json", lambda v: v.update(members="x"), "invalid number of members, 'x'"),
        ("config.json", lambda v: v.update(more=[]), "config.json does not have the form"),
        ("config.json", lambda v: v.update(calibration={"temperature": 1.0, "more": []}), "config.json does not have"),
        ("vocabulary.json", lambda v: v.update(more=[]), "does not have the form"),
        ("vocabulary.json", lambda v: v["source"]["symbols"].append("z"), "does not fit"),
        ("vocabulary.json", lambda v: v.update(source=v["target"]), "does not fit"),
        ("vocabulary.json", lambda v: v["source"].update(symbols=3), "vocabulary does not have the form"),
    ],
)
def test_what_does_not_fit_is_refused(folder, name, change, message):
    rewrite(folder, name, change)
    with pytest.raises(ModelFolderError, match=message):
        henkan.load(folder)


def test_the_largest_vocabularies_for_their_weights_are_believed(tmp_path):
    """The fewest weights for the most symbols, and symbols that look like values of JSON, or are long."""
    settings = {"epochs": 1, "embedding_size": 1, "hidden_size": 1, "batch_size": 1024}
    many = ["".join(map(chr, range(start, start + 1000))) for start in range(0x4E00, 0x9000, 1000)]
    characters = henkan.Seq2Seq(**settings).fit(many, ["a"] * len(many))
    characters.save(tmp_path / "many")
    assert henkan.load(tmp_path / "many").predict(many[:1]) == characters.predict(many[:1])
    marks = [f"[{{{k},,,,,,,,,}}]" * 9 for k in range(1000)]
    long = "x" * 2**20
    separated = henkan.Seq2Seq(**settings, source_symbols=" ").fit([*marks, long], ["a"] * 1001)
    separated.save(tmp_path / "marks")
    assert henkan.load(tmp_path / "marks").predict(marks[:1]) == separated.predict(marks[:1])


def test_no_folder_and_no_model(tmp_path):
    with pytest.raises(ModelFolderError, match="no such folder"):
        henkan.load(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(ModelFolderError, match="is not a folder"):
        henkan.load(tmp_path / "file")
    with pytest.raises(ModelFolderError, match=r"manifest\.json cannot be read"):
        henkan.load(tmp_path)


def test_saving_never_deletes_what_is_not_ours(trained, folder):
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ModelFolderError, match=r"has other files \(notes\.txt\)"):
        trained.save(folder, force=True)
    assert (folder / "notes.txt").read_text() == "mine"
    (folder.parent / "file").touch()
    with pytest.raises(ModelFolderError, match="a file with this name exists"):
        trained.save(folder.parent / "file", force=True)


def test_a_folder_of_something_else_is_never_replaced(trained, tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "manifest.json").write_text('{"name": "my web app"}')
    (tmp_path / "app" / "README.md").write_text("mine")
    with pytest.raises(ModelFolderError, match="has other files"):
        trained.save(tmp_path / "app", force=True)
    assert (tmp_path / "app" / "README.md").read_text() == "mine"


def test_a_detour_to_a_folder_is_that_folder(trained, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("mine")
    with pytest.raises(ModelFolderError, match=r"has other files \(thesis\.txt\)"):
        trained.save(tmp_path / "thesis" / "new" / "..", force=True)
    assert (tmp_path / "thesis" / "thesis.txt").read_text() == "mine"


def test_the_working_folder_can_be_the_place(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained.save(".")
    trained.save(".", force=True)
    assert henkan.load(".").predict(["a"]) == ["A"]


class Killed(BaseException):
    """What nobody catches, as nobody catches a SIGKILL."""


@pytest.fixture
def other(words):
    """A model that answers something else than `trained`."""
    return henkan.Seq2Seq(epochs=1, hidden_size=8).fit(*words)


@pytest.mark.parametrize("moment", range(14))
def test_a_writer_killed_at_any_rename_leaves_the_old_or_the_new_model(trained, other, folder, monkeypatch, moment):
    replaced, names = Path.replace, []

    def replace_or_die(self, target):
        names.append(target)
        if len(names) > moment:
            raise Killed
        return replaced(self, target)

    (folder / "learning_curve.png").write_bytes(b"old")
    answers = [model.predict(["ab"]) for model in (trained, other)]
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace_or_die)
        patched.setattr(shutil, "rmtree", lambda *_, **__: None)
        try:
            other.save(folder, force=True)
            died = False
        except Killed:
            died = True
    assert died == (moment < 12)  # six files are written, and each is moved down
    assert henkan.load(folder).predict(["ab"]) == answers[moment >= 6]
    trained.save(folder, force=True)
    assert henkan.load(folder).predict(["ab"]) == answers[0]
    assert {path.name for path in folder.iterdir()} == set(atomic_folder.WRITTEN) - {"learning_curve.png"}


def test_whoever_reads_while_a_model_is_replaced_has_one_of_them(trained, other, folder):
    answers = [model.predict(["ab"]) for model in (trained, other)]
    done = threading.Event()

    def write():
        for number in range(30):
            (trained, other)[number % 2].save(folder, force=True)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set() or not reads:
        assert henkan.load(folder).predict(["ab"]) in answers
        reads += 1
    writer.join()


def test_weights_that_are_no_numbers_are_not_saved(words, tmp_path):
    model = henkan.Seq2Seq(epochs=1).fit(*words)
    model._fitted.converter.model.parameters.vector[3] = np.nan
    with pytest.raises(ModelFolderError, match="not finite"):
        model.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_saving_into_an_empty_folder_and_below_new_ones(trained, tmp_path):
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "empty", tmp_path / "a" / "b"):
        trained.save(place)
        assert henkan.load(place).predict(["a"]) == ["A"]


def test_a_failed_save_leaves_the_old_model_whole(trained, folder, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    before = (folder / "weights.safetensors").read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelFolderError, match=r"cannot be saved .*No space left on device"):
        trained.save(folder, force=True)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert (folder / "weights.safetensors").read_bytes() == before
    assert henkan.load(folder).predict(["a"]) == ["A"]


def test_a_model_can_be_moved(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "elsewhere" / "other")
    assert henkan.load(tmp_path / "elsewhere" / "other").predict(["ab"]) == ["AB"]
