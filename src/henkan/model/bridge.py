"""The bridge: what the decoder gets from the encoder.

Nothing else asks how the encoder is built. For the article's model the decoder's first hidden state is the
encoder's last, its first cell state is zero, and a Peeky decoder is given the hidden state at every step
as well: (h, c) -> (h, 0, h). With several layers each hands its own state to its counterpart, and the decoder
peeks at the top one's. An encoder of two directions ends in two states a layer, of which a learned map makes one:
h = tanh([h_forwards, h_backwards] W + b).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from henkan.config import ModelConfig
from henkan.nn import Array, Weights, affine

BridgeBackward = Callable[[Sequence[Array], Array | None, Weights], list[Array]]


def bridge_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the bridge's weights; none where the encoder reads in one direction."""
    if not config.bidirectional:
        return {}
    H = config.hidden_size
    shapes: dict[str, tuple[int, ...]] = {}
    for number in range(1, config.layers + 1):
        shapes |= {f"W{number}": (2 * H, H), f"b{number}": (H,)}
    return shapes


def bridge(
    weights: Weights, config: ModelConfig, last: Sequence[Array]
) -> tuple[list[Array], Array | None, BridgeBackward]:
    """Hand the encoder's states over.

    Args:
        weights: for two directions, of each layer W (2H, H) and b (H,).
        config: the model's settings.
        last: for each layer (N, M), the encoder's last hidden states.

    Returns:
        for each layer h0 (N, H), the decoder's first hidden states (its first cell states are zero); the context
        (N, H) that it sees at every step, or None without peeking; and backward: dh0 for each layer, dcontext or None,
        gradients -> dlast; it fills the weights' gradients in.
    """
    maps = [_map(weights, number, h) for number, h in enumerate(last, start=1)]
    first = [h for h, _ in maps]

    def backward(dh0: Sequence[Array], dcontext: Array | None, gradients: Weights) -> list[Array]:
        dfirst = list(dh0)
        if dcontext is not None:
            dfirst[-1] = dfirst[-1] + dcontext
        return [map_backward(dh, gradients) for (_, map_backward), dh in zip(maps, dfirst, strict=True)]

    return first, first[-1] if config.peeky else None, backward


def _map(weights: Weights, number: int, last: Array) -> tuple[Array, Callable[[Array, Weights], Array]]:
    W, b = f"W{number}", f"b{number}"
    if W not in weights:
        return last, lambda dh, _: dh
    sums, affine_backward = affine(last, weights[W], weights[b])
    h = np.tanh(sums)

    def backward(dh: Array, gradients: Weights) -> Array:
        dlast, gradients[W][...], gradients[b][...] = affine_backward(dh * (1 - h * h))
        return dlast

    return h, backward
