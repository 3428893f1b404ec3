"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)


def layout_options(command: Command) -> Command:
    """How a file of pairs is laid out."""
    delimiter = click.option(
        "--delimiter",
        default="\t",
        metavar="TEXT",
        callback=lambda _context, _option, value: value.replace("\\t", "\t"),
        help="What stands between source and target on each line.  [default: a tab]",
    )
    strip = click.option("--strip", is_flag=True, help="Take white space off both ends of source and target.")
    return delimiter(strip(command))
