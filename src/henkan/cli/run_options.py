"""A training as it is asked for: on this command line, or on the one that it was begun with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from henkan.cli.options import (
    ENGINE_SETTINGS,
    check_features,
    listed_rejects,
)
from henkan.config import EngineConfig, ModelConfig, TrainingConfig, from_dict, make_configs
from henkan.engine.base import Engines
from henkan.errors import CheckpointError, ModelFolderError, SettingsError
from henkan.text.data_source import DataSource
from henkan.text.reading import Rejects
from henkan.text.tasks import TASKS
from henkan.training.checkpoint import Checkpoints
from henkan.training.fitted_model import FittedModel, load_model
from henkan.training.trainer import versions

LAYOUT = ("delimiter", "strip", "columns", "rejects")


@dataclass(frozen=True)
class Run:
    """A training as it was asked for.

    Attributes:
        model, training: the settings.
        ensemble: how many models.
        options: what of the command line says which pairs are read, and how, and who does the arithmetic.
        start: the model to start from, or None.
        data: where the pairs came from, if that is known already.
        rejects: where lines that are no pairs are listed, or None.
    """

    model: ModelConfig
    training: TrainingConfig
    ensemble: int
    options: dict[str, Any]
    start: FittedModel | None = None
    data: DataSource | None = None
    rejects: Rejects | None = None


def options_given() -> set[str]:
    """The names of the options that stand on the command line."""
    context = click.get_current_context()
    return {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}


def refuse_beside_resume(given: set[str]) -> None:
    """Options that contradict `--resume` are a mistake.

    Raises:
        UsageError: if one of them is given.
    """
    for name, shown in (("out", "--out"), ("force", "--force"), ("start", "--from"), ("recipe", "--recipe")):
        if name in given:
            raise click.UsageError(f"{shown} does not go with --resume, which goes on as the training was begun")


def new_run(data: str, options: dict[str, Any]) -> Run:
    """What the command line asks for."""
    layout = {name: options.pop(name) for name in LAYOUT}
    start, recipe, ensemble = (options.pop(name) for name in ("start", "recipe", "ensemble"))
    dev = options.pop("dev")
    settings = {name: value for name, value in options.items() if value is not None}
    if layout["columns"].features is not None:
        settings["features"] = True
    fitted = None if start is None else load_model(start)
    if fitted is not None:
        check_features(fitted, layout["columns"])
        settings = _settings_of(fitted, settings, ensemble)
        ensemble = len(fitted.saved.members)
    defaults = TASKS[data].settings if data in TASKS else None
    model, training = make_configs(settings, recipe=recipe, defaults=defaults)
    where = {"data": data, "dev": dev, "folder": os.getcwd()}
    reading = {**layout, "columns": asdict(layout["columns"])}
    rejects = reading["rejects"]
    reading["rejects"] = None if rejects is None else os.path.abspath(rejects.path)
    return Run(model, training, ensemble or 1, {**where, **reading}, fitted, rejects=rejects)


def _settings_of(fitted: FittedModel, settings: dict[str, Any], ensemble: int | None) -> dict[str, Any]:
    """The settings given, with those of the model that is started from."""
    own = asdict(fitted.saved.model)
    for name, value in settings.items():
        if own.get(name, value) != value:
            raise SettingsError(
                f"the model to start from has {name.replace('_', ' ')} {own[name]!r}, which cannot become {value!r}; "
                "leave it out"
            )
    members = len(fitted.saved.members)
    if ensemble not in (None, members):
        raise SettingsError(f"the model to start from has {members} members, not {ensemble}; leave --ensemble out")
    if not fitted.saved.source_vocabulary.unknown:
        if settings.get("unknown_rate"):
            raise SettingsError(
                "the model to start from has no unknown symbol, and cannot be shown one; leave --unknown-rate out"
            )
        settings = {"unknown_rate": 0.0, **settings}
    return {**settings, **own}


def old_run(data: str | None, plan: Mapping[str, Any], given: set[str], engines: Engines) -> Run:
    """What was asked for when the training was begun, and what now differs from that."""
    current = click.get_current_context().params
    try:
        settings = {name: current[name] for name in given - set(ENGINE_SETTINGS)}
        model, training = ({**plan[part]} for part in ("model", "training"))
        for part in (model, training):
            part.update({name: settings[name] for name in set(part) & set(settings)})
        options = dict(plan["options"])
        for name in {"delimiter", "strip", "columns"} & given:
            options[name] = asdict(settings[name]) if name == "columns" else settings[name]
        if "rejects" in given:
            rejects = settings["rejects"]
            options["rejects"] = os.path.abspath(rejects.path)
        else:
            rejects = None if options["rejects"] is None else listed_rejects(Path(options["rejects"]))
        if data is not None and "data" in given:
            options["data"] = data if data in TASKS else os.path.abspath(data)
        if "dev" in given:
            options["dev"] = settings["dev"] if settings["dev"] == "none" else os.path.abspath(settings["dev"])
        for name, now in versions(engines).items():
            then = plan["versions"][name]
            if now != then and engines.group.rank == 0:
                click.echo(
                    f"warning: this training was begun with the {name} {then}, and goes on with {now}: its result "
                    "may differ in the last bits from that of one never stopped",
                    err=True,
                )
        return Run(
            from_dict(ModelConfig, model),
            from_dict(TrainingConfig, training),
            settings.get("ensemble", plan["ensemble"]),
            options,
            data=DataSource(**plan["data"]),
            rejects=rejects,
        )
    except (KeyError, TypeError, AttributeError):
        raise CheckpointError("the checkpoint's plan.json is damaged", "restart") from None


def old_engine(engine: EngineConfig, plan: Mapping[str, Any], given: set[str], folder: Path) -> EngineConfig:
    """The engine that a training was begun with, but for what is asked for now."""
    if plan.get("options") == {}:
        raise CheckpointError(
            f"{folder}: this training was begun from Python, where its pairs are; go on with it there, by calling "
            f"fit(..., checkpoint={str(folder)!r}) again"
        )
    try:
        begun = dict(plan["options"].get("engine", {}))
        now = {name: value for name, value in asdict(engine).items() if name in given}
        if "engine" in now:  # another engine has other devices
            begun = {}
        return EngineConfig(**{**begun, **now})
    except (KeyError, TypeError, AttributeError):
        raise CheckpointError("the checkpoint's plan.json is damaged", "restart") from None


def kept_start(checkpoints: Checkpoints) -> FittedModel:
    """The model that a training which goes on had started from."""
    try:
        return load_model(checkpoints.folder.start)
    except ModelFolderError as error:
        raise CheckpointError(
            f"the model that this training run started from cannot be read any more ({error.message.problem})",
            "restart",
        ) from None
