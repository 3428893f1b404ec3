"""Settings and data of a training run: from the command line or, to resume a run, from its checkpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from henkan.cli.options import ENGINE_SETTINGS, SYMBOL_SETTINGS, check_features, open_rejects
from henkan.config import EngineConfig, ModelConfig, TrainingConfig
from henkan.engine.base import Engines
from henkan.errors import CheckpointError
from henkan.text.data_source import DataSource
from henkan.text.reading import Rejects
from henkan.text.tasks import TASKS
from henkan.training.choice import Wanted
from henkan.training.fitted_model import FittedModel, load_model
from henkan.training.job import Variant
from henkan.training.start import start_variants
from henkan.training.trainer import versions

OPTIONAL = ("unlabelled", "teacher", "final variants", "keep_lexicon", "log_to")
"""Options that runs of earlier versions do not have. These also lack `format` and `encoding`."""

LAYOUT = ("format", "encoding", "delimiter", "strip", "columns", "rejects")


@dataclass(frozen=True)
class RunOptions:
    """Settings and data of a training run.

    Attributes:
        variants: settings of the models; preliminary if `wanted` is given.
        wanted: the given settings, if others are chosen by the pairs.
        options: paths and layout of the pair files, the engine settings, and the command line, as JSON values. They are
            saved in the checkpoint, so that the run can be resumed.
        start: the model to start from, or None.
        teacher: the model that predicts the targets of unlabelled sources, or None.
        teachers: settings of the ensemble that does so, if it is trained in this run.
        data: origin of the pairs, known if the run is resumed.
        rejects: list of skipped lines; None: an invalid line is an error.
    """

    variants: Sequence[Variant]
    options: dict[str, Any]
    wanted: Wanted | None = None
    start: FittedModel | None = None
    teacher: FittedModel | None = None
    teachers: Sequence[Variant] | None = None
    data: DataSource | None = None
    rejects: Rejects | None = None

    @property
    def model(self) -> ModelConfig:
        """Settings of the first model."""
        return self.variants[0].model

    @property
    def training(self) -> TrainingConfig:
        """Settings of the training run of the first model."""
        return self.variants[0].training


def options_given() -> set[str]:
    """Return the names of the parameters that are given on the command line."""
    context = click.get_current_context()
    return {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}


def check_resume_options(given: set[str]) -> None:
    """Check that no option is given that cannot be combined with `--resume`.

    Raises:
        UsageError: if one is.
    """
    for name, option in (("out", "--out"), ("force", "--force"), ("start", "--from"), ("recipe", "--recipe")):
        if name in given:
            raise click.UsageError(f"{option} cannot be combined with --resume, which keeps the settings of the run")


def run_from_options(data: str, options: dict[str, Any]) -> RunOptions:
    """Create a new run from the values of the command's options."""
    layout = {name: options.pop(name) for name in LAYOUT}
    start, recipe, ensemble = (options.pop(name, None) for name in ("start", "recipe", "ensemble"))
    dev, unlabelled, teacher = options.pop("dev"), options.pop("unlabelled"), options.pop("teacher", None)
    keep_lexicon, log_to = options.pop("keep_lexicon"), options.pop("log_to")
    settings = {name: value for name, value in options.items() if value is not None}
    if layout["columns"].features is not None:
        settings["features"] = True
    fitted, teaching = (None if each is None else load_model(each) for each in (start, teacher))
    wanted = None
    if teaching is not None:
        check_features(teaching, layout["columns"])
        model = asdict(teaching.saved.first.model)
        settings = {**{name: model[name] for name in SYMBOL_SETTINGS}, **settings}
    if fitted is not None:
        check_features(fitted, layout["columns"])
        variants = start_variants(fitted, settings, recipe, ensemble)
    else:
        if data not in TASKS and recipe != "book":  # also with the recipe `modern`, whose default is for tasks
            settings.setdefault("target_symbols", None)
        members = 1 if ensemble is None else ensemble
        wanted = Wanted(settings, recipe, TASKS[data].settings if data in TASKS else None, members)
        variants = [Variant(*wanted.configs(wanted.known_recipe or "words"), wanted.members)]
    rejects = layout["rejects"]
    saved = {"data": data, "dev": dev, "folder": os.getcwd(), **layout, "columns": asdict(layout["columns"])}
    for name, path in (("rejects", rejects and rejects.path), ("unlabelled", unlabelled), ("teacher", teacher)):
        saved[name] = None if path is None else os.path.abspath(path)
    saved["keep_lexicon"], saved["log_to"] = keep_lexicon, list(log_to)
    saved["final variants"] = None  # settings of the final models while their teachers are trained
    return RunOptions(variants, saved, wanted, fitted, teaching, rejects=rejects)


