"""Greedy search in compiled code gives the same outputs as the search that only uses the model's steps."""

from dataclasses import replace

import numpy as np
import pytest

from henkan.engine.base import Execution
from henkan.inference.search import greedy
from models import SOURCES, TAGGED, TARGETS, TRANSDUCER, small_model

pytest.importorskip("numba", reason="numba is not installed; install `henkan[fast]`")

COMPILED = Execution(compiled=True)
ATTENTION = {"attention": True, "peeky": False}
SETTINGS = {
    "peeky": {},
    "plain": {"peeky": False},
    "two layers": {"layers": 2},
    "bidirectional": {"bidirectional": True, "reverse": False},
    "two layers in both directions": {"bidirectional": True, "reverse": False, "layers": 2},
    "tied embeddings": {"tied": True, "hidden_size": 3},
    "reversed targets": {"target_reverse": True},
    "fixed width": {"fill": True},
    "attention, dot": {**ATTENTION, "attention_kind": "dot"},
    "attention, general": {**ATTENTION, "attention_kind": "general", "bidirectional": True, "reverse": False},
    "attention, two layers": {**ATTENTION, "layers": 2},
    "transducer": TRANSDUCER,
    "transducer in both directions, reversed": {**TRANSDUCER, "bidirectional": True, "target_reverse": True},
    "transducer, two layers": {**TRANSDUCER, "layers": 2},
    "transducer, tags": {**TRANSDUCER, "features": True},
}


def searched(settings, **more):
    """Return a model whose weights are large, so that it is certain of its outputs, and its sources, encoded."""
    pairs = TAGGED if settings.get("features") else (SOURCES, TARGETS)
    converter, batch = small_model(dtype=np.float32, pairs=pairs, **{"hidden_size": 20, **settings}, **more)
    engine = converter.model
    engine.set_weights({name: 6 * array for name, array in engine.weights.items()})
    return converter, engine.encode(batch.sources, COMPILED)


@pytest.mark.parametrize("name", SETTINGS)
def test_outputs_are_the_same(name):
    results = [[], []]
    for seed in range(5):
        converter, encoded = searched(SETTINGS[name], seed=seed)
        assert encoded.greedy is not None
        for found, each in zip(results, (encoded, replace(encoded, greedy=None)), strict=True):
            found += greedy(converter.model, each, converter.codec, temperatures=(1.0, 2.5))
    for compiled, generic in zip(*results, strict=True):
        assert list(compiled.symbols) == list(generic.symbols)
        assert list(compiled.attended) == list(generic.attended)
        assert compiled.complete == generic.complete
        assert compiled.log_probability == pytest.approx(generic.log_probability, rel=1e-3, abs=1e-4)
        assert compiled.calibrated == pytest.approx(generic.calibrated, rel=1e-3, abs=1e-4)
    assert len({tuple(output.symbols) for output in results[0]}) > 5


@pytest.mark.parametrize("name", ["peeky", "attention, general", "transducer"])
def test_predictions_are_those_of_weights_that_have_changed(name):
    """What was computed from the former weights is not used any more."""
    converter, encoded = searched(SETTINGS[name])
    before = greedy(converter.model, encoded, converter.codec)
    other, _ = small_model(dtype=np.float32, seed=7, **{"hidden_size": 20, **SETTINGS[name]})
    converter.model.set_weights(other.model.weights)
    converter.warm_up()
    other.warm_up()
    ours, theirs = converter.convert(SOURCES), other.convert(SOURCES)
    assert [each.log_probability for each in ours] == [each.log_probability for each in theirs]
    assert [each.log_probability for each in ours] != [each.log_probability for each in before]


def test_training_changes_compiled_predictions():
    converter, batch = small_model(dtype=np.float32, hidden_size=20)
    converter.warm_up()
    before = converter.convert(SOURCES)
    snapshot = converter.model.snapshot()
    converter.model.train_step([batch], 0.1)
    after = converter.convert(SOURCES)
    assert after != before
    fresh, _ = small_model(dtype=np.float32, hidden_size=20)
    fresh.model.set_weights(converter.model.weights)
    fresh.warm_up()
    assert after == fresh.convert(SOURCES)
    converter.model.restore(snapshot)
    assert converter.convert(SOURCES) == before


def test_a_prediction_does_not_depend_on_the_other_sources():
    """Sources that begin alike share the steps of the encoder; the bits of their results stay the same."""
    converter, _ = small_model(dtype=np.float32, hidden_size=20, reverse=False)
    converter.warm_up()
    texts = ["1+1", "1+2", "12", "12+3", "12+34", "12+35", "2", "", "12+34", "3+12"]
    alone = [converter.convert([text])[0] for text in texts]
    assert converter.convert(texts) == alone
    assert converter.convert(texts[::-1]) == alone[::-1]
