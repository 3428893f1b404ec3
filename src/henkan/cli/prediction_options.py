"""Options that constrain predictions, or answer before the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from henkan.cli.options import PATH, Command, read_second_file
from henkan.cli.text_arguments import TEXT
from henkan.inference.constraint import Constraint, constraint_of
from henkan.inference.conversion import Request
from henkan.inference.converter import Converter
from henkan.inference.lexicon import Lexicon
from henkan.text.source_file import read_sources
from henkan.training.fitted_model import FittedModel

OPTIONS = (
    click.option(
        "--allow",
        type=PATH,
        metavar="FILE",
        help="Predict only lines of FILE: UTF-8, one allowed prediction per line.",
    ),
    click.option(
        "--pattern",
        type=TEXT,
        metavar="REGEX",
        help="Predict only texts that match REGEX from the first character to the last, as in '\\d{4}-\\d{2}-\\d{2}'. "
        "\\d, \\w and \\s stand for ASCII characters. Needs henkan[patterns].",
    ),
    click.option(
        "--symbols",
        type=TEXT,
        metavar="TEXT",
        help="Predict only the symbols in TEXT, which is split into symbols like a target: 'abc', or 'AH0 B K' if the "
        "symbols of targets are separated by spaces.",
    ),
    click.option(
        "--lexicon",
        type=PATH,
        metavar="FILE",
        help="Look each text up in FILE, a file of pairs or a pronunciation lexicon, before the model predicts. For a "
        "model that reads feature tags, the columns of FILE are source, target and features. If the text is a source "
        "there, its first target is the prediction (with --nbest of `henkan predict`, all its targets). Targets need "
        "not satisfy the constraints. Other texts are looked up in the lexicon stored in the model, if it has one; see "
        "`henkan lexicon`.",
    ),
    click.option("--no-lexicon", is_flag=True, help="Do not use the lexicon stored in the model."),
)


def prediction_options(command: Command) -> Command:
    """Add the options to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def pop_constraint(options: dict[str, Any]) -> Constraint | None:
    """Take the values of the options out of the keyword arguments of a command.

    Raises:
        DataError: if the list cannot be read, or is empty.
    """
    path: Path | None = options.pop("allow")
    pattern, symbols = options.pop("pattern"), options.pop("symbols")
    allow = None if path is None else read_sources(path, kind="allowed prediction")
    return constraint_of(allow, pattern, symbols)


def note_unwritable(converter: Converter, constraint: Constraint | None) -> None:
    """Print a note if the model cannot write some of the allowed predictions."""
    if constraint is None or converter.capabilities.copying:
        return
    count, allowed = constraint.unwritable(converter.target_vocabulary), constraint.allow or ()
    if 0 < count < len(allowed):
        click.echo(
            f"note: {count:,} of {len(allowed):,} allowed predictions have symbols that no training target had and are "
            "never predicted",
            err=True,
        )


def with_lexicon(request: Request, fitted: FittedModel, path: Path | None, *, stored: bool) -> Request:
    """The request with the lexicon in a file, which comes first, and that of the model.

    Args:
        request: the request.
        fitted: the model.
        path: the file, or None.
        stored: whether to use the lexicon of the model.

    Raises:
        DataError: if the file cannot be read, or is not a file of pairs.
        ModelFolderError: if the lexicon of the model is damaged.
    """
    lexicon = fitted.lexicon if stored else None
    if path is not None:
        pairs = read_second_file(path, features=fitted.saved.first.model.features).pairs
        lexicon = Lexicon(zip(pairs.sources, pairs.targets, strict=True), fitted.normalize, lexicon)
    return replace(request, lexicon=lexicon)
