"""`henkan next`."""

from __future__ import annotations

import re
import sys
from codecs import BOM_UTF8
from itertools import count as numbers
from pathlib import Path
from shlex import quote
from typing import Any

import click

from henkan.cli.input_lines import check_encoding
from henkan.cli.options import PATH, engine_options, pop_engines, read_second_file
from henkan.cli.output_file import check_output, write_output
from henkan.cli.pair_lines import json_pair, text_pair
from henkan.errors import SettingsError
from henkan.selection.annotation.ranking import Proposal, Ranking, rank
from henkan.text.counts import counted
from henkan.text.reading import PairFile
from henkan.text.source_file import read_sources
from henkan.training.fitted_model import load_model

MANY = 10_000
"""From so many sources on, a note says that the predictions take a while."""

GZIP = b"\x1f\x8b"
"""How a compressed file starts."""


@click.command("next")
@click.argument("model", type=PATH)
@click.argument("words", type=PATH)
@click.option(
    "--count", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="Words to print."
)
@click.option(
    "--labelled",
    type=PATH,
    metavar="FILE",
    help="The pairs that MODEL was trained on, in the same columns. Their sources are left out, and what they contain "
    "counts as known. Recommended: a model does not store its training data, unless it was trained with "
    "--keep-lexicon.",
)
@click.option(
    "--out",
    type=PATH,
    metavar="FILE",
    help="Write the words to FILE, and print how to continue.  [default: print the words]",
)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@click.option(
    "--reasons",
    is_flag=True,
    help="Add two columns: the confidence, and why a word was chosen. `henkan train` then needs --columns 1,2.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Write JSON Lines, which `henkan train` reads too if the name ends in .jsonl: source, target, features if the "
    "model reads them, confidence, and reasons.",
)
@click.option(
    "--encoding",
    metavar="NAME",
    default="utf-8",
    show_default=True,
    callback=check_encoding,
    help="Encoding of WORDS, such as utf-16 or shift_jis. The output is always UTF-8.",
)
@engine_options
def next_command(
    model: Path,
    words: Path,
    count: int,
    labelled: Path | None,
    out: Path | None,
    force: bool,
    reasons: bool,
    as_json: bool,
    encoding: str,
    **options: Any,
) -> None:
    """Rank the words in the file WORDS, one per line, by how much their labels would improve MODEL, and print the first
    ones with the predictions of MODEL.

    \b
    henkan next models/names words.txt --labelled names.tsv --out next.tsv
    henkan next models/names words.txt --labelled names.tsv --count 20 --reasons

    The output is a file of pairs without a header: word TAB prediction. Correct the predictions in an editor or a
    spreadsheet, delete the words that you have not checked, add the pairs of --labelled, and train with `henkan train`.
    You can stop anywhere, because the words are in the order of their value.

    A word comes early if it has sequences of symbols that are frequent in WORDS, rare in the labelled pairs and
    uncertain for the model, and that the words before it do not have. Words with a new symbol come before all others,
    unless it is very rare in WORDS. So the list covers what the model does not know, and similar words do not follow
    each other.

    For a model that reads feature tags, they follow the word after a tab, and are the third column of the output and of
    --labelled.

    With --reasons, there are two more columns: the confidence; and new symbols, other ways to be outside the
    training data, and the sequences of symbols for which the word was chosen; # is the beginning or the end of a word.
    """
    engines = pop_engines(options)
    if out is not None:
        check_output(out, force)
        _check_not_read(out, words, labelled)
    fitted = load_model(model, engines)
    tagged = fitted.saved.first.model.features
    file = None if labelled is None else read_second_file(labelled, features=tagged)
    known = [] if file is None else file.pairs.sources
    sources = read_sources(words, encoding)
    if len(sources) >= MANY:
        click.echo(f"predicting {counted(len(sources), 'word')} ...", err=True)
    ranking = rank(fitted, sources, count, known)
    content = b"".join(
        _line(each, number, tagged=tagged, reasons=reasons, as_json=as_json)
        for number, each in enumerate(ranking.proposals, start=1)
    )
    if out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write_output(out, content)
    _show_notes(ranking)
    if out is not None:
        layout = _layout_options(out, tagged=tagged, reasons=reasons, as_json=as_json)
        joined = labelled if file is not None and _has_lines_of_output(file, as_json=as_json) else None
        _show_continuation(model, out, labelled, layout, joined=joined)


