"""The LSTM's two passes and Adam's update in NumPy. `fused.py` has the same functions in numba."""

from __future__ import annotations

import numpy as np

from henkan.nn.parameters import Array

FUSED = False


def lstm_forward(
    table: Array, places: Array, context: Array | None, h0: Array, c0: Array, Wh: Array, active: Array
) -> tuple[Array, Array, Array, Array]:
    """The recurrence over all steps; see `henkan.nn.lstm.lstm` for the arguments.

    Returns:
        gates (T, N, 4H) after their activations, hs and cs (T + 1, N, H), tanh(c) (T, N, H).
    """
    (T, N), H = places.shape, len(Wh)
    gates = np.empty((T, N, 4 * H), Wh.dtype)
    hs, cs = np.empty((T + 1, N, H), Wh.dtype), np.empty((T + 1, N, H), Wh.dtype)
    tanh_cs = np.empty((T, N, H), Wh.dtype)
    hs[0], cs[0] = h0, c0
    for t, n in enumerate(active):
        np.matmul(hs[t, :n], Wh, out=gates[t, :n])
        gates[t, :n] += table[places[t, :n]]
        if context is not None:
            gates[t, :n] += context[:n]
        i, f, g, o = _activate(gates[t, :n])
        np.multiply(f, cs[t, :n], out=cs[t + 1, :n])
        cs[t + 1, :n] += i * g
        np.tanh(cs[t + 1, :n], out=tanh_cs[t, :n])
        np.multiply(o, tanh_cs[t, :n], out=hs[t + 1, :n])
        hs[t + 1, n:], cs[t + 1, n:] = hs[t, n:], cs[t, n:]
    return gates, hs, cs, tanh_cs


def lstm_backward(
    dhs: Array | None,
    dh_last: Array,
    dc_last: Array,
    gates: Array,
    hs: Array,
    cs: Array,
    tanh_cs: Array,
    table: Array,
    places: Array,
    context: Array | None,
    Wh: Array,
    active: Array,
) -> tuple[Array, Array | None, Array, Array, Array]:
    """The derivative of `lstm_forward`.

    Args:
        dhs: (T, N, H) for h after each step, or None for zero.
        dh_last, dc_last: (N, H) for the last states.
        gates, hs, cs, tanh_cs: what `lstm_forward` returned; the rest is what it was given.

    Returns:
        dtable, dcontext (None without a context), dh0, dc0, dWh.
    """
    T, N, _ = gates.shape
    das = np.zeros_like(gates)
    dh, dc = dh_last.copy(), dc_last.copy()
    for t in range(T - 1, -1, -1):
        n = active[t]
        if dhs is not None:
            dh += dhs[t]
        i, f, g, o = np.split(gates[t, :n], 4, axis=1)
        da_i, da_f, da_g, da_o = np.split(das[t, :n], 4, axis=1)  # views: assigned in place
        tanh_c = tanh_cs[t, :n]
        dc[:n] += dh[:n] * o * (1 - tanh_c * tanh_c)
        da_i[:] = dc[:n] * g * i * (1 - i)
        da_f[:] = dc[:n] * cs[t, :n] * f * (1 - f)
        da_g[:] = dc[:n] * i * (1 - g * g)
        da_o[:] = dh[:n] * tanh_c * o * (1 - o)
        np.matmul(das[t, :n], Wh.T, out=dh[:n])
        dc[:n] *= f
    # One product for each weight after the loop, over the steps that ran.
    ran = np.arange(N) < active[:, None]
    da = das[ran]
    dWh = hs[:-1][ran].T @ da
    dcontext = None if context is None else das.sum(axis=0)
    return sum_rows(places[ran], da, len(table)), dcontext, dh, dc, dWh


def sum_rows(places: Array, rows: Array, count: int) -> Array:
    """out[p] = the sum of those rows whose place is p: (R,), (R, M) -> (count, M)."""
    if count <= 256:  # a product with one-hot vectors: more arithmetic, but ten times faster in NumPy
        one_hot = np.zeros((count, len(places)), rows.dtype)
        one_hot[places, np.arange(len(places))] = 1
        return one_hot @ rows
    out = np.zeros((count, rows.shape[1]), rows.dtype)
    if len(places):
        order = np.argsort(places, kind="stable")
        ordered = places[order]
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        out[ordered[starts]] = np.add.reduceat(rows[order], starts, axis=0)
    return out


def adam_update(
    weights: Array,
    gradient: Array,
    m: Array,
    v: Array,
    rate: float,
    decay: float,
    beta1: float,
    beta2: float,
    scale2: float,
    epsilon: float,
) -> None:
    """One update in place; `henkan.nn.optim.Adam` has the formula and what the factors are."""
    m += (1 - beta1) * (gradient - m)
    v += (1 - beta2) * (gradient * gradient - v)
    denominator = np.sqrt(v)
    denominator *= scale2
    denominator += epsilon
    weights *= decay
    weights -= rate * m / denominator


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
