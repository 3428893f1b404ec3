"""What the playground shows of a model is what NumPy computes from the same weights."""

from itertools import product

import numpy as np
import pytest

from henkan.batching.batch import source_batches
from henkan.batching.encoded_pairs import EncodedPairs
from henkan.config import ModelConfig, to_dict
from henkan.engine.numpy import NumpyEngine
from henkan.model import Sizes, create_architecture, draw_weights, shapes_of
from henkan.model.saliency import saliency
from henkan.nn import Parameters
from node import run_node

pytestmark = pytest.mark.web

SOURCE, TARGET = "+0123456789", ["", *"0123456789"]
SIZES = Sizes(len(SOURCE), len(TARGET))
QUESTION, ANSWER, SUMS = "58+77", "135", ["34+52", "12+81", "60+27"]
H = 7
TOLERANCE = 1e-4


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


class Model:
    """The encoder-decoder from its formulas, in float64, one symbol at a time."""

    def __init__(self, weights, peeky):
        self.weights = {name: array.astype(float) for name, array in weights.items()}
        self.peeky = peeky

    def step(self, side, symbol, h, c, context=None):
        """Gates and states after a step."""
        w = {name.removeprefix(f"{side}."): array for name, array in self.weights.items()}
        from_input = w["E"][symbol] @ w["lstm1.Wx"] + w["lstm1.b"]
        from_state = h @ w["lstm1.Wh"]
        from_context = context @ w["Wc"] if self.peeky and side == "decoder" else None
        a = from_input + from_state + (0 if from_context is None else from_context)
        i, f, g, o = np.split(a, 4)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        gates = np.concatenate([i, f, g, o])
        return {"fromInput": from_input, "fromState": from_state, "gates": gates, "c": c, "h": o * np.tanh(c)}

    def logits(self, h, context):
        w = self.weights
        return h @ w["decoder.Wy"] + w["decoder.by"] + (context @ w["decoder.Wyc"] if self.peeky else 0)

    def steps(self, read, inputs):
        """All steps; `read` and `inputs` are symbol ids."""
        h = c = np.zeros(H)
        steps = []
        for symbol in read:
            steps.append(self.step("encoder", symbol, h, c))
            h, c = steps[-1]["h"], steps[-1]["c"]
        context, c = h, np.zeros(H)
        for symbol in inputs:
            steps.append(self.step("decoder", symbol, h, c, context))
            h, c = steps[-1]["h"], steps[-1]["c"]
        return steps, context

    def loss(self, read, targets, wanted, at, h_at):
        """The loss of target symbol `wanted`, if the hidden state after step `at` is `h_at`."""
        h = c = np.zeros(H)
        for t, symbol in enumerate(read):
            step = self.step("encoder", symbol, h, c)
            h, c = h_at if t == at else step["h"], step["c"]
        context, c = h, np.zeros(H)
        for t, symbol in enumerate([0, *targets[:wanted]]):
            step = self.step("decoder", symbol, h, c, context)
            h, c = h_at if len(read) + t == at else step["h"], step["c"]
        logits = self.logits(h, context)
        return np.log(np.exp(logits).sum()) - logits[targets[wanted]]


def ids_of(source, reverse):
    ids = [SOURCE.index(symbol) for symbol in source]
    return ids[::-1] if reverse else ids


@pytest.fixture(scope="module", params=list(product([False, True], repeat=3)), ids=lambda each: "-".join(map(str, each)))
def case(request, tmp_path_factory):
    reverse, peeky, attention = request.param
    config = ModelConfig(reverse=reverse, peeky=peeky, attention=attention, embedding_size=4, hidden_size=H)
    architecture = create_architecture(config, SIZES)
    weights = Parameters(shapes_of(architecture.specs))
    generator = np.random.default_rng(3)
    for name, array in draw_weights(architecture.specs, "orthogonal", 1).items():
        weights[name][...] = array + generator.normal(0, 0.2, array.shape)
    fixture = {
        "settings": to_dict(config),
        "weights": {name: array.ravel() for name, array in weights.arrays.items()},
        "source": QUESTION,
        "target": ANSWER,
        "sums": SUMS,
        "digits": 2,
    }
    results = run_node("inspect_model.js", fixture, tmp_path_factory.mktemp("playground"))
    return config, architecture, weights, results


