"""The JavaScript runtime computes the losses, gradients and steps of the transducer of the NumPy engine."""

from itertools import product

import numpy as np
import pytest

from henkan.config import to_dict
from models import SOURCES, TAGGED, TARGETS, TRANSDUCER, small_model
from node import assert_gradients_agree

pytestmark = pytest.mark.web


def case(**settings):
    """A batch, and what the NumPy engine computes for it."""
    pairs = TAGGED if settings.get("features") else (SOURCES, TARGETS)
    converter, batch = small_model(dtype=np.float32, hidden_size=4, seed=2, pairs=pairs, **TRANSDUCER, **settings)
    engine = converter.model
    generator = np.random.default_rng(3)
    for array in engine.parameters.arrays.values():
        array += generator.normal(0, 0.1, array.shape)  # no bias is zero
    gradients = engine.parameters.zeros()
    loss, backward = engine.architecture.loss(engine.parameters, batch)
    backward(gradients)
    encoded = engine.encode(batch.sources)
    state, steps = encoded.state, []
    for symbols in batch.targets.inputs:
        output = engine.step(encoded.memory, state, symbols)
        state = output.state
        steps.append(output.log_probabilities)
    read, wanted, source = batch.sources, batch.targets, converter.source_vocabulary
    return {
        "settings": to_dict(engine.config),
        "vocabularies": {"symbols": len(converter.target_vocabulary), "isTag": source.is_tag.tolist()},
        "weights": dict(engine.parameters.arrays),
        "batch": {
            "sources": {"count": batch.size, "ids": read.ids, "active": read.active, "copyIds": None},
            "targets": {"inputs": wanted.inputs, "ids": wanted.ids, "valid": wanted.valid, "active": wanted.active},
        },
        "loss": loss,
        "gradients": dict(gradients.arrays),
        "steps": steps,
    }


def test_losses_gradients_and_steps_are_those_of_numpy(tmp_path):
    names = ("features", "target_reverse", "bidirectional")
    cases = {}
    for *values, layers in product(*[(False, True)] * 3, (1, 2)):
        settings = {**dict(zip(names, values, strict=True)), "layers": layers}
        cases[str(settings)] = case(**settings)
    assert len(cases) == 16
    assert_gradients_agree(cases, tmp_path)
