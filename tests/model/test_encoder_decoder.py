from itertools import product

import numpy as np
import pytest

from henkan.model.encoder import encode, encode_without_backward
from henkan.nn import GradientError, Regularization, gradient_check
from models import SOURCES, TARGETS, encoded, loss_and_gradients, small_model

SWITCHES = [
    {"reverse": reverse, "peeky": peeky, "fill": fill} for reverse, peeky, fill in product((False, True), repeat=3)
]
DEEP = [
    {
        "peeky": peeky,
        "attention": attention,
        "attention_kind": kind or "general",
        "bidirectional": bidirectional,
        "layers": layers,
    }
    for peeky, (attention, kind), bidirectional, layers in product(
        (False, True), ((False, None), (True, "dot"), (True, "general")), (False, True), (1, 2)
    )
]
COMBINATIONS = [*SWITCHES, *DEEP, {"tied": True, "hidden_size": 3}, {"tied": True, "hidden_size": 3, "attention": True}]


@pytest.mark.parametrize("settings", COMBINATIONS, ids=str)
def test_gradients(settings):
    """Two states suffice, and make the check of every weight three times faster than four."""
    converter, batch = small_model(**({"hidden_size": 2} | settings))
    engine = converter.model
    _, gradients = loss_and_gradients(engine, batch)
    gradient_check(lambda: engine.loss(batch), engine.parameters.arrays, gradients.arrays)


def test_gradient_check_detects_a_missing_term():
    converter, batch = small_model(peeky=True)
    engine = converter.model
    _, gradients = loss_and_gradients(engine, batch)
    gradients["encoder.lstm1.Wh"][...] *= 0.5  # as if a term of the gradient of h were missing
    with pytest.raises(GradientError, match=r"encoder\.lstm1\.Wh"):
        gradient_check(lambda: engine.loss(batch), engine.parameters.arrays, gradients.arrays)


