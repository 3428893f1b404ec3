"""`henkan tune` from the command line."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from itertools import product
from types import SimpleNamespace

import pytest

from commands import checked, run_here
from henkan.selection.tuning.study import Study
from henkan.selection.tuning.tuning import TuningResult

needs_optuna = pytest.mark.workbench

WORDS = ["".join(letters) for letters in product("abcdef", repeat=3)]
TINY = (
    *("--hidden-size", 16, "--embedding-size", 16, "--epochs", 2, "--batch-size", 8, "--learning-rate", 0.02),
    *("--dropout", 0, "--embedding-dropout", 0, "--augment", 0, "--jobs", 1),
)
"""Settings with which a model learns most of the pairs, but with most seeds not all."""


def write(folder):
    """Write pairs and a validation set."""
    rows = [f"{word}\t{word.upper()}\n" for word in WORDS]
    (folder / "words.tsv").write_text("".join(rows[row] for row in range(len(rows)) if row % 6))
    (folder / "dev.tsv").write_text("".join(rows[::6]))


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A folder in which a search was made, and what the command printed."""
    pytest.importorskip("optuna")
    folder = tmp_path_factory.mktemp("tuned")
    write(folder)
    done = checked(run_here, folder)("tune", "words.tsv", "--dev", "dev.tsv", *TINY, "--trials", 4, "--json")
    return folder, json.loads(done.stdout), done.stderr


@needs_optuna
def test_model_is_what_the_report_says(tuned, henkan):
    folder, result, _ = tuned
    assert result["folder"] == "models/words"
    evaluated = json.loads(henkan("evaluate", "models/words", "dev.tsv", "--json", cwd=folder).stdout)
    assert evaluated["exact_match"] == result["exact_match"]
    kept = "defaults" if result["defaults_kept"] else "candidate"
    matches = {run["seed"]: run["exact_match"] for run in result["runs"] if run["settings"] == kept}
    assert sorted(matches) == [0, 1, 2]
    assert min(matches.values()) > 0.2
    assert matches[result["seed"]] == max(matches.values()) == result["exact_match"]
    mean = sum(matches.values()) / 3
    assert result["comparison"][kept]["mean"] == pytest.approx(mean)
    assert result["defaults_kept"] == (result["comparison"]["gain"] <= 0)


@needs_optuna
def test_command_of_the_report_trains_the_same_model(tuned, henkan):
    folder, result, _ = tuned
    program, *arguments = shlex.split(result["command"])
    assert program == "henkan"
    henkan(*arguments, cwd=folder)
    for name in ("weights.safetensors", "config.json", "vocabulary.json"):
        first, again = (folder / each / name for each in ("models/words", "models/words-again"))
        assert first.read_bytes() == again.read_bytes()


@needs_optuna
def test_given_settings_are_not_searched(tuned):
    _, result, printed = tuned
    assert "settings to search: recipe, layers, target reverse, label smoothing, weight decay\n" in printed
    given = {"hidden_size", "embedding_size", "epochs", "batch_size", "learning_rate", "dropout", "updates"}
    assert not given & {each["setting"] for each in result["effects"]}
    assert not given & result["settings"].keys()


@needs_optuna
def test_progress_shows_each_trial(tuned):
    _, result, printed = tuned
    assert sum(result["trials"].values()) == 4
    assert printed.count("\ntrial ") == 4
    assert "trial 4" in printed
    assert "trials: 4 done, 0 pruned, 0 failed" in printed
    assert printed.index("training the best candidates again") < printed.index("comparing the best settings")


@needs_optuna
def test_complete_search_is_reported_again(tuned, henkan):
    folder, result, _ = tuned
    done = henkan("tune", "words.tsv", "--dev", "dev.tsv", *TINY, "--trials", 4, "--json", cwd=folder)
    assert json.loads(done.stdout) == result
    assert "this search is complete; start over with --force" in done.stderr
    text = henkan("tune", "--resume", folder / "models/words", "--quiet").stdout
    assert f"the same model, in {folder}:  {result['command']}" in text
    assert "exact match, mean of 3 seeds, and standard deviation:" in text
    gain = result["comparison"]["gain"]
    assert f"difference: {100 * gain:+.2f} points, 95 % interval" in text
    assert "estimated effect of each setting" in text
    assert ("the settings were chosen on this validation set" in text) == (not result["defaults_kept"])


