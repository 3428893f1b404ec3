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
from playground_model import SOURCE, TARGET, Model, ids_of

pytestmark = pytest.mark.web

SIZES = Sizes(len(SOURCE), len(TARGET))
QUESTION, ANSWER, SUMS = "58+77", "135", ["34+52", "12+81", "60+27"]
H = 7
TOLERANCE = 1e-4


@pytest.fixture(
    scope="module", params=list(product([False, True], repeat=3)), ids=lambda each: "-".join(map(str, each))
)
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
