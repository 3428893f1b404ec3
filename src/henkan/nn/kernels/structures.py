"""Argument groups of the kernels, shared by `plain.py` and `fused.py`.

They are named tuples because numba accepts those in compiled code. An argument that may be None is never a field: numba
removes a branch on None only if the argument is passed by itself. Kernels unpack groups by position: numba's cache on
disk ignores changes in this file, so reading a field by name could run code compiled for another order of the fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:  # importing it takes a tenth of the start of `henkan predict`
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    Array = np.ndarray


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


class TableRows(NamedTuple):
    """Further inputs: at each step, each sequence also reads a row of a second table.

    Attributes:
        table: (Q, 4H).
        indices: (T, N), the row that each sequence reads at each step.
    """

    table: Array
    indices: Array


class LSTMShapes(NamedTuple):
    """Shapes of the memory for an LSTM: those of `LSTMStates` that depend on the kernels, and of `LSTMScratch`."""

    gates: tuple[int, ...]
    packed: tuple[int, ...]
    scratch: tuple[tuple[int, ...], tuple[int, ...]]


class LSTMStates(NamedTuple):
    """What the forward pass computes and the backward pass reads.

    Attributes:
        gates: the activated gates i, f, g, o, in an order that is up to the kernels: (T, N, 4H) in plain ones. The
            backward pass may replace them.
        hs: (T + 1, N, H), hidden states; row 0 is the state before the first step.
        cs: (T + 1, N, H), cell states likewise.
        tanh_cs: (T, N, H), tanh of the cell state after each step.
        packed: memory for the packed weights of fused kernels; empty for plain ones.
    """

    gates: Array
    hs: Array
    cs: Array
    tanh_cs: Array
    packed: Array


class StateGradients(NamedTuple):
    """Gradients of the last states; the backward pass turns them into those of the first states, in place.

    Attributes:
        dh: (N, H). dc: (N, H).
    """

    dh: Array
    dc: Array


class LSTMScratch(NamedTuple):
    """Uninitialised memory for the backward pass, of the shapes in `LSTMShapes.scratch`.

    Attributes:
        das: gradients of the gates' inputs.
        other: hidden states before each step in plain kernels, packed weights in fused ones.
    """

    das: Array
    other: Array


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


class PackedDecoder(NamedTuple):
    """The weights of a decoder with L layers, in panels (see `fused_lstm`) where they are used in products.

    Attributes:
        table: (A, 4H), inputs of the first layer for each previous symbol.
        Wh: (L, U, H, GROUP). Wx: (L - 1, U, H, GROUP) of the layers above the first. b: (L - 1, 4H).
        Wy: (P, H, PANEL), output layer. by: (A,).
    """

    table: Array
    Wh: Array
    Wx: Array
    b: Array
    Wy: Array
    by: Array


class AttentionArrays(NamedTuple):
    """Attention over the source (`henkan.model.attention`).

    Attributes:
        keys, values: (N, S, H). lengths: (N,) number of source steps. Wq: (H / PANEL, H, PANEL). b: (H,), or empty
            if there is no attention.
    """

    keys: Array
    values: Array
    lengths: Array
    Wq: Array
    b: Array


class PointerArrays(NamedTuple):
    """The source under the pointer of a transducer (`henkan.model.transducer`).

    Attributes:
        states: (S + 1) N rows of 4H inputs, those of all sequences at each position. last: (N,) the last position.
        moves: (A,) how far each action moves the pointer. possible: (2, A), whether an action is possible before the
            last position, and there; (2, 0) if all are. A decoder without a pointer has only `possible`.
    """

    states: Array
    last: Array
    moves: Array
    possible: Array


UNDER_POINTER = -2
"""What a symbol writes (`Rules.writes`) that writes the source symbol under the pointer."""


class Rules(NamedTuple):
    """What outputs may write: a finite automaton (`henkan.text.automaton`), which begins in state 0.

    Attributes:
        first: (Q + 1,), symbols, following: (E,), remaining: (Q,), as there; first is empty if there are no rules.
        writes: (A,) the symbol that each predicted symbol writes; 0 if it writes nothing, -1 if it is not allowed, and
            `UNDER_POINTER`.
        copied: (N, S) those under the pointer after each number of moves.
    """

    first: Array
    symbols: Array
    following: Array
    remaining: Array
    writes: Array
    copied: Array


class Limits(NamedTuple):
    """Where outputs begin and end: start symbol, end symbol (-1: none), largest number of steps."""

    start: int
    end: int
    steps: int
