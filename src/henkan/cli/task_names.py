"""Arguments that name a task or a file, where a file has the name of a task."""

from __future__ import annotations

import os

import click

from henkan.errors import DataError
from henkan.text.tasks import TASKS, find_task

PREFIX = "task:"


def unambiguous(_context: click.Context, _argument: click.Parameter, value: str | None) -> str | None:
    """Return the name of a task or the path of a file, as given.

    A file with the name of a task is an error and not a note, because a script would continue with the wrong data.
    `task:NAME` names the task in any case.

    Raises:
        DataError: if it may be either, or `task:` is followed by another name.
    """
    if value is None:
        return None
    if value.startswith(PREFIX) and not os.path.exists(value):
        return find_task(value.removeprefix(PREFIX)).name
    if is_also_file(value):
        raise DataError(
            f"{value} is the name of a task and of a file in this folder; give ./{value} for the file, or "
            f"{PREFIX}{value} for the task"
        )
    return value


def is_also_file(name: str) -> bool:
    """Whether a task and a file have this name."""
    return name in TASKS and os.path.exists(name) and not os.path.isdir(name)
