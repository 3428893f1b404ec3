"""The PyTorch engine beside the NumPy engine: an independent second implementation of every derivative and step."""

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
from henkan.model import Sizes
from henkan.nn import Regularization
from models import encoded, loss_and_gradients, small_model

torch = pytest.importorskip("torch", reason="PyTorch is not installed; `make test-torch` installs it")
pytestmark = pytest.mark.torch

from henkan.engine.torch import TorchEngine  # noqa: E402  (needs PyTorch)
from henkan.engine.torch.architecture import DropoutNoise  # noqa: E402
from henkan.engine.torch.device import readable_errors  # noqa: E402
from henkan.engine.torch.process_group import agree_on_name  # noqa: E402

SWITCHES = ("reverse", "peeky", "attention", "bidirectional", "tied", "fill")
COMBINATIONS = [
    {**dict(zip(SWITCHES, switches, strict=True)), "layers": layers, "attention_kind": kind}
    for *switches, layers, kind in product(*[(False, True)] * len(SWITCHES), (1, 2), ("general", "dot"))
    if kind == "general" or switches[SWITCHES.index("attention")]
]
PRECISIONS = [("float64", 1e-9, 1e-12), ("float32", 1e-4, 1e-6)]


def name_of(settings):
    return ",".join(f"{value}" if name == "attention_kind" else name for name, value in settings.items() if value)


def both(*, training=None, dtype="float64", **settings):
    """The same small model in both engines, and a batch."""
    hidden_size = 3 if settings.get("tied") else 4
    converter, batch = small_model(dtype=getattr(np, dtype), hidden_size=hidden_size, training=training, **settings)
    ours = converter.model
    sizes = Sizes(len(converter.source_vocabulary), converter.codec.size)
    theirs = TorchEngine(ours.architecture.config, sizes, training=training, dtype=getattr(torch, dtype))
    theirs.set_weights(ours.weights)
    return ours, theirs, batch, converter


def gradients_of(engine, batch, noise=None):
    """A batch's loss, and name -> gradient, by autograd."""
    loss = engine._loss(batch, engine.network, noise)
    loss.backward()
    return loss.item(), engine.network.named(lambda parameter: parameter.grad if parameter.requires_grad else parameter)


def assert_same_gradients(theirs, ours, rtol, atol):
    assert set(theirs) == set(ours.arrays)
    for name, gradient in theirs.items():
        np.testing.assert_allclose(gradient.numpy(), ours[name], rtol=rtol, atol=atol, err_msg=name)


@pytest.mark.parametrize(("dtype", "rtol", "atol"), PRECISIONS, ids=["float64", "float32"])
@pytest.mark.parametrize("settings", COMBINATIONS, ids=name_of)
def test_loss_and_gradients_agree(settings, dtype, rtol, atol):
    ours, theirs, batch, _ = both(dtype=dtype, **settings)
    loss, gradients = loss_and_gradients(ours, batch)
    their_loss, their_gradients = gradients_of(theirs, batch)
    assert their_loss == pytest.approx(loss, rel=rtol)
    assert_same_gradients(their_gradients, gradients, rtol, atol)
    assert theirs.loss(batch) == pytest.approx(ours.loss(batch), rel=rtol)


@pytest.mark.parametrize("settings", COMBINATIONS[::7], ids=name_of)
def test_what_is_left_out_and_smoothed_agrees(settings):
    """With the same draws, for both make them in the same order."""
    ours, theirs, batch, _ = both(**settings)
    generators = [np.random.default_rng(5), np.random.default_rng(5)]
    gradients = ours.parameters.zeros()
    regularization = Regularization(0.4, 0.2, 0.1, generators[0])
    loss, backward = ours.architecture.loss(ours.parameters, batch, regularization=regularization)
    backward(gradients)
    noise = DropoutNoise(0.4, 0.2, 0.1, lambda shape: torch.from_numpy(generators[1].random(tuple(shape), np.float32)))
    their_loss, their_gradients = gradients_of(theirs, batch, noise)
    assert their_loss == pytest.approx(loss, rel=1e-9)
    assert loss != pytest.approx(ours.loss(batch), rel=1e-6)
    assert_same_gradients(their_gradients, gradients, 1e-9, 1e-12)


