import json
from pathlib import Path

import pytest

import henkan
from henkan.storage.files import to_json
from henkan.storage.metrics_schema import checked
from henkan.storage.size_limits import metrics_limit
from henkan.text import strict_json

SAVED = Path(__file__).parents[1] / "reliability" / "saved"
RECORD = {"epoch": 1, "loss": 0.5, "exact_match": 0.25, "seconds": 2.5, "learning_rate": 0.01, "dev_loss": None}
METRICS = {"epochs": [RECORD], "best_epoch": 1, "pairs": 9, "held_out": 1, "exact_match": 0.25, "weights": 99}


@pytest.mark.parametrize("name", ["format1-book", "format1-words"])
def test_what_was_written_is_kept_as_it_is(name, tmp_path):
    written = (SAVED / name / "metrics.json").read_bytes()
    assert list(checked(json.loads(written)).items()) == list(json.loads(written).items())
    henkan.load(SAVED / name).save(tmp_path / "again")
    assert (tmp_path / "again" / "metrics.json").read_bytes() == written


def test_names_that_are_not_theirs_are_left_out():
    assert checked({**METRICS, "mine": [[]], "epochs": [{**RECORD, "mine": 1}]}) == METRICS
    older = {name: value for name, value in RECORD.items() if name != "dev_loss"}
    assert checked({**METRICS, "epochs": [older]})["epochs"] == [older]


def test_the_largest_that_is_written_is_believed():
    """Two hundred epochs of each of a thousand members; ten thousand epochs of one."""
    numbers = dict.fromkeys(("loss", "exact_match", "seconds", "learning_rate", "dev_loss"), 2.2250738585072014e-308)
    history = {"seed": 2**63, "epochs": [{"epoch": 100, **numbers}] * 200, "best_epoch": 100}
    one, two = (to_json({**METRICS, **history, "members": [history] * members}) for members in (1, 2))
    of_thousand = (len(one) + 999 * (len(two) - len(one)), _marks(one) + 999 * (_marks(two) - _marks(one)))
    most = metrics_limit(1000)
    assert of_thousand[0] <= most.bytes
    assert of_thousand[1] < most.values
    metrics = {**METRICS, **history, "epochs": [{"epoch": 100, **numbers}] * 10_000}
    written, most = to_json(metrics), metrics_limit(1)
    assert len(written) <= most.bytes
    assert strict_json.parse(written, max_values=most.values) == metrics
    with pytest.raises(ValueError, match="more values"):
        strict_json.parse(written, max_values=9999)


def _marks(content):
    return sum(map(content.count, (b"[", b"{", b",")))


@pytest.mark.parametrize(
    "metrics",
    [
        [METRICS],
        {**METRICS, "epochs": 3},
        {"members": [METRICS], **METRICS, "epochs": 3},
        {"members": 3, **METRICS},
        {"members": [3], **METRICS},
        {"members": [{"epochs": [3]}], **METRICS},
        {**METRICS, "epochs": [{**RECORD, "seconds": 10**400}]},
        {**METRICS, "epochs": [{**RECORD, "seconds": "2.5"}]},
        {**METRICS, "epochs": [{**RECORD, "seconds": True}]},
        {**METRICS, "epochs": [{"seconds": 2.5}]},
        {**METRICS, "exact_match": "all"},
        {**METRICS, "best_epoch": [1]},
        {**METRICS, "weights": 10**400},
        {**METRICS, "weights": None},
        {"epochs": []},
    ],
)
def test_what_is_no_metrics_is_left_out_and_never_in_the_way(folder, metrics, tmp_path):
    assert checked(metrics) == {}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    model = henkan.load(folder)
    model.save(tmp_path / "again")
    assert model.predict(["ab"]) == ["AB"]
    assert "Training took 0.0 s for 0 epochs" in (tmp_path / "again" / "README.md").read_text()


def test_whole_numbers_are_numbers(folder, tmp_path):
    """A tool that writes 1.0 as 1 changes nothing of what is said."""
    metrics = {**METRICS, "exact_match": 1, "epochs": [{**RECORD, "seconds": 2}]}
    assert checked(metrics) == metrics
    (folder / "metrics.json").write_text(json.dumps(metrics))
    henkan.load(folder).save(tmp_path / "again")
    card = (tmp_path / "again" / "README.md").read_text()
    assert "**100.000%** (weights of epoch 1)" in card
    assert "Training took 2.0 s for 1 epochs" in card
