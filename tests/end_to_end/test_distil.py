"""`henkan distil`, and `henkan train --unlabelled`."""

import itertools
import json
import re

import pytest

import henkan
from henkan.errors import Interrupted
from henkan.training.checkpoint import Checkpoints

SIZES = ("--hidden-size", "16", "--embedding-size", "8", "--batch-size", "8")
SMALL = ("--recipe", "modern", "--epochs", "20", *SIZES, "--dev", "none")


@pytest.fixture
def place(tmp_path, monkeypatch, trained, words):
    """A folder with pairs, more sources, and a model that knows both."""
    monkeypatch.chdir(tmp_path)
    pairs = [pair for pair in zip(*words, strict=True) if pair[0] not in ("ab", "aab", "bab")]
    (tmp_path / "pairs.tsv").write_text("".join(f"{source}\t{target}\n" for source, target in pairs))
    (tmp_path / "more.txt").write_text("ab\naab\n\nbab\nabc\n")
    trained.save("teacher")
    return tmp_path


def labelled(folder):
    return json.loads((folder / "metrics.json").read_text())["labelled"]


def test_distilled_model_is_trained_on_the_pairs_and_labelled_sources(place, here):
    done = here("distil", "teacher", "--data", "pairs.tsv", "--unlabelled", "more.txt", "--out", "student", *SMALL)
    assert "note: some unlabelled sources are not used: 1 repeated or of pairs\n" in done.stderr
    assert "predicting the targets of 3 unlabelled sources ..." in done.stderr
    assert labelled(place / "student") == 3  # the fourth is the source of a pair
    assert len(henkan.load("student").predict(["ab"])) == 1


def test_sources_are_generated_without_a_file(place, here):
    (place / "few.tsv").write_text("abc\tABC\ncab\tCAB\nbca\tBCA\n")
    here("distil", "teacher", "--data", "few.tsv", "--out", "student", *SMALL)
    assert labelled(place / "student") > 0


def test_self_training(place, here):
    done = here("train", "pairs.tsv", "--unlabelled", "more.txt", "--out", "model", *SMALL)
    assert "first, 4 models are trained that predict the targets of unlabelled sources\n" in done.stderr
    assert done.stderr.count("36 training pairs, no validation pairs") == 4
    assert (
        len(re.findall("this model will take about [0-9]+ s; training will end in about [0-9]+ s\n", done.stderr)) == 4
    )
    assert re.search(r"([1-4]) of \d sources have a usable prediction\n", done.stderr)
    assert re.search(r"36 training pairs, [1-4] sources with predicted targets, no validation pairs", done.stderr)
    assert "labelled" in (place / "model" / "metrics.json").read_text()


def test_strings_are_split_as_in_the_teacher(place, here):
    from henkan import Seq2Seq

    sources, targets = ["aa", "ab", "ba", "bab"], ["A A", "A B", "B A", "B A B"]
    teacher = Seq2Seq(recipe="modern", epochs=100, target_symbols=" ", source_case="lower").fit(sources, targets)
    teacher.save("phones")
    (place / "phones.tsv").write_text("ab\tA B\nba\tB A\n")
    (place / "two.txt").write_text("AA\nBAB\n")
    here("distil", "phones", "--data", "phones.tsv", "--unlabelled", "two.txt", "--out", "student", *SMALL)
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


@pytest.mark.parametrize("event", [7, 490])
def test_self_training_is_resumed_in_either_part(place, here, event):
    """Four models, which label, have 120 events each."""
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
        (
            ["--unlabelled", "known.txt"],
            "no unlabelled source can be used (2 repeated or of pairs)",
        ),
        (["--columns", "source,target,features"], "this model was trained without feature tags"),
    ],
)
def test_bad_input(place, here, arguments, message):
    (place / "empty.txt").write_text("\n \n")
    (place / "known.txt").write_text("abc\ncab\n")
    done = here("distil", "teacher", "--data", "pairs.tsv", "--out", "student", *SMALL, *arguments, status=2)
    assert message in done.stderr
    assert not (place / "student").exists()
