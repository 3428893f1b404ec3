"""The PyTorch engine agrees with the NumPy engine, which implements gradients and updates independently."""

import random
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest

from henkan import HenkanError, Seq2Seq, SettingsError, Step, load
from henkan.batching.batch import Batch, Sources, Targets
from henkan.config import EngineConfig, TrainingConfig
from henkan.engine.choice import choose_engines
from henkan.inference.explanation import explain
from henkan.nn import Regularization
from models import SOURCES, TARGETS, encoded, hidden_batch, loss_and_gradients, small_model

torch = pytest.importorskip("torch", reason="PyTorch is not installed; run `make test-torch`")
pytestmark = pytest.mark.torch

from henkan.engine.torch import TorchEngine  # noqa: E402  (needs PyTorch)
from henkan.engine.torch.architecture import DropoutNoise  # noqa: E402
from henkan.engine.torch.device import readable_errors  # noqa: E402
from henkan.engine.torch.process_group import agree_on_name  # noqa: E402
from torch_models import assert_same_gradients, engines, torch_loss_and_gradients  # noqa: E402

SWITCHES = ("reverse", "peeky", "attention", "bidirectional", "tied", "fill")
COMBINATIONS = [
    {**dict(zip(SWITCHES, switches, strict=True)), "layers": layers, "attention_kind": kind}
    for *switches, layers, kind in product(*[(False, True)] * len(SWITCHES), (1, 2), ("general", "dot"))
    if kind == "general" or switches[SWITCHES.index("attention")]
]
COPYING = [{**each, "copy": True} for each in COMBINATIONS if each["attention"] and not each["fill"]]


def settings_id(settings):
    return ",".join(f"{value}" if name == "attention_kind" else name for name, value in settings.items() if value)


@pytest.mark.parametrize("settings", COMBINATIONS + COPYING[::3], ids=settings_id)
def test_loss_and_gradients_agree(settings):
    check_loss_and_gradients(settings, "float64", 1e-9, 1e-12)


@pytest.mark.parametrize("settings", COMBINATIONS[::5] + COPYING[::9], ids=settings_id)
def test_loss_and_gradients_agree_in_float32(settings):
    check_loss_and_gradients(settings, "float32", 1e-4, 1e-6)


def check_loss_and_gradients(settings, dtype, rtol, atol):
    numpy_engine, torch_engine, batch, _ = engines(dtype=dtype, **settings)
    loss, gradients = loss_and_gradients(numpy_engine, batch)
    torch_loss, torch_gradients = torch_loss_and_gradients(torch_engine, batch)
    assert torch_loss == pytest.approx(loss, rel=rtol)
    assert_same_gradients(torch_gradients, gradients, rtol, atol)
    assert torch_engine.loss(batch) == pytest.approx(numpy_engine.loss(batch), rel=rtol)


@pytest.mark.parametrize("settings", COMBINATIONS[::7] + COPYING[::9], ids=settings_id)
def test_dropout_and_label_smoothing_agree(settings):
    """Both engines make the same draws in the same order."""
    numpy_engine, torch_engine, batch, _ = engines(**settings)
    generators = [np.random.default_rng(5), np.random.default_rng(5)]
    gradients = numpy_engine.parameters.zeros()
    regularization = Regularization(0.4, 0.2, 0.1, generators[0])
    loss, backward = numpy_engine.architecture.loss(numpy_engine.parameters, batch, regularization=regularization)
    backward(gradients)
    noise = DropoutNoise(0.4, 0.2, 0.1, lambda shape: torch.from_numpy(generators[1].random(tuple(shape), np.float32)))
    torch_loss, torch_gradients = torch_loss_and_gradients(torch_engine, batch, noise)
    assert torch_loss == pytest.approx(loss, rel=1e-9)
    assert loss != pytest.approx(numpy_engine.loss(batch), rel=1e-6)
    assert_same_gradients(torch_gradients, gradients, 1e-9, 1e-12)


