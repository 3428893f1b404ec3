"""LSTM through time (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

At step t, for each sequence, with a_t = x_t Wx + b + h_{t-1} Wh split into four parts of H columns:

    i = sigmoid(a_i)    f = sigmoid(a_f)    g = tanh(a_g)    o = sigmoid(a_o)
    c_t = f * c_{t-1} + i * g
    h_t = o * tanh(c_t)

The gates are in PyTorch's order: input, forget, cell, output. This formula and its derivative are computed by
`lstm_forward` and `lstm_backward` in `henkan.nn.kernels.plain`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from henkan.nn.kernels.structures import LSTMInputs, LSTMScratch, LSTMStates, StateGradients, TableRows
from henkan.nn.layers import affine, project_symbols
from henkan.nn.parameters import PLAIN, Array, Backend, Weights

LSTMState = tuple[Array, Array]
"""Hidden and cell states, (N, H) each."""


class LSTMGradients(NamedTuple):
    """Gradients of `lstm`: dtable (P, 4H), dmore (Q, 4H), dcontext (N, 4H), dh0, dc0 (N, H), dWh (H, 4H).

    dmore and dcontext are None without such inputs. dh0 and dc0 are arbitrary if the first states are zero.
    """

    dtable: Array
    dmore: Array | None
    dcontext: Array | None
    dh0: Array
    dc0: Array
    dWh: Array


LSTMBackward = Callable[[Array | None, Array | None, Array | None], LSTMGradients]


def lstm(
    inputs: tuple[Array, Array],
    state: LSTMState | None,
    Wh: Array,
    *,
    active: Array | None = None,
    more: tuple[Array, Array] | None = None,
    context: Array | None = None,
    backend: Backend = PLAIN,
) -> tuple[Array, Array, LSTMBackward]:
    """Run the recurrence over all steps.

    The input's contribution to the gates, x_t Wx + b, does not depend on h. It is computed beforehand, as a table and
    the row of the table for each input (`project_symbols`). A contribution that is the same at every step of a sequence
    can be passed once, as the context.

    Sequences of unequal lengths are sorted by falling length: at step t the first `active[t]` sequences run. A sequence
    that has ended keeps its states, so `hs[T]` holds the last hidden state of every sequence.

    Args:
        inputs: table (P, 4H), rows x Wx + b, and indices (T, N) of the rows to read.
        state: h0 and c0 (N, H), the states before the first step. None: zero, without gradients.
        Wh: (H, 4H).
        active: (T,) integers that never increase, each at most N; None: all sequences have T steps.
        more: a second table (Q, 4H) and indices (T, N) of the rows to add, or None.
        context: (N, 4H), added to the gates' inputs at every step, or None.
        backend: the kernels to use, and memory.

    Returns:
        hs (T + 1, N, H) and cs (T + 1, N, H), whose row 0 is the state before the first step, and backward:
        dhs (T, N, H) for h after each step, dh and dc (N, H) for the last states (each may be None, for zero)
        -> gradients. It may be called once.
    """
    table, indices = inputs
    (T, N), H = indices.shape, len(Wh)
    running = np.full(T, N) if active is None else active
    given, other = LSTMInputs(table, indices, Wh, running), None if more is None else TableRows(*more)
    shapes = backend.kernels.lstm_shapes(T, N, H, int(running.sum()), Wh.dtype)
    states = LSTMStates(
        gates=backend.empty(shapes.gates, Wh.dtype),
        tanh_cs=backend.empty((T, N, H), Wh.dtype),
        hs=backend.empty((T + 1, N, H), Wh.dtype),
        cs=backend.empty((T + 1, N, H), Wh.dtype),
        packed=backend.empty(shapes.packed, Wh.dtype),
    )
    states.hs[0], states.cs[0] = (0, 0) if state is None else state
    zero = state is None
    backend.kernels.lstm_forward(given, other, context, states, zero)

    def backward(dhs: Array | None, dh: Array | None, dc: Array | None) -> LSTMGradients:
        last = StateGradients(*(np.zeros((N, H), Wh.dtype) if d is None else d.copy() for d in (dh, dc)))
        scratch = LSTMScratch(*(backend.empty(shape, Wh.dtype) for shape in shapes.scratch))
        dtable, dmore, dcontext, dWh = backend.kernels.lstm_backward(
            dhs, last, given, other, context, states, scratch, zero
        )
        # The kernel has turned `last` into dh0, dc0.
        return LSTMGradients(dtable, dmore, dcontext, last.dh, last.dc, dWh)

    return states.hs, states.cs, backward


class LayerInputs(NamedTuple):
    """The input sequences of a layer.

    Attributes:
        x: E (V, D), the embeddings, or (T, N, D), the outputs of the layer below.
        active: (T,), number of sequences that run at each step.
        ids: (T, N), symbols, if x is E; otherwise None.
        order: (T, N), the step whose input is read at each step; None: in order of time.
    """

    x: Array
    active: Array
    ids: Array | None = None
    order: Array | None = None


class LayerGradients(NamedTuple):
    """Gradients of `lstm_layer`: dx, of the shape of x; dcontext (N, K) or None; dh0 and dc0 (N, H)."""

    dx: Array
    dcontext: Array | None
    dh0: Array
    dc0: Array


LayerBackward = Callable[[Array | None, Array | None, Array | None, Weights], LayerGradients]


def layer_shapes(inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of a layer's weights: Wx (D, 4H), Wh (H, 4H), b (4H,)."""
    return {"Wx": (inputs, 4 * hidden), "Wh": (hidden, 4 * hidden), "b": (4 * hidden,)}


