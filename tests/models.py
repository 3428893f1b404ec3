"""Small models that several tests use."""

import numpy as np

from henkan.config import ModelConfig
from henkan.engine.numpy import NumpyEngine
from henkan.inference.converter import Converter
from henkan.model import PlainTargets, Sizes, draw_weights
from henkan.text.vocabulary import Vocabulary

SOURCES = ["1+2", "12+34", "5", "", "1+1", "23+1"]
TARGETS = ["3", "46", "", "55", "2", "24"]


def small_model(*, dtype=np.float64, hidden_size=4, seed=0, training=None, **settings):
    """An untrained converter, and the pairs above as one batch."""
    config = ModelConfig(embedding_size=3, hidden_size=hidden_size, **settings)
    sources = Vocabulary.of(SOURCES, boundary=False, fill=config.fill)
    targets = Vocabulary.of(TARGETS, boundary=True, fill=config.fill)
    codec = PlainTargets(targets)
    engine = NumpyEngine(config, Sizes(len(sources), codec.size), dtype=dtype, training=training)
    engine.set_weights(draw_weights(engine.architecture.specs, "orthogonal", seed, dtype))
    converter = Converter(engine, sources, targets, codec)
    return converter, encoded(converter, SOURCES, TARGETS).batch(np.arange(len(SOURCES)))


def encoded(converter, sources, targets):
    """Pairs as a converter's ids."""
    return converter.encode_pairs(sources, targets)


def loss_and_gradients(engine, batch, count=None):
    """A batch's loss, and name -> gradient."""
    gradients = engine.parameters.zeros()
    loss, backward = engine.architecture.loss(engine.parameters, batch, count)
    backward(gradients)
    return loss, gradients
