"""Strings with unknown symbols of the source have the same probability in predictions, n-best lists and scores."""

import json
from itertools import product

import numpy as np
import pytest

import henkan
from henkan import Seq2Seq
from henkan.errors import UnanswerableError
from henkan.inference.explanation import explain

STEMS = ["".join(letters) for length in (1, 2, 3) for letters in product("abc", repeat=length)]
PLURALS = [stem[:-1] + {"a": "as", "b": "p", "c": ""}[stem[-1]] for stem in STEMS]
SIZES = {"hidden_size": 16, "embedding_size": 8, "epochs": 12, "batch_size": 8, "unknown_rate": 4.0}
SIZES |= {"calibrate_outside": False, "augment": 0}
KINDS = {
    "edits": {"recipe": "edits"},
    "edits, reversed": {"recipe": "edits", "target_reverse": True},
    "edits, tags": {"recipe": "edits", "features": True},
    "edits, ensemble": {"recipe": "edits", "ensemble": 2},
    "words": {"recipe": "words", "copy": True},
}
# The tag XX is unknown.
CASES = [(kind, "") for kind in KINDS] + [("edits, tags", tags) for tags in ("\tN;PL", "\tN;XX", "\tXX")]
UNKNOWN = ["aŵb", "ŵŷa", "ŵŵ", "aŷŵŷb", "pa", "sŵpa"]  # p and s are known in targets only


@pytest.fixture(scope="module")
def models():
    """Models of all kinds, trained when they are first used."""
    fitted = {}

    def model(kind):
        if kind not in fitted:
            sources = [stem + "\tPL;N" for stem in STEMS] if "tags" in kind else STEMS
            fitted[kind] = Seq2Seq(**SIZES, **KINDS[kind]).fit(sources, PLURALS)
        return fitted[kind]

    return model


def check_scores(model, sources):
    """Predictions and n-best lists have the scores of their strings; several of these have copied symbols."""
    copied = 0
    for beam in (1, 5):
        for conversion in model.convert(sources, beam=beam, nbest=beam, confidence=True):
            answers = conversion.nbest or [conversion]
            texts = [each.prediction for each in answers]
            assert len(set(texts)) == len(texts)
            scores = model.log_probability([conversion.source] * len(texts), texts)
            if not conversion.cut_off:
                np.testing.assert_allclose([each.log_probability for each in answers], scores, rtol=1e-4, atol=1e-5)
                assert conversion.confidence == pytest.approx(np.exp(scores[0]), rel=1e-4)
            copied += sum("ŵ" in text or "ŷ" in text for text in texts)
    assert copied > 5


@pytest.mark.parametrize(("kind", "tags"), CASES)
def test_predictions_have_their_scores(models, kind, tags):
    check_scores(models(kind), [text + tags for text in UNKNOWN])


def test_predictions_with_pytorch_have_their_scores(models, tmp_path):
    pytest.importorskip("torch")
    models("edits").save(tmp_path / "model")
    model = henkan.load(tmp_path / "model", engine="torch")
    check_scores(model, UNKNOWN)
    scores = [each.log_probability(["ŵŷa"], ["ŷas"])[0] for each in (model, models("edits"))]
    assert scores[0] == pytest.approx(scores[1], rel=1e-4)


def test_a_separator_of_target_symbols_is_not_copied():
    model = Seq2Seq(recipe="edits", target_symbols=" ", **SIZES).fit(STEMS, [" ".join(plural) for plural in PLURALS])
    check_scores(model, ["a ŵ", "ŵ ŷa", "ŷ ŷb"])
    assert not any("  " in each.prediction for each in model.convert(["a ŵ", " ŵ", "ŵ "]))


def test_only_the_symbol_of_the_source_can_be_copied(models):
    for kind in ("edits", "edits, reversed", "words"):
        model = models(kind)
        right, *wrong = model.log_probability(["ŵa"] * 4, ["ŵas", "ŷas", "ŵaŷ", "žas"])
        assert np.isfinite(right)
        assert set(wrong) == {-np.inf}
    both = models("edits").log_probability(["ŵŷa"] * 4, ["ŵŷas", "ŵas", "ŷŵas", "ŵŷŵas"])
    assert np.isfinite(both).tolist() == [True, True, False, False]  # copies are in the order of the source


def test_mixed_ensembles_average_all_members_that_can_copy(models):
    members = [models(kind) for kind in ("edits", "edits, reversed", "words")]
    mixture = henkan.combine([*members, Seq2Seq(recipe="words", **SIZES | {"epochs": 1}).fit(STEMS, PLURALS)])
    averaged = []
    for conversion in mixture.convert(UNKNOWN[:4], beam=4, nbest=3):
        for answer in conversion.nbest:
            each = np.array([m.log_probability([conversion.source], [answer.prediction])[0] for m in members])
            averaged.append(np.isfinite(each).sum())
            if {"ŵ", "ŷ"} & {*answer.prediction}:  # the last member cannot write them
                assert answer.log_probability == pytest.approx(each[np.isfinite(each)].mean(), rel=1e-4)
        [score] = mixture.log_probability([conversion.source], [conversion.prediction])
        assert score == pytest.approx(conversion.log_probability, rel=1e-4)
    assert averaged.count(len(members)) > 4


def test_commands(models, henkan, refused, tmp_path):
    models("edits").save(tmp_path / "model")
    predicted = json.loads(henkan("predict", "model", "--beam", 4, "--nbest", 4, "--json", "ŵŷa").stdout)
    found = {each["prediction"]: each["log_probability"] for each in predicted["nbest"]}
    (tmp_path / "pairs.tsv").write_text("".join(f"ŵŷa\t{text}\n" for text in [*found, "ŷŵ"]), encoding="utf-8")
    lines = henkan("score", "model", "pairs.tsv", "--json").stdout.splitlines()
    assert [json.loads(line)["log_probability"] for line in lines] == [
        *(pytest.approx(each, rel=1e-4) for each in found.values()),
        None,
    ]
    assert "not in the order of the source in 'ŷŵ'" in refused("explain", "model", "ŵŷa", "--answer", "ŷŵ")


def test_given_targets_with_copies_are_explained(models):
    converter = models("edits")._fitted.converter
    explanation = explain(converter, "ŵŷa", answer="ŷas")
    assert [choice.symbol for choice in explanation.choices if choice.action == "copy"] == ["ŷ", "a"]
    [[score]] = converter.score(["ŵŷa"], ["ŷas"])
    assert np.log([choice.probability for choice in explanation.choices]).sum() == pytest.approx(score, rel=1e-4)
    with pytest.raises(UnanswerableError, match="cannot predict symbol 'ž'"):
        explain(converter, "ŵŷa", answer="ža")
