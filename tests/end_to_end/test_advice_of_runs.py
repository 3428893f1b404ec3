"""The advice about training runs, which are interrupted, damaged, moved and resumed."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from advice_cases import SMALL, WORDS, tsv
from henkan.storage.files import seal, unseal
from henkan.training.checkpoint import Checkpoints
from henkan.training.checkpoint_folder import CheckpointFolder
from lexicon import LEXICON

TRAIN = ("train", "words.tsv", *SMALL.split())


@pytest.fixture
def interrupted(here, workplace):
    """Function that trains in a folder until the first checkpoint; it returns the message."""

    def start(*options, out="m", create=True):
        if create:
            workplace()
        keep = Checkpoints.keep

        def stop(self, progress):
            keep(self, progress)
            signal.raise_signal(signal.SIGINT)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Checkpoints, "keep", stop)
            return here(*TRAIN, "--epochs", 3, "--quiet", *options, "--out", out, status=130).stderr

    return start


def advised(text, option):
    """The option and its value as in the text, which a shell would split like this."""
    return [option, shlex.split(text.partition(f"{option} ")[2])[0].rstrip(",;")]


@pytest.mark.parametrize("out", ["m", "my model"])
def test_interrupted_run_is_resumed_as_advised(here, interrupted, out):
    message = interrupted(out=out)
    assert "; resume with --resume " in message
    refused = here(*TRAIN, "--out", out, status=2).stderr
    assert "resume it with --resume " in refused
    assert "or start over with --force" in refused
    assert advised(refused, "--resume") == advised(message, "--resume") == ["--resume", out]
    here("train", *advised(message, "--resume"))
    interrupted(out=out)
    here(*TRAIN, "--out", out, "--force")
    complete = here("train", "--resume", out).stdout
    assert "to train the model further, use --from " in complete
    here(*TRAIN, *advised(complete, "--from"), "--out", "more")
    nameless = here("train", status=2).stderr
    assert "name a task or a file of pairs, or resume an interrupted training run with --resume DIR" in nameless


def test_failed_checkpoint_is_resumed_as_advised(here, workplace, monkeypatch):
    workplace()
    write = CheckpointFolder.write

    def fail(self, name, content):
        if name == "progress.json" and self.has_progress:
            raise OSError(28, "No space left on device")
        write(self, name, content)

    with monkeypatch.context() as patched:
        patched.setattr(CheckpointFolder, "write", fail)
        message = here(*TRAIN, "--epochs", 3, "--quiet", "--out", "m", status=2).stderr
    assert "check permissions and free disk space, then resume with --resume m" in message
    here("train", *advised(message, "--resume"))


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        (lambda plan: plan | {"format_version": 2}, "or start over with --force instead of --resume"),
        (lambda plan: plan | {"options": 3}, "start over with --force instead of --resume"),
    ],
)
def test_unusable_checkpoint_is_replaced_as_advised(here, interrupted, change, advice):
    interrupted()
    plan = Path("m/checkpoint/plan.json")
    plan.write_bytes(seal(change(unseal(plan.read_bytes(), Path("m"), "plan.json"))))
    assert advice in here("train", "--resume", "m", status=2).stderr
    here(*TRAIN, "--out", "m", "--force")


def test_changed_pairs_and_settings_are_restored_as_advised(here, interrupted):
    interrupted()
    resume = ("train", "--resume", "m")
    message = here(*resume, "--hidden-size", 8, status=2).stderr
    assert "omit the option to keep the earlier value, or start a new run with another --out" in message
    message = here(*resume, "--seed", 9, status=2).stderr
    assert "the seed differs from that of the interrupted run; omit the option" in message
    for dev in ("words.tsv", "none"):
        assert "the interrupted run has another validation set; omit" in here(*resume, "--dev", dev, status=2).stderr
    message = here(*resume, "--unlabelled", "words.tsv", status=2).stderr
    assert "the interrupted run has no file of unlabelled sources; omit the option" in message
    Path("words.tsv").write_text(WORDS + "d\tD\n")
    message = here(*resume, status=2).stderr
    assert "give the same data again, or start a new run with another --out" in message
    here(*TRAIN, "--out", "other")
    Path("words.tsv").write_text(WORDS)
    here(*resume)


def test_moved_files_are_named_as_advised(here, interrupted):
    interrupted("--dev", "words.tsv", out="my model")
    Path("words.tsv").rename("moved.tsv")
    command = re.search("`henkan (.*)`", here("train", "--resume", "my model", status=2).stderr)[1]
    assert command == "train NEW_PATH --resume 'my model'"
    message = here(*shlex.split(command.replace("NEW_PATH", "moved.tsv")), status=2).stderr
    command = re.search("`henkan (.*)`", message)[1]
    assert command == "train --resume 'my model' --dev NEW_PATH"
    here(*shlex.split(command.replace("NEW_PATH", "moved.tsv").replace("train ", "train moved.tsv ")))


@pytest.mark.parametrize(
    ("option", "value"), [("--out", ["other"]), ("--force", []), ("--from", ["model"]), ("--recipe", ["words"])]
)
def test_options_that_a_resumed_run_refuses_are_omitted(here, interrupted, option, value):
    interrupted()
    message = here("train", "--resume", "m", option, *value, status=2).stderr
    assert f"{option} cannot be combined with --resume, which keeps the settings of the run" in message
    here("train", "--resume", "m")


def test_resumed_run_is_not_told_to_change_its_folder_or_pairs(here, interrupted):
    """What would be wrong: another --out is refused, and --strip or --source-case would change the pairs."""
    interrupted()
    Path("words.tsv").write_text(WORDS.replace("a\t", "a \t"))
    interrupted(out="padded", create=False)
    assert "8 pairs; " in (text := here("train", "--resume", "padded").stderr)
    assert not re.search("^(warning|note|hint): ", text, re.MULTILINE)

    Path("words.tsv").write_text(WORDS)
    Path("m/checkpoint/notes.txt").write_text("")
    message = here("train", "--resume", "m", status=2).stderr
    assert "move other files out of it, check its permissions, and resume again" in message
    Path("m/checkpoint/notes.txt").rename("notes.txt")
    with CheckpointFolder(Path("m")).held():
        assert here("train", "--resume", "m", status=2).stderr.rstrip().endswith("; wait until it ends")
    Path("one.tsv").write_text("a\tA\n")
    assert "give the same pairs again" in here("train", "one.tsv", "--resume", "m", status=2).stderr
    message = here("train", "--resume", "m", "--tag-separator", ";", status=2).stderr
    assert "omit the option to keep the earlier value" in message
    here("train", "words.tsv", "--resume", "m")


def test_folder_in_use_is_avoided_as_advised(here, workplace):
    workplace()
    with CheckpointFolder(Path("m")).held():
        message = here(*TRAIN, "--out", "m", status=2).stderr
        assert "wait until it ends, or choose another --out" in message
        here(*TRAIN, "--out", "other")
    here(*TRAIN, "--out", "m")


def test_folder_without_a_run_or_model(here, workplace, interrupted):
    workplace()
    Path("empty").mkdir()
    assert (
        "give the output folder of an interrupted training run" in here("train", "--resume", "empty", status=2).stderr
    )
    message = here("predict", "empty", "ab", status=2).stderr
    assert "give a folder written by `henkan train`" in message
    here(*TRAIN, "--out", "trained")
    here("predict", "trained", "ab")
    interrupted(create=False)
    message = here("predict", "m", "ab", status=2).stderr
    assert "m: the training run in this folder is incomplete; resume it with `henkan train --resume m`" in message
    here("train", "--resume", "m")
    here("predict", "m", "ab")


def test_a_model_that_is_read_is_not_replaced(here, workplace):
    workplace()
    here(*TRAIN, "--out", "other")
    before = Path("model/weights.safetensors").read_bytes()
    for command in (("distil", "model", "--data", "words.tsv", "--epochs", 1), ("combine", "model", "other")):
        message = here(*command, "--force", "--out", "./model", status=2).stderr
        assert "this model is read by the command, so it cannot be replaced; choose another --out" in message
    assert Path("model/weights.safetensors").read_bytes() == before


def test_missing_file_is_reported_before_its_model(here, workplace):
    """`--force` would not help, although a model of this name exists."""
    folder = workplace()
    (folder / "models").mkdir()
    (folder / "model").rename(folder / "models/missing")
    assert "there is no task or file 'missing.csv'" in here("train", "missing.csv", status=2).stderr


def test_a_model_to_start_from_keeps_its_symbols(here, workplace):
    """Advice on how to split or normalize the pairs would be refused."""
    workplace()
    Path("mixed.tsv").write_text(WORDS + "e\u0301\tA\n\u00e9\tA\n")
    done = here("train", "mixed.tsv", "--from", "model", "--epochs", 1, "--out", "more")
    assert "the sources mix composed and decomposed characters" in done.stderr
    assert not re.search("^(warning|hint): .*--", done.stderr, re.MULTILINE)
    message = here("train", "mixed.tsv", "--from", "model", "--source-case", "lower", status=2).stderr
    assert "which cannot be changed to 'lower'; omit this option" in message


def test_padded_strings_are_not_told_to_have_other_symbols(here, workplace):
    workplace()
    Path("lexicon.tsv").write_text(tsv(LEXICON))
    book = ("train", "lexicon.tsv", *SMALL.split(), "--recipe", "book", "--out", "m")
    assert "requires characters as symbols" in here(*book, "--target-symbols", " ", status=2).stderr
    warned = here(*book).stderr
    assert "the targets have symbols separated by spaces, but are split into characters" in warned
    assert "--target-symbols" not in warned


def test_printed_commands_run(here, workplace):
    workplace()
    text = here(*TRAIN, "--out", "my model").stdout
    command = shlex.split(text.rpartition("try it:  ")[2])
    assert command[-3:] == ["predict", "my model", "aa"]
    here(*command[-3:])


@pytest.mark.parametrize("data", ["./dates", "task:dates"])
def test_ambiguous_names_are_written_as_advised(here, workplace, data, monkeypatch):
    monkeypatch.setattr("henkan.cli.evaluate.task_pairs", lambda task, _: task.generate(seed=0).take(range(9)))
    workplace()
    Path("dates").write_text(WORDS)
    message = here("evaluate", "model", "dates", status=2).stderr
    assert f"give {data} for the" in message.replace(" or ", " give ")
    here("evaluate", "model", data)


def test_damaged_model_is_restored_or_trained_again(here, workplace):
    workplace()
    weights = Path("model/weights.safetensors")
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + b"?")
    message = here("predict", "model", "ab", status=2).stderr
    assert "restore the file from a backup, or train the model again" in message
    here(*TRAIN, "--out", "model", "--force")
    here("predict", "model", "ab")


def test_torchrun_needs_its_engine(here, workplace):
    """In another process, because one that torchrun has started must exit at once."""
    workplace()
    command = [sys.executable, "-m", "henkan", *TRAIN, "--engine", "numpy"]
    environment = {**os.environ, "TORCHELASTIC_RUN_ID": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert "omit --engine numpy, or run henkan without torchrun" in done.stderr
    here(*TRAIN, "--engine", "numpy")
