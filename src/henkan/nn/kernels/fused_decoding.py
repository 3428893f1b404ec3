"""Greedy search for a batch in one call: all steps, for every kind of decoder.

The outputs that are not complete are the first n rows of each array. When one is complete, the last of them takes its
place, so the products never include complete ones; `source` has the column of each row in the memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log
from typing import Any, NamedTuple

import numpy as np

from henkan.nn.kernels.compiled import kernel, sum_kernel
from henkan.nn.kernels.fused_lstm import GROUP, StepInputs, pack_gates, places, run_step
from henkan.nn.kernels.packed import BYTES, PANEL, address, pack_columns, product
from henkan.nn.kernels.structures import (
    UNDER_POINTER,
    Array,
    AttentionArrays,
    Limits,
    PackedDecoder,
    PointerArrays,
    Rules,
)
from henkan.nn.kernels.vectors import LANES, Argument, tanh, vector_code


class Outputs(NamedTuple):
    """The outputs of N sources.

    Attributes:
        symbols: (N, T). attended: (N, T) source steps with the largest weight. lengths: (N,) number of symbols.
        complete: (N,) booleans. scores: (N, 1 + K) log-probabilities in nats, then those at each temperature.
    """

    symbols: Array
    attended: Array
    lengths: Array
    complete: Array
    scores: Array


class RulePlace(NamedTuple):
    """Where an output is: state of the rules, moves of the pointer, moves in all (0 without one), steps that remain."""

    state: int
    moved: int
    text: int
    left: int


class Rows(NamedTuple):
    """The state of the search: h and c (L, N, H); (N,) source, symbol, position of the pointer, state of the rules."""

    h: Array
    c: Array
    source: Array
    symbol: Array
    position: Array
    state: Array


@vector_code
def _tanh_of_sum(out: Argument, x: Argument, y: Argument) -> None:
    out[0] = tanh(out[0] + x[0] + y[0])


def pack_decoder(weights: Mapping[str, Array], table: Array, Wy: Array) -> PackedDecoder:
    """Pack the weights of a decoder: Wx, Wh and b of its layers (lstm1, lstm2, ...), by, and Wy (H, A)."""
    upper = range(2, sum(name.endswith(".Wh") for name in weights) + 1)
    H = len(Wy)

    def packed(names: list[str]) -> Array:
        panels = np.empty((len(names), -(-H // LANES), H, GROUP), Wy.dtype)
        for number, name in enumerate(names):
            pack_gates(weights[name], panels[number])
        return panels

    Wh = packed(["lstm1.Wh", *(f"lstm{number}.Wh" for number in upper)])
    b = np.array([weights[f"lstm{number}.b"] for number in upper], Wy.dtype).reshape(-1, 4 * H)
    Wx = packed([f"lstm{number}.Wx" for number in upper])
    return PackedDecoder(table, Wh, Wx, b, pack_columns(np.ascontiguousarray(Wy)), weights["by"])


@sum_kernel
def _dot(x: Array, y: Array) -> Any:
    """The sum of x y, (H,) each."""
    total = x.dtype.type(0)
    for j in range(len(x)):
        total += x[j] * y[j]
    return total


@kernel
def _attend(n: int, h: Array, source: Array, attention: AttentionArrays, out: Array, best: Array) -> None:
    """Set out (N, H) to the inputs of the output layer, and best (N,) to the source steps with the largest weight."""
    keys, values, lengths, Wq, b = attention
    H, weights, context = h.shape[1], np.empty(keys.shape[1], h.dtype), np.empty(h.shape[1], h.dtype)
    at_context, at_b = address(context), address(b)
    product(n, h, Wq, out)
    for k in range(n):
        r, top, total = source[k], h.dtype.type(-np.inf), h.dtype.type(0)
        best[k] = 0
        for s in range(lengths[r]):
            weights[s] = _dot(h[k], keys[r, s])
            if weights[s] > top:
                top, best[k] = weights[s], s
        for s in range(lengths[r]):
            weights[s] = exp(weights[s] - top)
            total += weights[s]
        context[:] = 0
        for s in range(lengths[r]):
            weight, value = weights[s] / total, values[r, s]
            for j in range(H):
                context[j] += weight * value[j]
        at_out = address(out[k])
        for j in range(0, H, LANES):
            at = BYTES * j
            _tanh_of_sum(min(LANES, H - j), at_out + at, at_context + at, at_b + at)


@kernel
def _follow(place: RulePlace, rules: Rules, copied: Array, moves: Array, end: int, following: Array) -> None:
    """Fill following (A,) with the state after each predicted symbol, or -1 where the rules do not allow it.

    A symbol after which the remaining steps would not do is not allowed.

    Args:
        place: the state before.
        rules: the rules.
        copied: (S,) what is written under the pointer after each number of moves.
        moves: (A,) how far each symbol moves the pointer; empty without a pointer.
        end: the end symbol, or -1.
        following: filled in.
    """
    (first, symbols, after, remaining, writes, _), (state, moved, text, left) = rules, place
    for a in range(len(following)):
        written = writes[a]
        if written == UNDER_POINTER:
            written = copied[moved] if moved < len(copied) else -1
        reached = state if written == 0 else -1
        if written > 0:
            low, high = first[state], first[state + 1]
            while low < high:  # the transitions of a state are sorted
                middle = (low + high) // 2
                if symbols[middle] < written:
                    low = middle + 1
                else:
                    high = middle
            if low < first[state + 1] and symbols[low] == written:
                reached = after[low]
        if a == end:
            following[a] = state if remaining[state] == 0 else -1
            continue
        needed = 1 + (1 if end >= 0 else 0)
        if len(moves) > 0:
            needed += max(0, text - moved - moves[a])
        following[a] = reached if reached >= 0 and remaining[reached] + needed <= left else -1


@kernel
def _choose(x: Array, following: Array, possible: Array, temperatures: Array, scores: Array) -> int:
    """Choose the most probable of the allowed symbols, given all logits x (A,), and add its log-probabilities.

    Args:
        x: logits.
        following: (A,), -1 for symbols that the rules do not allow; empty without rules.
        possible: (A,) booleans; empty if all symbols are possible.
        temperatures: (K,). At 1, impossible symbols share in the probability; at others, they do not, as in
            `henkan.inference.search`. Those that the rules do not allow always do.
        scores: (1 + K,) sums of log-probabilities in nats.

    Returns:
        the symbol; -1 if none is allowed.
    """
    best, top, total = -1, x[0], 0.0
    for v in range(len(x)):
        top = x[v] if x[v] > top else top
        allowed = (len(possible) == 0 or possible[v]) and (len(following) == 0 or following[v] >= 0)
        if allowed and (best < 0 or x[v] > x[best]):
            best = v
    if best < 0:
        scores[:] = -np.inf
        return best
    for v in range(len(x)):
        total += exp(x[v] - top)
    scores[0] += x[best] - top - log(total)
    for i in range(len(temperatures)):
        if temperatures[i] == 1:
            scores[1 + i] += x[best] - top - log(total)
            continue
        total_then = 0.0
        for v in range(len(x)):
            if len(possible) == 0 or possible[v]:
                total_then += exp((x[v] - x[best]) / temperatures[i])
        scores[1 + i] -= log(total_then)
    return best


@kernel
def _finish(n: int, done: Array, rows: Rows) -> int:
    """Replace each row that is done by the last one that is not; return how many are left."""
    h, c, source, symbol, position, state = rows
    for k in range(n - 1, -1, -1):
        if done[k]:
            n -= 1
            source[k], symbol[k], position[k], state[k] = source[n], symbol[n], position[n], state[n]
            for number in range(len(h)):
                for j in range(h.shape[2]):
                    h[number, k, j], c[number, k, j] = h[number, n, j], c[number, n, j]
    return n


@kernel
def _run_layers(n: int, inputs: StepInputs, weights: PackedDecoder, rows: Rows, gates: Array, spare: Array) -> None:
    """Run one step of all layers; `inputs` are those of the first."""
    Wh, Wx, b, (h, c) = weights[1], weights[2], weights[3], (rows[0], rows[1])
    bias, none = np.zeros(n, np.int64), inputs[0][:0]
    for number in range(len(h)):
        at_h = address(h[number])
        if number == 0:
            run_step(n, inputs, Wh[0], Wh[0], places(gates, 0, at_h, c[0], spare))
        else:
            above = StepInputs(b[number - 1 : number], bias, none, bias, none, bias)
            at = places(gates, address(h[number - 1]), at_h, c[number], spare)
            run_step(n, above, Wh[number], Wx[number - 1], at)
        for k in range(n):
            for j in range(h.shape[2]):
                h[number, k, j] = spare[k, j]


@kernel
def greedy(
    weights: PackedDecoder,
    h0: Array,
    position: Array,
    pointers: PointerArrays,
    context: Array,
    scores: Array,
    attention: AttentionArrays,
    rules: Rules,
    limits: Limits,
    temperatures: Array,
) -> Outputs:
    """Choose the most probable allowed symbol at every step.

    Args:
        weights: the decoder.
        h0: (L, N, H), initial hidden states.
        position: (N,), the initial positions of the pointers.
        pointers: for a transducer; otherwise, its arrays are empty.
        context: (N, 4H), inputs of the first layer at every step, or empty.
        scores: (N, A), added to the logits at every step, or empty.
        attention: for a decoder with attention; otherwise, its arrays are empty.
        rules: which symbols are allowed.
        limits: where outputs begin and end.
        temperatures: (K,) temperatures at which to compute the log-probability in addition.

    Returns:
        the outputs.
    """
    table, _, _, _, Wy, by = weights
    under_pointer, last, moves, possible = pointers
    copied, (start, end, steps) = rules[5], limits
    (L, N, H), A, number = h0.shape, len(by), h0.dtype
    symbols, attended = np.zeros((N, steps), np.int64), np.zeros((N, steps), np.int64)
    lengths, complete, totals = np.zeros(N, np.int64), np.zeros(N, np.bool_), np.zeros((N, 1 + len(temperatures)))
    rows = Rows(h0.copy(), np.zeros_like(h0), np.arange(N), np.full(N, start), position.copy(), np.zeros(N, np.int64))
    began = position
    h, _, source, symbol, position, state = rows
    following = np.empty(A if len(rules[0]) > 0 else 0, np.int64)
    gates, spare = np.empty((weights[1].shape[1], N, GROUP), number), np.empty((N, H), number)
    out, logits = np.empty((N, -(-H // PANEL) * PANEL), number), np.empty((N, len(Wy) * PANEL), number)
    best, done, under = np.zeros(N, np.int64), np.zeros(N, np.bool_), np.zeros(N, np.int64)
    n, t = N, 0
    while n > 0 and t < steps:
        if len(under_pointer) > 0:
            for k in range(n):
                position[k] = min(position[k] + moves[symbol[k]], last[source[k]])
                under[k] = position[k] * N + source[k]
        inputs = StepInputs(table, symbol, under_pointer, under, context, source)
        _run_layers(n, inputs, weights, rows, gates, spare)
        if len(attention[4]) > 0:
            _attend(n, h[L - 1], source, attention, out, best)
            product(n, out, Wy, logits)
        else:
            product(n, h[L - 1], Wy, logits)
        for k in range(n):
            x, r = logits[k, :A], source[k]
            for v in range(A):
                x[v] += by[v] + scores[r, v] if len(scores) > 0 else by[v]
            at_end = len(last) > 0 and position[k] == last[r]
            if len(following) > 0:
                text = last[r] - began[r] if len(last) > 0 else 0
                place = RulePlace(state[k], position[k] - began[r], text, steps - t)
                _follow(place, rules, copied[r], moves, end, following)
            chosen = _choose(x, following, possible[1 if at_end else 0], temperatures, totals[r])
            done[k] = chosen < 0 or chosen == end
            complete[r] = chosen >= 0 and chosen == end
            if chosen >= 0:
                symbols[r, t], attended[r, t], lengths[r] = chosen, best[k], t + 1
                symbol[k] = chosen
                if len(following) > 0:
                    state[k] = following[chosen]
        n = _finish(n, done, rows)
        t += 1
    return Outputs(symbols, attended, lengths, complete, totals)
