"""Small models for tests."""

import numpy as np

from henkan.batching.encoded_pairs import EncodedPairs
from henkan.config import ModelConfig
from henkan.engine.numpy import NumpyEngine
from henkan.inference.converter import Converter
from henkan.model import Sizes, draw_weights, target_codec
from henkan.text.tokenizer import tokenizers
from henkan.text.vocabulary import Vocabulary

SOURCES = ["1+2", "12+34", "5", "", "1+1", "23+1"]
TARGETS = ["3", "46", "", "55", "2", "24"]


TRANSDUCER = {"architecture": "transducer", "reverse": False, "peeky": False}
TAGGED = (
    ["ab\tPL;X", "bcd\tX", "c", "\tPL", "", "aabb\tPL"],
    ["abs", "Xcd", "", "c", "b", "aabbs"],
)
"""Pairs with feature tags, for models with the setting `features`."""


def small_model(*, dtype=np.float64, hidden_size=4, seed=0, training=None, pairs=(SOURCES, TARGETS), **settings):
    """Return an untrained converter and a batch of all the pairs."""
    config = ModelConfig(embedding_size=3, hidden_size=hidden_size, **settings)
    vocabularies = [
        Vocabulary.of(strings, boundary=boundary, fill=config.fill, tokenizer=tokenizer)
        for strings, boundary, tokenizer in zip(pairs, (False, True), tokenizers(config), strict=True)
    ]
    codec = target_codec(config, *vocabularies)
    codec.learn(*(vocabulary.encode_all(strings) for vocabulary, strings in zip(vocabularies, pairs, strict=True)))
    engine = NumpyEngine(config, Sizes.of(vocabularies[0], codec), dtype=dtype, training=training)
    engine.set_weights(draw_weights(engine.architecture.specs, "orthogonal", seed, dtype))
    converter = Converter(engine, *vocabularies, codec)
    return converter, encoded(converter, *pairs).batch(np.arange(len(pairs[0])))


def encoded(converter, sources, targets):
    """Encode pairs with a converter's vocabularies."""
    return converter.pairs.encode(sources, targets)


def loss_and_gradients(engine, batch, count=None, **options):
    """Return the loss of a batch and its gradients by parameter name."""
    gradients = engine.parameters.zeros()
    loss, backward = engine.architecture.loss(engine.parameters, batch, count, **options)
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
