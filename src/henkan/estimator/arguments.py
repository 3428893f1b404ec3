"""Arguments of methods: strings, pairs, validation sets and folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from henkan.errors import DataError, SettingsError
from henkan.text.pairs import Pairs
from henkan.text.string_lists import string_list

Entries = Mapping[str, str | Sequence[str]]
"""Known sources and the target or targets of each."""

Validation = tuple[Iterable[str], Iterable[str]]
"""Sources and targets of a validation set."""


def folder_of(name: str | os.PathLike[str], argument: str) -> Path:
    """Convert the name of a folder to a path.

    Raises:
        SettingsError: if it is not a name.
    """
    if not isinstance(name, str | os.PathLike) or not isinstance(os.fspath(name), str) or "\0" in os.fspath(name):
        raise SettingsError(f"{argument} must be the name of a folder, not {name!r}")
    return Path(name)


def count_of(value: object, argument: str) -> int:
    """Check a number of things, which may be one of NumPy.

    Raises:
        SettingsError: if it is not a whole number from 1.
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise SettingsError(f"{argument} must be a whole number from 1, not {value!r}", argument=argument)
    return int(value)


def text_of(value: str, argument: str) -> str:
    """Check a single string.

    Raises:
        DataError: if it is not a string.
    """
    if not isinstance(value, str):
        raise DataError(f"{argument} must be a string, not {type(value).__name__}")
    return string_list([value], argument)[0]


def pairs_of(sources: Iterable[str], targets: Iterable[str], names: Sequence[str] = ("sources", "targets")) -> Pairs:
    """Convert sources and targets to pairs.

    Args:
        sources, targets: n sources and their n targets; see `henkan.text.string_lists`.
        names: names of the two arguments, for error messages.

    Raises:
        DataError: if their numbers differ, or they are not strings in an order.
    """
    return Pairs(string_list(sources, names[0]), string_list(targets, names[1]))


def validation_pairs(dev: Validation | None, name: str = "dev") -> Pairs | None:
    """Convert a validation set to pairs; None if there is none.

    Args:
        dev: sources and targets, or None.
        name: name of the argument, for error messages.

    Raises:
        DataError: if `dev` is something else, or see `pairs_of`.
    """
    if dev is None:
        return None
    if not isinstance(dev, tuple | list) or len(dev) != 2:
        raise DataError(
            f"{name} must be two lists, sources and targets, as in {name}=(['ab', 'ba'], ['AB', 'BA']), not "
            f"{type(dev).__name__}"
        )
    return pairs_of(*dev, names=(f"{name}[0]", f"{name}[1]"))
