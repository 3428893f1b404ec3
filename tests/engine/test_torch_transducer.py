"""The transducer in PyTorch agrees with the one in NumPy."""

from itertools import product

import numpy as np
import pytest

import henkan
from henkan import Seq2Seq, Step
from henkan.batching.batch import Batch, Targets
from henkan.config import TrainingConfig
from henkan.inference.search import beam, greedy
from henkan.nn import Regularization
from models import SOURCES, TAGGED, TARGETS, TRANSDUCER, encoded, loss_and_gradients

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run `make test-torch`")
pytestmark = pytest.mark.torch

from henkan.engine.torch.architecture import DropoutNoise  # noqa: E402  (needs PyTorch)
from torch_models import assert_same_gradients, engines, torch_loss_and_gradients  # noqa: E402

SETTINGS = [
    {**TRANSDUCER, "layers": layers, "bidirectional": bidirectional, **tags}
    for layers, bidirectional, tags in product((1, 2), (False, True), ({}, {"features": True, "pairs": TAGGED}))
]
SETTINGS.insert(0, SETTINGS[3] | {"target_reverse": True})


def settings_id(settings):
    switches = [name for name in ("features", "target_reverse") if name in settings]
    return f"{settings['layers']}, {settings['bidirectional']}, {switches}"


each_setting = pytest.mark.parametrize("settings", SETTINGS, ids=settings_id)


@each_setting
@pytest.mark.parametrize(("dtype", "rtol", "atol"), [("float64", 1e-9, 1e-12), ("float32", 1e-4, 1e-6)])
@pytest.mark.parametrize("pad_to_multiple_of", [1, 4])
def test_loss_and_gradients_agree(settings, dtype, rtol, atol, pad_to_multiple_of):
    numpy_engine, torch_engine, batch, _ = engines(dtype=dtype, **settings)
    torch_engine.pad_to_multiple_of = pad_to_multiple_of
    loss, gradients = loss_and_gradients(numpy_engine, batch)
    torch_loss, torch_gradients = torch_loss_and_gradients(torch_engine, batch)
    assert torch_loss == pytest.approx(loss, rel=rtol)
    assert_same_gradients(torch_gradients, gradients, rtol, atol)


@each_setting
def test_dropout_and_label_smoothing_agree(settings):
    numpy_engine, torch_engine, batch, _ = engines(**settings)
    generators = [np.random.default_rng(5), np.random.default_rng(5)]
    regularization = Regularization(0.4, 0.2, 0.1, generators[0])
    loss, gradients = loss_and_gradients(numpy_engine, batch, regularization=regularization)
    noise = DropoutNoise(0.4, 0.2, 0.1, lambda shape: torch.from_numpy(generators[1].random(tuple(shape), np.float32)))
    torch_loss, torch_gradients = torch_loss_and_gradients(torch_engine, batch, noise)
    assert torch_loss == pytest.approx(loss, rel=1e-9)
    assert loss != pytest.approx(numpy_engine.loss(batch), rel=1e-6)
    assert_same_gradients(torch_gradients, gradients, 1e-9, 1e-12)


@each_setting
@pytest.mark.parametrize("divide", ["shards", "parts"])
def test_updates_in_parts_agree(settings, divide):
    """The share of a part is the sum over its steps, divided by the number of steps of the complete batch."""
    training = TrainingConfig(clip_norm=0.5, weight_decay=0.1)
    numpy_engine, torch_engine, batch, converter = engines(training=training, **settings)
    pairs = encoded(converter, *settings.get("pairs", (SOURCES, TARGETS)))
    parts = [pairs.batch(np.array(rows)) for rows in ([1], [0, 5, 4], [2, 3])]
    if divide == "shards":
        parts = [batch.shard(number, 3) for number in range(3)]
    for _ in range(3):
        loss = numpy_engine.train_step([batch], 0.01)
        assert float(torch_engine.train_step(parts, 0.01)) == pytest.approx(loss, rel=1e-9)
    for name, array in torch_engine.weights.items():
        np.testing.assert_allclose(array, numpy_engine.weights[name], rtol=1e-8, atol=1e-10, err_msg=name)


@each_setting
@pytest.mark.parametrize("pad_to_multiple_of", [1, 4])
def test_every_decoding_step_agrees(settings, pad_to_multiple_of):
    numpy_engine, torch_engine, batch, _ = engines(**settings)
    torch_engine.pad_to_multiple_of = pad_to_multiple_of
    both = [numpy_engine, torch_engine]
    encodings = [engine.encode(batch.sources) for engine in both]
    memories, states = [each.memory for each in encodings], [each.state for each in encodings]
    rows = np.array([5, 0, 1, 1, 4, 3, 2])
    memories, states = [each.take(rows) for each in memories], [each.take(rows) for each in states]
    for symbols in batch.targets.inputs[:, rows]:
        outputs = [
            engine.step(memory, state, symbols) for engine, memory, state in zip(both, memories, states, strict=True)
        ]
        expected, actual = (output.log_probabilities for output in outputs)
        assert np.isneginf(expected).any()
        np.testing.assert_allclose(actual, expected, rtol=1e-9)  # minus infinity at the same actions
        states = [output.state for output in outputs]


