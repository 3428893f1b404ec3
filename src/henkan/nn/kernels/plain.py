"""Kernels in NumPy: LSTM forward and backward, output layers with loss, Adam. `fused.py` has the same ones in numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from henkan.nn.kernels.structures import (
    SMALLEST_WEIGHT,
    AdamStep,
    Array,
    LossTargets,
    LSTMInputs,
    LSTMScratch,
    LSTMShapes,
    LSTMStates,
    OutputLayer,
    Pointer,
    StateGradients,
    TableRows,
)

FUSED = VECTORS = False


def lstm_shapes(T: int, N: int, H: int, rows: int, dtype: Any) -> LSTMShapes:  # noqa: ARG001
    """Return the shapes of the memory for N sequences of up to T steps; `rows` is the number of executed steps."""
    return LSTMShapes((T, N, 4 * H), (0,), ((rows, 4 * H), (rows, H)))


def lstm_forward(
    inputs: LSTMInputs, more: TableRows | None, context: Array | None, states: LSTMStates, zero: bool
) -> None:
    """Run the recurrence over all steps; `henkan.nn.lstm` has the formula.

    Args:
        inputs: table, indices, recurrent weights and lengths.
        more: a second table and its indices, or None.
        context: (N, 4H), added to the gates' inputs at every step, or None.
        states: row 0 of hs and cs is set; everything else is filled in.
        zero: whether the first states are zero, so that the first step needs no product.
    """
    table, indices, Wh, active = inputs
    gates, hs, cs, tanh_cs, _ = states
    for t, n in enumerate(active):
        np.take(table, indices[t, :n], axis=0, out=gates[t, :n])
        if t > 0 or not zero:
            gates[t, :n] += hs[t, :n] @ Wh
        if more is not None:
            gates[t, :n] += more.table[more.indices[t, :n]]
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
    last: StateGradients,
    inputs: LSTMInputs,
    more: TableRows | None,
    context: Array | None,
    states: LSTMStates,
    scratch: LSTMScratch,
    zero: bool,
) -> tuple[Array, Array | None, Array | None, Array]:
    """The derivative of `lstm_forward`.

    Args:
        dhs: (T, N, H), gradients of h after each step, or None for zero.
        last: gradients of the last states; on return they are those of the first states, unless `zero` is true.
        inputs, more, context, states, zero: as passed to and filled by `lstm_forward`.
        scratch: memory to work in.

    Returns:
        dtable (P, 4H), dmore (Q, 4H) (None without a second table), dcontext (N, 4H) (None without a context), and
        dWh (H, 4H).
    """
    table, indices, Wh, active = inputs
    gates, hs, cs, tanh_cs, _ = states
    das, hs_before = scratch
    dh, dc = last
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
        if t > 0 or not zero:
            np.matmul(da, Wh.T, out=dh[:n])
        dc[:n] *= f
        hs_before[rows] = hs[t, :n]
        if dcontext is not None:
            dcontext[:n] += da
    # After the loop one product for each weight, over all executed steps.
    ran = np.arange(indices.shape[1]) < active[:, None]
    dmore = None if more is None else sum_rows(more.indices[ran], das, len(more.table))
    return sum_rows(indices[ran], das, len(table)), dmore, dcontext, hs_before.T @ das


def sum_rows(indices: Array, rows: Array, count: int) -> Array:
    """out[p] = sum of the rows whose index is p: (R,), (R, M) -> (count, M)."""
    if count <= 256:  # a product with one-hot vectors: more operations, but ten times faster in NumPy
        one_hot = np.zeros((count, len(indices)), rows.dtype)
        one_hot[indices, np.arange(len(indices))] = 1
        return one_hot @ rows
    out = np.zeros((count, rows.shape[1]), rows.dtype)
    if len(indices):
        order = np.argsort(indices, kind="stable")
        ordered = indices[order]
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        out[ordered[starts]] = np.add.reduceat(rows[order], starts, axis=0)
    return out


def output_loss(
    hs: Array, layer: OutputLayer, scores: Array | None, targets: LossTargets
) -> tuple[float, Array, Array, Array, Array | None]:
    """Affine layer, softmax, cross-entropy and their derivative; `henkan.nn.layers.output_loss` has the formula.

    Args:
        hs: (T, N, H), hidden states after each step.
        layer: W (H, V) and b (V,).
        scores: (N, V), added to the logits at every step, or None.
        targets: symbols to predict, smoothing and divisor.

    Returns:
        the loss, dhs (T, N, H), dW (H, V), db (V,), dscores (N, V) (None without scores).
    """
    W, b = layer
    ids, valid, smoothing, divisor = targets
    rows, wanted, every = hs[valid], ids[valid], np.arange(np.count_nonzero(valid))
    logits = rows @ W + b
    if scores is not None:
        logits += scores[np.nonzero(valid)[1]]
    # With the largest logit at 0, exp cannot overflow and the sum is at least 1.
    logits -= logits.max(axis=1, keepdims=True)
    exponentials = np.exp(logits)
    totals = exponentials.sum(axis=1)
    logs = np.log(totals)
    loss = float((logs - logits[every, wanted]).sum(dtype=np.float64)) / divisor

    dlogits = exponentials / totals[:, None]
    dlogits[every, wanted] -= 1 - smoothing
    if smoothing:
        evenly = float((logs - logits.mean(axis=1)).sum(dtype=np.float64)) / divisor
        loss += smoothing * (evenly - loss)
        dlogits -= smoothing / len(b)
    dlogits /= divisor
    return loss, *_output_gradients(rows, dlogits, layer, scores, valid)


def _output_gradients(
    rows: Array, dlogits: Array, layer: OutputLayer, scores: Array | None, valid: Array
) -> tuple[Array, Array, Array, Array | None]:
    """The gradients dhs, dW, db, dscores of an output layer, from inputs (R, H) and dlogits (R, V) at valid steps."""
    W, b = layer
    dhs = np.zeros((*valid.shape, len(W)), rows.dtype)
    dhs[valid] = dlogits @ W.T
    dscores = None
    if scores is not None:
        steps = np.zeros((*valid.shape, len(b)), dlogits.dtype)
        steps[valid] = dlogits
        dscores = steps.sum(axis=0)
    return dhs, rows.T @ dlogits, dlogits.sum(axis=0), dscores


def copy_loss(
    hs: Array, layer: OutputLayer, scores: Array | None, targets: LossTargets, pointer: Pointer
) -> tuple[float, Array, Array, Array, Array | None, Array, Array]:
    """Cross-entropy of predicting or copying each symbol, and its derivative; `henkan.nn.copying` has the formula.

    Args:
        hs, layer, scores, targets: as for `output_loss`; ids of V or more can only be copied.
        pointer: gates, attention weights and copy ids.

    Returns:
        the loss, dhs, dW, db, dscores as for `output_loss`, dgates (T, N), and the gradients (N, T, S) of the scores
        whose softmax is the attention weights.
    """
    W, b = layer
    ids, valid, smoothing, divisor = targets
    gates, attention, copy_ids = pointer
    (steps, columns), V = np.nonzero(valid), len(b)
    rows, wanted, every = hs[valid], ids[valid], np.arange(len(steps))
    predicted = np.minimum(wanted, V - 1)
    logits = rows @ W + b
    if scores is not None:
        logits += scores[columns]
    logits -= logits.max(axis=1, keepdims=True)
    probabilities = np.exp(logits)
    totals = probabilities.sum(axis=1)
    probabilities /= totals[:, None]
    logs = np.log(totals)

    source = copy_ids.T[columns]
    weights = np.where(source >= 0, np.maximum(attention[columns, steps], hs.dtype.type(SMALLEST_WEIGHT)), 0)
    sums = weights.sum(axis=1)
    weights /= np.where(sums > 0, sums, 1)[:, None]
    matching = np.where(source == wanted[:, None], weights, 0)
    masses = matching.sum(axis=1)
    matching /= np.where(masses > 0, masses, 1)[:, None]

    z, zero = gates[valid], hs.dtype.type(0)
    log_gate, log_rest = -np.logaddexp(zero, -z), np.where(sums > 0, -np.logaddexp(zero, z), 0)
    by_vocabulary = np.where(wanted < V, log_rest + logits[every, predicted] - logs, -np.inf)
    with np.errstate(divide="ignore"):
        log_probabilities = np.logaddexp(by_vocabulary, log_gate + np.log(masses))
    loss = -float(log_probabilities.sum(dtype=np.float64)) / divisor
    # The share of the vocabulary in the probability of the symbol; the rest is that of copying.
    share = np.exp(by_vocabulary - log_probabilities)
    factor = (1 - smoothing) / divisor
    dlogits = (share * factor)[:, None] * probabilities
    dlogits[every, predicted] -= share * factor
    if smoothing:
        evenly = float((logs - logits.mean(axis=1)).sum(dtype=np.float64)) / divisor
        loss += smoothing * (evenly - loss)
        dlogits += smoothing / divisor * (probabilities - hs.dtype.type(1 / V))
    dgates, dattention = np.zeros_like(gates), np.zeros_like(attention)
    dgates[valid] = np.where(sums > 0, np.exp(log_gate) - (1 - share), 0) * factor
    dattention[columns, steps] = ((1 - share) * factor)[:, None] * (weights - matching)
    return loss, *_output_gradients(rows, dlogits, layer, scores, valid), dgates, dattention


def adam_update(weights: Array, gradient: Array, m: Array, v: Array, step: AdamStep) -> None:
    """One update of `weights`, `m` and `v` (all of one length) in place; `henkan.nn.optim.Adam` has the formula."""
    rate, decay, beta1, beta2, scale2, epsilon = step
    m += (1 - beta1) * (gradient - m)
    v += (1 - beta2) * (gradient * gradient - v)
    denominator = np.sqrt(v)
    denominator *= scale2
    denominator += epsilon
    weights *= decay
    weights -= rate * m / denominator


def _activate(a: Array) -> list[Array]:
    """Activate the gates in place: (N, 4H) -> views of i, f, g, o, each (N, H)."""
    H = a.shape[1] // 4
    # sigmoid(x) = (1 + tanh(x / 2)) / 2 cannot overflow, and one call of tanh serves all gates.
    sigmoids = (a[:, : 2 * H], a[:, 3 * H :])
    for gate in sigmoids:
        gate *= 0.5
    np.tanh(a, out=a)
    for gate in sigmoids:
        gate *= 0.5
        gate += 0.5
    return np.split(a, 4, axis=1)
