"""Explanations of transducers, action by action."""

import json

import pytest

from henkan import Seq2Seq
from henkan.errors import SettingsError
from henkan.inference.explanation import explain

STEMS = ["".join(letters) for letters in zip("abcdefgh", "bcdefgha", "cdefghab", strict=True)]


@pytest.fixture(scope="module", params=[False, True], ids=["forwards", "reversed"])
def converter(request):
    """A model that deletes the last letter and appends "xy"."""
    settings = {
        "hidden_size": 32,
        "embedding_size": 16,
        "epochs": 120,
        "batch_size": 8,
        "embedding_dropout": 0.0,
        "dropout": 0.0,
    }
    model = Seq2Seq(recipe="edits", augment=0, unknown_rate=4.0, target_reverse=request.param, **settings)
    return model.fit([stem + "z" for stem in STEMS], [stem + "xy" for stem in STEMS])._fitted.converter


def test_actions_and_pointer(converter):
    explanation = explain(converter, "abcz")
    assert (explanation.answer, explanation.by) == ("abcxy", "pointer")
    actions = [(choice.action, choice.symbol, choice.weights) for choice in explanation.choices]
    copies = [("copy", letter, [float(k == at) for k in range(4)]) for at, letter in enumerate("abc")]
    assert [each for each in actions if each[0] == "copy"] == (copies[::-1] if converter.codec.reverse else copies)
    assert actions[-1] == ("end", "", [0.0] * 4)
    written = [symbol for _, symbol, _ in actions if symbol]
    assert "".join(written[::-1] if converter.codec.reverse else written) == "abcxy"
    names = [name.partition(" ")[0] for name, _ in explanation.choices[0].runners_up]
    assert set(names) <= {"copy", "substitute", "insert", "delete", "end"}


def test_unknown_symbols_are_copied(converter):
    explanation = explain(converter, "aqcz")
    assert explanation.answer == "aqcxy"
    assert ("copy", "q") in [(choice.action, choice.symbol) for choice in explanation.choices]


def test_probabilities_are_those_of_the_score(converter):
    explanation = explain(converter, "abcz", answer="abxy")
    [[score]] = converter.score(["abcz"], ["abxy"])
    product = 1.0
    for choice in explanation.choices:
        product *= choice.probability
    assert product == pytest.approx(2.718281828459045**score, rel=1e-4)


def test_a_model_without_pointer_refuses(trained):
    with pytest.raises(SettingsError, match="no pointer"):
        explain(trained._fitted.converter, "abc", by="pointer")


def test_command(henkan, tmp_path):
    stems, suffixed = [stem + "z" for stem in STEMS], [stem + "xy" for stem in STEMS]
    Seq2Seq(recipe="edits", epochs=20, augment=0, hidden_size=16).fit(stems, suffixed).save(tmp_path / "m")
    lines = henkan("explain", "m", "abcz").stdout.splitlines()
    assert "weights from pointer" in lines[0]
    assert lines[3].startswith(("copy a", "substitute", "insert", "delete"))
    assert json.loads(henkan("explain", "m", "abcz", "--json").stdout)["choices"][-1]["action"] == "end"
    assert "saliency" in henkan("explain", "m", "abcz", "--by", "saliency").stdout
