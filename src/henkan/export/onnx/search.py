"""Greedy search and beam search as loops of a graph; see `henkan.inference.search`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from henkan.export.onnx.graph import BOOL, FLOAT, INT64, Graph

NEVER = np.array([-np.inf], np.float32)
Step = Callable[[Graph, list[str], str], tuple[str, list[str]]]


@dataclass(frozen=True)
class SearchOptions:
    """How to search.

    Attributes:
        start: the decoder's input at the first step.
        fixed_length: whether outputs have no end symbol, which is 0.
        limit: (1,) maximum number of steps.
        width: beam width.
    """

    start: int
    fixed_length: bool
    limit: str
    width: int = 1


@dataclass(frozen=True)
class Found:
    """R outputs, where R = N K.

    Attributes:
        symbols: (R, T), 0 from the end on.
        logs: (R,) log-probabilities; minus infinity if there is no output.
        complete: (R,) whether the model ended the output.
    """

    symbols: str
    logs: str
    complete: str


def with_rules(g: Graph, logs: str, options: SearchOptions) -> str:
    """Forbid the end symbol if outputs have a fixed length."""
    if not options.fixed_length:
        return logs
    ids = g.range(g.size(logs, 1))
    return g.op("Where", g.op("Equal", ids, g.integer(0)), g.constant(NEVER), logs)


def greedy(g: Graph, step: Step, state: list[str], rows: str, options: SearchOptions) -> Found:
    """Choose the most probable symbol at every step, until all outputs are complete.

    Args:
        g: the main graph.
        step: (graph, state, symbols) -> log-probabilities (N, V), next state.
        state: the first state.
        rows: (1,) number of sources (N).
        options: how to search.
    """
    first = g.filled(np.array([options.start]), rows)
    done, logs = g.cast(g.op("Mul", first, g.integer(0)), BOOL), g.filled(np.zeros(1, np.float32), rows)

    def body(b: Graph, _: str, carried: list[str]) -> tuple[str, list[str], list[str]]:
        done, total, last, *state = carried
        found, state = step(b, state, last)
        found = with_rules(b, found, options)
        best = b.op("ArgMax", found, axis=1, keepdims=0)
        log = b.op("Squeeze", b.op("GatherElements", found, b.expand(best, 1), axis=1), b.integers(1))
        best = b.op("Where", done, b.integer(0), best)
        total = b.op("Add", total, b.op("Where", done, b.number(0), log))
        if not options.fixed_length:
            done = b.op("Or", done, b.op("Equal", best, b.integer(0)))
        return b.any(b.op("Not", done)), [done, total, best, *state], [best]

    (done, logs, *_), [symbols] = g.loop(g.scalar(options.limit), [done, logs, first, *state], body)
    return Found(g.op("Transpose", symbols, perm=[1, 0]), logs, done)


def beam(g: Graph, step: Step, state: list[str], rows: str, options: SearchOptions) -> Found:
    """Keep the K best hypotheses at every step; outputs are ranked by log-probability per symbol.

    Args:
        g: the main graph.
        step, state, rows, options: as in `greedy`; state has N K rows.

    Returns:
        K outputs for each source, best first.
    """
    return _Beam(g, step, rows, options).search(state)


class _Beam:
    """Beam search: see `beam`."""

    def __init__(self, g: Graph, step: Step, rows: str, options: SearchOptions) -> None:
        self.g, self.step, self.rows, self.options, self.K = g, step, rows, options, options.width
        self.N_K = [rows, g.integers(self.K)]
        self.offsets = g.expand(g.op("Mul", g.range(rows), g.integer(self.K)), 1)  # (N, 1) first row of each source
        self.limit = g.scalar(options.limit)

    def search(self, state: list[str]) -> Found:
        """Search; see `beam`."""
        g, K, rows = self.g, self.K, self.rows
        symbols = g.filled(np.array([self.options.start]), *self.N_K, g.integers(1))
        numbers = g.filled(np.zeros(1, np.int64), *self.N_K)
        first = g.constant(np.array([[0.0, *[-np.inf] * (K - 1)]], np.float32))
        scores = g.op("Add", g.filled(np.zeros(1, np.float32), *self.N_K), first)
        nothing = g.filled(NEVER, *self.N_K)
        active = g.cast(g.filled(np.ones(1, np.int64), rows), BOOL)
        carried = [active, scores, symbols, nothing, nothing, numbers, symbols, *state]
        (_, _, _, _, logs, lengths, found, *_), _ = g.loop(self.limit, carried, self._body)
        R = g.op("Mul", rows, g.integers(K))
        symbols = g.columns(g.reshape(found, R, g.integers(-1)), g.integers(1), g.integers(2**31))
        inside = g.op("Less", g.range(g.size(symbols, 1)), g.expand(g.reshape(lengths, R), 1))
        symbols = g.op("Where", inside, symbols, g.integer(0))
        written = g.sum(g.cast(g.op("Greater", symbols, g.integer(0)), INT64), 1)
        return Found(symbols, g.reshape(logs, R), g.op("Less", written, g.reshape(lengths, R)))

    def _body(self, b: Graph, number: str, carried: list[str]) -> tuple[str, list[str], list[str]]:
        """One step: extend the hypotheses, collect those that end, keep the K best others."""
        K, R = self.K, b.op("Mul", self.rows, b.integers(self.K))
        active, scores, symbols, ranks, logs, lengths, outputs, *state = carried
        last = b.reshape(b.op("Gather", symbols, b.integer(-1), axis=2), R)
        found, state = self.step(b, state, last)
        found = with_rules(b, found, self.options)
        V = b.size(found, 1)
        totals = b.op("Add", b.expand(scores, 2), b.reshape(found, *self.N_K, V))
        best, index = b.ops(2, "TopK", b.reshape(totals, self.rows, b.integers(-1)), b.integers(2 * K), axis=1)
        parents, tokens = b.op("Div", index, V), b.op("Mod", index, V)
        extended = b.op("Concat", self._of(b, symbols, parents), b.expand(tokens, 2), axis=2)  # (N, 2K, t + 1)
        ends = b.op("Equal", tokens, b.integer(-1 if self.options.fixed_length else 0))
        length = b.op("Add", number, b.integer(1))
        collected = self._collected(b, ends, best, active, b.op("Equal", length, self.limit))
        rank = b.op("Where", collected, b.op("Div", best, b.cast(length, FLOAT)), b.constant(NEVER))
        kept = self._kept(b, [ranks, logs, lengths, outputs], [rank, best, length, extended])
        best = b.op("Where", ends, b.constant(NEVER), best)
        bound = b.op(
            "Div", b.op("ReduceMax", best, axes=[1], keepdims=0), b.cast(b.op("Add", length, b.integer(1)), FLOAT)
        )
        worst = b.op("Gather", kept[0], b.integer(K - 1), axis=1)
        better = b.op("And", b.op("Greater", bound, worst), b.op("Greater", bound, b.constant(NEVER)))
        active = b.op("And", active, better)
        order = b.op("Add", b.op("Mul", b.cast(ends, INT64), b.integer(2 * K)), b.range(b.integers(2 * K)))
        _, chosen = b.ops(2, "TopK", order, b.integers(K), axis=1, largest=0)
        best, parents = (b.op("GatherElements", each, chosen, axis=1) for each in (best, parents))
        rows = b.reshape(b.op("Add", parents, self.offsets), R)
        state = [b.op("Gather", part, rows) for part in state]
        following = [active, best, self._of(b, extended, chosen, 2 * K), *kept, *state]
        return b.any(active), following, []

    def _collected(self, b: Graph, ends: str, best: str, active: str, is_last: str) -> str:
        """(N, 2K) the extensions that are outputs: those that end, and at the step limit all."""
        among_best = b.op("And", ends, b.op("Less", b.range(b.integers(2 * self.K)), b.integer(self.K)))
        cut_off = b.op("And", is_last, b.op("Not", ends))
        possible = b.op("And", b.op("Greater", best, b.constant(NEVER)), b.expand(active, 1))
        return b.op("And", possible, b.op("Or", among_best, cut_off))

    def _kept(self, b: Graph, old: list[str], new: list[str]) -> list[str]:
        """The best K of the old outputs and the new ones: ranks, log-probabilities, lengths, symbols."""
        length = b.op("Expand", new[2], b.op("Concat", self.rows, b.integers(2 * self.K), axis=0))
        longer = b.op("Pad", old[3], b.integers(0, 0, 0, 0, 0, 1))
        ranks, logs, lengths, symbols = (
            b.op("Concat", *parts, axis=1)
            for parts in zip([*old[:3], longer], [new[0], new[1], length, new[3]], strict=True)
        )
        best, index = b.ops(2, "TopK", ranks, b.integers(self.K), axis=1)
        chosen = [b.op("GatherElements", each, index, axis=1) for each in (logs, lengths)]
        logs = b.op("Where", b.op("Greater", best, b.constant(NEVER)), chosen[0], b.constant(NEVER))
        return [best, logs, chosen[1], self._of(b, symbols, index, 3 * self.K)]

    def _of(self, b: Graph, symbols: str, index: str, among: int | None = None) -> str:
        """The hypotheses (N, K', t) that an index (N, K') selects among `among` (K) of each source."""
        per_source = among or self.K
        first = b.expand(b.op("Mul", b.range(self.rows), b.integer(per_source)), 1)
        flat = b.op("Reshape", symbols, b.op("Concat", b.integers(-1), b.size(symbols, 2), axis=0))
        return b.op("Gather", flat, b.op("Add", index, first))
