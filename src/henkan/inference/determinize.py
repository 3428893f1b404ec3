"""Nondeterministic automata over classes of characters, and their conversion to deterministic ones of limited size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from henkan.text.arrays import Array
from henkan.text.automaton import UNREACHABLE, distances

DEAD = -1
"""The state from which no match is possible."""

STATES_PER_STATE = 5
"""States of the nondeterministic automaton for each one of the deterministic automaton, at most."""

STEPS_PER_STATE = 2000
"""Steps of the conversion for each state, at most."""


class TooLargeError(Exception):
    """An automaton would have too many states, or would take too long to compute."""


class Limits:
    """What may be computed for one pattern.

    Args:
        states: number of states of a deterministic automaton.
    """

    def __init__(self, states: int) -> None:
        self.states = states
        self._new, self._steps = STATES_PER_STATE * states, STEPS_PER_STATE * states

    def count_state(self) -> None:
        """Count a state of a nondeterministic automaton.

        Raises:
            TooLargeError: if it is one too many.
        """
        self._new -= 1
        if self._new < 0:
            raise TooLargeError

    def count_steps(self, steps: int) -> None:
        """Count steps of a conversion.

        Raises:
            TooLargeError: if there are too many.
        """
        self._steps -= steps
        if self._steps < 0:
            raise TooLargeError


class Nondeterministic:
    """A nondeterministic automaton. A part of it is given by its first and its last state.

    Args:
        limits: how large it may become.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.edges: list[list[tuple[Sequence[int], int]]] = []  # of each state: classes and the state after them
        self.empty: list[list[int]] = []  # of each state: states that are reached without a character

    def state(self) -> int:
        """Add a state."""
        self.limits.count_state()
        self.edges.append([])
        self.empty.append([])
        return len(self.edges) - 1

    def one_of(self, classes: Sequence[int]) -> tuple[int, int]:
        """Add a part that reads a character of one of the classes."""
        first, last = self.state(), self.state()
        self.edges[first].append((classes, last))
        return first, last

    def chain(self, parts: Iterable[tuple[int, int]]) -> tuple[int, int]:
        """Join parts one after another."""
        first = last = self.state()
        for start, end in parts:
            self.empty[last].append(start)
            last = end
        return first, last

    def choice(self, parts: Iterable[tuple[int, int]]) -> tuple[int, int]:
        """Join alternative parts."""
        first, last = self.state(), self.state()
        for start, end in parts:
            self.empty[first].append(start)
            self.empty[end].append(last)
        return first, last

    def repeated(self, part: Callable[[], tuple[int, int]], minimum: int, maximum: int | None) -> tuple[int, int]:
        """Add a part several times; without a maximum, any number of times."""
        first, last = self.chain(part() for _ in range(minimum))
        end = self.state()
        self.empty[last].append(end)
        if maximum is None:
            start, last_of_part = part()
            self.empty[last].append(start)
            self.empty[last_of_part] += [start, end]
            return first, end
        for _ in range(maximum - minimum):
            start, last_of_part = part()
            self.empty[last].append(start)
            self.empty[last_of_part].append(end)
            last = last_of_part
        return first, end

    def embed(self, other: Deterministic) -> tuple[int, int]:
        """Add a deterministic automaton as a part."""
        states, last = [self.state() for _ in range(len(other))], self.state()
        for state, row in zip(states, other.following[:-1].tolist(), strict=True):
            for symbol, after in enumerate(row):
                if after != DEAD:
                    self.edges[state].append(([symbol], states[after]))
        for accepting in np.flatnonzero(other.accepting[:-1]).tolist():
            self.empty[states[accepting]].append(last)
        return states[0], last

    def reversed(self, first: int, last: int) -> tuple[Nondeterministic, int, int]:
        """The automaton of the reversed strings, with its first and its last state."""
        other = Nondeterministic(self.limits)
        other.edges, other.empty = [[] for _ in self.edges], [[] for _ in self.edges]
        for state, edges in enumerate(self.edges):
            for classes, after in edges:
                other.edges[after].append((classes, state))
            for after in self.empty[state]:
                other.empty[after].append(state)
        return other, last, first

    def determinize(self, first: int, last: int, classes: int) -> Deterministic:
        """The deterministic automaton of a part.

        Args:
            first, last: the part.
            classes: number of classes of characters.

        Raises:
            TooLargeError: if it would be too large.
        """
        begin = self._closure(frozenset([first]))
        closures = {frozenset([first]): begin}
        numbers, subsets = {begin: 0}, [begin]
        rows: list[Array] = []
        for subset in subsets:  # the list grows
            reached: dict[int, set[int]] = {}
            for state in subset:
                for read, after in self.edges[state]:
                    self.limits.count_steps(len(read))
                    for symbol in read:
                        reached.setdefault(symbol, set()).add(after)
            row = np.full(classes, DEAD, np.int32)
            for symbol, states in reached.items():
                key = frozenset(states)
                if key not in closures:
                    closures[key] = self._closure(key)
                following = closures[key]
                if following not in numbers:
                    if len(numbers) >= self.limits.states:
                        raise TooLargeError
                    numbers[following] = len(numbers)
                    subsets.append(following)
                row[symbol] = numbers[following]
            rows.append(row)
        accepting = np.array([*(last in subset for subset in subsets), False])
        return Deterministic(np.array([*rows, np.full(classes, DEAD, np.int32)]), accepting)

    def _closure(self, states: frozenset[int]) -> frozenset[int]:
        """The states that are reached from others without a character."""
        found, waiting = set(states), [*states]
        while waiting:
            for after in self.empty[waiting.pop()]:
                if after not in found:
                    found.add(after)
                    waiting.append(after)
        self.limits.count_steps(len(found))
        return frozenset(found)


