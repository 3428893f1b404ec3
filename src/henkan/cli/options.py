"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from henkan.config import Normalization
from henkan.text.pairs import Columns

Command = TypeVar("Command", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)


def layout_options(command: Command) -> Command:
    """How a file of pairs is laid out: `delimiter`, `strip` and `columns`."""
    delimiter = click.option(
        "--delimiter",
        default="\t",
        metavar="TEXT",
        callback=lambda _context, _option, value: value.replace("\\t", "\t"),
        help="What stands between source and target on each line.  [default: a tab]",
    )
    strip = click.option("--strip", is_flag=True, help="Take white space off both ends of source and target.")
    columns = click.option(
        "--columns",
        default="source,target",
        show_default=True,
        metavar="NAMES",
        callback=lambda _context, _option, value: Columns.parse(value),
        help="What the columns hold, in their order: source, target, features (tags such as V;PST, which join the "
        "source as whole symbols), and any other word for a column to pass over. Or the numbers of these three: 3,1.",
    )
    return delimiter(columns(strip(command)))


def symbol_options(command: Command) -> Command:
    """How strings are cut into symbols: settings of `ModelConfig`, None where not given."""
    units = "characters, graphemes (Unicode's grapheme clusters, such as a letter with its accents), or the text that "
    forms = click.Choice(get_args(Normalization))
    for option in (
        click.option("--target-normalization", type=forms, help="Likewise for a target.  [default: none]"),
        click.option(
            "--source-normalization",
            type=forms,
            help="Unicode's normalisation of a source before it is cut; NFD takes Korean syllables apart.  "
            "[default: none]",
        ),
        click.option("--target-symbols", metavar="UNIT", help="Likewise for a target.  [default: characters]"),
        click.option(
            "--source-symbols",
            metavar="UNIT",
            help=f"What a source is cut into: {units}stands between symbols, such as ' '.  [default: characters]",
        ),
    ):
        command = option(command)
    return command