@pytest.mark.parametrize("settings", COPYING[1::9], ids=settings_id)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("pad_to_multiple_of", [1, 4])
def test_copies_of_unknown_symbols_agree(settings, smoothing, pad_to_multiple_of):
    """Loss, gradients and decoding steps with symbols that can only be copied."""
    numpy_engine, torch_engine, _, converter = engines(**settings)
    torch_engine.pad_to_multiple_of = pad_to_multiple_of
    batch, gradients = hidden_batch(converter), numpy_engine.parameters.zeros()
    regularization = Regularization(label_smoothing=smoothing)
    loss, backward = numpy_engine.architecture.loss(numpy_engine.parameters, batch, regularization=regularization)
    backward(gradients)
    torch_loss, torch_gradients = torch_loss_and_gradients(torch_engine, batch, DropoutNoise(0.0, 0.0, smoothing, None))
    assert torch_loss == pytest.approx(loss, rel=1e-9)
    assert_same_gradients(torch_gradients, gradients, 1e-9, 1e-12)
    last, logs = np.full(batch.size, converter.codec.size + 1), []
    for engine in (numpy_engine, torch_engine):
        encoded_sources = engine.encode(batch.sources)
        logs.append(engine.step(encoded_sources.memory, encoded_sources.state, last).log_probabilities)
    width = logs[0].shape[1]
    np.testing.assert_allclose(logs[1][:, :width], logs[0], rtol=1e-9)
    assert (logs[1][:, width:] == -np.inf).all()


@pytest.mark.parametrize("attention", [False, True])
def test_extra_padding_does_not_affect_loss_or_gradients(attention):
    """On a GPU, sequences are padded to a multiple of four steps."""
    _, torch_engine, batch, _ = engines(attention=attention, bidirectional=attention)
    loss, gradients = torch_loss_and_gradients(torch_engine, batch)
    expected = {name: gradient.clone() for name, gradient in gradients.items()}
    torch_engine.network.zero_grad()
    torch_engine.pad_to_multiple_of = 4
    padded_batch = torch_engine._move(batch, 1.0)
    assert len(padded_batch.sources) == 8
    assert len(padded_batch.inputs) == 4
    padded_loss, padded_gradients = torch_loss_and_gradients(torch_engine, batch)
    assert padded_loss == pytest.approx(loss, rel=1e-12)
    for name, gradient in padded_gradients.items():
        np.testing.assert_allclose(gradient.numpy(), expected[name].numpy(), rtol=1e-9, atol=1e-13)


def test_prepare_takes_the_time_of_an_update_and_changes_nothing():
    """The time of training is estimated from it."""
    _, torch_engine, batch, _ = engines()
    computed, before = [], torch_engine.weights
    trained = [parameter for parameter in torch_engine.network.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.register_post_accumulate_grad_hook(computed.append)
    torch_engine.prepare(batch)
    assert len(computed) == len(trained)
    assert all(parameter.grad is None for parameter in trained)
    assert all(np.array_equal(array, before[name]) for name, array in torch_engine.weights.items())


@pytest.mark.parametrize("peeky", [False, True])
@pytest.mark.parametrize("attention", [False, True])
def test_empty_sources_and_empty_shards(peeky, attention):
    numpy_engine, torch_engine, batch, _ = engines(peeky=peeky, attention=attention, bidirectional=attention)
    sources, targets = batch.sources, batch.targets
    empty_sources = Batch(Sources(sources.ids[:0], sources.active[:0]), targets)
    assert torch_loss_and_gradients(torch_engine, empty_sources)[0] == pytest.approx(
        numpy_engine.loss(empty_sources), rel=1e-12
    )
    no_targets = Targets(targets.inputs[:, :0], targets.ids[:, :0], targets.valid[:, :0], targets.active * 0)
    empty_shard = Batch(Sources(sources.ids[:, :0], sources.active * 0), no_targets)
    torch_engine.network.zero_grad()
    loss, gradients = torch_loss_and_gradients(torch_engine, empty_shard)
    assert loss == 0
    assert all((gradient == 0).all() for gradient in gradients.values())


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-9), ("float32", 2e-4)])
@pytest.mark.parametrize("clip_norm", [0.05, 5.0])
def test_updates_agree(dtype, rtol, clip_norm):
    training = TrainingConfig(clip_norm=clip_norm, beta2=0.98, weight_decay=0.1)
    numpy_engine, torch_engine, batch, _ = engines(
        training=training, dtype=dtype, attention=True, bidirectional=True, layers=2
    )
    for step in range(10):
        rate = 0.01 / (step + 1)
        assert float(torch_engine.train_step([batch], rate)) == pytest.approx(
            numpy_engine.train_step([batch], rate), rel=rtol
        )
    for name, array in torch_engine.weights.items():
        np.testing.assert_allclose(array, numpy_engine.weights[name], rtol=rtol * 10, atol=rtol / 10, err_msg=name)


