"""Parse arguments that name data: a task or a file, and the columns of a file."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from stat import S_ISDIR

from henkan.errors import DataError, SettingsError
from henkan.text.pairs import Columns
from henkan.text.tasks import TASKS, Task, similar_tasks


def task_or_file(name: str) -> Task | Path:
    """Return the task with this name or, if there is none, the path of the file.

    Raises:
        DataError: if neither exists, it is a folder, or the file cannot be accessed.
    """
    if name in TASKS:
        return TASKS[name]
    try:
        os.stat(name)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: not a valid file name
        raise DataError(f"there is no task or file {name!r}; {_similar(name)}") from None
    except OSError:
        pass  # the next check says why
    check_file(name)
    return Path(name)


def check_file(name: str) -> None:
    """Check that there is a file of pairs, before other work is done.

    Raises:
        DataError: if not, or it is a folder.
    """
    try:
        status = os.stat(name)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{name}: cannot be read ({reason}); check path and permissions") from None
    if S_ISDIR(status.st_mode):
        raise DataError(f"{name} is a folder; give a file of pairs")


def _similar(name: str) -> str:
    """Return a hint for a misspelled name: the most similar file or task or, if there is none, all tasks."""
    folder, file = os.path.split(name)
    try:
        files = [each.name for each in os.scandir(folder or ".") if each.is_file()]
    except (OSError, ValueError):
        files = []
    close = get_close_matches(file, files if folder else [*TASKS, *files], 1)
    return f"did you mean {os.path.join(folder, close[0])}?" if close else similar_tasks(name)


def parse_columns(text: str) -> Columns:
    """Parse the value of `--columns`.

    The value is either a list of all columns by name, such as `target,source,features`, where a column with any other
    name is ignored; or the numbers of the source, target and optional features columns, counted from 1, such as `3,1`.

    Raises:
        SettingsError: if the value is invalid.
    """
    names = [name.strip() for name in text.split(",")]
    if all(name.isdecimal() and int(name) > 0 for name in names) and len(names) in (2, 3):
        indices = [int(name) - 1 for name in names]
        if len(set(indices)) == len(indices):
            return Columns(indices[0], indices[1], indices[2] if len(indices) == 3 else None, None)
    numeric = len(names) in (2, 3) and all(name.isdecimal() for name in names)
    if numeric and any(int(name) == 0 for name in names):
        raise SettingsError(f"--columns: column numbers start at 1, as in 1,2 for the first two columns, not {text!r}")
    known = [name for name in names if name in ("source", "target", "features")]
    if not {"source", "target"} <= set(known) or len(set(known)) != len(known):
        raise SettingsError(
            f"--columns must name source and target once each, as in source,target,features or 1,2,3, not {text!r}"
        )
    features = names.index("features") if "features" in names else None
    return Columns(names.index("source"), names.index("target"), features, len(names))
