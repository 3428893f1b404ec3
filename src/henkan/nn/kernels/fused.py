"""The functions of `plain.py` in numba: a whole pass is one call that runs without the global interpreter lock.

The gates, states and activations of a cell are computed in one sweep while they are in the cache. Matrix products use
SciPy's BLAS. LLVM vectorises a loop only if it runs over one contiguous array and selects with `a if condition else b`;
see docs/performance.md.

numba caches the compiled code on disk, beside this file or in the user's cache directory. If neither is writable, every
process compiles again unless NUMBA_CACHE_DIR names a directory.
"""

from __future__ import annotations

from math import tanh
from typing import Any

import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  (the BLAS that numba calls; loaded here so that its threads can be limited)
from numba import types
from numba.extending import overload

from henkan.nn.kernels.compiled import kernel
from henkan.nn.kernels.fused_output import copy_loss as copy_loss
from henkan.nn.kernels.fused_output import output_loss as output_loss
from henkan.nn.kernels.structures import (
    AdamStep,
    Array,
    LSTMInputs,
    LSTMScratch,
    LSTMStates,
    StateGradients,
)

FUSED = True
WIDE = 192  # from this hidden size on, one transposed copy of Wh costs less than products with Wh.T at every step


def _tanh(x: float) -> float:
    return tanh(x)


@overload(_tanh)
def _tanh_for(x: Any) -> Any:
    """Tanh by type: the C library's in float64, a quotient of polynomials in float32.

    The coefficients are those of the linear algebra library Eigen; the largest error is 3e-7.
    """

    def exact(x: Any) -> Any:
        return tanh(x)

    if x != types.float32:
        return exact
    f = np.float32
    limit = f(7.90531110763549805)
    p1, p3, p5, p7 = f(4.89352455891786e-03), f(6.37261928875436e-04), f(1.48572235717979e-05), f(5.12229709037114e-08)
    p9, p11, p13 = f(-8.60467152213735e-11), f(2.00018790482477e-13), f(-2.76076847742355e-16)
    q0, q2, q4, q6 = f(4.89352518554385e-03), f(2.26843463243900e-03), f(1.18534705686654e-04), f(1.19825839466702e-06)

    def rational(x: Any) -> Any:
        below = limit if x > limit else x
        y = -limit if below < -limit else below
        s = y * y
        p = y * (p1 + s * (p3 + s * (p5 + s * (p7 + s * (p9 + s * (p11 + s * p13))))))
        return p / (q0 + s * (q2 + s * (q4 + s * q6)))

    return rational


@kernel
def _cell(a: Array, c_before: Array, c: Array, tanh_c: Array, h: Array) -> None:
    """One cell of one sequence: activates the gates a (4H,) in place and fills c, tanh_c and h (H,)."""
    H = len(c)
    half = a.dtype.type(0.5)
    i, f, g, o = a[:H], a[H : 2 * H], a[2 * H : 3 * H], a[3 * H :]
    for k in range(H):
        i[k] = half * _tanh(half * i[k]) + half
    for k in range(H):
        f[k] = half * _tanh(half * f[k]) + half
    for k in range(H):
        g[k] = _tanh(g[k])
    for k in range(H):
        o[k] = half * _tanh(half * o[k]) + half
    for k in range(H):
        c[k] = f[k] * c_before[k] + i[k] * g[k]
    for k in range(H):
        tanh_c[k] = _tanh(c[k])
    for k in range(H):
        h[k] = o[k] * tanh_c[k]


@kernel
def lstm_forward(inputs: LSTMInputs, context: Array | None, states: LSTMStates) -> None:
    """See `plain.lstm_forward`."""
    table, indices, Wh, active = inputs
    gates, hs, cs, tanh_cs = states
    width = gates.shape[2]
    for t in range(len(active)):
        n = active[t]
        np.dot(hs[t, :n], Wh, gates[t, :n])
        for k in range(n):
            a, x = gates[t, k], table[indices[t, k]]
            if context is not None:
                u = context[k]
                for j in range(width):
                    a[j] += x[j] + u[j]
            else:
                for j in range(width):
                    a[j] += x[j]
            _cell(a, cs[t, k], cs[t + 1, k], tanh_cs[t, k], hs[t + 1, k])
        hs[t + 1, n:], cs[t + 1, n:] = hs[t, n:], cs[t, n:]


