import json
import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import henkan
from henkan import ModelFolderError
from henkan.storage import atomic_folder, files
from henkan.storage.lexicon_file import SavedLexicon
from henkan.training.stored_lexicon import change_lexicon


def test_file_is_synced_then_renamed_then_the_folder_is_synced(tmp_path, monkeypatch):
    """In any other order, a power failure could leave a partial file or none."""
    calls, sync, replace = [], os.fsync, os.replace

    def name_of(descriptor):
        paths = [tmp_path, *tmp_path.iterdir()]
        return next(path.name for path in paths if os.path.samestat(os.fstat(descriptor), path.stat()))

    def recorded_sync(descriptor):
        calls.append(("sync", name_of(descriptor), (tmp_path / "a").read_bytes(), os.fstat(descriptor).st_size))
        sync(descriptor)

    def recorded_replace(source, target):
        calls.append(("replace", Path(source).name, Path(target).name, Path(source).read_bytes()))
        replace(source, target)

    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", recorded_sync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    files.write_file(tmp_path / "a", b"newer")
    size = tmp_path.stat().st_size
    assert calls == [
        ("sync", "a.part", b"old", len(b"newer")),
        ("replace", "a.part", "a", b"newer"),
        ("sync", tmp_path.name, b"newer", size),
    ]


def test_read_errors_of_other_files_do_not_mention_models(tmp_path):
    """The same functions read checkpoints, whose errors suggest other remedies."""
    with pytest.raises(ModelFolderError, match=r"tensors cannot be read \(No such file or directory\)$"):
        files.read_file(tmp_path, "tensors", 9)
    with pytest.raises(ModelFolderError, match=r"tensors is damaged$"):
        files.load_tensors(b"", tmp_path, "tensors")
    with pytest.raises(ModelFolderError, match="is not a model; pass a folder that was written by save"):
        henkan.load(tmp_path)


def test_contents_of_the_folder(folder):
    names = {"manifest.json", "config.json", "vocabulary.json", "weights.safetensors", "metrics.json", "README.md"}
    assert {path.name for path in folder.iterdir()} == names
    assert not any(path.name.startswith(".") for path in folder.parent.iterdir())
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["format"], manifest["format_version"], manifest["henkan"]) == (
        "henkan-model",
        3,
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


def test_flipped_bit_is_detected(folder):
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"weights\.safetensors is damaged or was modified"):
        henkan.load(folder)


def test_model_card_and_metrics_may_be_edited_or_deleted(folder):
    (folder / "README.md").write_text("mine")
    (folder / "metrics.json").unlink()
    assert henkan.load(folder).predict(["a"]) == ["A"]


def rewrite(folder, name, change):
    """Change a JSON file and its hash in the manifest, so that the hash check passes."""
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
        ("manifest.json", lambda v: v.update(format_version=5), "format 5, newer than this henkan reads .4.; upgrade"),
        ("manifest.json", lambda v: v.update(format_version="1"), "no valid format version"),
        ("manifest.json", lambda v: v.update(format="zip"), "does not describe a henkan model"),
        ("manifest.json", lambda v: v.pop("sha256"), "damaged"),
        ("config.json", lambda v: v.pop("variants"), "config.json does not have the form"),
        ("config.json", lambda v: v["variants"][0]["model"].update(hidden_size=31), "does not fit"),
        ("config.json", lambda v: v["variants"][0]["model"].update(hidden_size=-1), "hidden_size must be"),
        ("config.json", lambda v: v["variants"][0]["model"].update(fill=True), "does not fit"),
        ("config.json", lambda v: v["variants"][0]["model"].update(attention=True), "weights.safetensors does not fit"),
        ("config.json", lambda v: v["variants"][0].update(members=2), "weights.safetensors does not fit"),
        ("config.json", lambda v: v["variants"][0].update(members=10**12), "members"),
        ("config.json", lambda v: v["data"].update(more=1), "config.json does not have the form"),
        ("config.json", lambda v: v["variants"][0].update(members="x"), "invalid number of members, 'x'"),
        ("config.json", lambda v: v.update(more=[]), "config.json does not have the form"),
        ("config.json", lambda v: v.update(calibration={"temperature": 1.0, "more": []}), "config.json does not have"),
        ("vocabulary.json", lambda v: v.update(more=[]), "does not have the form"),
        ("vocabulary.json", lambda v: v["variants"][0]["source"]["symbols"].append("z"), "does not fit"),
        ("vocabulary.json", lambda v: v["variants"][0].update(source=v["variants"][0]["target"]), "does not fit"),
        (
            "vocabulary.json",
            lambda v: v["variants"][0]["source"].update(symbols=3),
            "vocabulary does not have the form",
        ),
    ],
)
def test_invalid_or_inconsistent_contents_are_rejected(folder, name, change, message):
    rewrite(folder, name, change)
    with pytest.raises(ModelFolderError, match=message):
        henkan.load(folder)