def _check_not_read(out: Path, words: Path, labelled: Path | None) -> None:
    """Check that the output replaces none of the files that are read.

    Raises:
        SettingsError: if it does.
    """
    for path, what in ((words, "words"), (labelled, "labelled pairs")):
        if path is not None and out.exists() and path.exists() and out.samefile(path):
            raise SettingsError(f"{out}: this file has the {what}; choose another --out")


def _line(proposal: Proposal, number: int, *, tagged: bool, reasons: bool, as_json: bool) -> bytes:
    source, target, confidence = proposal.source, proposal.target or "", proposal.confidence
    if as_json:
        more = {"confidence": confidence, "reasons": list(proposal.reasons)}
        return json_pair(source, target, tagged=tagged, more=more)
    shown = ["" if confidence is None else f"{confidence:.3f}", ", ".join(proposal.reasons)] if reasons else []
    return text_pair(source, target, tagged=tagged, more=shown, number=number, kind="word")


def _show_notes(ranking: Ranking) -> None:
    """Print notes about the words to standard error."""
    if ranking.left_out:
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in ranking.left_out.items())
        click.echo(f"note: some words are not compared: {reasons}", err=True)
    if not ranking.labelled:
        click.echo(
            "note: it is not known which words are labelled; name the pairs that the model was trained on, as in "
            "--labelled FILE",
            err=True,
        )
    missing = sum(each.target is None for each in ranking.proposals)
    if missing:
        click.echo(f"note: words without a prediction, which have an empty target: {missing:,}", err=True)


def _layout_options(out: Path, *, tagged: bool, reasons: bool, as_json: bool) -> str:
    """Return the options with which `henkan train` reads the file."""
    columns = "source,target,features" if tagged else ""
    if reasons and not as_json:
        columns = "1,2,3" if tagged else "1,2"  # by numbers, so that lines without the reasons can be added
    form = " --format jsonl" if as_json and out.suffix != ".jsonl" else ""
    return (f" --columns {columns}" if columns else "") + form


def _show_continuation(model: Path, out: Path, labelled: Path | None, layout: str, *, joined: Path | None) -> None:
    """Print how to train on the corrected pairs; `joined` is the file whose lines can be added to them, or None."""
    others = "the pairs that the model was trained on" if labelled is None else f"the pairs of {labelled}"
    lines = [
        f"correct the targets in {out}, delete the words that you did not check, add {others}, which it would forget "
        f"otherwise, and train:"
    ]
    if joined is not None:
        lines.append(f"  cat {quote(str(joined))} >> {quote(str(out))}")
    new = quote(_free_name(str(model)))
    lines.append(f"  henkan train {quote(str(out))}{layout} --from {quote(str(model))} --out {new}")
    click.echo("\n".join(lines), err=True)


def _has_lines_of_output(file: PairFile, *, as_json: bool) -> bool:
    """Whether the lines of a pair file, as they are, can be added to those of the output."""
    with file.path.open("rb") as content:
        start = content.read(len(BOM_UTF8))
    return file.format == ("jsonl" if as_json else "pairs") and not start.startswith((BOM_UTF8, GZIP))


def _free_name(folder: str) -> str:
    """Return the name of a folder with the first number, from 2, with which it does not exist."""
    stem = re.sub(r"-\d+$", "", folder)
    return next(name for number in numbers(2) if not Path(name := f"{stem}-{number}").exists())
