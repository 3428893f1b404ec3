"""Greedy search in compiled code, for the decoders of this package; see `henkan.nn.kernels.fused_decoding`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from henkan.model.architecture import GreedyOptions, GreedyOutputs
from henkan.nn import Array, Backend, Weights
from henkan.nn.kernels.structures import AttentionArrays, Limits, PointerArrays, Rules


class SearchedDecoder(NamedTuple):
    """A decoder, and what it has received for N sources.

    Attributes:
        weights: Wx, Wh and b of its layers, and by.
        table: (A, 4H), inputs of the first layer for each symbol.
        Wy: (H, A), weights of the output layer.
        h: (L, N, H), initial hidden states.
        context: (N, 4H), inputs of the first layer at every step, or None.
        scores: (N, A), added to the logits at every step, or None.
        attention: keys and values, or None.
        pointers: the source under the pointer of a transducer, or None.
        position: (N,), its initial positions, or None.
    """

    weights: Weights
    table: Array
    Wy: Array
    h: Array
    context: Array | None
    scores: Array | None = None
    attention: AttentionArrays | None = None
    pointers: PointerArrays | None = None
    position: Array | None = None


def search_greedily(decoder: SearchedDecoder, options: GreedyOptions, backend: Backend) -> GreedyOutputs:
    """Choose the most probable symbol at every step."""
    packed = backend.constant(
        "packed decoder", lambda: backend.kernels.pack_decoder(decoder.weights, decoder.table, decoder.Wy)
    )
    symbols, number = len(decoder.weights["by"]), decoder.weights["by"].dtype
    matrix, no_attention, no_pointers, no_rules = backend.constant("nothing", lambda: _nothing(number))
    if options.forbidden:
        no_pointers = no_pointers._replace(possible=_all_but(options.forbidden, symbols))
    N = decoder.h.shape[1]
    first = np.zeros(N, np.int64)
    found = backend.kernels.greedy(
        packed,
        np.ascontiguousarray(decoder.h),
        first if decoder.position is None else decoder.position,
        decoder.pointers or no_pointers,
        matrix if decoder.context is None else decoder.context,
        matrix if decoder.scores is None else decoder.scores,
        decoder.attention or no_attention,
        no_rules if options.rules is None else options.rules.arrays,
        Limits(options.start, -1 if options.end is None else options.end, options.steps),
        np.array(options.temperatures, float),
    )
    attended = None if decoder.attention is None else found.attended
    complete = found.lengths == options.steps if options.end is None else found.complete
    return GreedyOutputs(found.symbols, found.lengths, found.scores, complete, attended)


def _nothing(number: Any) -> tuple[Array, AttentionArrays, PointerArrays, Rules]:
    """Empty arrays that stand for None: numba would compile the search for each combination."""
    integers, vector, matrix, states = np.empty(0, np.int64), *(np.empty((0,) * axes, number) for axes in (1, 2, 3))
    attention = AttentionArrays(states, states, integers, states, vector)
    rules = Rules(integers, integers, integers, integers, integers, np.empty((0, 0), np.int64))
    return matrix, attention, PointerArrays(matrix, integers, integers, np.empty((2, 0), bool)), rules


def _all_but(forbidden: Sequence[int], symbols: int) -> Array:
    """Which symbols are possible: all but the forbidden ones; see `PointerArrays.possible`."""
    possible = np.ones((2, symbols), bool)
    possible[:, list(forbidden)] = False
    return possible