@needs_optuna
def test_folder_keeps_one_search(tuned, refused, henkan, tmp_path):
    folder, _, _ = tuned
    command = ("tune", "words.tsv", "--dev", "dev.tsv", "--out", "models/words", "--quiet")
    arguments = (*command[:4], *TINY, *command[4:])
    advice = "; resume it with --resume models/words, or start another search with another --out"
    started = "models/words: the search in this folder was started"
    assert f"{started} without layers{advice}" in refused(*arguments, "--layers", 2, cwd=folder)
    assert f"{started} with batch size 8{advice}" in refused(*command, *TINY[:6], *TINY[8:], cwd=folder)
    assert f"{started} with epochs 2{advice}" in refused(*arguments, "--epochs", 3, cwd=folder)
    assert f"{started} with another seed{advice}" in refused(*arguments, "--seed", 5, cwd=folder)
    write(tmp_path)
    (tmp_path / "words.tsv").write_text("ab\tAB\nba\tBA\n" * 5)
    changed = "the pairs of the search in this folder differ; give the same data again"
    assert changed in refused(*arguments[:4], *TINY, "--out", folder / "models/words", "--quiet")
    henkan("train", "words.tsv", *TINY[:-2], "--out", "trained", "--quiet")
    message = refused("tune", "words.tsv", "--out", "trained", "--quiet")
    assert message.endswith("already has a model; replace it with --force, or choose another --out")


@needs_optuna
def test_few_pairs_without_validation_set_are_cross_validated(henkan, tmp_path):
    write(tmp_path)
    done = henkan("tune", "words.tsv", *TINY, "--trials", 2, "--json", "--out", "m")
    assert "few pairs: cross-validation with 5 folds" in done.stderr
    result = json.loads(done.stdout)
    assert result["folds"] == 5
    assert result["seed"] == 0  # other seeds hold out another tenth
    again = shlex.split(result["command"])
    assert "--dev" not in again
    henkan(*again[1:])
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("m", "m-again")]
    assert weights[0] == weights[1]


@needs_optuna
def test_without_time_for_other_settings_the_defaults_are_kept(henkan, tmp_path):
    write(tmp_path)
    done = henkan("tune", "words.tsv", "--dev", "dev.tsv", *TINY, "--trials", 1, "--minutes", 60, "--out", "m")
    assert re.search(r"trial 1: exact match .* 0 failed, 59:\d\d left\n", done.stderr)
    assert "trials: 1 complete, 0 pruned, 0 failed" in done.stdout
    assert "no model with other settings could be trained and compared, so the defaults are kept" in done.stdout
    assert "model with seed 0 saved in m; exact match " in done.stdout


@needs_optuna
def test_killed_search_is_resumed(henkan, tmp_path):
    write(tmp_path)
    arguments = ["tune", "words.tsv", "--dev", "dev.tsv", *map(str, TINY), "--trials", "4", "--out", "m"]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "henkan", *arguments]
    first = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    for line in first.stderr:
        if line.startswith("trial 2"):
            break
    first.send_signal(signal.SIGKILL)
    first.communicate()
    workers_end(tmp_path)
    done = henkan("tune", "--resume", "m", "--json")
    assert "resuming a search with " in done.stderr
    result = json.loads(done.stdout)
    assert sum(result["trials"].values()) == 4
    assert "\ntrial 1: " not in done.stderr  # it is not run again
    assert (tmp_path / "m" / "weights.safetensors").exists()


def workers_end(folder):
    """Wait until no process has this working directory."""
    for _ in range(600):
        busy = 0
        for process in os.listdir("/proc"):
            try:
                busy += process.isdecimal() and os.readlink(f"/proc/{process}/cwd") == str(folder)
            except OSError:
                continue
        if not busy:
            return
        time.sleep(0.1)
    raise AssertionError("processes of the search are still running")


@needs_optuna
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_search_says_how_to_resume(henkan, tmp_path, number, monkeypatch):
    write(tmp_path)
    complete = Study.complete

    def interrupted(self, key, measured):
        complete(self, key, measured)
        signal.raise_signal(number)

    arguments = ("tune", "words.tsv", "--dev", "dev.tsv", *TINY, "--trials", 2, "--out", "m")
    with monkeypatch.context() as patched:
        patched.setattr(Study, "complete", interrupted)
        message = henkan(*arguments, status=128 + number).stderr
    assert message.endswith("henkan: the search was interrupted; run the same command again to resume\n")
    done = henkan(*arguments)
    assert "resuming a search with 1 trial" in done.stderr
    assert "trials: 2 done" in done.stderr


@needs_optuna
def test_defaults_that_cannot_be_trained_are_an_error(refused, tmp_path):
    (tmp_path / "x.tsv").write_text("a\tb\n" * 30)
    message = refused("tune", "x.tsv", *TINY, "--trials", 2, "--quiet")
    assert message == "henkan: 1 distinct source is too few for 5 folds; give more pairs"
    assert not (tmp_path / "models").exists()


