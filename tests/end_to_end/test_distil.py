"""`henkan distil`, and `henkan train --unlabelled`."""

import itertools
import json

import pytest

import henkan
from henkan.errors import Interrupted
from henkan.training.checkpoint import Checkpoints

SMALL = ("--recipe", "modern", "--epochs", "2", "--hidden-size", "8", "--embedding-size", "4", "--dev", "none")


@pytest.fixture
def place(tmp_path, monkeypatch, trained):
    """A folder with pairs, more sources, and a model that knows both."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs.tsv").write_text("abc\tABC\ncab\tCAB\nbca\tBCA\n")
    (tmp_path / "more.txt").write_text("ab\naab\n\nbab\nabc\n")
    trained.save("teacher")
    return tmp_path


def labelled(folder):
    return json.loads((folder / "metrics.json").read_text())["labelled"]


def test_distilled_model_is_trained_on_the_pairs_and_labelled_sources(place, here):
    done = here("distil", "teacher", "--data", "pairs.tsv", "--unlabelled", "more.txt", "--out", "student", *SMALL)
    assert "predicting the targets of 4 unlabelled sources ..." in done.stderr
    assert labelled(place / "student") == 3  # the fourth is the source of a pair
    assert len(henkan.load("student").predict(["ab"])) == 1


def test_sources_are_generated_without_a_file(place, here):
    here("distil", "teacher", "--data", "pairs.tsv", "--out", "student", *SMALL)
    assert labelled(place / "student") > 0


def test_self_training(place, here):
    done = here("train", "pairs.tsv", "--unlabelled", "more.txt", "--out", "model", *SMALL)
    assert done.stderr.count("3 training pairs, no validation pairs") == 5  # four models that label, and the final one
    assert "labelled" in (place / "model" / "metrics.json").read_text()


def test_strings_are_split_as_in_the_teacher(place, here):
    from henkan import Seq2Seq

    Seq2Seq(recipe="modern", epochs=1, target_symbols=" ", source_case="lower").fit(["ab"], ["A B"]).save("phones")
    (place / "phones.tsv").write_text("ab\tA B\nba\tB A\n")
    here("distil", "phones", "--data", "phones.tsv", "--unlabelled", "more.txt", "--out", "student", *SMALL)
    config = henkan.load("student")._fitted.saved.first.model
    assert (config.target_symbols, config.source_case) == (" ", "lower")


def interrupted(here, event, *arguments):
    """Interrupt a command after an update or epoch."""
    count = itertools.count(1)

    def after(self, _, progress):
        if next(count) == event:
            self.keep(progress())
            raise Interrupted("stopped", 2)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Checkpoints, "after", after)
        here(*arguments, status=130)


@pytest.mark.parametrize("event", [6, 18])
def test_self_training_is_resumed_in_either_part(place, here, event):
    """Four models, which label, have four events each."""
    arguments = ("train", "pairs.tsv", "--unlabelled", "more.txt", *SMALL)
    here(*arguments, "--out", "whole")
    interrupted(here, event, *arguments, "--out", "resumed")
    (place / "more.txt").rename(place / "moved.txt")
    done = here("train", "--resume", "resumed", status=2)
    assert "resume with `henkan train --resume resumed --unlabelled NEW_PATH`" in done.stderr
    here("train", "--resume", "resumed", "--unlabelled", "moved.txt")
    weights = [(place / name / "weights.safetensors").read_bytes() for name in ("whole", "resumed")]
    assert weights[0] == weights[1]


def test_resumed_distillation_needs_neither_the_teacher_nor_new_labels(place, here):
    arguments = ("distil", "teacher", "--data", "pairs.tsv", "--unlabelled", "more.txt")
    here(*arguments, "--out", "whole", *SMALL)
    interrupted(here, 1, *arguments, "--out", "resumed", *SMALL)
    (place / "teacher").rename(place / "elsewhere")
    here("train", "--resume", "resumed")
    weights = [(place / name / "weights.safetensors").read_bytes() for name in ("whole", "resumed")]
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--unlabelled", "missing.txt"], "missing.txt: cannot be read (No such file or directory)"),
        (["--unlabelled", "."], "is a folder; give a file with one source per line"),
        (["--unlabelled", "empty.txt"], "the file has no sources; expected one source per line"),
        (["--unlabelled", "known.txt"], "none of the unlabelled sources can be used"),
        (["--columns", "source,target,features"], "this model was trained without feature tags"),
    ],
)
def test_bad_input(place, here, arguments, message):
    (place / "empty.txt").write_text("\n \n")
    (place / "known.txt").write_text("abc\ncab\n")
    done = here("distil", "teacher", "--data", "pairs.tsv", "--out", "student", *SMALL, *arguments, status=2)
    assert message in done.stderr
    assert not (place / "student").exists()