@pytest.mark.parametrize("settings", [*SWITCHES[::2], *COMBINATIONS[len(SWITCHES) :]], ids=str)
def test_padding_does_not_affect_loss_or_gradients(settings):
    converter, batch = small_model(**settings)
    engine = converter.model
    steps = int(batch.targets.valid.sum())
    loss, gradients = loss_and_gradients(engine, batch)
    pairs = encoded(converter, SOURCES, TARGETS)
    alone = [loss_and_gradients(engine, pairs.batch(np.array([row])), steps) for row in range(len(SOURCES))]
    assert sum(part for part, _ in alone) == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(sum(part.vector for _, part in alone), gradients.vector, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("settings", COMBINATIONS, ids=str)
def test_decoding_agrees_with_the_training_loss(settings):
    """The log-probability of a prediction is minus its loss under teacher forcing."""
    converter, pairs = small_model(**({"hidden_size": 8} | settings))
    for _ in range(30):  # so that a filled model learns never to predict the boundary
        converter.model.train_step([pairs], 0.01)
    for conversion in converter.convert(SOURCES):
        prediction = conversion.prediction
        if len(prediction) == converter.codec.max_steps(0) and not settings.get("fill"):
            continue  # cut off: the log-probability does not include the end
        batch = encoded(converter, [conversion.source], [prediction]).batch(np.array([0]))
        steps = int(batch.targets.valid.sum())
        assert conversion.log_probability == pytest.approx(-converter.model.loss(batch) * steps, rel=1e-10)


@pytest.mark.parametrize("settings", DEEP, ids=str)
def test_encoding_in_chunks_gives_the_same_states(settings, monkeypatch):
    monkeypatch.setattr("henkan.model.encoder.CHUNK_STEPS", 2)
    converter, batch = small_model(**settings)
    engine, sources = converter.model, batch.sources
    arguments = engine.parameters.group("encoder"), engine.architecture.config, sources
    expected, actual = encode(*arguments)[0], encode_without_backward(*arguments)
    np.testing.assert_array_equal(actual.last, expected.last)
    assert (actual.states is None) == (expected.states is None)
    if expected.states is not None:
        np.testing.assert_allclose(actual.states[sources.valid], expected.states[sources.valid], rtol=1e-12)


@pytest.mark.parametrize("settings", COMBINATIONS, ids=str)
def test_batching_does_not_affect_predictions(settings):
    converter, _ = small_model(**settings)
    batched = converter.convert(SOURCES)
    for source, conversion in zip(SOURCES, batched, strict=True):
        [alone] = converter.convert([source])
        assert alone.prediction == conversion.prediction
        assert alone.log_probability == pytest.approx(conversion.log_probability, rel=1e-12, abs=1e-12)


def test_encoding_in_chunks_does_not_affect_predictions(monkeypatch):
    converter, _ = small_model()
    text = "12+34" * 30
    [unchunked] = converter.convert([text])
    monkeypatch.setattr("henkan.model.encoder.CHUNK_STEPS", 7)
    [chunked] = converter.convert([text])
    assert chunked.prediction == unchunked.prediction
    assert chunked.log_probability == pytest.approx(unchunked.log_probability, rel=1e-12)


def test_reverse_reads_the_source_backwards():
    forwards, _ = small_model(reverse=False)
    backwards, _ = small_model(reverse=True)
    [one] = forwards.convert(["12+34"])
    [other] = backwards.convert(["43+21"])
    assert (one.prediction, one.log_probability) == (other.prediction, other.log_probability)


def test_peeky_decoder_sees_the_source_at_every_step():
    """With the initial hidden state set to zero, a Peeky decoder still distinguishes sources; a plain one cannot."""
    for peeky in (True, False):
        converter, batch = small_model(peeky=peeky)
        encoded = converter.model.encode(batch.sources)
        memory, state = encoded.memory, encoded.state
        blind = type(state)(np.zeros_like(state.h), state.c)
        log_probabilities = converter.model.step(memory, blind, np.zeros(len(SOURCES), int)).log_probabilities
        differ = np.abs(log_probabilities - log_probabilities[0]).max() > 1e-6
        assert differ == peeky


@pytest.mark.parametrize(
    "settings", [{}, {"attention": True, "bidirectional": True, "layers": 2, "peeky": False}], ids=str
)
def test_gradients_with_dropout_and_label_smoothing(settings):
    """Every call uses the same dropout masks, so that the loss can be differentiated."""
    converter, batch = small_model(**({"hidden_size": 2} | settings))
    engine = converter.model

    def run():
        generator = np.random.default_rng(3)
        noise = Regularization(dropout=0.4, embedding_dropout=0.3, label_smoothing=0.2, generator=generator)
        return engine.architecture.loss(engine.parameters, batch, regularization=noise)

    loss, backward = run()
    gradients = engine.parameters.zeros()
    backward(gradients)
    assert loss != pytest.approx(engine.loss(batch), rel=1e-6)
    gradient_check(lambda: run()[0], engine.parameters.arrays, gradients.arrays)


def test_attention_sees_the_source_without_the_initial_state():
    """With the initial hidden state set to zero, a decoder with attention still sees the source."""
    for attention in (True, False):
        converter, batch = small_model(attention=attention, peeky=False)
        encoded = converter.model.encode(batch.sources)
        memory, state = encoded.memory, encoded.state
        blind = type(state)(np.zeros_like(state.h), state.c)
        output = converter.model.step(memory, blind, np.zeros(len(SOURCES), int))
        differ = np.abs(output.log_probabilities - output.log_probabilities[0]).max() > 1e-6
        assert differ == attention
        if attention:
            lengths = batch.sources.valid.sum(axis=0)
            np.testing.assert_allclose(output.attention.sum(axis=1), lengths > 0)
            assert not output.attention[~batch.sources.valid.T].any()


def test_bidirectional_encoder_reads_both_directions():
    """Swapping the weights of the two directions and reversing the source does not change the result."""
    converter, _ = small_model(bidirectional=True, attention=True, reverse=False)
    other, _ = small_model(bidirectional=True, attention=True, reverse=False)
    weights, swapped = converter.model.parameters, other.model.parameters
    for kind in ("Wx", "Wh", "b"):
        swapped[f"encoder.lstm1.{kind}"][...] = weights[f"encoder.back1.{kind}"]
        swapped[f"encoder.back1.{kind}"][...] = weights[f"encoder.lstm1.{kind}"]
    # The first half of the rows is for the forward direction.
    for name in ("bridge.W1", "attention.Wk", "attention.Wv"):
        swapped[name][...] = np.roll(weights[name], len(weights[name]) // 2, axis=0)
    for one, two in zip(converter.convert(["12+34", "5+1"]), other.convert(["43+21", "1+5"]), strict=True):
        assert one.prediction == two.prediction
        assert one.log_probability == pytest.approx(two.log_probability, rel=1e-12)
