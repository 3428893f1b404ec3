"""The JavaScript runtime computes the losses, gradients and steps of the NumPy engine."""

from itertools import chain, product

import numpy as np
import pytest

from henkan.batching.copy_ids import CopyIds
from henkan.batching.encoded_pairs import EncodedPairs
from henkan.config import ModelConfig, to_dict
from henkan.model import Sizes, create_architecture, draw_weights, shapes_of
from henkan.nn import NONE, PLAIN, Parameters
from henkan.text.tokenizer import Sequences
from node import assert_gradients_agree

pytestmark = pytest.mark.web

SOURCE, TARGET = 9, 7
ATTENTION = {
    "": {"attention": False},
    "dot": {"attention": True, "attention_kind": "dot"},
    "general": {"attention": True, "attention_kind": "general"},
    "dot, copying": {"attention": True, "attention_kind": "dot", "copy": True},
    "general, copying": {"attention": True, "attention_kind": "general", "copy": True},
}
SWITCHES = ("reverse", "peeky", "bidirectional", "tied")


def pairs(generator, *, copying, padded):
    """Sources and targets of unequal lengths, the empty one among them; padded ones have equal lengths."""
    count, longest = 12, 6
    lengths = np.full((count, 2), longest) if padded else generator.integers(0, longest + 1, (count, 2))
    sources = [generator.integers(0, SOURCE, n).tolist() for n, _ in lengths]
    targets = [generator.integers(1, TARGET, n).tolist() + [0] * (not padded) for _, n in lengths]
    copy_ids = None
    if copying:
        copied = [[int(generator.integers(-2, TARGET)) for _ in source] for source in sources]
        for source, ids, target in zip(sources, copied, targets, strict=True):
            for position in range(1, len(source), 3):  # symbols that can only be copied, twice in some sources
                ids[position] = TARGET + 1
            target[:-1] = [TARGET + 1 if TARGET + 1 in ids and symbol > 3 else symbol for symbol in target[:-1]]
        offsets = np.cumsum([0, *map(len, copied)])
        copy_ids = CopyIds(Sequences(np.array([*chain(*copied)], np.int32), offsets), TARGET)
    return sources, targets, copy_ids


def case(config, generator, *, padded=False):
    """A batch, and what the NumPy engine computes for it."""
    sources, targets, copy_ids = pairs(generator, copying=config.copy, padded=padded)
    sizes = (SOURCE, 2 * TARGET if config.copy else TARGET)
    encoded = EncodedPairs.of(sources, targets, sizes, start=0, reverse=config.reverse, copy_ids=copy_ids)
    batch = encoded.batch(np.arange(len(sources)))
    model = create_architecture(config, Sizes(SOURCE, TARGET))
    weights, shapes = Parameters(shapes_of(model.specs)), shapes_of(model.specs)
    for name, array in draw_weights(model.specs, "orthogonal", 1).items():
        weights[name][...] = array + generator.normal(0, 0.1, array.shape)  # no bias is zero
    gradients = Parameters(shapes)
    loss, backward = model.loss(weights, batch, None, NONE, PLAIN)
    backward(gradients)
    memory, state = model.encode(weights, batch.sources, PLAIN)
    steps = []
    for symbols in batch.targets.inputs:
        output = model.step(weights, memory, state, symbols, PLAIN)
        state = output.state
        steps.append(output.log_probabilities)
    read, wanted = batch.sources, batch.targets
    return {
        "settings": to_dict(config),
        "sizes": {"source": SOURCE, "target": TARGET},
        "weights": dict(weights.arrays),
        "batch": {
            "sources": {"count": batch.size, "ids": read.ids, "active": read.active, "copyIds": read.copy_ids},
            "targets": {"inputs": wanted.inputs, "ids": wanted.ids, "valid": wanted.valid, "active": wanted.active},
        },
        "loss": loss,
        "gradients": dict(gradients.arrays),
        "steps": steps,
    }


def cases():
    """All combinations of the switches, and padded pairs without an end symbol."""
    generator = np.random.default_rng(5)
    found = {}
    for *values, layers, kind in product(*[(False, True)] * 4, (1, 2), ATTENTION):
        switches = dict(zip(SWITCHES, values, strict=True))
        settings = {**switches, **ATTENTION[kind], "layers": layers, "embedding_size": 8, "hidden_size": 8}
        config = ModelConfig(**settings if switches["tied"] else {**settings, "embedding_size": 5})
        name = ", ".join([name for name, value in switches.items() if value] + [kind, f"{layers} layers"])
        found[name] = case(config, generator)
    padded = ModelConfig(fill=True, attention=True, hidden_size=7, embedding_size=4)
    return {**found, "padded": case(padded, generator, padded=True)}


def test_losses_gradients_and_steps_are_those_of_numpy(tmp_path):
    found = cases()
    assert len(found) == 161
    assert_gradients_agree(found, tmp_path)