@each_setting
def test_searches_agree(settings):
    numpy_engine, torch_engine, batch, converter = engines(**settings)
    for _ in range(20):
        numpy_engine.train_step([batch], 0.03)
    torch_engine.set_weights(numpy_engine.weights)
    for search, options in ((greedy, {}), (beam, {"width": 3})):
        expected, actual = (
            search(engine, engine.encode(batch.sources), converter.codec, **options)
            for engine in (numpy_engine, torch_engine)
        )
        for one, two in zip(expected, actual, strict=True):
            pairs = zip(one, two, strict=True) if search is beam else [(one, two)]
            for first, second in pairs:
                assert list(second.symbols) == list(first.symbols)
                assert second.log_probability == pytest.approx(first.log_probability, rel=1e-9)


@each_setting
def test_saliency_agrees(settings):
    numpy_engine, torch_engine, _, converter = engines(**settings)
    pair = ("ab\tPL;X", "abs") if "features" in settings else ("12+34", "46")
    batch = encoded(converter, [pair[0]], [pair[1]]).batch(np.arange(1))
    expected = numpy_engine.saliency(batch)
    assert expected.max() > 0
    np.testing.assert_allclose(torch_engine.saliency(batch), expected, rtol=1e-8, atol=1e-13)


def test_empty_sources_and_empty_shards():
    numpy_engine, torch_engine, _, converter = engines(**TRANSDUCER)
    batch = encoded(converter, ["", ""], ["3", ""]).batch(np.arange(2))
    assert len(batch.sources.ids) == 0
    assert torch_engine.loss(batch) == pytest.approx(numpy_engine.loss(batch), rel=1e-12)
    sources, targets = batch.sources, batch.targets
    nothing = Targets(targets.inputs[:, :0], targets.ids[:, :0], targets.valid[:, :0], targets.active * 0)
    loss, gradients = torch_loss_and_gradients(
        torch_engine, Batch(type(sources)(sources.ids[:, :0], sources.active), nothing)
    )
    assert loss == 0
    assert all((gradient == 0).all() for gradient in gradients.values())


def test_bf16_is_close_to_full_precision():
    _, torch_engine, batch, converter = engines(dtype="float32", **SETTINGS[-1])
    exact = torch_engine.loss(batch)
    torch_engine.autocast = True
    assert torch_engine.loss(batch) == pytest.approx(exact, rel=2e-2)
    assert torch_engine.loss(batch) != exact
    assert len(greedy(torch_engine, torch_engine.encode(batch.sources), converter.codec)) == batch.size


def losses_and_model(words, **settings):
    """Train a transducer; return the losses of all updates, and the model."""
    events = []
    settings = {"epochs": 12, "batch_size": 8, "hidden_size": 16, "embedding_size": 8} | settings
    model = Seq2Seq(architecture="transducer", dropout=0.0, embedding_dropout=0.0, unknown_rate=0.25, **settings)
    model.fit(*words, callback=events.append)
    return [event.loss for event in events if isinstance(event, Step)], model


def test_training_agrees_and_models_work_with_both_engines(words, tmp_path):
    expected, _ = losses_and_model(words, engine="numpy")
    actual, model = losses_and_model(words, engine="torch")
    assert actual == pytest.approx(expected, rel=1e-2)
    model.save(tmp_path / "model")
    loaded = [henkan.load(tmp_path / "model", engine=engine) for engine in ("numpy", "torch")]
    predictions = [each.predict([*words[0], "a?b"], unknown="use") for each in loaded]
    assert predictions[1] == predictions[0]
    logs = [each.log_probability(*words) for each in loaded]
    assert logs[1] == pytest.approx(logs[0], rel=1e-3, abs=1e-5)


def test_resumed_run_gives_the_same_bits(words, tmp_path):
    settings = {"epochs": 4, "batch_size": 8, "hidden_size": 8, "embedding_size": 4, "engine": "torch"}
    settings |= {"architecture": "transducer", "dropout": 0.3}
    complete = Seq2Seq(**settings).fit(*words)

    def stop(event):
        if isinstance(event, Step) and event.step == 12:
            raise KeyboardInterrupt

    options = {"checkpoint": tmp_path / "c"}
    with pytest.raises(KeyboardInterrupt):
        Seq2Seq(**settings).fit(*words, callback=stop, **options)
    resumed = Seq2Seq(**settings).fit(*words, **options)
    for name, array in resumed._fitted.saved.members[0].items():
        np.testing.assert_array_equal(array, complete._fitted.saved.members[0][name], err_msg=name)


def test_command_trains_with_torch(henkan, pairs_file):
    size = ("--hidden-size", 8, "--embedding-size", 8, "--epochs", 2)
    done = henkan("train", pairs_file, "--architecture", "transducer", "--engine", "torch", *size, "--out", "m")
    assert "PyTorch " in done.stderr
    results = [henkan("predict", "m", "abc", "ca", "--engine", engine).stdout for engine in ("numpy", "torch")]
    assert results[0] == results[1]
