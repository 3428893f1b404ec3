"""LSTM through time (Hochreiter & Schmidhuber 1997; with a forget gate, Gers et al. 2000).

At step t, for each sequence, with a_t = x_t Wx + h_{t-1} Wh + b cut into four parts of H columns:

    i = sigmoid(a_i)    f = sigmoid(a_f)    g = tanh(a_g)    o = sigmoid(a_o)
    c_t = f * c_{t-1} + i * g
    h_t = o * tanh(c_t)

The order of the gates is PyTorch's: input, forget, cell, output.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from henkan.nn.parameters import Array

LSTMBackward = Callable[[Array | None, Array | None, Array | None], tuple[Array, Array, Array, Array]]


def lstm(
    inputs: Array, h0: Array, c0: Array, Wh: Array, active: Array | None = None
) -> tuple[Array, Array, LSTMBackward]:
    """Run the recurrence over all steps.

    The input's share of the gates, x_t Wx + b, does not depend on h and is made for all steps at once
    outside: by `embedding_affine`, by `affine`, or as a sum of several.

    Unequal lengths: the sequences stand in order of falling length, and at step t only the first
    `active[t]` are still running. A sequence that has ended keeps its states, so `hs[T]` is every
    sequence's last hidden state, whatever its length.

    Args:
        inputs: (T, N, 4H), x_t Wx + b for all steps.
        h0, c0: (N, H), the states before the first step.
        Wh: (H, 4H).
        active: (T,) integers that never rise, each at most N; None: all run to the end.

    Returns:
        hs (T + 1, N, H) and cs (T + 1, N, H), whose row 0 is the state before the first step, and
        backward: dhs (T, N, H) for h after each step, dh and dc (N, H) for the last states (each may be
        None, for zero) -> dinputs (T, N, 4H), dh0 (N, H), dc0 (N, H), dWh (H, 4H).
    """
    T, N, H = len(inputs), len(h0), len(Wh)
    running = np.full(T, N) if active is None else active
    gates = np.empty_like(inputs)  # i, f, g, o after their activations
    hs, cs = np.empty((T + 1, N, H), inputs.dtype), np.empty((T + 1, N, H), inputs.dtype)
    tanh_cs = np.empty((T, N, H), inputs.dtype)
    hs[0], cs[0] = h0, c0

    for t, n in enumerate(running):
        np.matmul(hs[t, :n], Wh, out=gates[t, :n])
        gates[t, :n] += inputs[t, :n]
        i, f, g, o = _activate(gates[t, :n])
        np.multiply(f, cs[t, :n], out=cs[t + 1, :n])
        cs[t + 1, :n] += i * g
        np.tanh(cs[t + 1, :n], out=tanh_cs[t, :n])
        np.multiply(o, tanh_cs[t, :n], out=hs[t + 1, :n])
        hs[t + 1, n:], cs[t + 1, n:] = hs[t, n:], cs[t, n:]

    def backward(dhs: Array | None, dh_last: Array | None, dc_last: Array | None) -> tuple[Array, Array, Array, Array]:
        da = np.zeros_like(gates)
        dh = np.zeros_like(h0) if dh_last is None else dh_last.copy()
        dc = np.zeros_like(c0) if dc_last is None else dc_last.copy()
        for t in range(T - 1, -1, -1):
            n = running[t]
            if dhs is not None:
                dh += dhs[t]
            i, f, g, o = np.split(gates[t, :n], 4, axis=1)
            da_i, da_f, da_g, da_o = np.split(da[t, :n], 4, axis=1)  # views: assigned in place
            tanh_c = tanh_cs[t, :n]
            dc[:n] += dh[:n] * o * (1 - tanh_c * tanh_c)
            da_i[:] = dc[:n] * g * i * (1 - i)
            da_f[:] = dc[:n] * cs[t, :n] * f * (1 - f)
            da_g[:] = dc[:n] * i * (1 - g * g)
            da_o[:] = dh[:n] * tanh_c * o * (1 - o)
            np.matmul(da[t, :n], Wh.T, out=dh[:n])
            dc[:n] *= f
        # One product after the loop, over the steps that ran.
        ran = np.arange(N) < np.asarray(running)[:, None]
        dWh = hs[:-1][ran].T @ da[ran]
        return da, dh, dc, dWh

    return hs, cs, backward


def _activate(a: Array) -> list[Array]:
    """Gates from their inputs, in place: (N, 4H) -> views of i, f, g, o, each (N, H)."""
    H = a.shape[1] // 4
    # sigmoid(x) = (1 + tanh(x / 2)) / 2 needs no exp that could overflow, and one tanh serves all gates.
    sigmoids = (a[:, : 2 * H], a[:, 3 * H :])
    for gate in sigmoids:
        gate *= 0.5
    np.tanh(a, out=a)
    for gate in sigmoids:
        gate *= 0.5
        gate += 0.5
    return np.split(a, 4, axis=1)
