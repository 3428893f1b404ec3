"""Training in JavaScript follows that of the NumPy engine from the same weights, batch by batch."""

import numpy as np
import pytest

from henkan.batching.encoded_pairs import EncodedPairs
from henkan.config import ModelConfig, TrainingConfig, to_dict
from henkan.engine.base import Execution
from henkan.engine.numpy import NumpyEngine
from henkan.inference.search import greedy
from henkan.model import Sizes, draw_weights, target_codec
from henkan.text.tasks import find_task
from henkan.text.vocabulary import Vocabulary
from henkan.training.loop import learning_rate
from node import run_node

pytestmark = pytest.mark.web

UPDATES = 20
CONFIGS = [
    ModelConfig(hidden_size=32),
    ModelConfig(hidden_size=32, reverse=False, peeky=False, attention=True, layers=2, bidirectional=True),
    ModelConfig(hidden_size=20, embedding_size=20, tied=True, attention=True, attention_kind="dot"),
]


def run(config):
    """Settings, data, initial weights and batches of a run, and what the NumPy engine computes."""
    training = TrainingConfig(batch_size=64, learning_rate=2e-2, clip_norm=0.1)
    pairs = find_task("addition").generate(300, seed=3)
    vocabularies = Vocabulary.of(pairs.sources, boundary=False), Vocabulary.of(pairs.targets, boundary=True)
    source, target = vocabularies
    codec = target_codec(config, source, target)
    sizes = Sizes.of(source, codec)
    sources = [source.encode(each) for each in pairs.sources]
    targets = [[*target.encode(each), codec.end] for each in pairs.targets]
    encoded = EncodedPairs.of(sources, targets, (len(source), codec.size), start=codec.start, reverse=config.reverse)
    engine = NumpyEngine(config, sizes, training=training)
    weights = draw_weights(engine.architecture.specs, "orthogonal", 7)
    engine.set_weights(weights)
    generator = np.random.default_rng(4)
    rows = [generator.permutation(len(encoded))[:64] for _ in range(UPDATES)]
    batch = encoded.batch(rows[0])
    rates = [learning_rate(training, step, UPDATES) for step in range(UPDATES)]
    losses = [engine.train_step([encoded.batch(each)], rate) for each, rate in zip(rows, rates, strict=True)]
    predictions = []
    for each in range(len(encoded)):
        read = engine.encode(encoded.batch(np.array([each])).sources, Execution(compiled=False))
        (hypothesis,) = greedy(engine, read, codec)
        ids = codec.decode(sources[each], hypothesis.symbols)
        predictions.append("".join(target.symbols_by_id[id] for id in ids))
    fixture = {
        "model": to_dict(config),
        "training": {**to_dict(training), "updates": UPDATES},
        "pairs": [list(pair) for pair in zip(pairs.sources, pairs.targets, strict=True)],
        "weights": weights,
        "batches": [{"rows": each} for each in rows],
        "after": dict(engine.weights),
    }
    fixture["batches"][0] |= {
        "sources": {"ids": batch.sources.ids, "active": batch.sources.active},
        "targets": {name: getattr(batch.targets, name) for name in ("inputs", "ids", "valid", "active")},
    }
    return fixture, losses, rates, predictions


def test_losses_and_weights_follow_those_of_numpy(tmp_path):
    runs = [run(config) for config in CONFIGS]
    for results in run_node("compare_training.js", {"runs": [each[0] for each in runs]}, tmp_path):
        for (fixture, losses, rates, predictions), found in zip(runs, results, strict=True):
            assert found["same"]  # the batches
            assert found["names"] == list(fixture["weights"])
            assert found["losses"] == pytest.approx(losses, rel=1e-4)
            assert losses[-1] < 0.8 * losses[0]
            assert found["rates"] == pytest.approx(rates, rel=1e-9)
            assert max(found["weights"].values()) < 1e-3
            same = np.mean([ours == theirs for ours, theirs in zip(found["predictions"], predictions, strict=True)])
            assert same > 0.98  # the weights differ by rounding, and so may symbols of equal probability
