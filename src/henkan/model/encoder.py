"""The encoder: symbols to the LSTM's last states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType

import numpy as np

from henkan.config import ModelConfig
from henkan.nn import lstm, project_symbols
from henkan.nn.parameters import Array
from henkan.nn.workspace import PLAIN, Backend

Weights = Mapping[str, Array]

STEPS_AT_ONCE = 32


def encoder_shapes(config: ModelConfig, symbols: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the encoder's weights, for an alphabet of so many symbols."""
    D, H = config.embedding_size, config.hidden_size
    return {"E": (symbols, D), "Wx": (D, 4 * H), "Wh": (H, 4 * H), "b": (4 * H,)}


def encode(
    weights: Weights, ids: Array, active: Array, backend: Backend = PLAIN
) -> tuple[Array, Array, Callable[[Array, Array, Weights], None]]:
    """Read the sources.

    Args:
        weights: E (V, D), Wx (D, 4H), Wh (H, 4H), b (4H,).
        ids: (S, N) symbols. active: (S,) sequences still running at each step.
        backend: the kernels and where large arrays come from.

    Returns:
        h, c (N, H), each sequence's last hidden and cell state, and backward: dh, dc (N, H), gradients ->
        nothing; it fills the weights' gradients in.
    """
    E, Wx, Wh, b = (weights[name] for name in ("E", "Wx", "Wh", "b"))
    table, places, symbols_backward = project_symbols(ids, E, Wx, b, backend)
    zero = np.zeros((ids.shape[1], len(Wh)), Wh.dtype)
    hs, cs, lstm_backward = lstm(table, places, zero, zero, Wh, active=active, backend=backend)

    def backward(dh: Array, dc: Array, gradients: Weights) -> None:
        dtable, _, _, _, dWh = lstm_backward(None, dh, dc)
        dE, dWx, db = symbols_backward(dtable)
        for name, gradient in (("E", dE), ("Wx", dWx), ("Wh", dWh), ("b", db)):
            gradients[name][...] = gradient

    return hs[-1], cs[-1], backward


def encode_without_backward(
    weights: Weights, ids: Array, active: Array, kernels: ModuleType = PLAIN.kernels
) -> tuple[Array, Array]:
    """The same h and c for prediction, in memory that does not grow with the length of the sources."""
    E, Wx, Wh, b = (weights[name] for name in ("E", "Wx", "Wh", "b"))
    h = c = np.zeros((ids.shape[1], len(Wh)), Wh.dtype)
    for start in range(0, len(ids), STEPS_AT_ONCE):
        piece = slice(start, start + STEPS_AT_ONCE)
        table, places, _ = project_symbols(ids[piece], E, Wx, b)
        hs, cs, _ = lstm(table, places, h, c, Wh, active=active[piece], backend=Backend(kernels))
        h, c = hs[-1], cs[-1]
    return h, c
