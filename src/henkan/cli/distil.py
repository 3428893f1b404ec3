"""`henkan distil`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from henkan.cli.data_arguments import task_or_file
from henkan.cli.options import PATH, check_other_folder, pop_engine
from henkan.cli.recipes import recipe_tables
from henkan.cli.task_names import unambiguous
from henkan.cli.training_options import training_options
from henkan.cli.training_run import RunArguments, start_or_resume


@click.command(epilog=recipe_tables())
@click.argument("teacher", metavar="MODEL", type=PATH)
@click.option(
    "--data",
    required=True,
    metavar="TASK_OR_FILE",
    callback=unambiguous,
    help="The pairs that MODEL was trained on.",
)
@click.option("--out", type=PATH, metavar="DIR", required=True, help="Folder for the new model.")
@training_options
def distil(
    teacher: Path, data: str, out: Path, force: bool, checkpoint_every: float, quiet: bool, **options: Any
) -> None:
    """Train a model to predict as MODEL does, which is usually an ensemble (distillation).

    \b
    henkan train names.tsv --ensemble 5 --out models/ensemble
    henkan distil models/ensemble --data names.tsv --out models/names

    The new model is trained on the pairs and on unlabelled sources whose targets MODEL predicts. It is as small and as
    fast as a single model, and often closer to the accuracy of MODEL than a model that is trained on the pairs alone;
    compare both with `henkan evaluate`. Without --unlabelled, the sources are generated: random strings that resemble
    the sources of the pairs.

    A lexicon of MODEL is not used or kept; --keep-lexicon stores the pairs.

    Strings are split into symbols as in MODEL, unless other options are given. Resume an interrupted run with
    `henkan train --resume DIR`.
    """
    task_or_file(data)
    check_other_folder(out, teacher)
    arguments = RunArguments(data, out, pop_engine(options), checkpoint_every, quiet)
    start_or_resume(arguments, {**options, "teacher": teacher}).execute(force=force)
