"""Print the alignments of a whole file, for `henkan explain --file`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from henkan.cli.options import read_second_file
from henkan.inference.alignment import Alignment, align
from henkan.inference.conversion import Request
from henkan.inference.converter import Converter
from henkan.inference.explanation import By
from henkan.text.escaping import escape, json_line
from henkan.text.source_file import read_sources

COLUMNS = ("number", "source", "prediction", "symbol", "start", "end", "from", "probability")
CHUNK = 4096  # texts that are aligned and printed at a time


def print_alignments(
    converter: Converter, path: Path, *, pairs: bool, request: Request, by: By | None, as_json: bool
) -> None:
    """Align the texts in a file, or the pairs, and print the alignments.

    Raises:
        DataError: if the file cannot be read.
    """
    sources: Sequence[str]
    targets: Sequence[str] | None = None
    if pairs:
        found = read_second_file(path, features=converter.source_vocabulary.tokenizer.features).pairs
        sources, targets = found.sources, found.targets
    else:
        sources = read_sources(path, kind="text")
    if not as_json:
        click.echo("\t".join(COLUMNS))
    failed = 0
    for start in range(0, len(sources), CHUNK):
        part = slice(start, start + CHUNK)
        given = None if targets is None else [*targets[part]]
        for number, each in enumerate(align(converter, [*sources[part]], given, request=request, by=by), start + 1):
            failed += each.prediction is None
            for line in [_json(each)] if as_json else _rows(number, each):
                click.echo(line)
    if failed:
        click.echo(f"note: texts without an alignment: {failed:,} (see reason in the JSON)", err=True)


def _json(alignment: Alignment) -> str:
    values = asdict(alignment) | {"links": [link._asdict() for link in alignment.links]}
    return json_line({name: value for name, value in values.items() if name != "reason" or value})


def _rows(number: int, alignment: Alignment) -> Iterator[str]:
    """One line for each symbol, in tab-separated columns."""
    for link in alignment.links:
        text = " ".join(alignment.symbols[link.start : link.end])
        columns = (alignment.source, alignment.prediction or "", link.symbol, link.start, link.end, text)
        yield "\t".join([str(number), *(escape(str(each)) for each in columns), f"{link.probability:.4f}"])
