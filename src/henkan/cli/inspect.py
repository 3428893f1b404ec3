"""`henkan inspect`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from henkan.cli.options import PATH, layout_options, symbol_options
from henkan.config import make_configs
from henkan.text.audit import EXAMPLES, Audit, Side, audit, show_symbol
from henkan.text.pairs import Columns
from henkan.text.reading import Rejects, read_pairs
from henkan.text.tokenizer import cuttings

SYMBOLS_SHOWN = 40


@click.command(short_help="Look a file of pairs over before training on it.")
@click.argument("data", metavar="FILE", type=PATH)
@click.option("--dev", type=PATH, metavar="FILE", help="Pairs to be measured on, held against the training pairs.")
@click.option("--test", type=PATH, metavar="FILE", help="Likewise.")
@click.option("--json", "as_json", is_flag=True, help="Print one object instead.")
@symbol_options
@layout_options
def inspect(data: Path, dev: Path | None, test: Path | None, as_json: bool, columns: Columns, **settings: Any) -> None:
    """Look a FILE of pairs over: rows, lengths, symbols, duplicates, sources with several targets, pairs that two
    parts share, mixed normalisation, characters that do not show.

    \b
    henkan inspect names.tsv --dev names.dev.tsv --test names.test.tsv

    It changes nothing. A line that is not a pair is an error that names it, or is listed by --rejects.
    """
    layout = {"delimiter": settings.pop("delimiter"), "strip": settings.pop("strip"), "columns": columns}
    layout["rejects"] = rejects = settings.pop("rejects")
    given = {name: value for name, value in settings.items() if value is not None}
    if columns.features is not None:
        given["features"] = True
    model, _ = make_configs(given)
    source, target = cuttings(model)
    others = {str(path): read_pairs(path, **layout) for path in (dev, test) if path is not None}
    found = audit(read_pairs(data, **layout), others, source=source, target=target)
    if as_json:
        click.echo(json.dumps(asdict(found) | {"warnings": found.warnings()}))
    else:
        click.echo("\n".join(_lines(found, rejects)))


def _lines(found: Audit, rejects: Rejects | None) -> list[str]:
    left_out = rejects.left_out if rejects is not None else 0
    lines = [f"{found.rows:,} pairs read, {left_out or 'none'} passed over"]
    lines.append(f"{found.duplicates:,} of them stand there already")
    lines.append(f"{found.ambiguous_sources:,} sources have several targets")
    for text, answers in list(found.ambiguous.items())[:EXAMPLES]:
        lines.append(f"    {text}: {' | '.join(answers)}")
    for name, side in (("source", found.source), ("target", found.target)):
        lines += ["", *_side_lines(name, side)]
    for name, leak in found.leaks.items():
        lines += [
            "",
            f"{name}: {leak.rows:,} pairs",
            f"    {leak.sources:,} sources are in training too, {leak.pairs:,} with the same target",
            f"    {leak.unknown_rows:,} sources hold symbols that training does not",
        ]
    warnings = found.warnings()
    lines += ["", *(f"warning: {warning}" for warning in warnings)] if warnings else ["", "nothing to warn of"]
    return lines


def _side_lines(name: str, side: Side) -> list[str]:
    low, middle, high = side.lengths
    shown = list(side.symbols.items())[:SYMBOLS_SHOWN]
    rest = len(side.symbols) - len(shown)
    more = f"  and {rest:,} more" if rest else ""
    lines = [
        f"{name}s: {low} to {high} symbols, median {middle:g}; {side.empty:,} empty",
        f"    {len(side.symbols):,} different symbols: "
        + "  ".join(f"{show_symbol(symbol)} {count:,}" for symbol, count in shown)
        + more,
    ]
    if side.rare:
        rare = "  ".join(map(show_symbol, side.rare[:SYMBOLS_SHOWN]))
        lines.append(f"    {len(side.rare):,} stand in one or two strings alone: {rare}")
    return lines
