"""Regular expressions as automata over characters, compiled by the package interegular."""

from __future__ import annotations

import re
from importlib.util import find_spec

from henkan.errors import SettingsError

DEAD = -1
"""The state from which no match is possible."""


class Pattern:
    """A regular expression that a whole text must match.

    Python's syntax, without lookbehind, references to groups, and anchors other than a `^` at the beginning and a `$`
    at the end, which change nothing. `\\d`, `\\w` and `\\s` stand for ASCII characters alone.

    Args:
        pattern: the regular expression.
        reverse: whether texts are read from the last character to the first.
        padded: whether spaces may follow the text.

    Raises:
        SettingsError: if the pattern cannot be compiled, or interegular is not installed.
    """

    start = 0

    def __init__(self, pattern: str, *, reverse: bool = False, padded: bool = False) -> None:
        if find_spec("interegular") is None:
            raise SettingsError("patterns require the package interegular; pip install 'henkan[patterns]'")
        import interegular

        try:
            re.compile(pattern)  # its messages tell what is wrong
        except re.error as error:
            raise SettingsError(f"the pattern {pattern!r} is not a regular expression: {error}") from None
        try:
            machine = interegular.parse_pattern(f"(?:{_without_anchors(pattern)}){' *' * padded}").to_fsm()
            machine = reversed(machine) if reverse else machine
        except Exception as error:  # interegular raises several kinds, one of which is Exception itself
            raise SettingsError(
                f"the pattern {pattern!r} uses what an automaton cannot express: {error or type(error).__name__}"
            ) from None
        numbers = {state: number for number, state in enumerate([machine.initial, *machine.states - {machine.initial}])}
        live = {state for state in machine.states if machine.islive(state)}
        self._alphabet = machine.alphabet
        self._following = [
            {key: numbers[after] for key, after in machine.map.get(state, {}).items() if after in live}
            for state in numbers
        ]
        self._accepting = {numbers[state] for state in machine.finals}

    def after(self, state: int, text: str) -> int:
        """The state after reading a text in a state; `DEAD` if no match is possible any more."""
        for character in text:
            if state == DEAD:
                break
            state = self._following[state].get(self._alphabet[character], DEAD)
        return state

    def accepts(self, state: int) -> bool:
        """Whether the text that has been read matches."""
        return state in self._accepting


def _without_anchors(pattern: str) -> str:
    """The pattern without `^` at its beginning and `$` at its end."""
    pattern = pattern.removeprefix("^")
    backslashes = len(pattern) - len(pattern.rstrip("$").rstrip("\\")) - 1
    return pattern.removesuffix("$") if pattern.endswith("$") and backslashes % 2 == 0 else pattern
