"""The functions of `plain.py` in numba: a whole pass is one call that runs without the global interpreter lock.

The LSTM is vector code with its own matrix product (`fused_lstm.py`, `fused_lstm_backward.py`); for float64, for a few
steps, and for processors without vector registers that multiply and add, it is that of `plain.py`. Other products use
SciPy's BLAS. LLVM vectorises other loops only if they run over one contiguous array, call no function, and select with
`a if condition else b`; see docs/performance.md for the LSTM.

numba caches the compiled code on disk, beside this file or in the user's cache directory. If neither is writable, every
process compiles again unless NUMBA_CACHE_DIR names a directory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  (the BLAS that numba calls; loaded here so that its threads can be limited)

from henkan.nn.kernels import fused_lstm, fused_lstm_backward, plain
from henkan.nn.kernels.compiled import kernel
from henkan.nn.kernels.fused_decoding import greedy as greedy
from henkan.nn.kernels.fused_decoding import pack_decoder as pack_decoder
from henkan.nn.kernels.fused_layer import LayerSymbols as LayerSymbols
from henkan.nn.kernels.fused_layer import LayerWeights as LayerWeights
from henkan.nn.kernels.fused_layer import layer_backward as layer_backward
from henkan.nn.kernels.fused_layer import layer_forward as layer_forward
from henkan.nn.kernels.fused_layer import layer_sizes as layer_sizes
from henkan.nn.kernels.fused_layer import scratch_size as scratch_size
from henkan.nn.kernels.fused_lstm import GROUP
from henkan.nn.kernels.fused_output import copy_loss as copy_loss
from henkan.nn.kernels.fused_output import output_loss as output_loss
from henkan.nn.kernels.packed import PANEL, SUPPORTED
from henkan.nn.kernels.packed import pack_columns as pack_columns
from henkan.nn.kernels.structures import (
    AdamStep,
    Array,
    LSTMInputs,
    LSTMScratch,
    LSTMShapes,
    LSTMStates,
    StateGradients,
    TableRows,
)
from henkan.nn.kernels.vectors import LANES

FUSED = True
VECTORS = SUPPORTED
"""Whether the vector code for float32 can be used; see `packed.SUPPORTED`."""

FEW_STEPS = 3  # fewer do not repay packing the weights


def lstm_shapes(T: int, N: int, H: int, rows: int, dtype: Any) -> LSTMShapes:
    """See `plain.lstm_shapes`."""
    if not SUPPORTED or dtype != np.float32 or T < FEW_STEPS:
        return plain.lstm_shapes(T, N, H, rows, dtype)
    groups = -(-H // LANES)
    transposed = (-(-H // PANEL), groups * GROUP, PANEL)
    return LSTMShapes((groups, T, N, GROUP), (groups, H, GROUP), ((N, groups * GROUP), transposed))


def lstm_forward(
    inputs: LSTMInputs, more: TableRows | None, context: Array | None, states: LSTMStates, zero: bool
) -> None:
    """See `plain.lstm_forward`."""
    if not _in_groups(states):
        return plain.lstm_forward(inputs, more, context, states, zero)
    given, more_given = _contiguous(inputs, more)
    fused_lstm.forward(given, more_given, given.table[:0] if context is None else context, states, zero)
    return None


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
    """See `plain.lstm_backward`."""
    if not _in_groups(states):
        return plain.lstm_backward(dhs, last, inputs, more, context, states, scratch, zero)
    given, more_given = _contiguous(inputs, more)
    every = states.hs[:0] if dhs is None else np.ascontiguousarray(dhs)
    added = given.table[:0] if context is None else context
    dtable, dmore, dcontext, dWh = fused_lstm_backward.backward(
        every, last, given, more_given, added, states, scratch, zero
    )
    return dtable, None if more is None else dmore, None if context is None else dcontext, dWh


def _contiguous(inputs: LSTMInputs, more: TableRows | None) -> tuple[LSTMInputs, TableRows]:
    """The inputs as contiguous arrays, and empty ones for None: numba compiles for each combination of types."""
    given = LSTMInputs(*map(np.ascontiguousarray, inputs))
    return given, TableRows(*map(np.ascontiguousarray, more or (given.table[:0], given.indices[:, :0])))


def pack_recurrent(Wh: Array) -> Array:
    """Return Wh (H, 4H) as panels."""
    panels = np.empty((-(-len(Wh) // LANES), len(Wh), GROUP), Wh.dtype)
    fused_lstm.pack_gates(np.ascontiguousarray(Wh), panels)
    return panels


def last_states(inputs: LSTMInputs, order: Array | None, outputs: Array | None, column: int, panels: Array) -> Array:
    """Run the recurrence from states of zero without a backward pass; return the last hidden states (N, H).

    Args:
        inputs: as in `plain.lstm_forward`.
        order: (T, N), the step whose input is read and whose output is written at each step; None: in order of time.
        outputs: (T, N, M), of which H columns are set to h after each step, or None. Padding is not set.
        column: the first of these columns.
        panels: the recurrent weights, from `pack_recurrent`.
    """
    given, _ = _contiguous(inputs, None)
    in_order = given.indices[:0] if order is None else np.ascontiguousarray(order)
    written = np.empty((0, 0, 0), panels.dtype) if outputs is None else outputs
    last: Array = fused_lstm.run_forward(given, in_order, written, column, panels)
    return last


def _in_groups(states: LSTMStates) -> bool:
    """Whether `lstm_shapes` has chosen vector code."""
    return states.gates.ndim == 4


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
