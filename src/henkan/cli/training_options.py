"""Options of the commands that train."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from henkan.cli.options import PATH, engine_options, layout_options, model_options, symbol_options
from henkan.cli.trackers import TRACKERS
from henkan.recipes import RECIPE_HELP
from henkan.training.checkpoint import SECONDS_BETWEEN

Command = TypeVar("Command", bound=Callable[..., Any])


recipe_option = click.option(
    "--recipe",
    type=click.Choice(list(RECIPE_HELP)),
    help="Defaults for the settings that are not given; see below.  [default: chosen from the pairs for a file, modern "
    "for a task]",
)
ensemble_option = click.option(
    "--ensemble",
    type=int,
    metavar="N",
    help="Number of ensemble members, which are trained with consecutive seeds.  [default: 1]",
)


def training_options(command: Command) -> Command:
    """Add the options that all commands that train have."""
    own = (
        click.option(
            "--dev",
            metavar="FILE|none",
            help="Validation set, evaluated after every epoch; `none`: train on all pairs, without validation.  "
            "[default: a random tenth of the pairs]",
        ),
        click.option(
            "--unlabelled",
            type=PATH,
            metavar="FILE",
            help="More sources without targets, one per line as for `henkan predict` (with feature tags after a tab). "
            "`henkan train` predicts their targets with the model of --from or, without it, with an ensemble of four "
            "models that is trained on the pairs first (about five times the training time); `henkan distil` with the "
            "model to distil. Sources that are also in the pairs, have unknown symbols, or are otherwise unlike the "
            "pairs are not used. Never give the sources of a test set.",
        ),
        click.option(
            "--keep-lexicon",
            is_flag=True,
            help="Store all pairs of the file, training and held-out, in the model as its lexicon: `henkan predict` "
            "and `henkan evaluate` look a text up there before the model predicts; see `henkan lexicon`. The pairs of "
            "--dev and predicted targets are not stored. Training and validation do not use the lexicon.",
        ),
        click.option("--force", is_flag=True, help="Replace an existing model or interrupted run."),
        click.option(
            "--checkpoint-every",
            type=float,
            default=SECONDS_BETWEEN,
            show_default=True,
            metavar="SECONDS",
            help="Time between checkpoints within an epoch. A checkpoint is also written after every epoch.",
        ),
        recipe_option,
        ensemble_option,
        model_options,
        symbol_options,
        layout_options,
        engine_options,
        click.option(
            "--quiet",
            is_flag=True,
            help="Do not show progress; print only the exact match: the share of predictions that equal a target.",
        ),
        click.option(
            "--log-to",
            type=click.Choice(list(TRACKERS)),
            multiple=True,
            help="Log settings, losses and exact match to TensorBoard (in the folder runs), or to MLflow or Weights & "
            "Biases as they are configured. Can be given several times. A resumed run continues its logs. Needs "
            "henkan[tensorboard], henkan[mlflow] or henkan[wandb].",
        ),
    )
    for option in reversed(own):
        command = option(command)
    return command