def test_large_vocabularies_of_small_models_can_be_loaded(tmp_path):
    """Few weights for many symbols, symbols that look like JSON values, and a long symbol."""
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


def test_missing_folder_or_model_is_rejected(tmp_path):
    with pytest.raises(ModelFolderError, match="no such folder"):
        henkan.load(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(ModelFolderError, match="is a file, not the folder of a model"):
        henkan.load(tmp_path / "file")
    with pytest.raises(ModelFolderError, match=f"{tmp_path}: is not a model; pass a folder that was written by save"):
        henkan.load(tmp_path)


def test_folder_of_models_names_one(folder):
    with pytest.raises(ModelFolderError, match=f"{folder.parent}: is not a model, but {folder} is; "):
        henkan.load(folder.parent)


def test_model_without_a_manifest_is_damaged(folder):
    (folder / "manifest.json").unlink()
    with pytest.raises(ModelFolderError, match=r"manifest\.json cannot be read"):
        henkan.load(folder)


def test_saving_never_deletes_other_files(trained, folder):
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ModelFolderError, match=r"has other files \(notes\.txt\)"):
        trained.save(folder, force=True)
    assert (folder / "notes.txt").read_text() == "mine"
    (folder.parent / "file").touch()
    with pytest.raises(ModelFolderError, match="a file with this name exists"):
        trained.save(folder.parent / "file", force=True)


def test_folder_of_another_application_is_never_replaced(trained, tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "manifest.json").write_text('{"name": "my web app"}')
    (tmp_path / "app" / "README.md").write_text("mine")
    with pytest.raises(ModelFolderError, match="has other files"):
        trained.save(tmp_path / "app", force=True)
    assert (tmp_path / "app" / "README.md").read_text() == "mine"


def test_destination_path_is_resolved_before_it_is_checked(trained, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("mine")
    with pytest.raises(ModelFolderError, match=r"has other files \(thesis\.txt\)"):
        trained.save(tmp_path / "thesis" / "new" / "..", force=True)
    assert (tmp_path / "thesis" / "thesis.txt").read_text() == "mine"


def test_model_can_be_saved_to_the_working_folder(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained.save(".")
    trained.save(".", force=True)
    assert henkan.load(".").predict(["a"]) == ["A"]


class Killed(BaseException):
    """Simulates SIGKILL: no handler catches it."""


@pytest.fixture
def other(words):
    """A model with other predictions than `trained`."""
    return henkan.Seq2Seq(epochs=1, hidden_size=8).fit(*words)


@pytest.mark.parametrize("renames", range(14))
def test_writer_killed_at_any_rename_leaves_the_old_or_the_new_model(trained, other, folder, monkeypatch, renames):
    replaced, names = Path.replace, []

    def replace_or_kill(self, target):
        names.append(target)
        if len(names) > renames:
            raise Killed
        return replaced(self, target)

    (folder / "learning_curve.png").write_bytes(b"old")
    predictions = [model.predict(["ab"]) for model in (trained, other)]
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace_or_kill)
        patched.setattr(shutil, "rmtree", lambda *_, **__: None)
        try:
            other.save(folder, force=True)
            was_killed = False
        except Killed:
            was_killed = True
    # Each of six files is renamed after it is written and again when it is moved to the model folder.
    assert was_killed == (renames < 12)
    assert henkan.load(folder).predict(["ab"]) == predictions[renames >= 6]
    trained.save(folder, force=True)
    assert henkan.load(folder).predict(["ab"]) == predictions[0]
    assert {path.name for path in folder.iterdir()} == set(atomic_folder.WRITTEN) - {
        "learning_curve.png",
        "lexicon.jsonl",
    }


def test_reader_during_replacement_gets_the_old_or_the_new_model(trained, other, folder):
    predictions = [model.predict(["ab"]) for model in (trained, other)]
    done = threading.Event()

    def write():
        for number in range(30):
            (trained, other)[number % 2].save(folder, force=True)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set() or not reads:
        assert henkan.load(folder).predict(["ab"]) in predictions
        reads += 1
    writer.join()


@pytest.mark.parametrize("renames", range(9))
@pytest.mark.parametrize("place", ["last", "remove"])
def test_change_of_the_lexicon_that_is_killed_leaves_the_old_or_the_new_one(folder, monkeypatch, renames, place):
    """It writes card, manifest and lexicon; without a lexicon, the first two."""
    replaced, names = Path.replace, []

    def replace_or_kill(self, target):
        if self.name == "holder.json.part":  # of the lock
            return replaced(self, target)
        names.append(target)
        if len(names) > renames:
            raise Killed
        return replaced(self, target)

    change_lexicon(folder, lambda _: SavedLexicon.of([("ab", "old")]))
    (folder / "learning_curve.png").write_bytes(b"picture")
    new = SavedLexicon.of([("ab", "new"), ("c", "3")]) if place == "last" else None
    files = 2 if new is None else 3
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace_or_kill)
        patched.setattr(shutil, "rmtree", lambda *_, **__: None)
        with suppress(Killed):
            change_lexicon(folder, lambda _: new)
    after = ["AB", "C"] if new is None else ["new", "3"]
    assert henkan.load(folder).predict(["ab", "c"]) == (after if renames >= files else ["old", "C"])
    change_lexicon(folder, lambda _: SavedLexicon.of([("ab", "again")]))
    assert henkan.load(folder).predict(["ab", "c"]) == ["again", "C"]
    assert (folder / "learning_curve.png").read_bytes() == b"picture"
    assert {path.name for path in folder.iterdir()} == set(atomic_folder.WRITTEN)