@pytest.mark.parametrize("attention", [False, True])
def test_padding_more_changes_nothing(attention):
    """On a GPU strings are padded to a multiple of four steps."""
    _, theirs, batch, _ = both(attention=attention, bidirectional=attention)
    loss, gradients = gradients_of(theirs, batch)
    kept = {name: gradient.clone() for name, gradient in gradients.items()}
    theirs.network.zero_grad()
    theirs.pad_to_multiple_of = 4
    moved = theirs._move(batch, 1.0)
    assert len(moved.sources) == 8
    assert len(moved.inputs) == 4
    more, padded = gradients_of(theirs, batch)
    assert more == pytest.approx(loss, rel=1e-12)
    for name, gradient in padded.items():
        np.testing.assert_allclose(gradient.numpy(), kept[name].numpy(), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("peeky", [False, True])
@pytest.mark.parametrize("attention", [False, True])
def test_sources_without_symbols_and_shards_without_pairs(peeky, attention):
    ours, theirs, batch, _ = both(peeky=peeky, attention=attention, bidirectional=attention)
    sources, targets = batch.sources, batch.targets
    empty = Batch(Sources(sources.ids[:0], sources.active[:0]), targets)
    assert gradients_of(theirs, empty)[0] == pytest.approx(ours.loss(empty), rel=1e-12)
    nothing = Targets(targets.inputs[:, :0], targets.ids[:, :0], targets.valid[:, :0], targets.active * 0)
    nobody = Batch(Sources(sources.ids[:, :0], sources.active * 0), nothing)
    theirs.network.zero_grad()
    loss, gradients = gradients_of(theirs, nobody)
    assert loss == 0
    assert all((gradient == 0).all() for gradient in gradients.values())


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-9), ("float32", 2e-4)])
@pytest.mark.parametrize("clip_norm", [0.05, 5.0])
def test_updates_agree(dtype, rtol, clip_norm):
    training = TrainingConfig(clip_norm=clip_norm, beta2=0.98, weight_decay=0.1)
    ours, theirs, batch, _ = both(training=training, dtype=dtype, attention=True, bidirectional=True, layers=2)
    for step in range(10):
        rate = 0.01 / (step + 1)
        assert float(theirs.train_step(batch, rate)) == pytest.approx(ours.train_step(batch, rate), rel=rtol)
    for name, array in theirs.weights.items():
        np.testing.assert_allclose(array, ours.weights[name], rtol=rtol * 10, atol=rtol / 10, err_msg=name)


