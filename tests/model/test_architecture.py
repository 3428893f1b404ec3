"""A custom architecture: registered here, then trained, saved, loaded and used by the ordinary commands."""

from dataclasses import dataclass

import click.testing
import numpy as np
import pytest

from henkan import HenkanError, ModelFolderError, Seq2Seq, load
from henkan.cli.main import cli
from henkan.cli.remedies import sentence
from henkan.config import ModelConfig
from henkan.engine.numpy import NumpyEngine
from henkan.model import (
    Capabilities,
    Sizes,
    StepOutput,
    WeightSpec,
    architecture,
    find_architecture,
    register_architecture,
)
from henkan.nn import gradient_check, log_softmax
from henkan.nn.initializers import normal


@dataclass(frozen=True)
class Position:
    """The next source position (N,) of each sequence."""

    steps: np.ndarray

    def take(self, rows):
        return Position(self.steps[rows])


@dataclass(frozen=True)
class Symbols:
    """The source symbols (N, S + 1) of each sequence, followed by the index of the table's last row, `end`."""

    ids: np.ndarray

    def take(self, rows):
        return Symbols(self.ids[rows])


class Copier:
    """Converts the source symbol by symbol: p(y_t) = softmax(W[x_t]), with an extra row for the end of the source."""

    def __init__(self, _config, sizes):
        self.end = sizes.source
        draw = {"orthogonal": normal(0.01), "book": normal(0.01)}
        self.specs = {
            "W": WeightSpec((sizes.source, sizes.target), draw, {0: "source", 1: "target"}),
            "end": WeightSpec((1, sizes.target), draw, {1: "target"}),
        }
        self.capabilities = Capabilities(attention=True)

    def _aligned(self, sources, steps):
        ids = np.where(sources.valid, sources.ids, self.end)
        padding = np.full((max(steps - len(ids), 0) + 1, ids.shape[1]), self.end)
        return np.concatenate([ids, padding])

    def loss(self, weights, batch, count, regularization, backend):  # noqa: ARG002
        table = np.concatenate([weights["W"], weights["end"]])
        T, N = batch.targets.ids.shape
        ids = self._aligned(batch.sources, T)[:T]
        valid, columns = batch.targets.valid, np.arange(N)
        logs = log_softmax(table[ids])
        divisor = max(int(valid.sum()) if count is None else count, 1)
        chosen = logs[np.arange(T)[:, None], columns, batch.targets.ids]

        def backward(gradients):
            d = np.exp(logs)
            d[np.arange(T)[:, None], columns, batch.targets.ids] -= 1
            d *= valid[..., None] / divisor
            dtable = np.zeros_like(table)
            np.add.at(dtable, ids, d)
            gradients["W"][...], gradients["end"][...] = dtable[:-1], dtable[-1:]

        return float(-(chosen * valid).sum() / divisor), backward

    def encode(self, weights, sources, backend):  # noqa: ARG002
        ids = self._aligned(sources, 0).T
        return Symbols(ids), Position(np.zeros(len(ids), int))

    def step(self, weights, memory, state, symbols, backend):  # noqa: ARG002
        table = np.concatenate([weights["W"], weights["end"]])
        positions = np.minimum(state.steps, memory.ids.shape[1] - 1)
        attention = np.eye(memory.ids.shape[1])[positions][:, :-1]
        logs = log_softmax(table[memory.ids[np.arange(len(positions)), positions]])
        return StepOutput(logs, Position(state.steps + 1), attention)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setattr(architecture, "REGISTRY", dict(architecture.REGISTRY))
    register_architecture("copier", Copier)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Function that runs a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        return click.testing.CliRunner().invoke(cli, list(arguments), catch_exceptions=False, standalone_mode=False)

    return invoke


def test_commands_train_save_load_and_predict(run, words, pairs_file, tmp_path):
    run("train", str(pairs_file), "--architecture", "copier", "--epochs", "30", "--learning-rate", "0.1",
        "--no-reverse", "--unknown-rate", "0.25", "--out", "copier")  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "copier").iterdir())[0] == "README.md"
    assert run("predict", "copier", "abc", "cab", "--beam", "3").stdout == "ABC\nCAB\n"
    assert "exact match 100.000%" in run("evaluate", "copier", str(pairs_file)).stdout
    explained = run("explain", "copier", "ab").stdout
    assert "weights from attention" in explained
    model = load("copier")
    assert model.score(*words) == 1.0
    assert model.predict(["a?b"], unknown="copy") == ["A?B"]
    assert model.log_probability(["ab"], ["AB"])[0] > -0.5


def test_fine_tuning_adds_new_symbols(run, pairs_file, tmp_path):
    train = ("--epochs", "30", "--learning-rate", "0.1", "--dev", "none")
    run("train", str(pairs_file), "--architecture", "copier", "--no-reverse", "--out", "copier", *train)
    (tmp_path / "more.tsv").write_text("da\tDA\nad\tAD\ndd\tDD\n" * 10)
    run("train", "more.tsv", "--from", "copier", "--out", "more", *train)
    assert load("more").predict(["bad", "cab"]) == ["BAD", "CAB"]


def test_gradients():
    engine = NumpyEngine(ModelConfig(architecture="copier"), Sizes(4, 5), dtype=np.float64)
    from henkan.batching.encoded_pairs import EncodedPairs

    batch = EncodedPairs.of([[1, 2], [3]], [[1, 4, 0], [2, 0]], (4, 5), start=0, reverse=False).batch(np.arange(2))
    gradients = engine.parameters.zeros()
    _, backward = engine.architecture.loss(engine.parameters, batch, None, None, None)
    backward(gradients)
    gradient_check(lambda: engine.loss(batch), engine.parameters.arrays, gradients.arrays)


def test_loading_an_unregistered_architecture_raises_a_clear_error(words, tmp_path, monkeypatch):
    Seq2Seq(architecture="copier", reverse=False, epochs=1).fit(*words).save(tmp_path / "model")
    monkeypatch.delitem(architecture.REGISTRY, "copier")
    with pytest.raises(ModelFolderError) as caught:
        load(tmp_path / "model")
    for message in (str(caught.value), sentence(caught.value)):
        assert (
            "the architecture 'copier' is not registered (registered architectures: encoder-decoder, transducer)"
            in message
        )
        assert message.endswith("import the module that registers it, or upgrade henkan")


def test_names_are_unique_and_must_be_registered(words):
    register_architecture("copier", Copier)  # allowed, because a module may be imported twice
    with pytest.raises(HenkanError, match="another architecture is already registered as 'copier'"):
        register_architecture("copier", dict)
    with pytest.raises(HenkanError, match="'transformer' is not registered"):
        Seq2Seq(architecture="transformer", epochs=1).fit(*words)
    assert find_architecture("encoder-decoder").torch


def test_missing_capability_raises_a_clear_error(words):
    model = Seq2Seq(architecture="copier", reverse=False, epochs=1).fit(*words)
    from henkan.inference.explanation import explain

    with pytest.raises(HenkanError, match="saliency is not available for this model's architecture"):
        explain(model._model().converter, "ab", by="saliency")


def test_torch_engine_needs_a_torch_implementation(words):
    pytest.importorskip("torch", reason="PyTorch is not installed; run `make test-torch`")
    with pytest.raises(HenkanError, match="'copier' has no PyTorch implementation; use the NumPy engine"):
        Seq2Seq(architecture="copier", engine="torch", epochs=1).fit(*words)
