"""A layer of an LSTM over symbols, for float32: `henkan.nn.lstm_layer` in one call forward and one backward.

Between its parts (the projected embeddings, the recurrence, the gradients of each weight), Python would hold the global
interpreter lock, and another thread would wait for it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from henkan.nn.kernels import fused_lstm, fused_lstm_backward
from henkan.nn.kernels.compiled import kernel
from henkan.nn.kernels.fused_lstm import GROUP
from henkan.nn.kernels.packed import PANEL
from henkan.nn.kernels.structures import Array, LSTMInputs, LSTMScratch, LSTMStates, StateGradients, TableRows
from henkan.nn.kernels.vectors import LANES


class LayerSymbols(NamedTuple):
    """What a layer reads: ids (T, N); order (T, N) as in `LayerInputs`, or empty; active (T,)."""

    ids: Array
    order: Array
    active: Array


class LayerWeights(NamedTuple):
    """E (V, D), Wx (D, 4H), b (4H,), Wh (H, 4H), and Wc (K, 4H) for the context; or their gradients."""

    E: Array
    Wx: Array
    b: Array
    Wh: Array
    Wc: Array


@kernel
def layer_sizes(V: int, T: int, N: int, H: int) -> tuple[int, int, int, int, int, int]:
    """Numbers in hs, cs, tanh_cs, gates, packed weights and table, in the order in which they are in memory."""
    groups = -(-H // LANES)
    return (T + 1) * N * H, (T + 1) * N * H, T * N * H, groups * T * N * GROUP, groups * H * GROUP, V * 4 * H


@kernel
def scratch_size(N: int, H: int) -> int:
    """Number of numbers in the memory that the backward pass needs in addition."""
    rows = -(-H // LANES) * GROUP
    return N * rows + -(-H // PANEL) * rows * PANEL


@kernel
def _divided(memory: Array, V: int, T: int, N: int, H: int) -> tuple[Array, LSTMStates]:
    """The table and the states in memory."""
    hs, cs, tanh_cs, gates, packed, _ = layer_sizes(V, T, N, H)
    groups, first, second, third = -(-H // LANES), hs + cs, hs + cs + tanh_cs, hs + cs + tanh_cs + gates
    states = LSTMStates(
        memory[second:third].reshape(groups, T, N, GROUP),
        memory[:hs].reshape(T + 1, N, H),
        memory[hs:first].reshape(T + 1, N, H),
        memory[first:second].reshape(T, N, H),
        memory[third : third + packed].reshape(groups, H, GROUP),
    )
    return memory[third + packed :].reshape(V, 4 * H), states


@kernel
def _inputs(symbols: LayerSymbols, table: Array, Wh: Array) -> tuple[LSTMInputs, TableRows]:
    """The inputs of the recurrence, and an empty second table."""
    ids, order, active = symbols
    read = ids.copy()
    for t in range(len(order)):
        for k in range(ids.shape[1]):
            read[t, k] = ids[order[t, k], k]
    return LSTMInputs(table, read, Wh, active), TableRows(table[:0], np.empty((len(ids), 0), np.int64))


@kernel
def layer_forward(
    symbols: LayerSymbols, weights: LayerWeights, state: tuple[Array, Array], context: Array, memory: Array
) -> None:
    """Run a layer.

    Args:
        symbols: the input sequences.
        weights: the embeddings and the weights of the layer.
        state: h0 and c0 (N, H); empty for zero.
        context: (N, K), which Wc multiplies; without rows: none.
        memory: as many numbers as `layer_sizes` says, filled in; hs (T + 1, N, H) and cs come first.
    """
    E, Wx, b, Wh, Wc = weights
    (h0, c0), (T, N) = state, symbols[0].shape
    table, states = _divided(memory, len(E), T, N, len(Wh))
    np.dot(E, Wx, table)
    for v in range(len(E)):
        for j in range(len(b)):
            table[v, j] += b[j]
    hs, cs, zero = states[1], states[2], len(h0) == 0
    hs[0], cs[0] = 0, 0
    if not zero:
        hs[0], cs[0] = h0, c0
    inputs, more = _inputs(symbols, table, Wh)
    fused_lstm.forward(inputs, more, np.dot(context, Wc), states, zero)


@kernel
def layer_backward(
    dhs: Array,
    last: StateGradients,
    symbols: LayerSymbols,
    weights: LayerWeights,
    zero: bool,
    context: Array,
    memory: Array,
    scratch: Array,
    gradients: LayerWeights,
    dcontext: Array,
) -> None:
    """The derivative of `layer_forward`.

    Args:
        dhs: (T, N, H), gradients of h after each step; without steps: zero.
        last: gradients of the last states, which are replaced by those of the first states unless `zero` is true.
        symbols, weights, context, memory: as passed to and filled by `layer_forward`.
        zero: whether the first states are zero.
        scratch: as many numbers as `scratch_size` says.
        gradients, dcontext: filled in.
    """
    (E, Wx, _, Wh, Wc), (dE, dWx, db, dWh, dWc) = weights, gradients
    (T, N), H, rows = symbols[0].shape, len(Wh), -(-len(Wh) // LANES) * GROUP
    table, states = _divided(memory, len(E), T, N, H)
    own = LSTMScratch(scratch[: N * rows].reshape(N, rows), scratch[N * rows :].reshape(-(-H // PANEL), rows, PANEL))
    inputs, more = _inputs(symbols, table, Wh)
    added = np.empty((len(context), len(db)), E.dtype)  # the backward pass needs only its shape
    dtable, _, dadded, recurrent = fused_lstm_backward.backward(dhs, last, inputs, more, added, states, own, zero)
    dWh[:], db[:] = recurrent, 0
    for v in range(len(dtable)):
        for j in range(len(db)):
            db[j] += dtable[v, j]
    np.dot(E.T, dtable, dWx)
    np.dot(dtable, Wx.T, dE)
    if len(context) > 0:
        np.dot(context.T, dadded, dWc)
        np.dot(dadded, Wc.T, dcontext)
