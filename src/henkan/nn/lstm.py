"""LSTM through time (Hochreiter & Schmidhuber 1997; with a forget gate, Gers et al. 2000).

At step t, for each sequence, with a_t = x_t Wx + b + h_{t-1} Wh cut into four parts of H columns:

    i = sigmoid(a_i)    f = sigmoid(a_f)    g = tanh(a_g)    o = sigmoid(a_o)
    c_t = f * c_{t-1} + i * g
    h_t = o * tanh(c_t)

The order of the gates is PyTorch's: input, forget, cell, output. The two passes themselves, this formula and
its derivative, are in `henkan.nn.kernels.plain`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from henkan.nn.parameters import Array
from henkan.nn.workspace import PLAIN, Backend

LSTMBackward = Callable[[Array | None, Array | None, Array | None], tuple[Array, Array | None, Array, Array, Array]]


def lstm(
    table: Array,
    places: Array,
    h0: Array,
    c0: Array,
    Wh: Array,
    *,
    active: Array | None = None,
    context: Array | None = None,
    backend: Backend = PLAIN,
) -> tuple[Array, Array, LSTMBackward]:
    """Run the recurrence over all steps.

    The input's share of the gates, x_t Wx + b, does not depend on h and is made outside, as a table with a row
    for each different input (`project_symbols`) and the place of each input in it. What is the same at every
    step of a sequence may be given once, as its context.

    Unequal lengths: the sequences stand in order of falling length, and at step t only the first
    `active[t]` are still running. A sequence that has ended keeps its states, so `hs[T]` is every
    sequence's last hidden state, whatever its length.

    Args:
        table: (P, 4H), rows x Wx + b.
        places: (T, N), which row is the input of each sequence at each step.
        h0, c0: (N, H), the states before the first step.
        Wh: (H, 4H).
        active: (T,) integers that never rise, each at most N; None: all run to the end.
        context: (N, 4H), added to the gates at every step, or None.
        backend: the kernels and where large arrays come from.

    Returns:
        hs (T + 1, N, H) and cs (T + 1, N, H), whose row 0 is the state before the first step, and
        backward: dhs (T, N, H) for h after each step, dh and dc (N, H) for the last states (each may be
        None, for zero) -> dtable (P, 4H), dcontext (N, 4H) or None, dh0 (N, H), dc0 (N, H), dWh (H, 4H).
    """
    (T, N), H = places.shape, len(Wh)
    running = np.full(T, N) if active is None else active
    gates, tanh_cs = backend.empty((T, N, 4 * H), Wh.dtype), backend.empty((T, N, H), Wh.dtype)
    hs, cs = backend.empty((T + 1, N, H), Wh.dtype), backend.empty((T + 1, N, H), Wh.dtype)
    hs[0], cs[0] = h0, c0
    given, kept = (table, places, context, Wh, running), (gates, hs, cs, tanh_cs)
    backend.kernels.lstm_forward(*given, *kept)

    def backward(
        dhs: Array | None, dh_last: Array | None, dc_last: Array | None
    ) -> tuple[Array, Array | None, Array, Array, Array]:
        dh, dc = (np.zeros_like(h0) if d is None else d.copy() for d in (dh_last, dc_last))
        R = int(running.sum())
        das, hs_before = backend.empty((R, 4 * H), Wh.dtype), backend.empty((R, H), Wh.dtype)
        dtable, dcontext, dWh = backend.kernels.lstm_backward(dhs, dh, dc, *given, *kept, das, hs_before)
        return dtable, dcontext, dh, dc, dWh

    return hs, cs, backward
