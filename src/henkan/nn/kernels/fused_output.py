"""The output layers of `plain.py` in numba; see `fused.py`, which all other modules import instead of this one."""

from __future__ import annotations

from math import exp, log, log1p
from typing import Any

import numpy as np

from henkan.nn.kernels.compiled import kernel
from henkan.nn.kernels.structures import SMALLEST_WEIGHT, Array, LossTargets, OutputLayer, Pointer


@kernel
def _gathered(hs: Array, valid: Array) -> Array:
    """The rows (R, H) of hs (T, N, H) at the valid steps."""
    T, N, H = hs.shape
    rows = np.empty((valid.sum(), H), hs.dtype)
    r = 0
    for t in range(T):
        for k in range(N):
            if valid[t, k]:
                rows[r] = hs[t, k]
                r += 1
    return rows


@kernel
def _scattered(rows: Array, valid: Array) -> Array:
    """The inverse of `_gathered`, with zeros at the other steps."""
    (T, N), H = valid.shape, rows.shape[1]
    hs = np.zeros((T, N, H), rows.dtype)
    r = 0
    for t in range(T):
        for k in range(N):
            if valid[t, k]:
                hs[t, k] = rows[r]
                r += 1
    return hs


@kernel
def _softmax_loss(x: Array, target: int, smoothing: float, share: float) -> float:
    """Replace a row of logits x (V,) by (softmax(x) - q) * share; return -sum q log p (see `plain.output_loss`)."""
    top = x[0]
    for v in range(1, len(x)):
        top = x[v] if x[v] > top else top
    target_score, total = x[target] - top, x.dtype.type(0)
    mean = x.dtype.type(0)
    if smoothing > 0:
        for v in range(len(x)):
            mean += x[v] - top
        mean /= len(x)
    for v in range(len(x)):
        x[v] = exp(x[v] - top)
        total += x[v]
    scale = share / total
    evenly = x.dtype.type(share * smoothing / len(x))
    for v in range(len(x)):
        x[v] = x[v] * scale - evenly
    x[target] -= x.dtype.type(share * (1 - smoothing))
    return float(log(total) - target_score + smoothing * (target_score - mean))


@kernel
def _add_bias(x: Array, b: Array, scores: Array | None, k: int) -> None:
    """Add b (V,) and, unless scores (N, V) are None, those of sequence k to a row of logits x (V,)."""
    for v in range(len(x)):
        x[v] += b[v]
        if scores is not None:
            x[v] += scores[k, v]


@kernel
def _add_gradient(db: Array, dscores: Array | None, k: int, dx: Array) -> None:
    """Add the gradient of a row of logits, dx (V,), to those of what `_add_bias` adds."""
    for v in range(len(dx)):
        db[v] += dx[v]
        if dscores is not None:
            dscores[k, v] += dx[v]


@kernel
def output_loss(
    hs: Array, layer: OutputLayer, scores: Array | None, targets: LossTargets
) -> tuple[float, Array, Array, Array, Array | None]:
    """See `plain.output_loss`."""
    W, b = layer
    ids, valid, smoothing, divisor = targets
    T, N = valid.shape
    rows = _gathered(hs, valid)
    logits = np.dot(rows, W)
    db, loss, share = np.zeros_like(b), 0.0, hs.dtype.type(1 / divisor)
    dscores: Any = np.zeros_like(scores) if scores is not None else None
    r = 0
    for t in range(T):
        for k in range(N):
            if valid[t, k]:
                x = logits[r]
                _add_bias(x, b, scores, k)
                loss += _softmax_loss(x, ids[t, k], smoothing, share)
                _add_gradient(db, dscores, k, x)
                r += 1
    dW = np.dot(rows.T, logits)
    np.dot(logits, W.T, rows)
    return loss / divisor, _scattered(rows, valid), dW, db, dscores


@kernel
def _softplus(x: float) -> float:
    """log(1 + exp(x)), without overflow."""
    return max(x, 0.0) + log1p(exp(-abs(x)))


