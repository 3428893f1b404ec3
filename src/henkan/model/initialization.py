"""First weights: drawn by one of two rules, or taken over from another model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from henkan.config import Initialization, ModelConfig
from henkan.model.seq2seq import parameter_shapes
from henkan.nn import Array, Parameters


def first_weights(
    config: ModelConfig,
    source_symbols: int,
    target_symbols: int,
    rule: Initialization,
    seed: int,
    dtype: type[np.floating] = np.float32,
) -> dict[str, Array]:
    """Name -> array of a new model's weights, the same for every engine.

    Args:
        config: the model's settings.
        source_symbols, target_symbols: sizes of the two vocabularies.
        rule: see `initialize`.
        seed: decides the draws.
        dtype: float32, or float64 for checking.
    """
    parameters = Parameters(parameter_shapes(config, source_symbols, target_symbols), dtype)
    initialize(parameters, config, rule, np.random.default_rng(seed))
    return parameters.arrays


def initialize(
    parameters: Parameters, config: ModelConfig, rule: Initialization, generator: np.random.Generator
) -> None:
    """Fill the weights of a model in place.

    "book": embeddings from N(0, 0.01^2), all other weights from N(0, 1 / fan-in), biases zero. A Peeky
    decoder's joined inputs count together: H + D into the LSTM, 2H into the output layer.

    "orthogonal": embeddings from N(0, 1), so that symbols differ from the first update on; recurrent weights
    orthogonal for each gate, so that a state neither fades nor grows through time (Saxe et al. 2014); a
    forget bias of 1, so that cells remember at first (Jozefowicz et al. 2015); other weights from
    N(0, 1 / fan-in) of their own input.
    """
    H, D = config.hidden_size, config.embedding_size
    for name, weights in parameters.arrays.items():
        kind = name.rsplit(".", 1)[-1]
        if weights.ndim == 1:
            weights[...] = 0
            if len(weights) == 4 * H and kind == "b" and rule == "orthogonal":
                weights[H : 2 * H] = 1
        elif kind == "E":
            # where they are the output layer's weights too, they must be as small as those
            deviation = 0.01 if rule == "book" else H**-0.5 if config.tied and name == "decoder.E" else 1
            weights[...] = generator.normal(0, deviation, weights.shape)
        elif kind == "Wh" and rule == "orthogonal":
            weights[...] = np.concatenate([_orthogonal(H, generator) for _ in range(4)], axis=1)
        else:
            joined = rule == "book" and config.peeky and not name.startswith("encoder.")
            fans = {"decoder.lstm1.Wx": H + D, "decoder.Wc": H + D, "decoder.Wy": 2 * H, "decoder.Wyc": 2 * H}
            fan_in = fans.get(name) if joined else None
            weights[...] = generator.normal(0, (fan_in or len(weights)) ** -0.5, weights.shape)


def _orthogonal(size: int, generator: np.random.Generator) -> Array:
    """A random orthogonal matrix, evenly distributed (QR with the signs of R's diagonal taken out)."""
    q, r = np.linalg.qr(generator.normal(size=(size, size)))
    return np.asarray(q * np.sign(np.diag(r)))


def transplant(
    weights: Mapping[str, Array],
    old: Mapping[str, Array],
    config: ModelConfig,
    sources: Sequence[int],
    targets: Sequence[int],
) -> None:
    """Copy the weights of a model with fewer symbols in; the symbols that it lacks keep what they have here.

    Args:
        weights: by name, changed in place.
        old: the other model's.
        config: the settings of both.
        sources, targets: for every id of the other model's, the id of the same symbol here.
    """
    here, without = (parameter_shapes(config, len(sources) + one, len(targets) + two) for one, two in ((1, 2), (0, 0)))
    places = {1: list(sources), 2: list(targets)}  # an axis that is longer by one counts sources, by two, targets
    for name, array in weights.items():
        grown = [a - b for a, b in zip(here[name], without[name], strict=True)]
        index = [places.get(more, list(range(size))) for more, size in zip(grown, array.shape, strict=True)]
        array[np.ix_(*index)] = old[name]
