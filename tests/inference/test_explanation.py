import numpy as np
import pytest

from henkan import Seq2Seq
from henkan.errors import SettingsError, UnanswerableError
from henkan.inference.explanation import END, explain
from henkan.storage.plots import attention_picture


@pytest.fixture(scope="module", params=[True, False], ids=["reverse", "forwards"])
def attentive(words, request):
    """A model that capitalises, and can only do so by looking."""
    settings = {"epochs": 80, "batch_size": 8, "hidden_size": 32, "embedding_size": 8}
    return Seq2Seq(attention=True, bidirectional=True, peeky=False, reverse=request.param, **settings).fit(*words)


def test_an_answer_is_taken_apart(attentive):
    found = explain(attentive._fitted.converter, "cab")
    assert (found.source, found.answer, "".join(found.symbols)) == ("cab", "CAB", "cab")
    assert [choice.symbol for choice in found.choices] == ["C", "A", "B", END]
    [conversion] = attentive.convert(["cab"], confidence=True)
    together = np.prod([choice.probability for choice in found.choices])
    assert np.log(together) == pytest.approx(conversion.log_probability, rel=1e-4)
    assert found.confidence == conversion.confidence
    for choice in found.choices:
        probabilities = [p for _, p in choice.runners_up]
        assert len(probabilities) == 3
        assert sorted(probabilities, reverse=True) == probabilities
        assert choice.symbol not in dict(choice.runners_up)
        assert sum(probabilities) + choice.probability == pytest.approx(1, abs=1e-5)  # there are four symbols
        assert sum(choice.weights) == pytest.approx(1, rel=1e-5)


def test_attention_is_told_in_reading_order(attentive):
    looked = [np.argmax(choice.weights) for choice in explain(attentive._fitted.converter, "abc").choices[:3]]
    assert looked == [0, 1, 2]


def test_any_answer_can_be_explained(attentive):
    found = explain(attentive._fitted.converter, "cab", answer="CB")
    assert [choice.symbol for choice in found.choices] == ["C", "B", END]
    assert found.choices[1].runners_up[0][0] == "A"
    with pytest.raises(UnanswerableError, match="unknown symbol 'x'"):
        explain(attentive._fitted.converter, "cab", answer="x")


def test_a_model_without_attention_is_explained_by_saliency(trained):
    """In reading order, though the encoder reads from the end."""
    converter = trained._fitted.converter
    assert explain(converter, "a?b").unknown == ["symbol '?'"]
    found = explain(converter, "abc")
    assert found.by == "saliency"
    assert [np.argmax(choice.weights) for choice in found.choices[:2]] == [0, 1]
    assert all(sum(choice.weights) == pytest.approx(1, rel=1e-5) for choice in found.choices)
    with pytest.raises(SettingsError, match="this model has no attention"):
        explain(converter, "abc", by="attention")
    assert [choice.weights for choice in explain(converter, "").choices] == [[]] * len(explain(converter, "").choices)


def test_a_model_with_attention_can_be_explained_by_saliency_too(attentive):
    found = explain(attentive._fitted.converter, "abc", by="saliency")
    assert [np.argmax(choice.weights) for choice in found.choices[:3]] == [0, 1, 2]
    assert found.choices[0].weights != explain(attentive._fitted.converter, "abc").choices[0].weights


def test_an_ensembles_saliency_is_the_mean(words):
    settings = {"epochs": 2, "batch_size": 8, "hidden_size": 16, "embedding_size": 8}
    model = Seq2Seq(recipe="modern", ensemble=2, **settings).fit(*words)
    assert sum(explain(model._fitted.converter, "abc").choices[0].weights) == pytest.approx(1, rel=1e-5)


def test_a_filled_model(words):
    model = Seq2Seq(recipe="book", epochs=1).fit(*words)
    assert len(explain(model._fitted.converter, "ab").choices) == 3  # its width, without an end


@pytest.mark.parametrize("weights", [[[0.9, 0.1], [0.2, 0.8]], [[], []]], ids=["attention", "none"])
def test_pictures(weights):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; `henkan[plot]` brings it")
    content, notes = attention_picture(["k", "a"], ["kʰ", "(end)"], [0.9, 0.8], weights, format="png")
    assert content.startswith(b"\x89PNG")
    assert notes == []  # IPA is in matplotlib's own font
    content, notes = attention_picture(["k", "\U0010ffff"], ["か", "한"], [0.9, 0.8], weights, format="svg")
    assert content.startswith(b"<?xml")
    assert "no installed font has" in notes[-1]


def test_the_confidence_is_that_of_the_answer_explained(attentive):
    converter = attentive._fitted.converter
    own, other = explain(converter, "cab"), explain(converter, "cab", answer="CB")
    assert other.confidence < 0.1 < own.confidence
    [score] = attentive.log_probability(["cab"], ["CB"])
    assert other.confidence == pytest.approx(np.exp(score), rel=1e-4)


def test_a_filled_model_with_attention_looks_at_its_filling_too(words):
    found = explain(Seq2Seq(recipe="book", attention=True, epochs=1).fit(*words)._fitted.converter, "ab")
    assert found.symbols == ["a", "b", " "]
    assert {len(choice.weights) for choice in found.choices} == {3}


def test_an_answer_that_was_cut_off_has_no_end(words):
    model = Seq2Seq(epochs=1, hidden_size=8).fit(*words)
    model._fitted.converter.model.parameters["decoder.by"][0] = -1e3  # never the end
    found = explain(model._fitted.converter, "ab")
    assert found.cut_off
    assert END not in [choice.symbol for choice in found.choices]