def test_reader_during_a_change_of_the_lexicon_sees_the_old_or_the_new_one(folder):
    done = threading.Event()

    def write():
        for number in range(40):
            change_lexicon(folder, lambda _: SavedLexicon.of([("ab", "x" * number)]) if number % 3 else None)  # noqa: B023
        done.set()

    writer, lengths = threading.Thread(target=write), set()
    writer.start()
    while not done.is_set() or not lengths:
        lengths.add(henkan.load(folder).predict(["ab"])[0])
    writer.join()
    assert lengths <= {"AB", *("x" * number for number in range(40))}


def test_model_saved_over_one_with_a_lexicon_has_its_own(trained, folder):
    change_lexicon(folder, lambda _: SavedLexicon.of([("ab", "old")]))
    with_lexicon = henkan.load(folder)
    trained.save(folder, force=True)
    assert henkan.load(folder).predict(["ab"]) == ["AB"]
    assert not (folder / "lexicon.jsonl").exists()
    with_lexicon.save(folder, force=True)
    assert henkan.load(folder).predict(["ab"]) == ["old"]


def test_lexicon_is_not_added_to_another_model(trained, other, folder):
    """A program may save a model at any time, without the lock."""

    def change(_):
        other.save(folder, force=True)
        return SavedLexicon.of([("ab", "old")])

    with pytest.raises(ModelFolderError, match="another process has replaced this model; try again"):
        change_lexicon(folder, change)
    assert henkan.load(folder).predict(["ab"]) == other.predict(["ab"]) != trained.predict(["ab"])
    assert not list(folder.glob(".*"))


def test_card_says_how_many_entries_there_are_and_keeps_what_a_user_wrote(folder):
    def change(*pairs):
        change_lexicon(folder, lambda _: SavedLexicon.of(pairs))
        return (folder / "README.md").read_text()

    plain = (folder / "README.md").read_text()
    (folder / "README.md").write_text(plain + "\nmine\n")
    card = change(("ab", "1"))
    assert card.count("`lexicon.jsonl` has 1 entry, each a source with a target.") == 1
    card = change(("ab", "1"), ("ab", "2"))
    assert card.count("## Lexicon") == card.count("`lexicon.jsonl` has 2 entries") == 1
    assert change() == plain + "\nmine\n"
    henkan.load(folder).save(folder, force=True)
    for text in (b"mine", b"\xff"):
        (folder / "README.md").write_bytes(text)
        change_lexicon(folder, lambda _, text=text: SavedLexicon.of([("ab", str(text))]))
        assert (folder / "README.md").read_bytes() == text
    (folder / "README.md").unlink()
    change_lexicon(folder, lambda _: None)
    assert not (folder / "README.md").exists()


def test_lexicon_that_cannot_be_written_leaves_the_old_one(folder, monkeypatch):
    def full(self, content):  # noqa: ARG001
        raise OSError(28, "No space left on device")

    change_lexicon(folder, lambda _: SavedLexicon.of([("ab", "old")]))
    monkeypatch.setattr(atomic_folder, "write_file", full)
    with pytest.raises(ModelFolderError, match=r"the lexicon cannot be saved .*No space left .*files are unchanged"):
        change_lexicon(folder, lambda _: None)
    assert henkan.load(folder).predict(["ab"]) == ["old"]
    assert "checkpoint" not in os.listdir(folder)


def test_non_finite_weights_are_not_saved(words, tmp_path):
    model = henkan.Seq2Seq(epochs=1).fit(*words)
    model._fitted.converter.model.parameters.vector[3] = np.nan
    with pytest.raises(ModelFolderError, match="not finite"):
        model.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_saving_to_an_empty_or_new_folder(trained, tmp_path):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "a" / "b"):
        trained.save(path)
        assert henkan.load(path).predict(["a"]) == ["A"]


def test_failed_save_leaves_the_old_model_intact(trained, folder, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    before = (folder / "weights.safetensors").read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelFolderError, match=r"cannot be saved .*No space left on device"):
        trained.save(folder, force=True)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert (folder / "weights.safetensors").read_bytes() == before
    assert henkan.load(folder).predict(["a"]) == ["A"]


def test_model_folder_can_be_moved(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "elsewhere" / "other")
    assert henkan.load(tmp_path / "elsewhere" / "other").predict(["ab"]) == ["AB"]
