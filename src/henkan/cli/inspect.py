"""`henkan inspect`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from henkan.cli.inspect_model import inspect_model
from henkan.cli.options import PATH, choose_settings, layout_options, read_file, symbol_options, usable_options
from henkan.cli.remedies import sentence
from henkan.config import MAX_SYNTHETIC
from henkan.errors import DataError
from henkan.recipes import make_configs
from henkan.text.audit import EXAMPLES, Audit, audit
from henkan.text.escaping import escape
from henkan.text.pairs import Columns
from henkan.text.reading import Rejects
from henkan.text.side_statistics import RARE, Side, show_symbol
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.text.tokenizer import TAG
from henkan.training.synthetic import NONE_POSSIBLE, synthetic_pairs

SYMBOLS_SHOWN = 40


@click.command(short_help="Check a file of pairs before training, or describe a model.")
@click.argument("data", metavar="FILE_OR_MODEL", type=PATH)
@click.option("--dev", type=PATH, metavar="FILE", help="Validation set, checked for overlap with FILE.")
@click.option("--test", type=PATH, metavar="FILE", help="Test set, checked for overlap with FILE.")
@click.option(
    "--augment",
    type=click.IntRange(1, MAX_SYNTHETIC),
    metavar="N",
    help="Instead of the report, print N synthetic pairs as `henkan train --augment` makes them: source, target, "
    "feature tags if FILE has them, and the source that the pair was made from.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Random seed of the synthetic pairs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; with --augment, one for each pair.")
@symbol_options
@layout_options
def inspect(data: Path, dev: Path | None, test: Path | None, as_json: bool, columns: Columns, **settings: Any) -> None:
    """Check a FILE of training pairs, and report its size, string lengths, symbols, duplicate pairs, sources with
    several targets, and overlap with the validation and test sets. If the argument is a saved model, describe it: its
    kind, training data, symbols, exact match, and the number of entries of its lexicon.

    Warn of what is probably a mistake in the file, such as a header, comments, empty targets, swapped columns, text in
    a wrong encoding or a very long line, with an example and what to do. Of more than 200,000 pairs, a sample of at
    least 100,000 is searched for this.

    \b
    henkan inspect names.tsv --dev names.dev.tsv --test names.test.tsv

    The files are not changed. Pronunciation lexicons (`hello HH AH L OW`), CSV and JSON Lines are detected, see
    --format. An invalid line is an error, unless --rejects is given.
    """
    if inspect_model(data, as_json=as_json):
        return
    augment, seed = settings.pop("augment"), settings.pop("seed")
    layout = {name: settings.pop(name) for name in ("format", "encoding", "delimiter", "strip", "rejects")}
    layout["columns"], rejects = columns, layout["rejects"]
    given = {name: value for name, value in settings.items() if value is not None}
    if columns.features is not None:
        given["features"] = True
    model, _ = make_configs(given)
    others = {str(path): read_file(path, **layout).pairs for path in (dev, test) if path is not None}
    file = read_file(data, **layout)
    model = choose_settings(model, file.pairs, lexicon=file.format == "lexicon")
    tokenized = TokenizedPairs.of(file.pairs, model)
    if augment is not None:
        click.echo("\n".join(_synthetic_lines(tokenized, augment, seed, as_json=as_json)))
        return
    found = audit(tokenized, others)
    usable = usable_options(file.format)
    warnings, hints = ([sentence(message, usable) for message in each] for each in (found.warnings(), found.hints()))
    if as_json:
        values = {name: value for name, value in asdict(found).items() if name != "damage"}
        click.echo(json.dumps({**values, "warnings": warnings, "hints": hints}))
        return
    lines = [f"warning: {warning}" for warning in warnings] or ["no warnings"]
    click.echo("\n".join([*_lines(found, rejects), "", *lines, *(f"hint: {hint}" for hint in hints)]))


def _synthetic_lines(tokenized: TokenizedPairs, count: int, seed: int, *, as_json: bool) -> list[str]:
    """One line for each synthetic pair.

    Raises:
        DataError: if there are none.
    """
    lines = []
    for each in synthetic_pairs(tokenized, count, seed):
        origin = tokenized.pairs.sources[each.row]
        if as_json:
            lines.append(json.dumps({"source": each.source, "target": each.target, "from": origin}))
            continue
        (text, *tags), origin = each.source.split(TAG), origin.partition(TAG)[0]
        features = tags or [""] if tokenized.source_tokenizer.features else []
        lines.append(TAG.join(map(escape, [text, each.target, *features, origin])))
    if not lines:
        raise DataError(NONE_POSSIBLE)
    return lines


def _lines(found: Audit, rejects: Rejects | None) -> list[str]:
    skipped = rejects.skipped if rejects is not None else 0
    lines = [f"{found.rows:,} pairs read, {skipped:,} lines skipped"]
    lines.append(f"{found.duplicates:,} duplicate pairs")
    lines.append(f"{found.ambiguous_sources:,} sources with several targets")
    for text, targets in list(found.ambiguous.items())[:EXAMPLES]:
        lines.append(f"    {escape(text)}: {' | '.join(map(escape, targets))}")
    for name, side in (("source", found.source), ("target", found.target)):
        lines += ["", *_side_lines(name, side)]
    for name, leak in found.leaks.items():
        lines += [
            "",
            f"{name}: {leak.rows:,} pairs",
            f"    {leak.sources:,} sources are also in the training set, {leak.pairs:,} with the same target",
            f"    {leak.unknown_rows:,} sources have symbols that are not in the training set",
        ]
    return lines


def _side_lines(name: str, side: Side) -> list[str]:
    low, median, high = side.lengths
    shown = list(side.symbols.items())[:SYMBOLS_SHOWN]
    rest = len(side.symbols) - len(shown)
    more = f"  and {rest:,} more" if rest else ""
    lines = [
        f"{name}s: {low} to {high} symbols, median {median:g}; {side.empty:,} empty",
        f"    {len(side.symbols):,} distinct symbols: "
        + "  ".join(f"{show_symbol(symbol)} {count:,}" for symbol, count in shown)
        + more,
    ]
    if side.rare:
        rare = "  ".join(map(show_symbol, side.rare[:SYMBOLS_SHOWN]))
        lines.append(f"    {len(side.rare):,} rare symbols, in fewer than {RARE} strings: {rare}")
    return lines
