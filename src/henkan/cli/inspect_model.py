"""What `henkan inspect` prints about a saved model."""

from __future__ import annotations

import json
from pathlib import Path

import click

from henkan.cli.run_options import options_given
from henkan.storage.model_folder import is_model
from henkan.storage.model_summary import ModelSummary
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
    summary = ModelSummary.of(load_model(folder).saved)
    click.echo(json.dumps({"model": str(folder), **summary.to_dict()}) if as_json else f"{folder}: {summary}")
    return True