def run_from_plan(data: str | None, plan: Mapping[str, Any], given: set[str], engines: Engines) -> RunOptions:
    """Restore an interrupted run from the plan in its checkpoint; options that are given now replace the saved ones.

    Args:
        data: task or new path of the pair file, or None.
        plan: the plan of the interrupted run.
        given: names of the parameters that are given on the command line.
        engines: the engines that the run is resumed with.

    Raises:
        CheckpointError: if the plan is damaged.
    """
    parameters = click.get_current_context().params
    try:
        settings = {name: parameters[name] for name in given - set(ENGINE_SETTINGS)}
        options = {**dict.fromkeys(OPTIONAL), "format": "auto", "encoding": "utf-8", **plan["options"]}
        for name in (set(LAYOUT) - {"rejects"}) & given:
            options[name] = asdict(settings[name]) if name == "columns" else settings[name]
        if "rejects" in given:
            rejects = settings["rejects"]
            options["rejects"] = os.path.abspath(rejects.path)
        else:
            rejects = None if options["rejects"] is None else open_rejects(Path(options["rejects"]))
        if data is not None and "data" in given:
            options["data"] = data if data in TASKS else os.path.abspath(data)
        if "keep_lexicon" in given:  # it changes nothing in the run
            options["keep_lexicon"] = True
        if "log_to" in given:
            options["log_to"] = list(settings["log_to"])
        _check_kinds(settings, options)
        if "unlabelled" in given:
            options["unlabelled"] = os.path.abspath(settings["unlabelled"])
        if "dev" in given:
            options["dev"] = settings["dev"] if settings["dev"] == "none" else os.path.abspath(settings["dev"])
        for name, now in versions(engines).items():
            then = plan["versions"][name]
            if now != then and engines.group.rank == 0:
                click.echo(
                    f"warning: this run was started with {name} {then} and resumes with {now}; the weights may differ "
                    "in the last bits from those of an uninterrupted run",
                    err=True,
                )
        others = [Variant.from_dict(each) for each in plan["other variants"]]
        final, wanted = options["final variants"], settings.get("ensemble")
        members = plan["ensemble"] if wanted is None or final is not None else wanted
        members -= sum(each.members for each in others)
        variants, teachers = [Variant.from_dict({**plan, "members": members}), *others], None
        if final is not None:
            variants, teachers = [Variant.from_dict(each) for each in final], _changed(variants, settings)
            count = sum(each.members for each in variants)
            if wanted not in (None, count):
                raise CheckpointError(
                    f"ensemble is {wanted}, but was {count} in the interrupted run", "same_setting_or_restart"
                )
        return RunOptions(
            _changed(variants, settings),
            options,
            teachers=teachers,
            data=DataSource(**plan["data"]),
            rejects=rejects,
        )
    except (KeyError, TypeError, AttributeError):
        raise CheckpointError("the checkpoint's plan.json is damaged", "restart") from None


def _check_kinds(settings: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Check that the interrupted run has files where files are given now, and the reverse; files may have moved.

    Raises:
        CheckpointError: if not.
    """
    kind = {None: "held out", "none": "none"}  # otherwise a file
    if "dev" in settings and kind.get(settings["dev"]) != kind.get(options["dev"]):
        raise CheckpointError("the interrupted run has another validation set", "same_setting_or_restart")
    if "unlabelled" in settings and options["unlabelled"] is None:
        raise CheckpointError("the interrupted run has no file of unlabelled sources", "same_setting_or_restart")


def _changed(variants: Sequence[Variant], settings: Mapping[str, Any]) -> list[Variant]:
    """Put given settings into the first model, so that they are compared with those of the interrupted run."""
    values = variants[0].to_dict()
    for part in (values["model"], values["training"]):
        part.update({name: settings[name] for name in set(part) & set(settings)})
    return [Variant.from_dict(values), *variants[1:]]


def engine_from_plan(engine: EngineConfig, plan: Mapping[str, Any], given: set[str], folder: Path) -> EngineConfig:
    """Restore the engine settings of an interrupted run; options that are given now replace the saved ones.

    Args:
        engine: engine settings of this command.
        plan: the plan of the interrupted run.
        given: names of the parameters that are given on the command line.
        folder: the model folder.

    Raises:
        CheckpointError: if the run was started from Python, or the plan is damaged.
    """
    if plan.get("options") == {}:
        raise CheckpointError(
            f"{folder}: this run was started from Python and its pairs are not stored; resume it there with "
            f"fit(..., checkpoint={str(folder)!r})"
        )
    try:
        saved = dict(plan["options"].get("engine", {}))
        current = {name: value for name, value in asdict(engine).items() if name in given}
        if "engine" in current:  # the saved device and precision may not exist for another engine
            saved = {}
        return EngineConfig(**{**saved, **current})
    except (KeyError, TypeError, AttributeError):
        raise CheckpointError("the checkpoint's plan.json is damaged", "restart") from None
