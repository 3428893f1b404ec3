"""The backward pass of `fused_lstm.py`, in vector code, for float32.

The gradients replace the gates in memory, in the same order, and are then the panels of the product for dWh. The
product with the transpose of Wh has its own panels:

    Wh.T as panels (H / PANEL, U * GROUP, PANEL)     gradients of one step (N, U * GROUP)
"""

from __future__ import annotations

import numpy as np

from henkan.nn.kernels.compiled import kernel
from henkan.nn.kernels.fused_lstm import GROUP
from henkan.nn.kernels.packed import BYTES, PANEL, ROWS, add_panel, address
from henkan.nn.kernels.structures import Array, LSTMInputs, LSTMScratch, LSTMStates, StateGradients, TableRows
from henkan.nn.kernels.vectors import LANES, Argument, vector_code


@vector_code
def _cell_backward(
    gates: Argument, c_before: Argument, tanh_c: Argument, dh: Argument, dc: Argument, da: Argument
) -> None:
    """The derivative of `cell`: replace the gates by their gradients, also written to da, and dc by the one before."""
    i, f, g, o = (gates[q * LANES] for q in range(4))
    t, d = tanh_c[0], dh[0]
    new = dc[0] + d * o * (1 - t * t)
    gradients = (
        new * g * i * (1 - i),
        new * c_before[0] * f * (1 - f),
        new * i * (1 - g * g),
        d * t * o * (1 - o),
    )
    for q, gradient in enumerate(gradients):
        gates[q * LANES] = gradient
        da[q * LANES] = gradient
    dc[0] = new * f


@vector_code
def _add(total: Argument, gates: Argument, hidden: Argument) -> None:
    """Add the gates of a group to `total`, in which gates have the distance `hidden`."""
    for q in range(4):
        total[hidden * q] = total[hidden * q] + gates[q * LANES]


@vector_code
def _write(out: Argument, gates: Argument, hidden: Argument) -> None:
    """The inverse of `read_inputs`."""
    for q in range(4):
        out[hidden * q] = gates[q * LANES]


@kernel
def _pack_transposed(W: Array, panels: Array) -> None:
    """Fill panels (P, U * GROUP, PANEL) with the transpose of W (H, 4H), its rows in the order of the groups."""
    H, groups = len(W), panels.shape[1] // GROUP
    if H % PANEL:
        panels[:] = 0
    for p in range(len(panels)):
        columns = min(PANEL, H - p * PANEL)
        for u in range(groups):
            units = min(LANES, H - u * LANES)
            for q in range(4):
                rows = panels[p, u * GROUP + q * LANES :]
                for j in range(columns):
                    numbers = W[p * PANEL + j, q * H + u * LANES :]
                    for x in range(units):
                        rows[x, j] = numbers[x]


@kernel
def _cells_backward(t: int, n: int, states: LSTMStates, d: StateGradients, das: Array) -> None:
    """The derivative of the cells at step t for the first n sequences."""
    (gates, _, cs, tanh_cs, _), (dh, dc) = states, d
    (T, N), H = gates.shape[1:3], dh.shape[1]
    groups, row = das.shape[1] // GROUP, BYTES * H
    at_gates, at_c, at_tanh = address(gates), address(cs), address(tanh_cs)
    at_das, at_dh, at_dc = address(das), address(dh), address(dc)
    for u in range(groups):
        units, first = min(LANES, H - u * LANES), BYTES * u * LANES
        for k in range(n):
            a, da = at_gates + BYTES * GROUP * ((u * T + t) * N + k), at_das + BYTES * GROUP * (k * groups + u)
            before, own = row * (t * N + k) + first, row * k + first
            _cell_backward(units, a, at_c + before, at_tanh + before, at_dh + own, at_dc + own, da)


@kernel
def _add_rows(x: Array, sums: Array) -> None:
    """Add x (N, H) to sums."""
    for k in range(len(x)):
        for j in range(x.shape[1]):
            sums[k, j] += x[k, j]