def test_adamw_is_pytorchs_own():
    """PyTorch's optimiser, handed the hand-written derivatives, makes the hand-written updates."""
    converter, batch = small_model(training=TrainingConfig(clip_norm=0.05, beta2=0.98, weight_decay=0.1))
    engine = converter.model
    vector = torch.nn.Parameter(torch.tensor(engine.parameters.vector.copy()))
    optimiser = torch.optim.AdamW([vector], lr=0.01, betas=(0.9, 0.98), weight_decay=0.1)
    for _ in range(10):
        _, gradients = loss_and_gradients(engine, batch)
        vector.grad = torch.tensor(gradients.vector)
        torch.nn.utils.clip_grad_norm_([vector], 0.05)
        optimiser.step()
        engine.train_step(batch, 0.01)
        np.testing.assert_allclose(engine.parameters.vector, vector.detach().numpy(), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("there", ["numpy", "torch"])
def test_a_snapshot_of_the_one_is_gone_on_with_by_the_other(there):
    ours, theirs, batch, _ = both(peeky=True, attention=True)
    first, second = (ours, theirs) if there == "torch" else (theirs, ours)
    for _ in range(3):
        first.train_step(batch, 0.01)
    second.restore(first.snapshot())
    for name, vector in first.snapshot().items():
        np.testing.assert_array_equal(second.snapshot()[name], vector)
    for _ in range(2):
        assert float(second.train_step(batch, 0.01)) == pytest.approx(float(first.train_step(batch, 0.01)), rel=1e-9)
    np.testing.assert_allclose(second.snapshot()["weights"], first.snapshot()["weights"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("settings", COMBINATIONS[::5], ids=name_of)
@pytest.mark.parametrize("pad_to_multiple_of", [1, 4])
def test_saliency_agrees(settings, pad_to_multiple_of):
    ours, theirs, _, converter = both(**settings)
    theirs.pad_to_multiple_of = pad_to_multiple_of
    pair = encoded(converter, ["12+34"], ["46"]).batch(np.arange(1))
    expected = ours.saliency(pair)
    assert expected.max() > 0
    np.testing.assert_allclose(theirs.saliency(pair), expected, rtol=1e-8, atol=1e-13)


@pytest.fixture(scope="module", params=["the article's", "words"])
def learnt(request, tmp_path_factory):
    """A saved model that has learnt to write capitals, but not of longer words."""
    words = ["".join(letters) for length in (1, 2, 3, 4) for letters in product("abcd", repeat=length)]
    pairs = words, [word.upper() for word in words]
    settings = {"epochs": 12, "batch_size": 8, "hidden_size": 24, "embedding_size": 8, "unknown_rate": 0.25}
    more = {"recipe": "modern"} if request.param != "words" else {"layers": 2, "peeky": True}
    folder = tmp_path_factory.mktemp("learnt") / "model"
    Seq2Seq(**settings, **more).fit(*pairs, dev=pairs).save(folder)
    return folder


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("repeat", [1, 4], ids=["", "padded as on a GPU"])
def test_both_give_the_same_strings(learnt, beam, repeat, monkeypatch):
    generator = random.Random(3)
    texts = ["".join(generator.choices("abcd?", [9, 9, 9, 9, 1], k=generator.randrange(8))) for _ in range(1000)]
    ours, theirs = (load(learnt, engine=engine) for engine in ("numpy", "torch"))
    monkeypatch.setattr(theirs._model().converter.model, "pad_to_multiple_of", repeat)
    first, second = (explain(model._model().converter, "abc", beam=beam) for model in (ours, theirs))
    for one, other in zip(first.choices, second.choices, strict=True):
        assert other.weights == pytest.approx(one.weights, rel=1e-3, abs=1e-5)
    expected = ours.convert(texts, beam=beam, nbest=beam, confidence=True)
    found = theirs.convert(texts, beam=beam, nbest=beam, confidence=True)
    assert len({each.prediction for each in expected}) > 100
    assert [each.prediction for each in found] == [each.prediction for each in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.log_probability == pytest.approx(other.log_probability, rel=1e-4, abs=1e-5)
        assert one.confidence == pytest.approx(other.confidence, rel=1e-3)
    assert theirs.log_probability(texts[:50], texts[:50]) == pytest.approx(
        ours.log_probability(texts[:50], texts[:50]), rel=1e-4, abs=1e-5
    )


def test_unknown_symbols_are_copied_to_the_same_places(words):
    settings = {"epochs": 40, "batch_size": 8, "hidden_size": 24, "embedding_size": 8, "unknown_rate": 20}
    model = Seq2Seq(engine="torch", dropout=0.0, embedding_dropout=0.0, **settings).fit(*words)
    assert model.predict(["a?b", "?"], unknown="copy") == ["A?B", "?"]


def losses(**settings):
    """The losses of a training, as they are reported."""
    seen = []
    alphabet = [chr(97 + k) for k in range(12)]
    sources = [a + b for a in alphabet for b in alphabet]
    model = Seq2Seq(epochs=3, batch_size=16, hidden_size=16, embedding_size=8, **settings)
    model.fit(sources, [text.upper() for text in sources], callback=lambda event: seen.append(event))
    return [event.loss for event in seen if isinstance(event, Step)], model


def test_training_goes_the_same_way():
    """From the same first weights, in the same order; without dropout, whose draws are each engine's own."""
    ours, _ = losses(dropout=0.0, embedding_dropout=0.0)
    theirs, model = losses(dropout=0.0, embedding_dropout=0.0, engine="torch")
    assert len(ours) == 27
    assert theirs == pytest.approx(ours, rel=1e-3)
    assert model.predict(["ab"], beam=2)


def test_the_same_seed_gives_the_same_bits_and_dropout_another_way():
    first, _ = losses(engine="torch", dropout=0.3)
    again, _ = losses(engine="torch", dropout=0.3)
    other, _ = losses(engine="torch", dropout=0.3, seed=1)
    assert first == again
    assert first != other


def test_an_ensemble(words):
    settings = {"epochs": 3, "batch_size": 8, "hidden_size": 16, "embedding_size": 8}
    model = Seq2Seq(ensemble=2, engine="torch", **settings).fit(*words)
    assert len(model.predict(words[0], beam=2)) == len(words[0])


def test_losses_looked_at_rarely_are_the_same(monkeypatch):
    """As on a GPU: of every so many updates one tells; a loss that is no number still costs no more than its epoch."""
    often, _ = losses(engine="torch")
    monkeypatch.setattr(TorchEngine, "sync_interval", 4)
    rarely, _ = losses(engine="torch")
    assert rarely == [often[k] for k in (3, 7, 8, 12, 16, 17, 21, 25, 26)]
    with pytest.warns(RuntimeWarning, match=r"training diverged \(non-finite loss\) 4 times"):
        _, model = losses(engine="torch", learning_rate=1e20)
    assert all(isinstance(text, str) for text in model.predict(["ab", "ba"]))


def test_bf16_multiplies_less_exactly():
    ours, theirs, batch, _ = both(dtype="float32", attention=True, bidirectional=True)
    theirs.autocast = True
    assert theirs.loss(batch) == pytest.approx(ours.loss(batch), rel=2e-2)
    assert theirs.loss(batch) != ours.loss(batch)
    exact, _ = losses(engine="torch", dropout=0.0)
    rough, model = losses(engine="torch", dropout=0.0, precision="bf16")
    assert rough == pytest.approx(exact, rel=5e-2)
    assert rough != exact
    assert all(array.dtype == np.float32 for array in model._model().saved.members[0].values())
    assert model.predict(["ab"], beam=2)


def test_deterministic_on_request():
    try:
        found, _ = losses(engine="torch", deterministic=True)
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
    assert found == losses(engine="torch")[0]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"device": "cuda"}, "no CUDA device is available"),
        ({"device": "mps"}, "mps is not available"),
        ({"precision": "tf32"}, "needs an NVIDIA GPU of the Ampere generation"),
    ],
)
def test_a_wish_that_the_machine_cannot_fulfil_is_one_sentence(settings, word):
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(SettingsError, match=word):
        choose_engines(EngineConfig(**settings))


