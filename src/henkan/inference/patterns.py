"""Regular expressions as automata over characters, with the syntax of the package interegular."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from henkan.errors import SettingsError
from henkan.inference.determinize import DEAD, Deterministic, Limits, Nondeterministic, TooLargeError
from henkan.inference.pattern_syntax import in_ranges, rewritten
from henkan.text.arrays import Array

MAX_STATES = 50_000
"""Size of an automaton, unless another is given."""

MAX_CHARACTERS = 200_000
"""Number of characters in the sets of a pattern, such as `[a-z]`: each character is listed."""

Characters = tuple[frozenset[str], bool]
"""A set of characters, or if the second is true, all others."""


class Pattern:
    """A regular expression that a whole text must match.

    Python's syntax, without lookbehind, references to groups, possessive quantifiers, atomic groups, and anchors other
    than a `^` at the beginning and a `$` at the end, which change nothing. `\\d`, `\\w` and `\\s` stand for ASCII
    characters alone.

    interegular parses the pattern. Its own conversion to an automaton is not used: it has no limits, and for some
    patterns of ten characters it takes hours.

    Args:
        pattern: the regular expression.
        reverse: whether texts are read from the last character to the first.
        padded: whether spaces may follow the text.
        max_states: size of the automaton, at most.

    Raises:
        SettingsError: if the pattern cannot be compiled or is too complex, or interegular is not installed.
    """

    start = 0

    def __init__(
        self, pattern: str, *, reverse: bool = False, padded: bool = False, max_states: int = MAX_STATES
    ) -> None:
        if find_spec("interegular") is None:
            raise SettingsError("patterns require the package interegular; pip install 'henkan[patterns]'")
        try:
            re.compile(pattern)  # its messages tell what is wrong
        except (re.error, OverflowError) as error:
            raise SettingsError(f"the pattern {shortened(pattern)} is not a regular expression: {error}") from None
        except RecursionError:
            raise _too_complex(pattern) from None
        self._classes, self._machine = _compiled(pattern, reverse, padded, max_states)

    def __len__(self) -> int:
        return len(self._machine)

    def classes(self, text: str) -> list[int]:
        """The class of each character of a text: characters that the pattern does not distinguish have the same."""
        return [self._classes.get(character, 0) for character in text]

    def after(self, state: int, text: str) -> int:
        """The state after reading a text in a state; `DEAD` if no match is possible any more."""
        for symbol in self.classes(text):
            if state == DEAD:
                break
            state = int(self._machine.following[state, symbol])
        return state

    def after_each(self, classes: tuple[int, ...]) -> Array:
        """The states (Q,) after reading characters of given classes in each state."""
        states = np.arange(len(self))
        for symbol in classes:
            states = self._machine.following[states, symbol]
        return states

    def accepts(self, state: int) -> bool:
        """Whether the text that has been read matches."""
        return bool(self._machine.accepting[state])

    @property
    def accepting(self) -> Array:
        """The states in which the text that has been read matches."""
        return np.flatnonzero(self._machine.accepting[:-1])


@lru_cache(maxsize=16)
def _compiled(pattern: str, reverse: bool, padded: bool, max_states: int) -> tuple[Mapping[str, int], Deterministic]:
    """The class of each character that the pattern mentions, and the automaton; other characters have class 0."""
    from interegular.patterns import parse_pattern

    limits = Limits(max_states)
    try:
        text = rewritten(pattern)
        if in_ranges(text) > MAX_CHARACTERS:  # interegular lists them before they can be counted
            raise TooLargeError
        tree = parse_pattern(f"(?:{text}){' *' * padded}")
        sets: dict[Characters, list[int]] = {each: [] for each in _sets(tree, _no_flags())}
        classes = _classes(sets)
        count = 1 + max(classes.values(), default=0)
        machine = Nondeterministic(limits)
        first, last = _part(machine, tree, _no_flags(), sets, count)
        if reverse:
            machine, first, last = machine.reversed(first, last)
        return classes, machine.determinize(first, last, count).without_dead_ends()
    except (TooLargeError, RecursionError, MemoryError):
        raise _too_complex(pattern) from None
    except Exception as error:  # interegular raises several kinds, one of which is Exception itself
        raise SettingsError(
            f"the pattern {shortened(pattern)} uses what an automaton cannot express: {str(error) or 'its syntax'}"
        ) from None


def shortened(pattern: str) -> str:
    """A pattern as it is shown in messages."""
    return repr(pattern if len(pattern) <= 80 else pattern[:80] + "...")


def _too_complex(pattern: str) -> SettingsError:
    return SettingsError(f"the pattern {shortened(pattern)} is too complex; write a simpler or shorter one")


def _no_flags() -> Any:
    from interegular.patterns import REFlags

    return REFlags(0)


def _leaf(node: Any, flags: Any) -> Characters | None:
    """The characters that a node of the parsed pattern reads; None if it has parts."""
    from interegular import patterns

    flags, single_line = flags & ~patterns.REFlags.SINGLE_LINE, bool(flags & patterns.REFlags.SINGLE_LINE)
    if node is patterns._DOT:
        return frozenset() if single_line else frozenset("\n"), True
    if not isinstance(node, patterns._CharGroup):
        return None
    if flags & ~patterns.REFlags.CASE_INSENSITIVE:
        raise patterns.Unsupported("flags other than i and s")
    if flags & patterns.REFlags.CASE_INSENSITIVE:
        return frozenset({*map(str.lower, node.chars), *map(str.upper, node.chars)}), node.negated
    return node.chars, node.negated


def _parts(node: Any, flags: Any) -> tuple[list[Any], Any]:
    """The parts of a node of the parsed pattern, and their flags."""
    from interegular import patterns

    if isinstance(node, patterns.Pattern):
        return [*node.options], patterns._combine_flags(flags, node.added_flags, node.removed_flags)
    if isinstance(node, patterns._Concatenation):
        return [*node.parts], flags
    if isinstance(node, patterns._Repeated):
        return [node.base], flags
    return [node.inner] if isinstance(node, patterns._NonCapturing) else [], flags


def _sets(node: Any, flags: Any) -> Iterator[Characters]:
    """Yield the sets of characters in a pattern."""
    leaf = _leaf(node, flags)
    if leaf is not None:
        yield leaf
        return
    parts, flags = _parts(node, flags)
    for part in parts:
        yield from _sets(part, flags)


def _classes(sets: Mapping[Characters, list[int]]) -> dict[str, int]:
    """Number the classes of characters that the sets do not distinguish, and append to each set its classes.

    Returns:
        character -> class; those that no set mentions are in class 0.

    Raises:
        TooLargeError: if the sets have too many characters.
    """
    if sum(len(characters) for characters, _ in sets) > MAX_CHARACTERS:
        raise TooLargeError
    mentioned: dict[str, list[int]] = {}
    for number, (characters, _) in enumerate(sets):
        for character in characters:
            mentioned.setdefault(character, []).append(number)
    numbers: dict[tuple[int, ...], int] = {(): 0}
    classes = {character: numbers.setdefault(tuple(each), len(numbers)) for character, each in mentioned.items()}
    for number, ((_, negated), found) in enumerate(sets.items()):
        found += [symbol for members, symbol in numbers.items() if (number in members) != negated]
    return classes


def _part(
    machine: Nondeterministic, node: Any, flags: Any, sets: Mapping[Characters, list[int]], classes: int
) -> tuple[int, int]:
    """Add a node of the parsed pattern to an automaton; return the first and the last state."""
    from interegular import patterns

    leaf = _leaf(node, flags)
    if leaf is not None:
        return machine.one_of(sets[leaf])
    parts, flags = _parts(node, flags)
    if isinstance(node, patterns.Pattern):
        return machine.choice(_part(machine, part, flags, sets, classes) for part in parts)
    if isinstance(node, patterns._Repeated):
        return machine.repeated(lambda: _part(machine, node.base, flags, sets, classes), node.min, node.max)
    if not isinstance(node, patterns._Concatenation):
        return machine.chain([])
    if node.prefix_postfix != (0, 0):
        raise patterns.Unsupported("a lookahead or lookbehind that goes beyond its group")
    return _concatenation(machine, parts, flags, sets, classes)


def _concatenation(
    machine: Nondeterministic, parts: list[Any], flags: Any, sets: Mapping[Characters, list[int]], classes: int
) -> tuple[int, int]:
    """Add parts one after another. What follows a lookahead must match it, too, up to any end."""
    from interegular import patterns

    at = next((k for k, part in enumerate(parts) if isinstance(part, patterns._NonCapturing)), len(parts))
    before = [_part(machine, part, flags, sets, classes) for part in parts[:at]]
    if at == len(parts):
        return machine.chain(before)
    look = parts[at]
    if look.backwards:
        raise patterns.Unsupported("lookbehind")

    rest, ahead = Nondeterministic(machine.limits), Nondeterministic(machine.limits)
    inner = _part(ahead, look.inner, flags, sets, classes)
    anything = ahead.repeated(lambda: ahead.one_of(range(classes)), 0, None)
    seen = ahead.determinize(*ahead.chain([inner, anything]), classes)
    following = rest.determinize(*_concatenation(rest, parts[at + 1 :], flags, sets, classes), classes)
    return machine.chain(
        [*before, machine.embed(following.restricted(seen, negate=look.negate, limits=machine.limits))]
    )
