"""`henkan lexicon`: the lexicon that is stored in a model."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from henkan.cli.options import PATH, check_features, layout_options, read_file
from henkan.cli.pair_lines import json_pair, text_pair
from henkan.cli.text_arguments import TEXT
from henkan.errors import DataError
from henkan.storage.lexicon_file import SavedLexicon, entries
from henkan.text.counts import counted
from henkan.text.pairs import Columns
from henkan.training.fitted_model import FittedModel, load_model
from henkan.training.stored_lexicon import Merge, change_lexicon, entries_of, merge, without


@click.group()
def lexicon() -> None:
    """Change or show the lexicon that is stored in a model: known sources with their targets.

    \b
    henkan lexicon add models/names corrections.tsv --first
    henkan lexicon show models/names > lexicon.tsv
    henkan lexicon remove models/names Tanaka

    `henkan predict` and `henkan evaluate` look each text up in it before the model predicts, unless --no-lexicon is
    given. `henkan train --keep-lexicon` stores the training data as a lexicon.

    A lexicon is replaced as a whole: a command that reads the model at the same time sees the old lexicon or the new
    one, and nothing is lost if the command is killed. The weights are not changed. A program that has loaded the model
    must load it again.
    """


@lexicon.command(short_help="Add pairs of a file.")
@click.argument("model", type=PATH)
@click.argument("data", metavar="FILE", type=PATH)
@click.option(
    "--first",
    "place",
    flag_value="first",
    default="last",
    help="Put new targets before those that a source has, so that the first of them is the prediction.",
)
@click.option("--replace", "place", flag_value="replace", help="Replace the targets of the sources in FILE.")
@layout_options
def add(model: Path, data: Path, place: Any, columns: Columns, **layout: Any) -> None:
    """Add the pairs of FILE to the lexicon of MODEL.

    FILE is a file of pairs or a pronunciation lexicon, as for `henkan train`. If a source is in the lexicon already,
    its new targets follow the others, so its prediction stays the same; --first or --replace correct it. Sources are
    compared as the model reads them, after Unicode normalization and conversion of case. A target that a source has
    already is not added again.
    """
    result, pairs = Merge(), read_file(data, columns=columns, **layout).pairs

    def change(fitted: FittedModel) -> SavedLexicon | None:
        nonlocal result
        check_features(fitted, columns)
        new = zip(pairs.sources, pairs.targets, strict=True)
        result = merge(entries_of(fitted), new, fitted.normalize, place)
        return result.lexicon

    change_lexicon(model, change)
    details = [f"{result.known:,} {'was' if result.known == 1 else 'were'} already there"]
    if result.removed:
        details.append(f"{entries(result.removed)} replaced")
    if result.further:
        sources = counted(result.further, "source has", "sources have")
        details.append(f"{sources} {'new' if place == 'replace' else 'further'} targets")
    click.echo(f"{entries(result.added)} added, {', '.join(details)}")
    if result.further and place == "last":
        click.echo("note: further targets follow those that were there, which stay the predictions", err=True)
    _show_size(model, result.lexicon)


@lexicon.command(short_help="Print all pairs.")
@click.argument("model", type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: one object per pair, with source and target.")
def show(model: Path, as_json: bool) -> None:
    """Print the lexicon of MODEL: source TAB target, and for a model that reads feature tags TAB features.

    The output is a file of pairs that `henkan lexicon add` reads, with --columns source,target,features if there are
    tags. The first pair of each source is its prediction.
    """
    fitted = load_model(model)
    for line in _lines(fitted, as_json=as_json):
        sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _lines(fitted: FittedModel, *, as_json: bool) -> Iterator[bytes]:
    tagged = fitted.saved.first.model.features
    for number, (source, target) in enumerate(entries_of(fitted), start=1):
        if as_json:
            yield json_pair(source, target, tagged=tagged)
        else:
            yield text_pair(source, target, tagged=tagged, number=number, kind="entry")


@lexicon.command(short_help="Remove sources.")
@click.argument("model", type=PATH)
@click.argument("sources", nargs=-1, type=TEXT, metavar="[SOURCE]...")
@click.option("--all", "everything", is_flag=True, help="Remove the whole lexicon.")
def remove(model: Path, sources: Sequence[str], everything: bool) -> None:
    """Remove each SOURCE, with all its targets, from the lexicon of MODEL.

    With feature tags, a SOURCE is the text, a tab and the tags, as for `henkan predict`.
    """
    if bool(sources) == everything:
        raise DataError("give sources to remove, or --all" if not sources else "give sources or --all, not both")

    def change(fitted: FittedModel) -> SavedLexicon | None:
        known = set() if everything else {fitted.normalize(source) for source, _ in entries_of(fitted)}
        missing = [] if everything else [each for each in sources if fitted.normalize(each) not in known]
        if missing:
            raise DataError(f"{model}: the lexicon does not have {missing[0]!r}; nothing was removed")
        return None if everything else without(entries_of(fitted), sources, fitted.normalize)

    before, after = change_lexicon(model, change)
    removed = (0 if before is None else len(before)) - (0 if after is None else len(after))
    click.echo(f"{entries(removed)} removed")
    _show_size(model, after)


def _show_size(model: Path, stored: SavedLexicon | None) -> None:
    size = "has no lexicon now" if stored is None else f"has a lexicon of {entries(len(stored))}"
    click.echo(f"{model} {size}")
