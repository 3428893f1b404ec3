"""Constraints on predictions: a list of allowed ones, a regular expression, an alphabet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from henkan.errors import SettingsError
from henkan.inference.determinize import DEAD
from henkan.inference.patterns import MAX_STATES, Pattern
from henkan.text.arrays import Array
from henkan.text.automaton import Automaton, automaton, automaton_of_edges, automaton_of_list
from henkan.text.string_lists import string_list
from henkan.text.vocabulary import FILLER, Vocabulary

MAX_TRANSITIONS = 20_000_000
"""Size of the automaton over the symbols of a model."""


@dataclass(frozen=True)
class Constraint:
    """What a prediction may be. Several constraints hold at once.

    Attributes:
        allow: the allowed predictions; None: all.
        pattern: a regular expression that the whole prediction must match (see `henkan.inference.patterns`), or None.
        symbols: the symbols that a prediction may contain, as a text that is split like a target; None: all.
        max_states: size of the automaton of the pattern, at most.

    Raises:
        SettingsError: if a list or an alphabet is empty.
    """

    allow: tuple[str, ...] | None = None
    pattern: str | None = None
    symbols: str | None = None
    max_states: int = MAX_STATES

    def __post_init__(self) -> None:
        for name in ("allow", "symbols"):
            if getattr(self, name) is not None and not getattr(self, name):
                raise SettingsError(f"{name} is empty, so no prediction would be allowed", argument=name)

    def unwritable(self, vocabulary: Vocabulary) -> int:
        """Number of allowed predictions with symbols that a target vocabulary lacks."""
        allowed = self.allow or ()
        return sum(
            any(not vocabulary.knows(symbol) for symbol in vocabulary.tokenizer.tokenize(text)) for text in allowed
        )

    def automaton(self, vocabulary: Vocabulary, others: Sequence[str] = (), *, reverse: bool = False) -> Automaton:
        """The automaton over the symbols of a target vocabulary.

        Args:
            vocabulary: the target vocabulary, with V symbols.
            others: symbols that can only be copied; their numbers are V, V + 1, and so on.
            reverse: whether predictions are written from the last symbol to the first.

        Raises:
            SettingsError: if the pattern cannot be compiled.
        """
        ids = {symbol: id for id, symbol in enumerate([*vocabulary.symbols_by_id, *others]) if symbol}
        padded = vocabulary.width is not None
        pattern = self._pattern(reverse=reverse, padded=padded)
        if self.symbols is not None:
            wanted = {*vocabulary.tokenizer.tokenize(self.symbols)}
            wanted |= {FILLER} if padded else set()
            ids = {symbol: id for symbol, id in ids.items() if symbol in wanted}
        if self.allow is not None:
            return automaton_of_list(self._listed(vocabulary, ids, pattern, reverse=reverse))
        if pattern is None:
            return _alphabet_automaton(ids, padded=padded and FILLER not in (self.symbols or ""), reverse=reverse)
        return _symbol_automaton(pattern, ids, vocabulary.tokenizer.separator or "", reverse=reverse)

    def _pattern(self, *, reverse: bool, padded: bool) -> Pattern | None:
        if self.pattern is None:
            return None
        return Pattern(self.pattern, reverse=reverse, padded=padded, max_states=self.max_states)

    def _listed(
        self, vocabulary: Vocabulary, ids: dict[str, int], pattern: Pattern | None, *, reverse: bool
    ) -> list[list[int]]:
        """The ids of the allowed predictions that the model can write and that fulfil the other constraints."""
        tokenizer, width, found = vocabulary.tokenizer, vocabulary.width, []
        step = -1 if reverse else 1
        for text in self.allow or ():
            symbols = tokenizer.tokenize(text)
            if width is not None:
                symbols = [*symbols, *[FILLER] * (width - len(symbols))]
            if not all(symbol in ids for symbol in symbols):
                continue
            if pattern is not None and not pattern.accepts(
                pattern.after(pattern.start, tokenizer.join(symbols)[::step])
            ):
                continue
            found.append([ids[symbol] for symbol in symbols][::step])
        return found


def _alphabet_automaton(ids: dict[str, int], *, padded: bool, reverse: bool) -> Automaton:
    """The automaton that accepts all strings of the given symbols, with padding only at the end of the text."""
    if not padded:
        return automaton([dict.fromkeys(ids.values(), 0)], [0])
    text, padding = {id for symbol, id in ids.items() if symbol != FILLER}, {ids[FILLER]}
    before, after = (padding, text) if reverse else (text, padding)
    return automaton([dict.fromkeys(before, 0) | dict.fromkeys(after, 1), dict.fromkeys(after, 1)], [0, 1])


def _symbol_automaton(pattern: Pattern, ids: dict[str, int], separator: str, *, reverse: bool) -> Automaton:
    """The automaton over symbols whose joined texts match a pattern.

    Its states are those of the pattern. With a separator, which precedes every symbol but the first, the state before
    the first symbol is another one, the last.

    Raises:
        SettingsError: if it would have too many transitions.
    """
    step, Q = -1 if reverse else 1, len(pattern)
    alike: dict[tuple[int, ...], list[int]] = {}  # symbols whose characters the pattern does not distinguish
    for symbol, id in ids.items():
        alike.setdefault(tuple(pattern.classes(symbol[::step])), []).append(id)
    before = tuple(pattern.classes(separator))
    origins, symbols, following, total = [], [], [], 0
    for classes, same in alike.items():
        after = pattern.after_each((*before, *classes))
        if separator:
            after = np.append(after, pattern.after_each(classes)[pattern.start])
        rows = np.flatnonzero(after != DEAD)
        total += len(rows) * len(same)
        if total > MAX_TRANSITIONS:
            raise SettingsError("the pattern is too complex for this model's symbols; write a simpler or shorter one")
        origins.append(np.repeat(rows, len(same)))
        symbols.append(np.tile(np.array(same, np.int64), len(rows)))
        following.append(np.repeat(after[rows].astype(np.int64), len(same)))
    accepting, edges = pattern.accepting, (_joined(origins), _joined(symbols), _joined(following))
    if not separator:
        return automaton_of_edges(Q, *edges, accepting)
    if pattern.accepts(pattern.start):
        accepting = np.append(accepting, Q)
    return _from_last(Q + 1, *edges, accepting)


def _joined(arrays: list[Array]) -> Array:
    return np.concatenate([np.empty(0, np.int64), *arrays])


def _from_last(states: int, origins: Array, symbols: Array, following: Array, accepting: Array) -> Automaton:
    """The automaton that begins in the last state, which becomes state 0."""
    return automaton_of_edges(
        states, (origins + 1) % states, symbols, (following + 1) % states, (accepting + 1) % states
    )


def constraint_of(allow: Iterable[str] | None, pattern: str | None, symbols: str | None) -> Constraint | None:
    """The constraint with these attributes; None if there is none.

    Raises:
        DataError: if the allowed predictions are not strings, or have no order.
        SettingsError: if the pattern or the symbols are not a string, or a list or alphabet is empty.
    """
    for name, value in (("pattern", pattern), ("symbols", symbols)):
        if value is not None and not isinstance(value, str):
            raise SettingsError(f"{name} must be a string, not {value!r}", argument=name)
    if allow is None and pattern is None and symbols is None:
        return None
    return Constraint(None if allow is None else tuple(string_list(allow, "allow")), pattern, symbols)