@kernel
def _sum_inputs(n: int, das: Array, rows: Array, sums: Array) -> None:
    """Add the first n gradients of a step (N, U * GROUP) to those rows of sums (P, 4H)."""
    H, groups = sums.shape[1] // 4, das.shape[1] // GROUP
    at_das, at_sums = address(das), address(sums)
    for k in range(n):
        for u in range(groups):
            total = at_sums + BYTES * (4 * H * rows[k] + u * LANES)
            _add(min(LANES, H - u * LANES), total, at_das + BYTES * GROUP * (k * groups + u), H)


@kernel
def _through_weights(n: int, das: Array, panels: Array, dh: Array) -> None:
    """Set the first n rows of dh (N, H) to das (N, K) times panels (P, K, PANEL)."""
    H, K = dh.shape[1], das.shape[1]
    at_das, at_panels, at_dh = address(das), address(panels), address(dh)
    rest = np.zeros((n, PANEL), dh.dtype)
    for k in range(n):
        for j in range(H):
            dh[k, j] = 0
    for p in range(len(panels)):
        first, w = p * PANEL, at_panels + BYTES * PANEL * K * p
        if first + PANEL <= H:
            add_panel(n, at_das, K, 1, w, PANEL, K, at_dh + BYTES * first, H)
            continue
        add_panel(n, at_das, K, 1, w, PANEL, K, address(rest), PANEL)
        for k in range(n):
            for j in range(H - first):
                dh[k, first + j] = rest[k, j]


@kernel
def _weight_gradient(hs: Array, das: Array, active: Array, begin: int, H: int) -> Array:
    """Return the gradient of Wh (H, 4H), from hs (T + 1, N, H) and das (U, T, N, GROUP), from step `begin` on."""
    groups, T, N = das.shape[:3]
    dWh, tile = np.empty((H, 4 * H), hs.dtype), np.empty((ROWS, GROUP), hs.dtype)
    whole = begin  # the steps before are those at which all sequences run
    while whole < T and active[whole] == N:
        whole += 1
    at_h, at_das, at_tile, at_out = address(hs), address(das), address(tile), address(dWh)
    for u in range(groups):
        for j in range(0, H, ROWS):
            rows = min(ROWS, H - j)
            tile[:] = 0
            for half in range(0, GROUP, PANEL):
                c = at_tile + BYTES * half
                for t in range(min(begin, whole), T):
                    if begin < t < whole:
                        continue
                    count = (whole - begin) * N if t < whole else active[t]
                    h, da = at_h + BYTES * (t * N * H + j), at_das + BYTES * (GROUP * (u * T + t) * N + half)
                    add_panel(rows, h, 1, H, da, GROUP, count, c, GROUP)
            for r in range(rows):
                out = at_out + BYTES * ((j + r) * 4 * H + u * LANES)
                _write(min(LANES, H - u * LANES), out, at_tile + BYTES * GROUP * r, H)
    return dWh


@kernel
def backward(
    dhs: Array,
    last: StateGradients,
    inputs: LSTMInputs,
    more: TableRows,
    context: Array,
    states: LSTMStates,
    scratch: LSTMScratch,
    zero: bool,
) -> tuple[Array, Array, Array, Array]:
    """See `plain.lstm_backward`; `dhs`, `more` and `context`, and their gradients, are empty instead of None."""
    table, indices, Wh, active = inputs
    (das, panels), (dh, _) = scratch, last
    dtable, dmore, dcontext = np.zeros_like(table), np.zeros_like(more[0]), np.zeros_like(context)
    sequences = np.arange(indices.shape[1])
    _pack_transposed(Wh, panels)
    if len(Wh) % LANES:
        das[:] = 0  # also beyond the last unit
    for t in range(len(active) - 1, -1, -1):
        n = active[t]
        if len(dhs) > 0:
            _add_rows(dhs[t], dh)
        _cells_backward(t, n, states, last, das)
        _sum_inputs(n, das, indices[t], dtable)
        if len(dmore) > 0:
            _sum_inputs(n, das, more[1][t], dmore)
        if len(dcontext) > 0:
            _sum_inputs(n, das, sequences, dcontext)
        if t > 0 or not zero:
            _through_weights(n, das, panels, dh)
    return dtable, dmore, dcontext, _weight_gradient(states[1], states[0], active, 1 if zero else 0, len(Wh))
