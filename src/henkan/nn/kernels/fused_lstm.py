"""The LSTM of `plain.py` in vector code, for float32; see `fused.py`, which other modules import instead of this one.

The units of a layer are divided into groups of `LANES`. The four gates of a group are `GROUP` adjacent numbers, so one
tile has all gates of its units: they are activated, and h and c computed, while they are in the first-level cache.

    gates (U, T, N, GROUP)     Wh as panels (U, H, GROUP)

Numbers of the last group that belong to no unit are zero in the panels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from henkan.nn.kernels.compiled import kernel
from henkan.nn.kernels.packed import BYTES, PANEL, ROWS, add_panel, address
from henkan.nn.kernels.structures import Array, LSTMInputs, LSTMStates, TableRows
from henkan.nn.kernels.vectors import LANES, Argument, sigmoid, tanh, vector_code

GROUP = 4 * LANES


@vector_code
def read_inputs(gates: Argument, x: Argument, hidden: Argument) -> None:
    """Set the gates of a group to the inputs x, in which gates have the distance `hidden`."""
    for q in range(4):
        gates[q * LANES] = x[hidden * q]


@vector_code
def add_inputs(gates: Argument, x: Argument, hidden: Argument) -> None:
    """Add further inputs to the gates of a group."""
    for q in range(4):
        gates[q * LANES] = gates[q * LANES] + x[hidden * q]


@vector_code
def cell(gates: Argument, c_before: Argument, c: Argument, tanh_c: Argument, h: Argument) -> None:
    """Activate the gates of a group, and compute its states."""
    i, f, g, o = (gates[q * LANES] for q in range(4))
    i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
    new = f * c_before[0] + i * g
    squashed = tanh(new)
    for q, gate in enumerate((i, f, g, o)):
        gates[q * LANES] = gate
    c[0], tanh_c[0], h[0] = new, squashed, o * squashed


@kernel
def pack_gates(W: Array, panels: Array) -> None:
    """Fill panels (U, K, GROUP) with W (K, 4H): the gates of each group of units side by side."""
    K, H = len(W), W.shape[1] // 4
    if H % LANES:
        panels[:] = 0  # also beyond the last unit
    for u in range(len(panels)):
        units = min(LANES, H - u * LANES)
        for k in range(K):
            panel, row = address(panels) + BYTES * GROUP * (u * K + k), address(W) + BYTES * (4 * H * k + u * LANES)
            read_inputs(units, panel, row, H)


class StepInputs(NamedTuple):
    """The inputs of the gates at one step: the sum of a row of each table.

    Attributes:
        table, second, third: tables (P, 4H); without rows if there are no such inputs.
        rows, second_rows, third_rows: (N,) the row of each that each sequence reads.
    """

    table: Array
    rows: Array
    second: Array
    second_rows: Array
    third: Array
    third_rows: Array


class Places(NamedTuple):
    """Addresses of the arrays of one step; all but `gates` are (N, H).

    Attributes:
        gates: (U, N, GROUP), `distance` bytes from group to group.
        below: states of the layer below, or 0.
        h_before, c_before: states before the step; h_before is 0 if h is zero.
        c, tanh_c, h: filled in; h must not be h_before.
    """

    gates: int
    distance: int
    below: int
    h_before: int
    c_before: int
    c: int
    tanh_c: int
    h: int


@kernel
def run_step(n: int, inputs: StepInputs, Wh: Array, Wx: Array, at: Places) -> None:
    """Run one step of a layer for the first n sequences.

    Args:
        n: number of sequences.
        inputs: the inputs of the gates.
        Wh, Wx: weights as panels; Wx for the states of the layer below.
        at: states before and after the step, and the gates.
    """
    table, rows, second, second_rows, third, third_rows = inputs
    H = table.shape[1] // 4
    row = BYTES * H
    for u in range(len(Wh)):
        units, unit, panel = min(LANES, H - u * LANES), BYTES * u * LANES, BYTES * GROUP * u * H
        for begin in range(0, n, ROWS):
            count, tile = min(ROWS, n - begin), at.gates + at.distance * u + BYTES * GROUP * begin
            for k in range(begin, begin + count):
                a = tile + BYTES * GROUP * (k - begin)
                read_inputs(units, a, address(table) + 4 * row * rows[k] + unit, H)
                if len(second) > 0:
                    add_inputs(units, a, address(second) + 4 * row * second_rows[k] + unit, H)
                if len(third) > 0:
                    add_inputs(units, a, address(third) + 4 * row * third_rows[k] + unit, H)
            for half in range(0, BYTES * GROUP, BYTES * PANEL):
                c, w = tile + half, panel + half
                if at.h_before:
                    add_panel(count, at.h_before + row * begin, H, 1, address(Wh) + w, GROUP, H, c, GROUP)
                if at.below:
                    add_panel(count, at.below + row * begin, H, 1, address(Wx) + w, GROUP, H, c, GROUP)
            for k in range(begin, begin + count):
                a, own = tile + BYTES * GROUP * (k - begin), row * k + unit
                cell(units, a, at.c_before + own, at.c + own, at.tanh_c + own, at.h + own)


@kernel
def places(gates: Array, below: int, h_before: int, c: Array, h: Array) -> Places:
    """Return the places of a step that replaces c (N, H), and writes h (N, H); gates are (U, N, GROUP)."""
    at_c, at_h = address(c), address(h)
    return Places(address(gates), BYTES * GROUP * gates.shape[1], below, h_before, at_c, at_c, at_h, at_h)


@kernel
def copy_rows(x: Array, count: int, rows: Array, out: Array) -> None:
    """Copy the given rows of x (N, H) to the first `count` rows of out."""
    for k in range(count):
        for j in range(x.shape[1]):
            out[k, j] = x[rows[k], j]


@kernel
def _share(n: int, read: Array, group: Array, symbols: Array, parents: Array) -> int:
    """Assign sequences to groups that have read the same symbols; only neighbours are compared.

    Args:
        n: number of sequences.
        read: (N,) the symbol that each reads now.
        group: (N,) the group of each, which is replaced.
        symbols, parents: filled in: the symbol that each group reads, and its group before.

    Returns:
        the number of groups.
    """
    groups, before = 0, -1
    for k in range(n):
        if groups == 0 or group[k] != before or read[k] != symbols[groups - 1]:
            symbols[groups], parents[groups] = read[k], group[k]
            groups += 1
        before, group[k] = group[k], groups - 1
    return groups


@kernel
def run_forward(inputs: LSTMInputs, order: Array, outputs: Array, column: int, panels: Array) -> Array:
    """Run the recurrence from states of zero, without keeping what only a backward pass needs.

    Neighbouring sequences that begin alike share their steps.

    Args:
        inputs: as in `plain.lstm_forward`; Wh is not read.
        order: (T, N), the step whose input is read, and whose output is written, at each step; empty: in order of time.
        outputs: (T, N, M), of which H columns are set to h after each step, unless it is empty. Padding is not set.
        column: the first of these columns.
        panels: the packed Wh.

    Returns:
        the last hidden states (N, H).
    """
    table, indices, _, active = inputs
    (T, N), H, number = indices.shape, panels.shape[1], table.dtype
    last, h, c = np.zeros((N, H), number), np.zeros((N, H), number), np.zeros((N, H), number)
    spare, gates = np.empty((N, H), number), np.empty((len(panels), N, GROUP), number)
    steps, read, group = np.empty(N, np.int64), np.empty(N, np.int64), np.zeros(N, np.int64)
    symbols, parents, none = np.empty(N, np.int64), np.empty(N, np.int64), table[:0]
    for t in range(T):
        n = active[t]
        for k in range(n):
            steps[k] = order[t, k] if len(order) > 0 else t
            read[k] = indices[steps[k], k]
        groups = _share(n, read, group, symbols, parents)
        if parents[groups - 1] != groups - 1:  # a group has been divided
            copy_rows(h, groups, parents, spare)
            h, spare = spare, h
            copy_rows(c, groups, parents, spare)
            c, spare = spare, c
        step = StepInputs(table, symbols, none, symbols, none, symbols)
        run_step(groups, step, panels, panels, places(gates, 0, address(h) if t > 0 else 0, c, spare))
        h, spare = spare, h
        for k in range(n):
            for j in range(H):
                if len(outputs) > 0:
                    outputs[steps[k], k, column + j] = h[group[k], j]
                if t + 1 == T or k >= active[t + 1]:
                    last[k, j] = h[group[k], j]
    return last


@kernel
def forward(inputs: LSTMInputs, more: TableRows, context: Array, states: LSTMStates, zero: bool) -> None:
    """See `plain.lstm_forward`; `more` and `context` are empty instead of None."""
    table, indices, Wh, active = inputs
    gates, hs, cs, tanh_cs, panels = states
    (T, N), H = indices.shape, len(Wh)
    pack_gates(Wh, panels)
    step, sequences = BYTES * N * H, np.arange(N)
    for t in range(T):
        n = active[t]
        at = Places(
            address(gates) + BYTES * GROUP * N * t,
            BYTES * GROUP * N * T,
            0,
            address(hs) + step * t if t > 0 or not zero else 0,
            address(cs) + step * t,
            address(cs) + step * (t + 1),
            address(tanh_cs) + step * t,
            address(hs) + step * (t + 1),
        )
        run_step(n, StepInputs(table, indices[t], more[0], more[1][t], context, sequences), panels, panels, at)
        for k in range(n, N):
            for j in range(H):
                hs[t + 1, k, j], cs[t + 1, k, j] = hs[t, k, j], cs[t, k, j]
