"""Finite automata over symbols, which restrict what a model may predict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from henkan.text.arrays import Array

UNREACHABLE = np.iinfo(np.int32).max // 2
"""`Automaton.remaining` of a state from which no string can be completed."""


@dataclass(frozen=True)
class Automaton:
    """A deterministic finite automaton, which begins in state 0.

    Attributes:
        first: (Q + 1,); the transitions of state q are those from first[q] to first[q + 1].
        symbols: (E,) the symbol of each transition; those of a state are sorted.
        following: (E,) the state after it.
        remaining: (Q,) smallest number of symbols that complete a string: 0 if the string is complete.
    """

    first: Array
    symbols: Array
    following: Array
    remaining: Array

    def __len__(self) -> int:
        return len(self.remaining)

    def after(self, states: Array, symbols: int) -> Array:
        """The states after each symbol in each state.

        Args:
            states: (n,) states.
            symbols: number of symbols (W).

        Returns:
            (n, W); -1 where a symbol is not allowed.
        """
        following = np.full((len(states), symbols), -1)
        counts = self.first[states + 1] - self.first[states]
        rows = np.repeat(np.arange(len(states)), counts)
        edges = np.arange(len(rows)) - np.repeat(counts.cumsum() - counts, counts) + self.first[states][rows]
        following[rows, self.symbols[edges]] = self.following[edges]
        return following


def automaton(transitions: Sequence[Mapping[int, int]], accepting: Iterable[int]) -> Automaton:
    """Create an automaton.

    Args:
        transitions: symbol -> next state, for each state.
        accepting: the states in which a string is complete.
    """
    origins = np.array([state for state, edges in enumerate(transitions) for _ in edges], np.int64)
    symbols, following = (
        np.array([edge[place] for edges in transitions for edge in edges.items()], np.int64) for place in (0, 1)
    )
    return automaton_of_edges(len(transitions), origins, symbols, following, np.array([*accepting], np.int64))


def automaton_of_edges(states: int, origins: Array, symbols: Array, following: Array, accepting: Array) -> Automaton:
    """Create an automaton from arrays.

    Args:
        states: number of states (Q).
        origins, symbols, following: (E,) the transitions: from which state, with which symbol, to which state.
        accepting: (n,) the states in which a string is complete.
    """
    remaining = distances(states, origins, following, accepting)
    useful = np.flatnonzero(remaining[following] < UNREACHABLE)
    useful = useful[np.lexsort((symbols[useful], origins[useful]))]
    first = np.searchsorted(origins[useful], np.arange(states + 1))
    return Automaton(first, symbols[useful], following[useful], remaining)


def distances(states: int, origins: Array, following: Array, accepting: Array) -> Array:
    """The smallest number of transitions to an accepting state: (Q,), `UNREACHABLE` if there is none.

    Args:
        states, origins, following, accepting: as in `automaton_of_edges`.
    """
    found = np.full(states, UNREACHABLE, np.int64)
    found[accepting] = 0
    pairs = np.unique(following * states + origins)  # sorted by the state that follows
    ends, starts = np.divmod(pairs, states) if states else (pairs, pairs)
    first = np.searchsorted(ends, np.arange(states + 1))
    nearest, distance = np.unique(accepting), 0
    while len(nearest):
        distance += 1
        counts = first[nearest + 1] - first[nearest]
        rows = np.repeat(first[nearest] - (counts.cumsum() - counts), counts) + np.arange(int(counts.sum()))
        before = np.unique(starts[rows])
        nearest = before[found[before] == UNREACHABLE]
        found[nearest] = distance
    return found


def automaton_of_list(strings: Iterable[Sequence[int]]) -> Automaton:
    """Create the automaton that accepts the given strings of symbols: a trie."""
    rows = [*strings]
    if not rows:
        return automaton([{}], [])
    lengths = np.array([len(row) for row in rows])
    padded = np.full((len(rows), int(lengths.max()) + 1), -1, np.int32)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = np.concatenate([np.array(row, np.int32) for row in rows])
    padded = padded[np.lexsort(padded.T[::-1])]
    lengths = (padded >= 0).sum(axis=1)
    # A row has a node of its own for each symbol from the first in which it differs from the row before.
    differs = np.ones(padded.shape, bool)
    differs[1:] = np.logical_or.accumulate(padded[1:] != padded[:-1], axis=1)
    node = np.zeros(len(rows), np.int64)  # of the prefix of each row that has been read
    count = 1
    origins, symbols = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    remaining = np.full(1 + int((differs & (padded >= 0)).sum()), UNREACHABLE, np.int64)
    parents = np.zeros(len(remaining), np.int64)
    remaining[node[lengths == 0]] = 0
    for depth in range(padded.shape[1] - 1):
        reads = padded[:, depth] >= 0
        new = differs[:, depth] & reads
        origins.append(node[new])
        symbols.append(padded[new, depth])
        parents[count : count + int(new.sum())] = node[new]
        node = np.where(reads, count - 1 + np.cumsum(new), node)
        count += int(new.sum())
        remaining[node[lengths == depth + 1]] = 0
    for state in range(count - 1, 0, -1):  # a node comes after its parent
        parent = parents[state]
        remaining[parent] = min(remaining[parent], remaining[state] + 1)
    edges = np.concatenate(origins)
    first = np.searchsorted(edges, np.arange(count + 1))
    return Automaton(first, np.concatenate(symbols).astype(np.int64), np.arange(1, count), remaining)