@kernel
def _copy_weights(weights: Array, attention: Array, copy_ids: Array, wanted: int) -> tuple[float, float]:
    """Fill weights (S,) with the distribution over the source symbols that can be copied.

    Args:
        weights: filled in.
        attention: (S,) attention weights.
        copy_ids: (S,) copy ids.
        wanted: the symbol to predict.

    Returns:
        the sum of the attention weights of these symbols, and the probability of the wanted symbol.
    """
    total, mass, smallest = 0.0, 0.0, weights.dtype.type(SMALLEST_WEIGHT)
    for s in range(len(weights)):
        weights[s] = max(attention[s], smallest) if copy_ids[s] >= 0 else 0
        total += weights[s]
    for s in range(len(weights)):
        if total > 0:
            weights[s] /= weights.dtype.type(total)
        if copy_ids[s] == wanted:
            mass += weights[s]
    return total, mass


@kernel
def _vocabulary_loss(x: Array, target: int) -> tuple[float, float]:
    """Replace logits x (V,) by their softmax; return log p of the target, and the mean of log p over all symbols."""
    top = x[0]
    for v in range(1, len(x)):
        top = x[v] if x[v] > top else top
    score, total, mean = x[target] - top, x.dtype.type(0), x.dtype.type(0)
    for v in range(len(x)):
        mean += x[v] - top
    for v in range(len(x)):
        x[v] = exp(x[v] - top)
        total += x[v]
    for v in range(len(x)):
        x[v] /= total
    return score - log(total), mean / len(x) - log(total)


@kernel
def copy_loss(
    hs: Array, layer: OutputLayer, scores: Array | None, targets: LossTargets, pointer: Pointer
) -> tuple[float, Array, Array, Array, Array | None, Array, Array]:
    """See `plain.copy_loss`."""
    W, b = layer
    ids, valid, smoothing, divisor = targets
    gates, attention, copy_ids = pointer
    (T, N), V, number = valid.shape, len(b), hs.dtype.type
    rows = _gathered(hs, valid)
    logits = np.dot(rows, W)
    db, loss, factor = np.zeros_like(b), 0.0, (1 - smoothing) / divisor
    evenly = number(smoothing / divisor)
    dscores: Any = np.zeros_like(scores) if scores is not None else None
    dgates, dattention = np.zeros_like(gates), np.zeros_like(attention)
    r = 0
    for t in range(T):
        for k in range(N):
            if valid[t, k]:
                x, d, wanted, z = logits[r], dattention[k, t], ids[t, k], gates[t, k]
                _add_bias(x, b, scores, k)
                predicted = min(wanted, V - 1)
                log_p, mean = _vocabulary_loss(x, predicted)
                total, mass = _copy_weights(d, attention[k, t], copy_ids[:, k], wanted)
                by_vocabulary = log_p - (_softplus(z) if total > 0 else 0.0) if wanted < V else -np.inf
                by_copy = log(mass) - _softplus(-z) if mass > 0 else -np.inf
                log_probability = max(by_vocabulary, by_copy) + log1p(exp(-abs(by_vocabulary - by_copy)))
                share = exp(by_vocabulary - log_probability)
                loss -= (1 - smoothing) * log_probability + smoothing * mean
                if total > 0:
                    dgates[t, k] = number((exp(-_softplus(-z)) - (1 - share)) * factor)
                scale = number(share * factor)
                for v in range(V):
                    x[v] = x[v] * (scale + evenly) - evenly / number(V)
                x[predicted] -= scale
                scale = number((1 - share) * factor)
                for s in range(len(d)):
                    d[s] = scale * (d[s] - (d[s] / number(mass) if copy_ids[s, k] == wanted else number(0)))
                _add_gradient(db, dscores, k, x)
                r += 1
    dW = np.dot(rows.T, logits)
    np.dot(logits, W.T, rows)
    return loss / divisor, _scattered(rows, valid), dW, db, dscores, dgates, dattention
