"""Models that predict targets from the last symbol to the first."""

import numpy as np
import pytest

import henkan
from henkan import Seq2Seq
from henkan.inference.explanation import explain
from models import encoded, small_model

SIZES = {
    "recipe": "words",
    "hidden_size": 32,
    "embedding_size": 8,
    "batch_size": 8,
    "dropout": 0.0,
    "embedding_dropout": 0.0,
}


@pytest.fixture(scope="module")
def backward(words):
    return Seq2Seq(epochs=120, unknown_rate=20, target_reverse=True, **SIZES).fit(*words)


def test_predictions_are_in_the_order_of_the_text(backward, words, tmp_path):
    assert backward.score(*words) == 1.0
    [conversion] = backward.convert(["abc"], beam=3, nbest=2)
    assert conversion.prediction == conversion.nbest[0].prediction == "ABC"
    assert backward.log_probability(["abc"], ["ABC"]) == pytest.approx([conversion.log_probability], abs=1e-5)
    backward.save(tmp_path / "m")
    assert henkan.load(tmp_path / "m").convert(words[0]) == backward.convert(words[0])


def test_the_last_symbol_is_predicted_first(backward):
    explanation = explain(backward._fitted.converter, "abc")
    assert [choice.symbol for choice in explanation.choices] == ["C", "B", "A", ""]
    assert explanation.answer == "ABC"


@pytest.mark.parametrize("text", ["a?b", "?ab", "ab?"])
def test_unknown_symbols_are_copied_to_their_place(backward, text):
    assert backward.predict([text], unknown="copy") == [text.upper()]


def test_a_model_that_pads_its_strings(words):
    sources, targets = words
    padded = Seq2Seq(recipe="book", epochs=1, target_reverse=True).fit(sources, targets)
    converter = padded._fitted.converter
    output = converter.pairs.encode_target(converter.reader.read_one(""), "AB")
    codec = padded._fitted.converter.codec
    symbols = codec.vocabulary.symbols_by_id
    assert [symbols[id] for id in output] == [" ", "B", "A"]
    assert codec.vocabulary.decode(codec.decode([], output)) == "AB"


def test_the_batch_has_reversed_targets():
    converter, _ = small_model(target_reverse=True)
    batch = encoded(converter, ["12+34"], ["46"]).batch(np.arange(1))
    symbols = converter.target_vocabulary.symbols_by_id
    assert [symbols[id] for id in batch.targets.ids[:, 0]] == ["6", "4", ""]
