"""The LSTM's two passes and Adam's update in NumPy. `fused.py` has the same functions in numba."""

from __future__ import annotations

import numpy as np

from henkan.nn.parameters import Array

FUSED = False


def lstm_forward(
    table: Array,
    places: Array,
    context: Array | None,
    Wh: Array,
    active: Array,
    gates: Array,
    hs: Array,
    cs: Array,
    tanh_cs: Array,
) -> None:
    """The recurrence over all steps; see `henkan.nn.lstm.lstm` for what goes in.

    Args:
        table, places, context, Wh, active: as there.
        gates: (T, N, 4H), filled with i, f, g, o. tanh_cs: (T, N, H), filled with tanh(c).
        hs, cs: (T + 1, N, H), row 0 given, the others filled.
    """
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


def lstm_backward(
    dhs: Array | None,
    dh: Array,
    dc: Array,
    table: Array,
    places: Array,
    context: Array | None,
    Wh: Array,
    active: Array,
    gates: Array,
    hs: Array,
    cs: Array,
    tanh_cs: Array,
    das: Array,
    hs_before: Array,
) -> tuple[Array, Array | None, Array]:
    """The derivative of `lstm_forward`.

    Args:
        dhs: (T, N, H) for h after each step, or None for zero.
        dh, dc: (N, H) for the last states; they become those for the first.
        table ... active: what `lstm_forward` was given. gates ... tanh_cs: what it filled.
        das: (R, 4H), hs_before: (R, H): room for a row for each of the R = sum(active) steps that ran.

    Returns:
        dtable, dcontext (None without a context), dWh.
    """
    ends = np.cumsum(active)
    dcontext = None if context is None else np.zeros_like(context)
    for t in range(len(active) - 1, -1, -1):
        n = active[t]
        rows = slice(ends[t] - n, ends[t])
        da = das[rows]
        if dhs is not None:
            dh += dhs[t]
        i, f, g, o = np.split(gates[t, :n], 4, axis=1)
        da_i, da_f, da_g, da_o = np.split(da, 4, axis=1)  # views: assigned in place
        tanh_c = tanh_cs[t, :n]
        dc[:n] += dh[:n] * o * (1 - tanh_c * tanh_c)
        da_i[:] = dc[:n] * g * i * (1 - i)
        da_f[:] = dc[:n] * cs[t, :n] * f * (1 - f)
        da_g[:] = dc[:n] * i * (1 - g * g)
        da_o[:] = dh[:n] * tanh_c * o * (1 - o)
        np.matmul(da, Wh.T, out=dh[:n])
        dc[:n] *= f
        hs_before[rows] = hs[t, :n]
        if dcontext is not None:
            dcontext[:n] += da
    # One product for each weight after the loop, over the steps that ran.
    ran = np.arange(places.shape[1]) < active[:, None]
    return sum_rows(places[ran], das, len(table)), dcontext, hs_before.T @ das


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


def output_loss(
    hs: Array, W: Array, b: Array, scores: Array | None, ids: Array, valid: Array, smoothing: float, count: int
) -> tuple[float, Array, Array, Array, Array | None]:
    """Affine, softmax, cross-entropy and their derivative; see `henkan.nn.loss.output_loss` for what goes in.

    Returns:
        the loss, dhs, dW, db, dscores (None without scores).
    """
    rows, targets, every = hs[valid], ids[valid], np.arange(np.count_nonzero(valid))
    logits = rows @ W + b
    if scores is not None:
        logits += scores[np.nonzero(valid)[1]]
    # With the greatest score at 0, exp cannot overflow and the sum is at least 1.
    logits -= logits.max(axis=1, keepdims=True)
    exponentials = np.exp(logits)
    totals = exponentials.sum(axis=1)
    logs = np.log(totals)
    loss = float((logs - logits[every, targets]).sum(dtype=np.float64)) / count

    dlogits = exponentials / totals[:, None]
    dlogits[every, targets] -= 1 - smoothing
    if smoothing:
        evenly = float((logs - logits.mean(axis=1)).sum(dtype=np.float64)) / count
        loss += smoothing * (evenly - loss)
        dlogits -= smoothing / len(b)
    dlogits /= count
    dhs = np.zeros_like(hs)
    dhs[valid] = dlogits @ W.T
    dscores = None
    if scores is not None:
        steps = np.zeros((*valid.shape, len(b)), dlogits.dtype)
        steps[valid] = dlogits
        dscores = steps.sum(axis=0)
    return loss, dhs, rows.T @ dlogits, dlogits.sum(axis=0), dscores


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
