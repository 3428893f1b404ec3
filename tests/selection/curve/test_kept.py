"""Measurements in a file."""

import json

import pytest

from henkan.errors import DataError
from henkan.selection.curve.kept import KeptMeasurements
from henkan.selection.curve.measuring import Measurement, fingerprint
from henkan.selection.training_run import TrainingRun
from henkan.text.pairs import Pairs
from henkan.training.choice import Wanted

ONE = Measurement("0110", 0.25, 1.5)
PAIRS = Pairs(["a", "b"], ["A", "B"])


def job(pairs=PAIRS, validation=PAIRS, seed=0, **settings):
    return TrainingRun(pairs, validation, Wanted(settings, "modern").choose(PAIRS).variants, seed)


def test_measurements_are_read_again(tmp_path):
    kept = KeptMeasurements(tmp_path / "kept.json")
    assert kept.get("key") is None
    kept.add("key", ONE)
    assert KeptMeasurements(tmp_path / "kept.json").get("key") == ONE
    assert ONE.exact_match == 0.5


def test_measurements_can_be_kept_in_memory():
    kept = KeptMeasurements()
    kept.add("key", ONE)
    assert kept.get("key") == ONE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"format": "other", "models": {}}',
        b'{"format": "henkan measurements 1", "models": []}',
        b'{"format": "henkan measurements 1", "models": {"a": {}}}',
        json.dumps({"format": "henkan measurements 1", "models": {"a": {**ONE.to_dict(), "correct": "2"}}}).encode(),
        json.dumps({"format": "henkan measurements 1", "models": {"a": {**ONE.to_dict(), "correct": ""}}}).encode(),
        b"[" * 100_000,
    ],
)
def test_other_files_are_refused_and_not_changed(tmp_path, content):
    (tmp_path / "kept.json").write_bytes(content)
    with pytest.raises(DataError, match="not a file of measurements, or it is damaged"):
        KeptMeasurements(tmp_path / "kept.json")
    assert (tmp_path / "kept.json").read_bytes() == content


def test_file_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        KeptMeasurements(tmp_path / "file" / "kept.json").save()


def test_fingerprint_depends_on_pairs_settings_and_seed():
    other = Pairs(["a", "b"], ["A", "X"])
    jobs = [job(), job(other), job(validation=other), job(seed=1), job(epochs=3), job(hidden_size=5)]
    assert len({fingerprint(each) for each in jobs}) == len(jobs)
    assert fingerprint(job()) == fingerprint(job())


def test_two_commands_keep_the_measurements_of_each_other(tmp_path):
    path = tmp_path / "names.json"
    first, second = KeptMeasurements(path), KeptMeasurements(path)
    for kept, key in ((first, "a"), (second, "b"), (first, "c")):
        kept.add(key, ONE)
    assert all(KeptMeasurements(path).get(key) == ONE for key in "abc")
