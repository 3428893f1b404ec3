"""One LSTM layer, with the product that makes its gates' inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from henkan.nn import affine, lstm, project_symbols
from henkan.nn.parameters import Array
from henkan.nn.workspace import PLAIN, Backend

Weights = Mapping[str, Array]
LayerBackward = Callable[[Array | None, Array | None, Array | None, Weights], tuple[Array, Array | None, Array, Array]]


def layer_shapes(inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of a layer's weights."""
    return {"Wx": (inputs, 4 * hidden), "Wh": (hidden, 4 * hidden), "b": (4 * hidden,)}


def lstm_layer(
    weights: Weights,
    x: Array,
    ids: Array | None,
    h0: Array,
    c0: Array,
    active: Array,
    *,
    context: Array | None = None,
    order: Array | None = None,
    backend: Backend = PLAIN,
) -> tuple[Array, Array, LayerBackward]:
    """Run a layer over symbols, or over what the layer below gave.

    Args:
        weights: Wx (D, 4H), Wh (H, 4H), b (4H,).
        x: E (V, D), the embeddings, or (T, N, D), the outputs below.
        ids: (T, N) the symbols, or None where x is not E.
        h0, c0: (N, H), the states before the first step.
        active: (T,) sequences still running at each step.
        context: (N, 4H), added to the gates at every step, or None.
        order: (T, N), at which step stands the input that is read t-th, or None for the order of time.
        backend: the kernels and where large arrays come from.

    Returns:
        hs, cs (T + 1, N, H) and backward: dhs (T, N, H), dh, dc (N, H) (each may be None), gradients -> dx, dcontext
        or None, dh0, dc0; it fills the weights' gradients in.
    """
    Wx, b = weights["Wx"], weights["b"]
    if ids is not None:
        table, places, project_backward = project_symbols(ids, x, Wx, b, backend)
    else:
        table, project_backward = affine(x.reshape(-1, len(Wx)), Wx, b)
        places = np.arange(len(table)).reshape(x.shape[:2])
    if order is not None:
        places = np.take_along_axis(places, order, axis=0)
    hs, cs, lstm_backward = lstm(table, places, h0, c0, weights["Wh"], active=active, context=context, backend=backend)

    def backward(
        dhs: Array | None, dh: Array | None, dc: Array | None, gradients: Weights
    ) -> tuple[Array, Array | None, Array, Array]:
        dtable, dcontext, dh0, dc0, gradients["Wh"][...] = lstm_backward(dhs, dh, dc)
        dx, gradients["Wx"][...], gradients["b"][...] = project_backward(dtable)
        return dx.reshape(x.shape), dcontext, dh0, dc0

    return hs, cs, backward


def of_layer(weights: Weights, name: str) -> dict[str, Array]:
    """The weights of one layer: those whose names begin with its name and a dot."""
    start = name + "."
    return {full[len(start) :]: array for full, array in weights.items() if full.startswith(start)}
