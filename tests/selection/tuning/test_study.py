"""Trials that Optuna chooses and stores."""

import sqlite3
import sys
from collections import deque

import pytest

from henkan.errors import SettingsError
from henkan.selection.tuning.study import Study, from_text, import_optuna, to_text
from tuned import measured, space

SPACE = space({})
needs_optuna = pytest.mark.workbench


@pytest.fixture
def study(tmp_path):
    pytest.importorskip("optuna")

    def create(seed=0, jobs=1, warmup=5):
        return Study(tmp_path / "trials.db", SPACE, seed=seed, jobs=jobs, warmup=warmup)

    return create


def test_results_are_stored_without_loss():
    result = measured(0.53)
    assert from_text(to_text(result)) == result


def test_missing_optuna_is_an_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SettingsError, match=r"^the search for settings needs Optuna, .*; pip install 'henkan\[tune\]'"):
        import_optuna()


@needs_optuna
def test_first_trials_are_the_first_points_and_then_optuna_chooses(study):
    asked, first = study(), SPACE.first_points(0)
    for point in first:
        number, found = asked.ask()
        assert found == point
        asked.complete(number, measured(0.5))
    number, chosen = asked.ask()
    assert chosen.keys() == SPACE.values.keys()
    assert all(value in (None, *SPACE.values[name]) for name, value in chosen.items())
    assert [each.state for each in asked.records()] == ["complete"] * len(first) + ["running"]


@needs_optuna
def test_proposals_are_tried_after_the_first_points(study):
    asked, point = study(), {**SPACE.default, "layers": 2}
    for _ in SPACE.first_points(0):
        asked.complete(asked.ask(lambda: point)[0], measured(0.5))
    assert asked.ask(lambda: point)[1] == point


@needs_optuna
def test_same_seed_chooses_the_same_trials(tmp_path, study):
    def points(folder, seed):
        folder.mkdir()
        asked, found = Study(folder / "trials.db", SPACE, seed=seed, jobs=1, warmup=5), []
        for number in range(14):
            key, point = asked.ask()
            found.append(point)
            asked.complete(key, measured((number * 7 % 10) / 10))
        return found

    study()
    first = points(tmp_path / "a", 3)
    assert first == points(tmp_path / "b", 3)
    assert first != points(tmp_path / "c", 4)


@needs_optuna
def test_trials_that_fall_behind_are_pruned_after_the_warmup(study):
    asked = study()
    for value in (0.5, 0.6, 0.7, 0.8):
        number, _ = asked.ask()
        for step in range(1, 11):
            assert not asked.report(number, step, value * step / 10)
        asked.complete(number, measured(value))
    number, _ = asked.ask()
    assert not asked.report(number, 4, 0.0)
    assert asked.report(number, 5, 0.1)
    asked.prune(number)
    number, _ = asked.ask()
    assert not asked.report(number, 5, 0.4)
    assert asked.records()[4].state == "pruned"
    assert asked.records()[4].steps == {4: 0.0, 5: 0.1}


@needs_optuna
def test_search_continues_after_an_interruption(study):
    asked = study()
    done, _ = asked.ask()
    asked.complete(done, measured(0.25))
    failed, _ = asked.ask()
    asked.fail(failed, "training diverged")
    _, lost = asked.ask()
    asked.put("seconds", 12.5)
    again = study()
    assert [each.state for each in again.records()] == ["complete", "failed"]
    assert again.records()[0].measured == measured(0.25)
    assert again.records()[1].reason == "training diverged"
    assert again.get("seconds") == 12.5
    assert again.get("other", "none") == "none"
    first = SPACE.first_points(0)
    assert lost == first[2]
    expected = first[2:]  # the lost trial first
    found = []
    for _ in expected:
        number, point = again.ask()
        found.append(point)
        again.complete(number, measured(0.2))
    assert found == expected


@needs_optuna
def test_damaged_database_is_an_error(study, tmp_path):
    (tmp_path / "trials.db").write_bytes(b"not a database" * 100)
    with pytest.raises(SettingsError, match=r"trials\.db: the trials cannot be read or written; check permissions"):
        study()


@needs_optuna
def test_full_disk_is_an_error(study, tmp_path):
    resource = pytest.importorskip("resource")
    asked = study()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "trials.db").stat().st_size, before[1]))
    try:
        with pytest.raises(SettingsError, match=r"trials\.db: the trials cannot be read or written; check permissions"):
            deque(asked.put(str(number), "x" * 1000) for number in range(100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert study().get("0") == "x" * 1000


@needs_optuna
def test_database_is_one_of_sqlite_that_optuna_reads(study, tmp_path):
    asked = study()
    asked.complete(asked.ask()[0], measured(0.25))
    with sqlite3.connect(tmp_path / "trials.db") as database:
        assert database.execute("select value from trial_values").fetchall() == [(0.25,)]
    import optuna

    loaded = optuna.load_study(study_name="henkan", storage=f"sqlite:///{tmp_path / 'trials.db'}")
    assert loaded.best_params == SPACE.default


@needs_optuna
def test_defaults_are_tried_first_after_an_interruption_of_the_first_trials(study):
    asked = study()
    points = [asked.ask()[1] for _ in range(2)]
    assert points[0] == SPACE.default
    for _ in range(2):  # the second interruption comes before the lost trials were started again
        again = study()
        assert again.records() == []
    assert [again.ask()[1] for _ in range(3)] == SPACE.first_points(0)[:3]
