import numpy as np
import pytest

from henkan import Seq2Seq
from henkan.errors import SettingsError, UnanswerableError
from henkan.inference.explanation import END, explain
from henkan.storage.plots import explanation_picture


@pytest.fixture(scope="module", params=[True, False], ids=["reverse", "forwards"])
def attention_model(words, request):
    """A model that writes capitals and depends on attention to do so."""
    settings = {"epochs": 80, "batch_size": 8, "hidden_size": 32, "embedding_size": 8}
    return Seq2Seq(attention=True, bidirectional=True, peeky=False, reverse=request.param, **settings).fit(*words)


def test_explanation_covers_every_predicted_symbol(attention_model):
    explanation = explain(attention_model._fitted.converter, "cab")
    assert (explanation.source, explanation.answer, "".join(explanation.symbols)) == ("cab", "CAB", "cab")
    assert [choice.symbol for choice in explanation.choices] == ["C", "A", "B", END]
    [conversion] = attention_model.convert(["cab"], confidence=True)
    product = np.prod([choice.probability for choice in explanation.choices])
    assert np.log(product) == pytest.approx(conversion.log_probability, rel=1e-4)
    assert explanation.confidence == conversion.confidence
    for choice in explanation.choices:
        probabilities = [p for _, p in choice.runners_up]
        assert len(probabilities) == 3
        assert sorted(probabilities, reverse=True) == probabilities
        assert choice.symbol not in dict(choice.runners_up)
        assert sum(probabilities) + choice.probability == pytest.approx(1, abs=1e-5)  # there are only four symbols
        assert sum(choice.weights) == pytest.approx(1, rel=1e-5)


def test_attention_weights_are_in_source_order(attention_model):
    positions = [np.argmax(choice.weights) for choice in explain(attention_model._fitted.converter, "abc").choices[:3]]
    assert positions == [0, 1, 2]


def test_given_answer_can_be_explained(attention_model):
    explanation = explain(attention_model._fitted.converter, "cab", answer="CB")
    assert [choice.symbol for choice in explanation.choices] == ["C", "B", END]
    assert explanation.choices[1].runners_up[0][0] == "A"
    with pytest.raises(
        UnanswerableError, match="cannot predict symbol 'x' in 'x'; use only symbols of its training targets"
    ):
        explain(attention_model._fitted.converter, "cab", answer="x")


def test_model_without_attention_is_explained_by_saliency(trained):
    """Weights are in source order, although the encoder reads the source in reverse."""
    converter = trained._fitted.converter
    assert explain(converter, "a?b").unknown == ["symbol '?'"]
    explanation = explain(converter, "abc")
    assert explanation.by == "saliency"
    assert [np.argmax(choice.weights) for choice in explanation.choices[:2]] == [0, 1]
    assert all(sum(choice.weights) == pytest.approx(1, rel=1e-5) for choice in explanation.choices)
    with pytest.raises(SettingsError, match="this model has no attention"):
        explain(converter, "abc", by="attention")
    assert [choice.weights for choice in explain(converter, "").choices] == [[]] * len(explain(converter, "").choices)


def test_model_with_attention_can_be_explained_by_saliency(attention_model):
    explanation = explain(attention_model._fitted.converter, "abc", by="saliency")
    assert [np.argmax(choice.weights) for choice in explanation.choices[:3]] == [0, 1, 2]
    assert explanation.choices[0].weights != explain(attention_model._fitted.converter, "abc").choices[0].weights


def test_saliency_of_an_ensemble_sums_to_one(words):
    settings = {"epochs": 2, "batch_size": 8, "hidden_size": 16, "embedding_size": 8}
    model = Seq2Seq(recipe="modern", ensemble=2, **settings).fit(*words)
    assert sum(explain(model._fitted.converter, "abc").choices[0].weights) == pytest.approx(1, rel=1e-5)


def test_explanation_of_a_filled_model_has_no_end(words):
    model = Seq2Seq(recipe="book", epochs=1).fit(*words)
    assert len(explain(model._fitted.converter, "ab").choices) == 3  # the length of the longest target, without an end


@pytest.mark.parametrize("weights", [[[0.9, 0.1], [0.2, 0.8]], [[], []]], ids=["attention", "none"])
def test_explanation_picture_formats_and_missing_glyphs(weights):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; install `henkan[plot]`")
    content, notes = explanation_picture(["k", "a"], ["kʰ", "(end)"], [0.9, 0.8], weights, format="png")
    assert content.startswith(b"\x89PNG")
    assert notes == []  # the default font of matplotlib has the IPA symbols
    content, notes = explanation_picture(["k", "\U0010ffff"], ["か", "한"], [0.9, 0.8], weights, format="svg")
    assert content.startswith(b"<?xml")
    assert "no installed font has" in notes[-1]


def test_the_picture_names_the_kind_of_weights():
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; install `henkan[plot]`")
    kinds = ("attention", "pointer", "saliency")
    drawn = {explanation_picture("k", "x", [0.9], [[1.0]], by=by, format="png")[0] for by in kinds}
    assert len(drawn) == 3


def test_confidence_belongs_to_the_explained_answer(attention_model):
    converter = attention_model._fitted.converter
    predicted, given = explain(converter, "cab"), explain(converter, "cab", answer="CB")
    assert given.confidence < 0.1 < predicted.confidence
    [score] = attention_model.log_probability(["cab"], ["CB"])
    assert given.confidence == pytest.approx(np.exp(score), rel=1e-4)


def test_filled_model_has_attention_weights_for_the_filling(words):
    explanation = explain(Seq2Seq(recipe="book", attention=True, epochs=1).fit(*words)._fitted.converter, "ab")
    assert explanation.symbols == ["a", "b", " "]
    assert {len(choice.weights) for choice in explanation.choices} == {3}


def test_cut_off_prediction_has_no_end(words):
    model = Seq2Seq(epochs=1, hidden_size=8).fit(*words)
    model._fitted.converter.model.parameters["decoder.by"][0] = -1e3  # never predict the end
    explanation = explain(model._fitted.converter, "ab")
    assert explanation.cut_off
    assert END not in [choice.symbol for choice in explanation.choices]