def test_without_optuna_the_error_names_the_extra(refused, tmp_path, monkeypatch):
    write(tmp_path)
    monkeypatch.setitem(sys.modules, "optuna", None)
    message = refused("tune", "words.tsv")
    assert message.endswith("needs Optuna, which is not installed; pip install 'henkan[tune]'")
    assert not (tmp_path / "models").exists()


def test_usage_errors(henkan, refused, tmp_path):
    write(tmp_path)
    assert (
        "name a task or a file of pairs, or resume an interrupted search with --resume DIR"
        in henkan("tune", status=2).stderr
    )
    assert "is not in the range" in henkan("tune", "words.tsv", "--jobs", 0, status=2).stderr
    assert "is not in the range" in henkan("tune", "words.tsv", "--minutes", 0, status=2).stderr
    assert "'two' is not a valid number" in henkan("tune", "words.tsv", "--minutes", "two", status=2).stderr
    assert "none.tsv: cannot be read" in refused("tune", "words.tsv", "--dev", "none.tsv")
    for option, value in {"--hidden-size": [5], "--out": ["m"], "--force": []}.items():
        message = henkan("tune", "--resume", "m", option, *value, status=2).stderr
        assert f"{option} cannot be combined with --resume, which keeps the data and settings of the search" in message
    assert "there is no task or file 'missing.tsv'" in refused("tune", "missing.tsv")


def test_help_has_examples_and_all_settings(henkan):
    text = henkan("tune", "--help").stdout
    for part in (
        "henkan tune names.tsv --dev names.dev.tsv",
        "--minutes M",
        "--trials N",
        "--hidden-size N",
        "Recipes:",
    ):
        assert part in text
    assert "Search for the settings that suit your pairs." in henkan("--help").stdout


QUICK = ("tune", "words.tsv", "--dev", "dev.tsv", *TINY, "--trials", 1, "--quiet")


@needs_optuna
def test_model_of_another_command_is_not_replaced(henkan, refused, tmp_path):
    write(tmp_path)
    henkan(*QUICK)
    for name in ("result.json", "model.json"):  # as if it was interrupted before the end
        (tmp_path / "models/words/tuning" / name).unlink()
    for path in (tmp_path / "models/words").iterdir():
        if path.is_file():
            path.unlink()
    henkan("train", "words.tsv", *TINY[:-2], "--quiet")
    before = (tmp_path / "models/words/weights.safetensors").read_bytes()
    message = refused(*QUICK)
    assert message.endswith(
        "models/words: the folder has a model; move the files of the model, not the subfolder tuning, to another "
        "folder, and run the same command again"
    )
    assert (tmp_path / "models/words/weights.safetensors").read_bytes() == before
    henkan(*QUICK, "--force")


@needs_optuna
def test_complete_search_whose_model_was_replaced_says_so(henkan, tmp_path):
    write(tmp_path)
    first = henkan(*QUICK).stdout
    assert "model with seed 0 saved in models/words; exact match" in first
    henkan("train", "words.tsv", *TINY[:-2], "--seed", 8, "--quiet", "--force")
    again = henkan(*QUICK).stdout
    assert again == first.replace("saved in", "no longer in")
    assert "the same model:  henkan train words.tsv" in again


@needs_optuna
def test_command_of_a_search_in_another_folder_names_the_folder(henkan, tmp_path):
    write(tmp_path)
    henkan(*QUICK)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "words.tsv").mkdir()
    text = henkan("tune", "--resume", "../models/words", cwd=tmp_path / "elsewhere").stdout
    assert f"the same model, in {tmp_path}:  henkan train words.tsv --dev dev.tsv" in text


@needs_optuna
def test_more_updates_are_found_with_early_stopping_too(henkan, tmp_path, monkeypatch):
    """The number of epochs of the printed command is computed without a validation set, which patience needs."""
    write(tmp_path)
    settings = ("--hidden-size", 4, "--embedding-size", 4, "--batch-size", 64, "--augment", 0, "--jobs", 1)
    early = ("--schedule", "constant", "--patience", 1, "--recipe", "words")

    def found(space, *_args, **_options):
        point = {**space.default, "updates": space.values["updates"][0]}
        return TuningResult(point, point, None, 0, [], [])

    monkeypatch.setattr("henkan.cli.tune_run.Tuning", lambda space, *_args, **_more: FakeTuning(space, found(space)))
    done = henkan("tune", "words.tsv", "--dev", "dev.tsv", *settings, *early, "--json")
    assert json.loads(done.stdout)["settings"]["epochs"] == 200  # the most of a recipe


class FakeTuning:
    """Stands for a search that has found something."""

    records = ()

    def __init__(self, space, found):
        self.space, self.found = space, found
        self.examples = SimpleNamespace(folds=0)
        self.budget = SimpleNamespace(seconds=1.0)

    def run(self):
        return self.found
