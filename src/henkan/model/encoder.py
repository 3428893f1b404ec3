"""The encoder: symbols to states. One LSTM or several, one upon another; each reads forwards or in both directions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from henkan.batching.batch import Sources
from henkan.config import ModelConfig
from henkan.nn import (
    NONE,
    PLAIN,
    Array,
    Backend,
    LayerInputs,
    Regularization,
    Weights,
    dropout,
    layer_shapes,
    lstm_layer,
    of_layer,
)

STEPS_AT_ONCE = 32


@dataclass(frozen=True)
class Encoded:
    """What was read; M is H, or 2H for two directions.

    Attributes:
        states: (S, N, M), the top layer's hidden states, for attention; anything at padding. None where not kept.
        last: for each layer (N, M), the states of each direction when it had read the whole source.
    """

    states: Array | None
    last: list[Array]


EncoderBackward = Callable[[Array | None, list[Array], Weights], None]


def encoder_shapes(config: ModelConfig, symbols: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the encoder's weights, for an alphabet of so many symbols."""
    D, H = config.embedding_size, config.hidden_size
    shapes: dict[str, tuple[int, ...]] = {"E": (symbols, D)}
    for number in range(config.layers):
        for name in _directions(config, number):
            inputs = D if number == 0 else H * config.directions
            shapes |= {f"{name}.{kind}": shape for kind, shape in layer_shapes(inputs, H).items()}
    return shapes


def _directions(config: ModelConfig, number: int) -> list[str]:
    """The names of a layer's LSTMs: `back1` is the first layer's that reads from the end."""
    return [f"lstm{number + 1}", f"back{number + 1}"][: config.directions]


def encode(
    weights: Weights,
    config: ModelConfig,
    sources: Sources,
    regularization: Regularization = NONE,
    backend: Backend = PLAIN,
) -> tuple[Encoded, EncoderBackward]:
    """Read the sources.

    Args:
        weights: E (V, D), and of each LSTM Wx, Wh, b; see `encoder_shapes`.
        config: the model's settings.
        sources: N of them.
        regularization: what is left out.
        backend: the kernels and where large arrays come from.

    Returns:
        what was read, and backward: dstates or None, dlast, gradients -> nothing; it fills the weights' gradients in.
    """
    N, H = sources.ids.shape[1], config.hidden_size
    zero = np.zeros((N, H), weights["E"].dtype)
    generator = regularization.generator
    E, embedding_backward = dropout(weights["E"], regularization.embedding_dropout, generator)
    x, columns = E, np.arange(N)
    order = _backwards(sources) if config.bidirectional else None
    last, layers = [], []
    for number in range(config.layers):
        outputs, ends, backwards = [], [], []
        for name in _directions(config, number):
            turned = order if name.startswith("back") else None
            hs, _, layer_backward = lstm_layer(
                of_layer(weights, name),
                LayerInputs(x, sources.active, sources.ids if number == 0 else None, turned),
                (zero, zero),
                backend=backend,
            )
            outputs.append(hs[1:] if turned is None else hs[1:][turned, columns])
            ends.append(hs[-1])
            backwards.append((name, turned, layer_backward))
        x, dropout_backward = dropout(_side_by_side(outputs), regularization.dropout, generator)
        last.append(_side_by_side(ends))
        layers.append((backwards, dropout_backward))

    def backward(dstates: Array | None, dlast: list[Array], gradients: Weights) -> None:
        dx = dstates
        for (backwards, dropout_backward), dends in zip(reversed(layers), reversed(dlast), strict=True):
            douts = None if dx is None else dropout_backward(dx)
            dx = None
            for place, (name, turned, layer_backward) in enumerate(backwards):
                part = slice(place * H, (place + 1) * H)
                dhs = None if douts is None else np.ascontiguousarray(douts[..., part])
                if dhs is not None and turned is not None:
                    dhs = dhs[turned, columns]
                d = layer_backward(dhs, dends[:, part], None, of_layer(gradients, name))
                dx = d.dx if dx is None else dx + d.dx
        if dx is not None:
            gradients["E"][...] = embedding_backward(dx)

    return Encoded(x if config.attention else None, last), backward


def encode_without_backward(
    weights: Weights, config: ModelConfig, sources: Sources, backend: Backend = PLAIN
) -> Encoded:
    """The same for prediction; without attention, of one LSTM, in memory that does not grow with the sources."""
    if config.attention or config.bidirectional or config.layers > 1:
        return encode(weights, config, sources, backend=backend)[0]
    h = c = np.zeros((sources.ids.shape[1], config.hidden_size), weights["E"].dtype)
    for start in range(0, len(sources.ids), STEPS_AT_ONCE):
        piece = slice(start, start + STEPS_AT_ONCE)
        inputs = LayerInputs(weights["E"], sources.active[piece], sources.ids[piece])
        hs, cs, _ = lstm_layer(of_layer(weights, "lstm1"), inputs, (h, c), backend=backend)
        h, c = hs[-1], cs[-1]
    return Encoded(None, [h])


def _backwards(sources: Sources) -> Array:
    """(S, N): at which step stands the symbol that is t-th from the end; padding stays where it is."""
    steps = np.arange(len(sources.ids))[:, None]
    return np.where(sources.valid, sources.valid.sum(axis=0) - 1 - steps, steps)


def _side_by_side(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
