"""Constraints on predictions: a list of allowed ones, a regular expression, an alphabet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from henkan.errors import SettingsError
from henkan.inference.patterns import DEAD, Pattern
from henkan.text.automaton import Automaton, automaton, automaton_of_list
from henkan.text.string_lists import string_list
from henkan.text.vocabulary import FILLER, Vocabulary


@dataclass(frozen=True)
class Constraint:
    """What a prediction may be. Several constraints hold at once.

    Attributes:
        allow: the allowed predictions; None: all.
        pattern: a regular expression that the whole prediction must match (see `henkan.inference.patterns`), or None.
        symbols: the symbols that a prediction may contain, as a text that is split like a target; None: all.

    Raises:
        SettingsError: if a list or an alphabet is empty.
    """

    allow: tuple[str, ...] | None = None
    pattern: str | None = None
    symbols: str | None = None

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
        pattern = None if self.pattern is None else Pattern(self.pattern, reverse=reverse, padded=padded)
        if self.symbols is not None:
            wanted = {*vocabulary.tokenizer.tokenize(self.symbols)}
            wanted |= {FILLER} if padded else set()
            ids = {symbol: id for symbol, id in ids.items() if symbol in wanted}
        if self.allow is not None:
            return automaton_of_list(self._listed(vocabulary, ids, pattern, reverse=reverse))
        if pattern is None:
            return _alphabet_automaton(ids, padded=padded and FILLER not in (self.symbols or ""), reverse=reverse)
        return _symbol_automaton(pattern, ids, vocabulary.tokenizer.separator or "", reverse=reverse)

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

    Its states are those of the pattern and whether a symbol has been read, after which a separator precedes the next.
    """
    step = -1 if reverse else 1
    numbers, transitions, accepting = {(pattern.start, False): 0}, [], []
    states = [*numbers]
    for state, begun in states:  # the list grows
        edges = {}
        for symbol, id in ids.items():
            after = pattern.after(state, (separator if begun else "") + symbol[::step])
            if after != DEAD:
                key = (after, bool(separator))
                if key not in numbers:
                    numbers[key] = len(numbers)
                    states.append(key)
                edges[id] = numbers[key]
        transitions.append(edges)
        if pattern.accepts(state):
            accepting.append(numbers[state, begun])
    return automaton(transitions, accepting)


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
