"""What `henkan inspect` prints about a saved model."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import click

from henkan.cli.display import entries
from henkan.cli.run_options import options_given
from henkan.storage.model_folder import is_model
from henkan.training.fitted_model import load_model


def inspect_model(folder: Path, *, as_json: bool) -> bool:
    """Describe a saved model; return False if the folder is not one.

    Raises:
        ModelFolderError: if the model is damaged.
        UsageError: if options for a file of pairs are given.
    """
    if not folder.is_dir() or not is_model(folder):
        return False
    if options_given() - {"data", "as_json"}:
        raise click.UsageError(f"{folder} is a model; the only option for a model is --json")
    saved = load_model(folder).saved
    metrics, first, lexicon = saved.metrics, saved.first, saved.lexicon
    kinds = Counter({each.model.kind: 0 for each in saved.variants})
    for each in saved.variants:
        kinds[each.model.kind] += len(each.members)
    values = {
        "model": str(folder),
        "kinds": dict(kinds),
        "data": saved.data.get("name"),
        "pairs": metrics.get("pairs"),
        "held_out": metrics.get("held_out"),
        "exact_match": metrics.get("exact_match"),
        "source_symbols": len(first.source_vocabulary.symbols),
        "target_symbols": len(first.target_vocabulary.symbols),
        "lexicon": 0 if lexicon is None else len(lexicon),
        "format_version": saved.format_version,
    }
    if as_json:
        click.echo(json.dumps(values))
        return True
    pairs, measured = values["pairs"], values["exact_match"]
    name = f" from {values['data']}" if values["data"] else ""
    click.echo(f"{folder}: {', '.join(f'{count} x {kind}' for kind, count in kinds.items())}")
    if pairs is not None:
        click.echo(f"trained on {pairs:,} pairs{name}")
    click.echo(f"{values['source_symbols']:,} source symbols, {values['target_symbols']:,} target symbols")
    if measured is None:
        click.echo("exact match not measured")
    else:
        click.echo(f"exact match on the validation set of {values['held_out']:,} pairs: {measured:.3%}")
    click.echo("no lexicon" if lexicon is None else f"lexicon of {entries(len(lexicon))}")
    return True
