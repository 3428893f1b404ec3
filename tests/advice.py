"""Messages of the command line, and what happens if a user follows their advice to the letter."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

import click

from henkan.cli.main import cli

MENTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*)(?: ('[^']*'|[^\s;)]*[^\s;),]))?")
DROPPED = re.compile(r"(?:omit|without|instead of|leave out) (--[a-z-]+(?: and --[a-z-]+)*)")
PLACEHOLDERS = {"DIR", "FILE", "and", "if", "instead", "must", "or", "to"}
"""Words after an option that are not its value."""


@dataclass(frozen=True)
class Case:
    """A command whose output advises something.

    Attributes:
        command: arguments of henkan, as in a shell.
        says: the advice as it is printed, with the alternatives separated by "or" and commas.
        files: name -> content of the files that the command needs.
        values: option -> value, for options that the advice names without one.
        by_hand: part of the advice that names no option -> files to write before the command is run again, or the
            command to run instead.
        status: exit status of the command; 0 if it prints a note or a warning.
        input: standard input.
    """

    command: str
    says: str
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    by_hand: Mapping[str, Mapping[str, str] | str] = field(default_factory=dict)
    status: int = 2
    input: bytes = b""

    @property
    def name(self):
        """The command that is run."""
        return shlex.split(self.command)[0]

    def followed(self):
        """Return what to run, as (command, files to write before), and the options that are executed.

        There is one command for each alternative of the advice. One without an option, or whose option needs a value
        that is not known, is left out.
        """
        commands, executed, previous = [], set(), None
        for part, change in self.by_hand.items():
            assert part in self.says
            command, files = (change, {}) if isinstance(change, str) else (self.command, change)
            commands.append((shlex.split(command), files))
        for part in re.split(r"; otherwise |,? or,? |, |; ", self.says):
            changes = self._changes(part)
            if not changes and previous is not None and re.fullmatch(r"[a-z]+", part):
                changes = [(previous, part)]  # another value of the same option
            if changes and not any(value is None for _, value in changes):
                arguments = shlex.split(self.command)
                for option, value in changes:
                    arguments = changed(arguments, option, value)
                    executed.add(option)
                    previous = option
                commands.append((arguments, {}))
        return commands, executed

    def _changes(self, part):
        """Return (option, value); the value of a flag is True, of an option to omit False, of an unknown one None."""
        omitted = {option for found in DROPPED.findall(part) for option in found.split(" and ")}
        changes = [(option, False) for option in sorted(omitted)]
        for option, value in MENTION.findall(part):
            if option not in omitted:
                if takes_no_value(self.name, option):
                    changes.append((option, True))
                elif value and value not in PLACEHOLDERS and not value.startswith("--"):
                    changes.append((option, shlex.split(value)[0]))
                else:
                    changes.append((option, self.values.get(option)))
        return changes


def changed(arguments, option, value):
    """Return arguments with another value of an option; True for a flag, False to remove it."""
    arguments = list(arguments)
    if option in arguments:
        position = arguments.index(option)
        del arguments[position : position + 1 + (not takes_no_value(arguments[0], option))]
    return [*arguments, *([] if value is False else [option] if value is True else [option, value])]


def parameters(command):
    """Return name -> parameter of the options of a command."""
    found = cli.get_command(click.Context(cli), command)
    return {option: each for each in found.params for option in (*each.opts, *each.secondary_opts)}


def takes_no_value(command, option):
    """Whether an option is a flag."""
    return parameters(command)[option].is_flag
