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
def test_saved_metrics_are_kept_unchanged(name, tmp_path):
    written = (SAVED / name / "metrics.json").read_bytes()
    assert list(checked(json.loads(written)).items()) == list(json.loads(written).items())
    henkan.load(SAVED / name).save(tmp_path / "again")
    assert (tmp_path / "again" / "metrics.json").read_bytes() == written


def test_unknown_names_are_dropped():
    assert checked({**METRICS, "mine": [[]], "epochs": [{**RECORD, "mine": 1}]}) == METRICS
    older = {name: value for name, value in RECORD.items() if name != "dev_loss"}
    assert checked({**METRICS, "epochs": [older]})["epochs"] == [older]


def test_largest_metrics_are_within_the_limits():
    """Two hundred epochs for each of a thousand members; ten thousand epochs for a single model."""
    numbers = dict.fromkeys(("loss", "exact_match", "seconds", "learning_rate", "dev_loss"), 2.2250738585072014e-308)
    history = {"seed": 2**63, "epochs": [{"epoch": 100, **numbers}] * 200, "best_epoch": 100}
    one, two = (to_json({**METRICS, **history, "members": [history] * members}) for members in (1, 2))
    thousand_members = (
        len(one) + 999 * (len(two) - len(one)),
        _count_values(one) + 999 * (_count_values(two) - _count_values(one)),
    )
    limit = metrics_limit(1000)
    assert thousand_members[0] <= limit.bytes
    assert thousand_members[1] < limit.values
    metrics = {**METRICS, **history, "epochs": [{"epoch": 100, **numbers}] * 10_000}
    written, limit = to_json(metrics), metrics_limit(1)
    assert len(written) <= limit.bytes
    assert strict_json.parse(written, max_values=limit.values) == metrics
    with pytest.raises(ValueError, match="more values"):
        strict_json.parse(written, max_values=9999)


def _count_values(content):
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
def test_invalid_metrics_are_dropped_and_the_model_still_loads(folder, metrics, tmp_path):
    assert checked(metrics) == {}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    model = henkan.load(folder)
    model.save(tmp_path / "again")
    assert model.predict(["ab"]) == ["AB"]
    assert "Training took 0.0 s for 0 epochs" in (tmp_path / "again" / "README.md").read_text()


def test_integers_are_accepted_for_floats(folder, tmp_path):
    """Another tool may write 1.0 as 1."""
    metrics = {**METRICS, "exact_match": 1, "epochs": [{**RECORD, "seconds": 2}]}
    assert checked(metrics) == metrics
    (folder / "metrics.json").write_text(json.dumps(metrics))
    henkan.load(folder).save(tmp_path / "again")
    card = (tmp_path / "again" / "README.md").read_text()
    assert "**100.000%** (weights of epoch 1)" in card
    assert "Training took 2.0 s for 1 epochs" in card
