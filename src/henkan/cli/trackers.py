"""The trackers that `--log-to` names."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from henkan.trackers.tracker import Tracker

TRACKERS = {"tensorboard": "TensorBoard", "mlflow": "MLflow", "wandb": "WandB"}
"""Name for `--log-to` -> class in `henkan.trackers`."""

FEW_RETRIES = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3"}
"""Environment variables of MLflow, unless they are set. Its default waits for minutes if the server does not answer."""


def create_trackers(options: Mapping[str, Any], folder: Path, *, quiet: bool) -> Sequence[Tracker[Any]]:
    """Create the trackers of a training run. Its name is that of the model folder.

    Args:
        options: options of the run; see `henkan.cli.run_options.RunOptions`.
        folder: the model folder.
        quiet: whether a tracker may print only warnings.

    Raises:
        SettingsError: if the package of a tracker is not installed.
    """
    from henkan import trackers

    created: list[Tracker[Any]] = []
    for name in dict.fromkeys(options["log_to"] or ()):
        arguments: dict[str, Any] = {}
        if name == "tensorboard":  # beside the models, also if the run is resumed from another folder
            arguments["folder"] = Path(options["folder"]) / "runs"
        elif name == "mlflow":
            for variable, value in FEW_RETRIES.items():
                os.environ.setdefault(variable, value)
            if quiet:
                logging.getLogger("mlflow").setLevel(logging.WARNING)
        elif quiet:
            arguments["init"] = {"settings": {"silent": True}}
        created.append(getattr(trackers, TRACKERS[name])(name=folder.resolve().name, warn=_warn, **arguments))
    return created


def _warn(text: str) -> None:
    click.echo(f"warning: {text}", err=True)