def lstm_layer(
    weights: Weights,
    inputs: LayerInputs,
    state: LSTMState | None,
    *,
    context: Array | None = None,
    backend: Backend = PLAIN,
) -> tuple[Array, Array, LayerBackward]:
    """Run an LSTM layer over symbols, or over the outputs of the layer below.

    Args:
        weights: see `layer_shapes`; with a context also Wc (K, 4H).
        inputs: N sequences of up to T steps.
        state: h0 and c0 (N, H), the states before the first step; None: zero, without gradients.
        context: (N, K), an input that is the same at every step, or None. Its product with Wc is added to the gates'
            inputs.
        backend: the kernels to use, and memory.

    Returns:
        hs and cs (T + 1, N, H), and backward: dhs (T, N, H), dh and dc (N, H) (each may be None, for zero), and arrays
        that receive the gradients of the weights -> the other gradients.
    """
    Wx, b, x = weights["Wx"], weights["b"], inputs.x
    if backend.kernels.VECTORS and x.dtype == np.float32 and inputs.ids is not None:
        T, N = inputs.ids.shape
        if T >= backend.kernels.FEW_STEPS and len(x) <= T * N:
            return _compiled_layer(weights, inputs, inputs.ids, state, context, backend)
    if inputs.ids is not None:
        table, indices, project_backward = project_symbols(inputs.ids, x, Wx, b, backend)
    else:
        table, project_backward = affine(x.reshape(-1, len(Wx)), Wx, b, backend)
        indices = np.arange(len(table)).reshape(x.shape[:2])
    if inputs.order is not None:
        indices = np.take_along_axis(indices, inputs.order, axis=0)
    added = None if context is None else backend.product(context, weights["Wc"])
    hs, cs, lstm_backward = lstm(
        (table, indices), state, weights["Wh"], active=inputs.active, context=added, backend=backend
    )

    def backward(dhs: Array | None, dh: Array | None, dc: Array | None, gradients: Weights) -> LayerGradients:
        d = lstm_backward(dhs, dh, dc)
        gradients["Wh"][...] = d.dWh
        dx, gradients["Wx"][...], gradients["b"][...] = project_backward(d.dtable)
        dcontext = None
        if context is not None and d.dcontext is not None:
            # d.dcontext (N, 4H) is already summed over all steps, so one product each is enough.
            np.matmul(context.T, d.dcontext, out=gradients["Wc"])
            dcontext = backend.product(d.dcontext, weights["Wc"].T)
        return LayerGradients(dx.reshape(x.shape), dcontext, d.dh0, d.dc0)

    return hs, cs, backward


def _compiled_layer(
    weights: Weights, inputs: LayerInputs, ids: Array, state: LSTMState | None, context: Array | None, backend: Backend
) -> tuple[Array, Array, LayerBackward]:
    """`lstm_layer` over symbols in one call of compiled code each way."""
    kernels, E, Wh, Wc = backend.kernels, inputs.x, weights["Wh"], weights.get("Wc", weights["Wh"])
    (T, N), H, nothing = ids.shape, len(Wh), Wh[:0, : len(Wc)]
    order = ids[:0] if inputs.order is None else inputs.order
    symbols = kernels.LayerSymbols(*map(np.ascontiguousarray, (ids, order, inputs.active)))
    given = kernels.LayerWeights(E, weights["Wx"], weights["b"], Wh, Wc)
    added = nothing if context is None else context
    memory = backend.empty((sum(kernels.layer_sizes(len(E), T, N, H)),), E.dtype)
    kernels.layer_forward(symbols, given, (nothing, nothing) if state is None else state, added, memory)
    hs, cs = memory[: 2 * (T + 1) * N * H].reshape(2, T + 1, N, H)

    def backward(dhs: Array | None, dh: Array | None, dc: Array | None, gradients: Weights) -> LayerGradients:
        last = StateGradients(*(np.zeros((N, H), E.dtype) if d is None else d.copy() for d in (dh, dc)))
        dE, dcontext = backend.empty(E.shape, E.dtype), backend.empty(added.shape, E.dtype)
        kernels.layer_backward(
            hs[:0] if dhs is None else np.ascontiguousarray(dhs),
            last,
            symbols,
            given,
            state is None,
            added,
            memory,
            backend.empty((kernels.scratch_size(N, H),), E.dtype),
            kernels.LayerWeights(dE, *(gradients[name] for name in ("Wx", "b", "Wh")), gradients.get("Wc", nothing)),
            dcontext,
        )
        return LayerGradients(dE, None if context is None else dcontext, last.dh, last.dc)

    return hs, cs, backward