@kernel
def _cell_backward(a: Array, c_before: Array, tanh_c: Array, dh: Array, dc: Array, da: Array) -> None:
    """The derivative of `_cell`: fills da (4H,) and replaces dc (H,) by that of the previous step."""
    H = len(dc)
    one = a.dtype.type(1)
    i, f, g, o = a[:H], a[H : 2 * H], a[2 * H : 3 * H], a[3 * H :]
    da_i, da_f, da_g, da_o = da[:H], da[H : 2 * H], da[2 * H : 3 * H], da[3 * H :]
    for k in range(H):
        dc[k] += dh[k] * o[k] * (one - tanh_c[k] * tanh_c[k])
    for k in range(H):
        da_i[k] = dc[k] * g[k] * i[k] * (one - i[k])
    for k in range(H):
        da_f[k] = dc[k] * c_before[k] * f[k] * (one - f[k])
    for k in range(H):
        da_g[k] = dc[k] * i[k] * (one - g[k] * g[k])
    for k in range(H):
        da_o[k] = dh[k] * tanh_c[k] * o[k] * (one - o[k])
    for k in range(H):
        dc[k] *= f[k]


@kernel
def _transposed(W: Array) -> Array:
    """A row-major copy of W.T."""
    out = np.empty((W.shape[1], W.shape[0]), W.dtype)
    for first in range(0, len(W), 16):  # a few rows at a time, so that the destination stays in the cache
        for j in range(W.shape[1]):
            for i in range(first, min(first + 16, len(W))):
                out[j, i] = W[i, j]
    return out


@kernel
def lstm_backward(
    dhs: Array | None,
    last: StateGradients,
    inputs: LSTMInputs,
    context: Array | None,
    states: LSTMStates,
    scratch: LSTMScratch,
) -> tuple[Array, Array | None, Array]:
    """See `plain.lstm_backward`."""
    table, indices, Wh, active = inputs
    gates, hs, cs, tanh_cs = states
    das, hs_before = scratch
    dh, dc = last
    width = gates.shape[2]
    (T, N), H = indices.shape, len(Wh)
    ends = active.cumsum()
    full = ends[-1] == T * N if T else False  # no sequence is shorter: hs needs no packing
    wide = H >= WIDE
    Wh_T = _transposed(Wh) if wide else np.empty((0, 0), Wh.dtype)
    dtable = np.zeros_like(table)
    dcontext: Any = np.zeros_like(context) if context is not None else None
    for t in range(len(active) - 1, -1, -1):
        n = active[t]
        rows = slice(ends[t] - n, ends[t])
        da = das[rows]
        if dhs is not None:
            dh += dhs[t]
        for k in range(n):
            _cell_backward(gates[t, k], cs[t, k], tanh_cs[t, k], dh[k], dc[k], da[k])
            da_k, dx = da[k], dtable[indices[t, k]]
            for j in range(width):
                dx[j] += da_k[j]
            if context is not None:
                du = dcontext[k]
                for j in range(width):
                    du[j] += da_k[j]
        if not full:
            hs_before[rows] = hs[t, :n]
        if wide:
            np.dot(da, Wh_T, dh[:n])
        else:
            np.dot(da, Wh.T, dh[:n])
    return dtable, dcontext, np.dot((hs[:T].reshape(T * N, H) if full else hs_before).T, das)


@kernel
def sum_rows(indices: Array, rows: Array, count: int) -> Array:
    """See `plain.sum_rows`."""
    out = np.zeros((count, rows.shape[1]), rows.dtype)
    for r in range(len(indices)):
        row, sum_ = rows[r], out[indices[r]]
        for j in range(len(row)):
            sum_[j] += row[j]
    return out


@kernel
def adam_update(weights: Array, gradient: Array, m: Array, v: Array, step: AdamStep) -> None:
    """See `plain.adam_update`."""
    rate, decay, beta1, beta2, scale2, epsilon = step
    number = weights.dtype.type
    size, shrink, root, small = number(rate), number(decay), number(scale2), number(epsilon)
    keep1, keep2 = number(1 - beta1), number(1 - beta2)
    for k in range(len(weights)):
        g = gradient[k]
        m[k] += keep1 * (g - m[k])
        v[k] += keep2 * (g * g - v[k])
        weights[k] = shrink * weights[k] - size * m[k] / (np.sqrt(v[k]) * root + small)
