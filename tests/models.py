"""Small models for tests."""

import numpy as np

from henkan.batching.encoded_pairs import EncodedPairs
from henkan.config import ModelConfig
from henkan.engine.numpy import NumpyEngine
from henkan.inference.converter import Converter
from henkan.model import PlainTargets, Sizes, draw_weights
from henkan.text.vocabulary import Vocabulary

SOURCES = ["1+2", "12+34", "5", "", "1+1", "23+1"]
TARGETS = ["3", "46", "", "55", "2", "24"]


def small_model(*, dtype=np.float64, hidden_size=4, seed=0, training=None, **settings):
    """Return an untrained converter and a batch of all the pairs above."""
    config = ModelConfig(embedding_size=3, hidden_size=hidden_size, **settings)
    source_vocabulary = Vocabulary.of(SOURCES, boundary=False, fill=config.fill)
    target_vocabulary = Vocabulary.of(TARGETS, boundary=True, fill=config.fill)
    codec = PlainTargets(target_vocabulary)
    engine = NumpyEngine(config, Sizes(len(source_vocabulary), codec.size), dtype=dtype, training=training)
    engine.set_weights(draw_weights(engine.architecture.specs, "orthogonal", seed, dtype))
    converter = Converter(engine, source_vocabulary, target_vocabulary, codec)
    return converter, encoded(converter, SOURCES, TARGETS).batch(np.arange(len(SOURCES)))


def encoded(converter, sources, targets):
    """Encode pairs with a converter's vocabularies."""
    return converter.pairs.encode(sources, targets)


def loss_and_gradients(engine, batch, count=None):
    """Return the loss of a batch and its gradients by parameter name."""
    gradients = engine.parameters.zeros()
    loss, backward = engine.architecture.loss(engine.parameters, batch, count)
    backward(gradients)
    return loss, gradients


def hidden_batch(converter):
    """Return a batch of other pairs, in which half of the source symbols are replaced by the unknown symbol."""
    sources, targets = ["2+3", "34+24", "5", "", "1+2", "22+5"], ["32", "4324", "5", "55", "2", "225"]
    pairs = encoded(converter, sources, targets)
    replaced = EncodedPairs(
        pairs.sources,
        pairs.targets,
        start=pairs.start,
        reverse=pairs.reverse,
        unknown_probabilities=np.full(len(converter.source_vocabulary), 0.5),
        copy_ids=pairs.copy_ids,
    )
    batch = replaced.batch(np.arange(len(sources)), np.random.default_rng(1))
    assert (batch.targets.ids >= converter.codec.size).any()
    return batch
