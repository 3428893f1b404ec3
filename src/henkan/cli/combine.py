"""`henkan combine`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from henkan.cli.display import show_exact_match
from henkan.cli.options import (
    PATH,
    check_features,
    check_other_folder,
    engine_options,
    layout_options,
    pop_engines,
    read_file,
)
from henkan.storage.lexicon_file import entries
from henkan.storage.save_model import check_destination
from henkan.training.combine import check_models
from henkan.training.combine import combine as combine_models
from henkan.training.fitted_model import load_model


@click.command()
@click.argument("models", metavar="MODEL...", type=PATH, nargs=-1, required=True)
@click.option("--out", type=PATH, metavar="DIR", required=True, help="Folder for the ensemble.")
@click.option(
    "--dev",
    type=PATH,
    metavar="FILE",
    help="Validation set: calibrate the confidence of the ensemble on it, and print its exact match.  "
    "[default: no calibration]",
)
@click.option(
    "--fit-weights",
    is_flag=True,
    help="Fit the weights of different models to the validation set. Useful if they differ in accuracy; with models of "
    "similar accuracy, equal weights are as good.",
)
@click.option("--force", is_flag=True, help="Replace an existing model.")
@layout_options
@engine_options
def combine(models: Sequence[Path], out: Path, dev: Path | None, fit_weights: bool, force: bool, **layout: Any) -> None:
    """Combine two or more saved MODELs into an ensemble.

    \b
    henkan train names.tsv --seed 0 --out models/a      on one machine
    henkan train names.tsv --seed 1 --out models/b      on another
    henkan combine models/a models/b --dev names.dev.tsv --out models/names

    Models with the same settings and vocabularies, for example trained on the same pairs with different seeds, average
    their log-probabilities at every step. If models differ, as in architecture or direction, each proposes outputs, and
    the mean of the log-probabilities of all decides. If a MODEL is an ensemble, all its members are included. To train
    an ensemble on one machine, use `henkan train --ensemble N`.

    If MODELs have lexicons, the ensemble has the entries of all: for a source in several lexicons, the targets of the
    first MODEL come first.
    """
    engines = pop_engines(layout)
    check_models([os.path.realpath(model) for model in models])
    check_other_folder(out, *models)
    check_destination(out, force=force)
    fitted = [load_model(model, engines) for model in models]
    validation = None
    if dev is not None:
        check_features(fitted[0], layout["columns"])
        validation = read_file(dev, **layout).pairs
    ensemble = combine_models(fitted, validation, engines, weighted=fit_weights)
    ensemble.save(out, force=force)
    if ensemble.held_out is not None:
        show_exact_match(ensemble.held_out)
    if fit_weights:
        click.echo("weights, in the order of the models:")
        for each in ensemble.saved.variants:
            click.echo(f"  {each.weight * len(each.members):.2f}  {len(each.members)} x {each.model.kind}")
    members = len(ensemble.saved.members)
    lexicon = "" if ensemble.saved.lexicon is None else f"; its lexicon has {entries(len(ensemble.saved.lexicon))}"
    click.echo(f"ensemble of {members} models saved in {out}{lexicon}")
