"""`henkan inspect`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from henkan.cli.inspect_model import inspect_model
from henkan.cli.options import PATH, choose_settings, layout_options, read_file, symbol_options, usable_options
from henkan.cli.remedies import sentence
from henkan.config import MAX_SYNTHETIC
from henkan.errors import DataError, Message
from henkan.recipes import make_configs
from henkan.text.audit import audit
from henkan.text.counts import counted
from henkan.text.escaping import escape
from henkan.text.pairs import Columns
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.text.tokenizer import TAG
from henkan.training.synthetic import NONE_POSSIBLE, synthetic_pairs


@click.command()
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
    several targets, and overlap with the validation and test sets. If the argument is a saved model, describe it:
    kind, number of weights, training data, symbols, exact match, temperature of the confidence, all settings, and the
    number of entries of its lexicon.

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

    def phrased(message: Message) -> str:
        return sentence(message, usable)

    if as_json:
        click.echo(json.dumps(found.to_dict(phrased)))
        return
    click.echo(
        f"{counted(found.rows, 'pair')} read, {counted(rejects.skipped if rejects is not None else 0, 'line')} skipped"
    )
    click.echo("\n".join(found.lines(phrased)))


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
