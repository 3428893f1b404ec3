"""Argument groups of the kernels, shared by `plain.py` and `fused.py`.

They are named tuples because numba accepts those in compiled code. An argument that may be None is never a field: numba
removes a branch on None only if the argument is passed by itself. Kernels unpack groups by position: numba's cache on
disk ignores changes in this file, so reading a field by name could run code compiled for another order of the fields.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

Array = NDArray[Any]


class LSTMInputs(NamedTuple):
    """What the recurrence reads.

    Attributes:
        table: (P, 4H), rows x Wx + b.
        indices: (T, N), the row of `table` that each sequence reads at each step.
        Wh: (H, 4H), recurrent weights.
        active: (T,), number of sequences that run at each step; never increases.
    """

    table: Array
    indices: Array
    Wh: Array
    active: Array


class LSTMStates(NamedTuple):
    """What the forward pass computes and the backward pass reads.

    Attributes:
        gates: (T, N, 4H), the activated gates i, f, g, o.
        hs: (T + 1, N, H), hidden states; row 0 is the state before the first step.
        cs: (T + 1, N, H), cell states likewise.
        tanh_cs: (T, N, H), tanh of the cell state after each step.
    """

    gates: Array
    hs: Array
    cs: Array
    tanh_cs: Array


class StateGradients(NamedTuple):
    """Gradients of the last states; the backward pass turns them into those of the first states, in place.

    Attributes:
        dh: (N, H). dc: (N, H).
    """

    dh: Array
    dc: Array


class LSTMScratch(NamedTuple):
    """Uninitialised memory for the backward pass: one row for each of the R = sum(active) executed steps.

    Attributes:
        das: (R, 4H), gradients of the gates' inputs.
        hs_before: (R, H), hidden states before each step.
    """

    das: Array
    hs_before: Array


class OutputLayer(NamedTuple):
    """Weights of the output layer.

    Attributes:
        W: (H, V). b: (V,).
    """

    W: Array
    b: Array


class LossTargets(NamedTuple):
    """The symbols to predict.

    Attributes:
        ids: (T, N), integers from 0 to V - 1.
        valid: (T, N), booleans, false at padding, which does not count.
        smoothing: label smoothing, in [0, 1).
        divisor: of the summed loss; for a shard of a batch, the number of valid steps in the whole batch. 0: the
            number of valid steps here, which `henkan.nn.output_loss` fills in; kernels need it to be at least 1.
    """

    ids: Array
    valid: Array
    smoothing: float = 0.0
    divisor: int = 0


class Pointer(NamedTuple):
    """What is needed to copy source symbols.

    Attributes:
        gates: (T, N), logits of the probability of copying.
        attention: (N, T, S), attention weights.
        copy_ids: (S, N), for each source symbol the id of the target symbol that equals it: V or more if it can only be
            copied; -1 if it is never copied.
    """

    gates: Array
    attention: Array
    copy_ids: Array


SMALLEST_WEIGHT = 1.2e-38
"""Attention weights are raised to this number before they are used to copy, so that no probability is zero."""


class AdamStep(NamedTuple):
    """Factors of one update; `henkan.nn.optim.Adam` has the formula.

    Attributes:
        rate: learning rate divided by 1 - beta1^t.
        decay: factor applied to the weights, 1 without weight decay.
        beta1, beta2: decay rates of the running means.
        scale2: 1 / sqrt(1 - beta2^t).
        epsilon: added to the denominator.
    """

    rate: float
    decay: float
    beta1: float
    beta2: float
    scale2: float
    epsilon: float
