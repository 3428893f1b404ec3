"""The advice of `henkan tune`, and that of other commands about validation sets for comparisons."""

import re
import sys

import pytest

TINY = ("--hidden-size", 4, "--embedding-size", 4, "--epochs", 1, "--batch-size", 8, "--augment", 0, "--jobs", 1)
QUICK = (*TINY, "--trials", 1, "--quiet")


def test_settings_are_compared_on_a_validation_set(here, workplace):
    workplace()
    message = here("tune", "words.tsv", "--dev", "none", status=2).stderr
    assert "models are compared on a validation set; omit --dev none, or name a file with --dev FILE" in message


def test_search_to_resume_is_started_first(here, workplace):
    workplace()
    message = here("tune", "--resume", "model", status=2).stderr
    assert message.endswith("there is no search to resume; start one with `henkan tune TASK_OR_FILE`\n")


def test_data_or_a_folder_is_named(here, workplace):
    workplace()
    message = here("tune", status=2).stderr
    assert "name a task or a file of pairs, or resume an interrupted search with --resume DIR" in message
    message = here("tune", "words.tsv", "--resume", "m", status=2).stderr
    assert "TASK_OR_FILE cannot be combined with --resume, which keeps the data and settings of the search" in message
    assert message.endswith("; omit one of them\n")


def test_missing_optuna_is_installed(here, workplace, monkeypatch):
    workplace()
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert here("tune", "words.tsv", status=2).stderr.endswith("pip install 'henkan[tune]'\n")


@pytest.mark.workbench
def test_more_pairs_are_given_for_cross_validation(here, workplace):
    pytest.importorskip("optuna")
    place = workplace()
    (place / "few.tsv").write_text("a\tb\n" * 30)
    assert here("tune", "few.tsv", *QUICK, status=2).stderr.endswith("for 5 folds; give more pairs\n")
    here("tune", "words.tsv", *QUICK)


@pytest.mark.workbench
def test_search_with_other_settings_is_resumed_or_another_is_started(here, workplace):
    pytest.importorskip("optuna")
    workplace()
    command = ("tune", "words.tsv", "--dev", "words.tsv", *QUICK)
    printed = here(*command, "--out", "m").stdout
    message = here(*command, "--layers", 2, "--out", "m", status=2).stderr
    assert "without layers; resume it with --resume m, or start another search with another --out" in message
    assert here("tune", "--resume", "m", "--quiet").stdout == printed
    here(*command, "--layers", 2, "--out", "other")


@pytest.mark.workbench
def test_short_search_is_given_more_time(here, workplace):
    pytest.importorskip("optuna")
    place = workplace()
    command = ("tune", "words.tsv", *TINY, "--out", "m", "--quiet")
    message = here(*command, "--minutes", 0.0001, status=2).stderr
    assert re.search(r"a trial takes about \d+ s and a search at least 1 minute; use --minutes 1 or more\n$", message)
    assert not (place / "m").exists()
    here(*command, "--minutes", 1, "--trials", 1)


@pytest.mark.workbench
def test_search_is_compared_printed_and_started_over(here, workplace):
    pytest.importorskip("optuna")
    place = workplace()
    command = ("tune", "words.tsv", "--dev", "words.tsv", *TINY, "--trials", 2, "--out", "m")
    printed = here(*command).stdout
    assert " smaller ones (--json prints all)" in printed
    here(*command, "--json")
    database = place / "m" / "tuning" / "trials.db"
    before = database.stat().st_mtime_ns
    again = here(*command).stderr
    assert "this search is complete; start over with --force" in again
    assert database.stat().st_mtime_ns == before
    here(*command, "--force")
    assert database.stat().st_mtime_ns > before


@pytest.mark.workbench
def test_damaged_files_of_a_search_are_deleted_or_replaced(here, workplace):
    pytest.importorskip("optuna")
    place = workplace()
    command = ("tune", "words.tsv", "--dev", "words.tsv", *QUICK, "--out", "m")
    tuning = place / "m" / "tuning"
    first = here(*command).stdout
    (tuning / "result.json").write_text("{")
    says = "result.json is damaged; delete this file and run the same command again, which trains the model again"
    assert says in here(*command, status=2).stderr
    (tuning / "result.json").unlink()
    assert here(*command).stdout.splitlines()[1:] == first.splitlines()[1:]  # the first has the time
    (tuning / "result.json").unlink()
    (tuning / "trials.db").write_bytes(b"no database")
    says = "and run the same command again, or delete the file to start over\n"
    assert here(*command, status=2).stderr.endswith(says)
    (tuning / "trials.db").unlink()
    here(*command)
    (tuning / "search.json").write_text("{")
    says = "search.json is damaged; start over with the command of the search and --force\n"
    assert here(*command, status=2).stderr.endswith(says)
    assert here("tune", "--resume", "m", status=2).stderr.endswith(says)
    here(*command, "--force")


def test_settings_are_tested_on_other_pairs(here, workplace, monkeypatch):
    """The report advises to compare both models on a test set with `henkan compare`."""
    from henkan.cli.tune_report import show_result

    workplace()
    comparison = {
        **{name: {"mean": 0.5, "deviation": 0.01} for name in ("defaults", "candidate")},
        "gain": 0.1,
        "interval": [0.05, 0.15],
        "verdict": "better",
    }
    result = {
        "trials": {"complete": 1, "pruned": 0, "failed": 0},
        "seconds": 60.0,
        "effects": [],
        "candidate": {},
        "runs": [0] * 6,
        "seed": 0,
        "folder": "m",
        "exact_match": 0.6,
        "command": "henkan train x",
        "working_directory": "/",
        "defaults_kept": False,
        "comparison": comparison,
    }
    shown = []
    with monkeypatch.context() as patched:
        patched.setattr("click.echo", shown.append)
        show_result(result, as_json=False, called_from="/", model_replaced=False)
    assert any(each.endswith("compare both models on a test set with `henkan compare`") for each in shown)
    here("compare", "model", "second-model", "words.tsv")