class Deterministic:
    """A deterministic automaton over classes of characters, which begins in state 0.

    Args:
        following: (Q + 1, C), the state after a class in each state; the last row is that of `DEAD`.
        accepting: (Q + 1,), whether the string is complete.
    """

    def __init__(self, following: Array, accepting: Array) -> None:
        self.following, self.accepting = following, accepting

    def __len__(self) -> int:
        return len(self.following) - 1

    def without_dead_ends(self) -> Deterministic:
        """The same automaton, which enters `DEAD` as soon as no match is possible any more."""
        origins, symbols = np.nonzero(self.following != DEAD)
        after = self.following[origins, symbols].astype(np.int64)
        live = distances(len(self.following), origins, after, np.flatnonzero(self.accepting)) < UNREACHABLE
        return Deterministic(np.where(live[self.following], self.following, DEAD), self.accepting)

    def restricted(self, other: Deterministic, *, negate: bool, limits: Limits) -> Deterministic:
        """The automaton of the strings that the other one accepts too or, if `negate` is true, does not accept.

        Raises:
            TooLargeError: if it would be too large.
        """
        numbers, pairs, rows = {(0, 0): 0}, [(0, 0)], []
        for one, two in pairs:  # the list grows
            row = np.full(self.following.shape[1], DEAD, np.int32)
            limits.count_steps(len(row))
            for symbol, after in enumerate(
                zip(self.following[one].tolist(), other.following[two].tolist(), strict=True)
            ):
                if after[0] == DEAD or (after[1] == DEAD and not negate):
                    continue
                if after not in numbers:
                    if len(numbers) >= limits.states:
                        raise TooLargeError
                    numbers[after] = len(numbers)
                    pairs.append(after)
                row[symbol] = numbers[after]
            rows.append(row)
        accepting = [self.accepting[one] and other.accepting[two] != negate for one, two in pairs]
        return Deterministic(np.array([*rows, np.full_like(rows[0], DEAD)]), np.array([*accepting, False]))
