from itertools import product

import numpy as np
import pytest

from henkan.nn import GradientError, gradient_check
from models import SOURCES, TARGETS, encoded, loss_and_gradients, small_model

COMBINATIONS = [
    {"reverse": reverse, "peeky": peeky, "fill": fill} for reverse, peeky, fill in product((False, True), repeat=3)
]


@pytest.mark.parametrize("settings", COMBINATIONS, ids=str)
def test_every_weight_has_its_derivative(settings):
    converter, batch = small_model(**settings)
    engine = converter.engine
    _, gradients = loss_and_gradients(engine, batch)
    gradient_check(lambda: engine.loss(batch), engine.parameters.arrays, gradients.arrays)


def test_a_forgotten_source_of_the_context_is_found():
    converter, batch = small_model(peeky=True)
    engine = converter.engine
    _, gradients = loss_and_gradients(engine, batch)
    gradients["encoder.Wh"][...] *= 0.5  # as if h's gradient had lost a part
    with pytest.raises(GradientError, match=r"encoder\.Wh"):
        gradient_check(lambda: engine.loss(batch), engine.parameters.arrays, gradients.arrays)


@pytest.mark.parametrize("settings", COMBINATIONS[::2], ids=str)
def test_padding_changes_no_loss_and_no_gradient(settings):
    converter, batch = small_model(**settings)
    engine = converter.engine
    steps = int(batch.targets.valid.sum())
    loss, gradients = loss_and_gradients(engine, batch)
    pairs = encoded(converter, SOURCES, TARGETS)
    alone = [loss_and_gradients(engine, pairs.batch(np.array([row])), steps) for row in range(len(SOURCES))]
    assert sum(part for part, _ in alone) == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(sum(part.vector for _, part in alone), gradients.vector, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("settings", COMBINATIONS, ids=str)
def test_decoding_step_by_step_is_the_model_that_was_trained(settings):
    """The log-probability that decoding gives an answer is minus the loss of being taught that answer."""
    converter, pairs = small_model(**settings, hidden_size=8)
    for _ in range(30):  # so that a filled model has learnt never to write the boundary
        converter.engine.train_step(pairs, 0.01)
    for conversion in converter.convert(SOURCES):
        answer = conversion.prediction
        if len(answer) == converter.longest and not settings["fill"]:
            continue  # cut off: its end was never asked for
        batch = encoded(converter, [conversion.source], [answer]).batch(np.array([0]))
        steps = int(batch.targets.valid.sum())
        assert conversion.log_probability == pytest.approx(-converter.engine.loss(batch) * steps, rel=1e-10)


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
    monkeypatch.setattr("henkan.model.encoder.STEPS_AT_ONCE", 7)
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
        memory, state = converter.engine.encode(batch.sources)
        blind = type(state)(np.zeros_like(state.h), state.c)
        log_probabilities = converter.engine.step(memory, blind, np.zeros(len(SOURCES), int)).log_probabilities
        differ = np.abs(log_probabilities - log_probabilities[0]).max() > 1e-6
        assert differ == peeky
