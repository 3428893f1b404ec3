from itertools import product

import numpy as np
import pytest

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
        "bidirectional": both,
        "layers": layers,
    }
    for peeky, (attention, kind), both, layers in product(
        (False, True), ((False, None), (True, "dot"), (True, "general")), (False, True), (1, 2)
    )
]
COMBINATIONS = [*SWITCHES, *DEEP, {"tied": True, "hidden_size": 3}, {"tied": True, "hidden_size": 3, "attention": True}]


@pytest.mark.parametrize("settings", COMBINATIONS, ids=str)
def test_every_weight_has_its_derivative(settings):
    converter, batch = small_model(**settings)
    engine = converter.model
    _, gradients = loss_and_gradients(engine, batch)
    gradient_check(lambda: engine.loss(batch), engine.parameters.arrays, gradients.arrays)


def test_a_forgotten_source_of_the_context_is_found():
    converter, batch = small_model(peeky=True)
    engine = converter.model
    _, gradients = loss_and_gradients(engine, batch)
    gradients["encoder.lstm1.Wh"][...] *= 0.5  # as if h's gradient had lost a part
    with pytest.raises(GradientError, match=r"encoder\.lstm1\.Wh"):
        gradient_check(lambda: engine.loss(batch), engine.parameters.arrays, gradients.arrays)


@pytest.mark.parametrize("settings", [*SWITCHES[::2], *COMBINATIONS[len(SWITCHES) :]], ids=str)
def test_padding_changes_no_loss_and_no_gradient(settings):
    converter, batch = small_model(**settings)
    engine = converter.model
    steps = int(batch.targets.valid.sum())
    loss, gradients = loss_and_gradients(engine, batch)
    pairs = encoded(converter, SOURCES, TARGETS)
    alone = [loss_and_gradients(engine, pairs.batch(np.array([row])), steps) for row in range(len(SOURCES))]
    assert sum(part for part, _ in alone) == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(sum(part.vector for _, part in alone), gradients.vector, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("settings", COMBINATIONS, ids=str)
def test_decoding_step_by_step_is_the_model_that_was_trained(settings):
    """The log-probability that decoding gives an answer is minus the loss of being taught that answer."""
    converter, pairs = small_model(**({"hidden_size": 8} | settings))
    for _ in range(30):  # so that a filled model has learnt never to write the boundary
        converter.model.train_step(pairs, 0.01)
    for conversion in converter.convert(SOURCES):
        answer = conversion.prediction
        if len(answer) == converter.codec.max_steps(0) and not settings.get("fill"):
            continue  # cut off: its end was never asked for
        batch = encoded(converter, [conversion.source], [answer]).batch(np.array([0]))
        steps = int(batch.targets.valid.sum())
        assert conversion.log_probability == pytest.approx(-converter.model.loss(batch) * steps, rel=1e-10)


@pytest.mark.parametrize("settings", COMBINATIONS, ids=str)
def test_a_string_alone_and_in_company_is_answered_alike(settings):
    converter, _ = small_model(**settings)
    together = converter.convert(SOURCES)
    for source, conversion in zip(SOURCES, together, strict=True):
        [alone] = converter.convert([source])
        assert alone.prediction == conversion.prediction
        assert alone.log_probability == pytest.approx(conversion.log_probability, rel=1e-12, abs=1e-12)


def test_long_sources_are_read_in_pieces_without_a_difference(monkeypatch):
    converter, _ = small_model()
    text = "12+34" * 30
    [whole] = converter.convert([text])
    monkeypatch.setattr("henkan.model.encoder.CHUNK_STEPS", 7)
    [pieces] = converter.convert([text])
    assert pieces.prediction == whole.prediction
    assert pieces.log_probability == pytest.approx(whole.log_probability, rel=1e-12)


def test_reversal_means_reading_backwards():
    forwards, _ = small_model(reverse=False)
    backwards, _ = small_model(reverse=True)
    [one] = forwards.convert(["12+34"])
    [other] = backwards.convert(["43+21"])
    assert (one.prediction, one.log_probability) == (other.prediction, other.log_probability)


def test_a_peeky_decoder_sees_the_source_at_every_step():
    """With the first hidden state cut off, a Peeky decoder still tells sources apart, a plain one cannot."""
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
def test_derivatives_with_dropout_and_smoothing(settings):
    """The same numbers are left out again and again, so that the loss can be differentiated."""
    converter, batch = small_model(**settings)
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


def test_attention_tells_apart_what_the_last_state_cannot():
    """With nothing handed over by the bridge, a decoder with attention still sees the source."""
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


def test_both_directions_are_read():
    """Backwards and forwards change places when the source is turned, if their weights do."""
    converter, _ = small_model(bidirectional=True, attention=True, reverse=False)
    other, _ = small_model(bidirectional=True, attention=True, reverse=False)
    weights, turned = converter.model.parameters, other.model.parameters
    for kind in ("Wx", "Wh", "b"):
        turned[f"encoder.lstm1.{kind}"][...] = weights[f"encoder.back1.{kind}"]
        turned[f"encoder.back1.{kind}"][...] = weights[f"encoder.lstm1.{kind}"]
    for name in ("bridge.W1", "attention.Wk", "attention.Wv"):  # their first rows belong to the first direction
        turned[name][...] = np.roll(weights[name], len(weights[name]) // 2, axis=0)
    for one, two in zip(converter.convert(["12+34", "5+1"]), other.convert(["43+21", "1+5"]), strict=True):
        assert one.prediction == two.prediction
        assert one.log_probability == pytest.approx(two.log_probability, rel=1e-12)