def test_updates_in_parts_agree():
    training = TrainingConfig(clip_norm=0.05, weight_decay=0.1)
    numpy_engine, torch_engine, batch, converter = engines(training=training, attention=True, bidirectional=True)
    pairs = encoded(converter, SOURCES, TARGETS)
    parts = [pairs.batch(np.array(rows)) for rows in ([1], [0, 5, 4], [2, 3])]
    for _ in range(5):
        loss = numpy_engine.train_step([batch], 0.01)
        assert float(torch_engine.train_step(parts, 0.01)) == pytest.approx(loss, rel=1e-9)
    for name, array in torch_engine.weights.items():
        np.testing.assert_allclose(array, numpy_engine.weights[name], rtol=1e-8, atol=1e-10, err_msg=name)


def test_updates_match_adamw_of_pytorch():
    """Given the same gradients, the optimiser of PyTorch makes the same updates."""
    converter, batch = small_model(training=TrainingConfig(clip_norm=0.05, beta2=0.98, weight_decay=0.1))
    engine = converter.model
    vector = torch.nn.Parameter(torch.tensor(engine.parameters.vector.copy()))
    optimiser = torch.optim.AdamW([vector], lr=0.01, betas=(0.9, 0.98), weight_decay=0.1)
    for _ in range(10):
        _, gradients = loss_and_gradients(engine, batch)
        vector.grad = torch.tensor(gradients.vector)
        torch.nn.utils.clip_grad_norm_([vector], 0.05)
        optimiser.step()
        engine.train_step([batch], 0.01)
        np.testing.assert_allclose(engine.parameters.vector, vector.detach().numpy(), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_snapshot_of_one_engine_can_be_restored_by_the_other(target):
    numpy_engine, torch_engine, batch, _ = engines(peeky=True, attention=True)
    first, second = (numpy_engine, torch_engine) if target == "torch" else (torch_engine, numpy_engine)
    for _ in range(3):
        first.train_step([batch], 0.01)
    second.restore(first.snapshot())
    for name, vector in first.snapshot().items():
        np.testing.assert_array_equal(second.snapshot()[name], vector)
    for _ in range(2):
        losses = [float(engine.train_step([batch], 0.01)) for engine in (first, second)]
        assert losses[1] == pytest.approx(losses[0], rel=1e-9)
    np.testing.assert_allclose(second.snapshot()["weights"], first.snapshot()["weights"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("settings", COMBINATIONS[::5] + COPYING[::9], ids=settings_id)
@pytest.mark.parametrize("pad_to_multiple_of", [1, 4])
def test_saliency_agrees(settings, pad_to_multiple_of):
    numpy_engine, torch_engine, _, converter = engines(**settings)
    torch_engine.pad_to_multiple_of = pad_to_multiple_of
    pair = encoded(converter, ["12+34"], ["46"]).batch(np.arange(1))
    expected = numpy_engine.saliency(pair)
    assert expected.max() > 0
    np.testing.assert_allclose(torch_engine.saliency(pair), expected, rtol=1e-8, atol=1e-13)


@pytest.fixture(scope="module", params=["modern", "words", "copying"])
def model_folder(request, tmp_path_factory):
    """A saved model that has learnt to write capitals, but not for longer words."""
    words = ["".join(letters) for length in (1, 2, 3, 4) for letters in product("abcd", repeat=length)]
    pairs = words, [word.upper() for word in words]
    settings = {"epochs": 12, "batch_size": 8, "hidden_size": 24, "embedding_size": 8, "unknown_rate": 0.25}
    more = {"recipe": "modern"} if request.param == "modern" else {"layers": 2, "peeky": True}
    more["copy"] = request.param == "copying"
    folder = tmp_path_factory.mktemp("model_folder") / "model"
    Seq2Seq(**settings, **more).fit(*pairs, dev=pairs).save(folder)
    return folder


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("pad_to_multiple_of", [1, 4], ids=["unpadded", "padded as on a GPU"])
def test_predictions_agree(model_folder, beam, pad_to_multiple_of, monkeypatch):
    generator = random.Random(3)
    sources = ["".join(generator.choices("abcd?", [9, 9, 9, 9, 1], k=generator.randrange(1, 8))) for _ in range(1000)]
    numpy_model, torch_model = (load(model_folder, engine=engine) for engine in ("numpy", "torch"))
    monkeypatch.setattr(torch_model._model().converter.model, "pad_to_multiple_of", pad_to_multiple_of)
    numpy_explanation, torch_explanation = (
        explain(model._model().converter, "abc", beam=beam) for model in (numpy_model, torch_model)
    )
    for one, other in zip(numpy_explanation.choices, torch_explanation.choices, strict=True):
        assert other.weights == pytest.approx(one.weights, rel=1e-3, abs=1e-5)
    expected = numpy_model.convert(sources, beam=beam, nbest=beam, confidence=True)
    predictions = torch_model.convert(sources, beam=beam, nbest=beam, confidence=True)
    assert len({each.prediction for each in expected}) > 100
    assert [each.prediction for each in predictions] == [each.prediction for each in expected]
    rel = 1e-3 if torch.cuda.is_available() else 1e-4  # a GPU sums in another order
    for one, other in zip(predictions, expected, strict=True):
        assert one.log_probability == pytest.approx(other.log_probability, rel=rel, abs=1e-5)
        assert (one.confidence is None) == (other.confidence is None)  # outside the training data
        if other.confidence is not None:
            assert one.confidence == pytest.approx(other.confidence, rel=1e-3)
    assert torch_model.log_probability(sources[:50], sources[:50]) == pytest.approx(
        numpy_model.log_probability(sources[:50], sources[:50]), rel=rel, abs=1e-5
    )


def test_unknown_symbols_are_copied(words):
    settings = {"epochs": 40, "batch_size": 8, "hidden_size": 24, "embedding_size": 8, "unknown_rate": 20}
    model = Seq2Seq(recipe="words", engine="torch", dropout=0.0, embedding_dropout=0.0, **settings).fit(*words)
    assert model.predict(["a?b", "?"], unknown="copy") == ["A?B", "?"]


def losses(**settings):
    """Train a model; return the losses that the callback receives, and the model."""
    events = []
    alphabet = [chr(97 + k) for k in range(12)]
    sources = [a + b for a in alphabet for b in alphabet]
    model = Seq2Seq(epochs=3, batch_size=16, hidden_size=16, embedding_size=8, **settings)
    model.fit(sources, [text.upper() for text in sources], callback=events.append)
    return [event.loss for event in events if isinstance(event, Step)], model


def test_training_losses_agree():
    """Initial weights and order of pairs are equal; dropout is off, because the engines draw different masks."""
    numpy_losses, _ = losses(dropout=0.0, embedding_dropout=0.0)
    torch_losses, model = losses(dropout=0.0, embedding_dropout=0.0, engine="torch")
    assert len(numpy_losses) == 27
    assert torch_losses == pytest.approx(numpy_losses, rel=1e-3)
    assert model.predict(["ab"], beam=2)


def test_same_seed_gives_the_same_losses_and_another_seed_does_not():
    first, _ = losses(engine="torch", dropout=0.3)
    again, _ = losses(engine="torch", dropout=0.3)
    other, _ = losses(engine="torch", dropout=0.3, seed=1)
    assert first == again
    assert first != other


def test_ensemble_can_be_trained(words):
    settings = {"epochs": 3, "batch_size": 8, "hidden_size": 16, "embedding_size": 8}
    model = Seq2Seq(ensemble=2, engine="torch", **settings).fit(*words)
    assert len(model.predict(words[0], beam=2)) == len(words[0])


def test_sync_interval_does_not_change_the_losses(monkeypatch):
    """On a GPU, the loss is read only every few updates; a non-finite loss is still detected within its epoch."""
    every_update, _ = losses(engine="torch")
    monkeypatch.setattr(TorchEngine, "sync_interval", 4)
    every_fourth_update, _ = losses(engine="torch")
    assert every_fourth_update == [every_update[k] for k in (3, 7, 8, 12, 16, 17, 21, 25, 26)]
    with pytest.warns(RuntimeWarning, match=r"training diverged \(non-finite loss\) 4 times"):
        _, model = losses(engine="torch", learning_rate=1e20)
    assert all(isinstance(text, str) for text in model.predict(["ab", "ba"]))


def test_bf16_is_close_to_full_precision():
    numpy_engine, torch_engine, batch, _ = engines(dtype="float32", attention=True, bidirectional=True)
    torch_engine.autocast = True
    assert torch_engine.loss(batch) == pytest.approx(numpy_engine.loss(batch), rel=2e-2)
    assert torch_engine.loss(batch) != numpy_engine.loss(batch)
    exact, _ = losses(engine="torch", dropout=0.0)
    rounded, model = losses(engine="torch", dropout=0.0, precision="bf16")
    assert rounded == pytest.approx(exact, rel=5e-2)
    assert rounded != exact
    assert all(array.dtype == np.float32 for array in model._model().saved.members[0].values())
    assert model.predict(["ab"], beam=2)


def test_deterministic_option_gives_the_same_losses():
    try:
        deterministic, _ = losses(engine="torch", deterministic=True)
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
    assert deterministic == losses(engine="torch")[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "cuda"}, "no CUDA device is available"),
        ({"device": "mps"}, "mps is not available"),
        ({"precision": "tf32"}, "needs an NVIDIA GPU of the Ampere generation"),
    ],
)
def test_unavailable_device_or_precision_is_rejected(settings, message):
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(SettingsError, match=message):
        choose_engines(EngineConfig(**settings))


