"""The pointer-generator switch of the encoder-decoder (`ModelConfig.copy`)."""

from itertools import product

import numpy as np
import pytest

from henkan import SettingsError
from henkan.batching.batch import Batch, Sources, source_batches
from henkan.config import ModelConfig
from henkan.engine.numpy import NumpyEngine
from henkan.inference.conversion import Request
from henkan.inference.converter import Converter
from henkan.inference.ensemble import Ensemble
from henkan.model import PlainTargets, Sizes, draw_weights
from henkan.nn import Regularization, gradient_check
from henkan.text.tokenizer import Tokenizer
from henkan.text.vocabulary import Vocabulary
from models import SOURCES, encoded, hidden_batch, loss_and_gradients, small_model

COPY = {"attention": True, "copy": True}
COMBINATIONS = [
    COPY
    | {"reverse": reverse, "peeky": peeky, "bidirectional": peeky, "attention_kind": "dot" if reverse else "general"}
    for reverse, peeky in product((False, True), repeat=2)
] + [COPY | {"tied": True, "hidden_size": 3, "layers": 2}]


@pytest.mark.parametrize("settings", COMBINATIONS, ids=str)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_gradients(settings, smoothing):
    converter, _ = small_model(**({"hidden_size": 2} | settings))
    engine, batch = converter.model, hidden_batch(converter)

    def run():
        noise = Regularization(0.3, 0.3, smoothing, np.random.default_rng(3)) if smoothing else Regularization()
        return engine.architecture.loss(engine.parameters, batch, regularization=noise)

    gradients = engine.parameters.zeros()
    run()[1](gradients)
    assert np.abs(gradients["decoder.copy_w"]).max() > 0
    assert np.abs(gradients["decoder.copied"]).max() > 0
    gradient_check(lambda: run()[0], engine.parameters.arrays, gradients.arrays)


@pytest.mark.parametrize("settings", COMBINATIONS, ids=str)
def test_padding_and_shards_do_not_affect_loss_or_gradients(settings):
    converter, _ = small_model(**settings)
    engine, batch = converter.model, hidden_batch(converter)
    steps = int(batch.targets.valid.sum())
    loss, gradients = loss_and_gradients(engine, batch)
    for count in (2, 6):
        parts = [loss_and_gradients(engine, batch.shard(first, count), steps) for first in range(count)]
        assert sum(part for part, _ in parts) == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(sum(part.vector for _, part in parts), gradients.vector, rtol=1e-10, atol=1e-14)
    wider = Sources(
        *(np.concatenate([array, array[-1:] * 0 + filler]) for array, filler in (
            (batch.sources.ids, 0), (batch.sources.active, 0), (batch.sources.copy_ids, -1)
        ))
    )  # fmt: skip
    assert loss_and_gradients(engine, Batch(wider, batch.targets))[0] == pytest.approx(loss, rel=1e-12)


def test_halves_have_the_copy_ids_of_their_sources():
    _, batch = small_model(**COPY)
    longer, shorter = batch.sources.halves()
    np.testing.assert_array_equal(longer.copy_ids, batch.sources.copy_ids[:, :3])
    np.testing.assert_array_equal(shorter.copy_ids, batch.sources.copy_ids[: len(shorter.ids), 3:])


@pytest.mark.parametrize("settings", COMBINATIONS, ids=str)
@pytest.mark.parametrize("beam", [1, 4])
def test_decoding_agrees_with_the_training_loss(settings, beam):
    """The log-probability of a prediction is minus its loss, and that of `score`; probabilities sum to 1."""
    converter, pairs = small_model(**({"hidden_size": 8} | settings))
    for _ in range(20):
        converter.model.train_step([pairs], 0.01)
    for conversion in converter.convert(SOURCES, Request(beam=beam)):
        batch = encoded(converter, [conversion.source], [conversion.prediction]).batch(np.array([0]))
        if conversion.cut_off:
            continue
        loss = converter.model.loss(batch) * int(batch.targets.valid.sum())
        assert conversion.log_probability == pytest.approx(-loss, rel=1e-10)
        [[score]] = converter.score([conversion.source], [conversion.prediction]).tolist()
        assert score == pytest.approx(-loss, rel=1e-10)
    found = converter.model.encode(pairs.sources)
    for symbol in (0, len(converter.target_vocabulary) + 1):
        output = converter.model.step(found.memory, found.state, np.full(len(SOURCES), symbol))
        np.testing.assert_allclose(np.exp(output.log_probabilities).sum(axis=1), 1, rtol=1e-12)


def batches(converter, texts):
    """The sources as batches for prediction."""
    vocabulary = converter.source_vocabulary
    ids, reverse = [vocabulary.encode(text) for text in texts], converter.capabilities.reverse
    return source_batches(ids, len(vocabulary), reverse=reverse, size=9, copy_ids=converter.pairs.copy_ids(texts))