def engine_of(config, weights):
    engine = NumpyEngine(config, SIZES)
    engine.set_weights(weights.arrays)
    return engine


def test_states_and_gates_of_every_step(case):
    config, _, weights, results = case
    model = Model(weights.arrays, config.peeky)
    for result in results:
        trace = result["trace"]
        inputs = [0, *(TARGET.index(symbol) for symbol in trace["written"][:-1])]
        expected, context = model.steps(ids_of(QUESTION, config.reverse), inputs)
        assert len(trace["steps"]) == len(expected)
        for found, step in zip(trace["steps"], expected, strict=True):
            for name, array in step.items():
                np.testing.assert_allclose(found[name], array, atol=TOLERANCE)
        if config.peeky:
            decoder = trace["steps"][-1]["fromContext"]
            np.testing.assert_allclose(decoder, context @ model.weights["decoder.Wc"], atol=TOLERANCE)


def test_probabilities_and_attention_of_the_prediction(case):
    config, _, weights, results = case
    engine = engine_of(config, weights)
    [(_, batch)] = source_batches([ids_of(QUESTION, False)], SIZES.source, reverse=config.reverse, size=1)
    for result in results:
        trace = result["trace"]
        read = engine.encode(batch)
        state, symbols = read.state, np.zeros(1, np.int32)
        for written, step in zip(trace["written"], trace["steps"][len(QUESTION) :], strict=True):
            output = engine.step(read.memory, state, symbols)
            probabilities = np.exp(output.log_probabilities[0])
            np.testing.assert_allclose([each for _, each in step["probabilities"]], probabilities, atol=TOLERANCE)
            assert written == TARGET[probabilities.argmax()]
            if config.attention:
                np.testing.assert_allclose(step["attention"], output.attention[0], atol=TOLERANCE)
            state, symbols = output.state, np.array([TARGET.index(written)])


def test_saliency_is_that_of_henkan(case):
    config, architecture, weights, results = case
    for result in results:
        target = [TARGET.index(symbol) for symbol in result["trace"]["written"]]
        sizes = (SIZES.source, SIZES.target)
        pairs = EncodedPairs.of([ids_of(QUESTION, False)], [target], sizes, start=0, reverse=config.reverse)
        norms = saliency(architecture, weights, pairs.batch(np.arange(1)))
        shares = norms / norms.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(np.reshape(result["saliency"], shares.shape), shares, atol=TOLERANCE)


def test_norms_of_the_gradient_at_each_step(case):
    config, _, weights, results = case
    if config.attention:
        pytest.skip("the formulas of this test have no attention")
    model = Model(weights.arrays, config.peeky)
    for reverse, wanted in product([False, True], range(3)):
        expected = np.mean([gradient_norms(model, source, reverse, wanted) for source in SUMS], axis=0)
        for result in results:
            found = result["norms"][reverse][wanted]
            np.testing.assert_allclose(found[: len(expected)], expected, atol=TOLERANCE)
            assert not any(found[len(expected) :])


def gradient_norms(model, source, reverse, wanted):
    """Norm of the derivative of a target symbol's loss with respect to each hidden state, by central differences."""
    read = ids_of(source, reverse)
    targets = [TARGET.index(symbol) for symbol in [*str(sum(map(int, source.split("+")))), ""]]
    steps, _ = model.steps(read, [0, *targets[:wanted]])
    norms = []
    for at, step in enumerate(steps):
        differences = [
            model.loss(read, targets, wanted, at, step["h"] + d) - model.loss(read, targets, wanted, at, step["h"] - d)
            for d in 1e-5 * np.eye(H)
        ]
        norms.append(np.linalg.norm(np.array(differences) / 2e-5))
    return norms