def test_failed_allocation_is_a_memory_error():
    with pytest.raises(MemoryError), readable_errors():
        torch.empty(2**50)


def test_restarted_processes_ignore_earlier_attempts():
    """The store still holds the keys of earlier attempts; every attempt agrees on a new name."""
    store, names = torch.distributed.HashStore(), []
    store.set("henkan/here/1", "dead")
    for _ in range(3):
        with ThreadPoolExecutor(3) as pool:
            attempt = list(pool.map(lambda rank: agree_on_name(store, rank, 3), range(3)))
        assert len(set(attempt)) == 1
        names += attempt[:1]
    assert len(set(names)) == 3
    assert agree_on_name(store, 0, 1) not in names


def test_other_runtime_errors_are_not_reported_as_lost_connections():
    with pytest.raises(RuntimeError, match="device-side assert"), readable_errors(several=True):
        raise RuntimeError("CUDA error: device-side assert triggered")


def test_lost_connection_is_reported_as_a_dead_process():
    message = r"another process of this training run has died.*start the script with torchrun again"
    with pytest.raises(HenkanError, match=message), readable_errors(several=True):
        raise RuntimeError("[../gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:1234")
    with pytest.raises(RuntimeError, match="a mistake"), readable_errors():
        raise RuntimeError("a mistake")