def test_what_does_not_fit_is_a_memory_error():
    with pytest.raises(MemoryError), readable_errors():
        torch.empty(2**50)


def test_processes_that_start_again_do_not_take_the_dead_for_their_fellows():
    """The store still holds what earlier attempts wrote, and each attempt agrees on a name of its own."""
    store, names = torch.distributed.HashStore(), []
    store.set("henkan/here/1", "dead")
    for _ in range(3):
        with ThreadPoolExecutor(3) as pool:
            attempt = list(pool.map(lambda rank: agree_on_name(store, rank, 3), range(3)))
        assert len(set(attempt)) == 1
        names += attempt[:1]
    assert len(set(names)) == 3
    assert agree_on_name(store, 0, 1) not in names


def test_only_what_is_of_the_connection_is_told_as_that():
    with pytest.raises(RuntimeError, match="device-side assert"), readable_errors(several=True):
        raise RuntimeError("CUDA error: device-side assert triggered")


def test_the_other_process_is_named_when_it_dies():
    word = r"another process of this training run has died.*start the script with torchrun again"
    with pytest.raises(HenkanError, match=word), readable_errors(several=True):
        raise RuntimeError("[../gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:1234")
    with pytest.raises(RuntimeError, match="a mistake"), readable_errors():
        raise RuntimeError("a mistake")