def open_gate(engine, logit=50.0):
    engine.parameters["decoder.copy_w"][...] = 0
    engine.parameters["decoder.copy_b"][...] = logit


@pytest.mark.parametrize("reverse", [False, True])
def test_symbols_outside_the_target_vocabulary_are_copied(reverse):
    """With an open gate, every symbol is copied, and equal symbols share their probability."""
    converter, _ = small_model(**COPY, reverse=reverse)
    open_gate(converter.model)
    [(_, sources)] = batches(converter, ["1++5"])
    found = converter.model.encode(sources)
    output = converter.model.step(found.memory, found.state, np.zeros(1, int))
    [probabilities], [attention] = np.exp(output.log_probabilities), output.attention
    one, two, three, four = attention[::-1] if reverse else attention  # in the order of the text
    V, vocabulary = len(converter.target_vocabulary), converter.target_vocabulary
    assert not vocabulary.knows("+")
    assert not vocabulary.knows("1")
    np.testing.assert_allclose(probabilities[V:], [one, two + three, 0, 0], rtol=1e-12)
    assert probabilities[vocabulary.id_of("5")] == pytest.approx(four, rel=1e-12)
    [logs] = converter.score(["1++5"] * 3, ["+1+", "5", "+9"])
    assert np.isfinite(logs[:2]).all()
    assert logs[2] == -np.inf


def test_closed_gate_gives_the_model_without_copying():
    converter, batch = small_model(**COPY)
    plain, _ = small_model(attention=True)
    plain.model.set_weights(converter.model.weights)
    open_gate(converter.model, -50.0)
    assert converter.model.loss(batch) == pytest.approx(plain.model.loss(batch), rel=1e-12)
    assert [each.prediction for each in converter.convert(SOURCES)] == [
        each.prediction for each in plain.convert(SOURCES)
    ]


def test_sources_without_symbols_to_copy_use_the_vocabulary_alone():
    """An empty source, and one that has only feature tags."""
    tokenizer = Tokenizer(features=True)
    source = Vocabulary.of(["a\tPL;V", "b"], boundary=False, tokenizer=tokenizer)
    target = Vocabulary.of(["ab", "PL", "V"], boundary=True)
    config = ModelConfig(embedding_size=3, hidden_size=4, features=True, **COPY)
    engine = NumpyEngine(config, Sizes(len(source), len(target), tuple(source.tag_ids)), dtype=np.float64)
    engine.set_weights(draw_weights(engine.architecture.specs, "orthogonal", 0, np.float64))
    converter = Converter(engine, source, target, PlainTargets(target))
    sources = ["\tPL;V", "", "\tV"]
    closed = converter.convert(sources)
    open_gate(engine)
    for one, other in zip(closed, converter.convert(sources), strict=True):
        assert one.prediction == other.prediction
        assert one.log_probability == pytest.approx(other.log_probability, rel=1e-12)
    batch = encoded(converter, sources, ["a", "b", "ab"]).batch(np.arange(3))
    loss, gradients = loss_and_gradients(engine, batch)
    assert loss == pytest.approx(engine.loss(batch))
    assert not gradients["decoder.copy_b"].any()
    gradient_check(lambda: engine.loss(batch), engine.parameters.arrays, gradients.arrays)
    [(_, tagged)] = batches(converter, ["b\tPL;V"])
    found = engine.encode(tagged)
    probabilities = np.exp(engine.step(found.memory, found.state, np.zeros(1, int)).log_probabilities[0])
    assert probabilities[target.id_of("b")] == pytest.approx(1)  # nothing is lost to the tags


def test_ensembles_average_the_log_probabilities():
    members = [small_model(**COPY, seed=seed)[0] for seed in range(2)]
    first = members[0]
    ensemble = Converter(
        Ensemble([each.model for each in members]), first.source_vocabulary, first.target_vocabulary, first.codec
    )
    for beam in (1, 3):
        for conversion in ensemble.convert(SOURCES, Request(beam=beam, confidence=True)):
            assert np.isfinite(conversion.log_probability)
            if not conversion.cut_off:
                [[score]] = ensemble.score([conversion.source], [conversion.prediction]).tolist()
                assert score == pytest.approx(conversion.log_probability, rel=1e-9)


def test_copying_needs_attention_and_strings_without_padding():
    with pytest.raises(SettingsError, match="copying needs attention; use attention, or do not copy"):
        ModelConfig(copy=True)
    with pytest.raises(SettingsError, match="padded to a fixed length"):
        ModelConfig(copy=True, attention=True, fill=True)


def test_copy_ids_are_required():
    converter, batch = small_model(**COPY)
    without = Sources(batch.sources.ids, batch.sources.active)
    with pytest.raises(ValueError, match="needs the copy ids"):
        converter.model.loss(Batch(without, batch.targets))
