"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import Field, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import click

from henkan.cli.data_arguments import parse_columns
from henkan.config import RECIPE_HELP, EngineConfig, ModelConfig, TrainingConfig, make_configs, to_dict
from henkan.engine.base import Engines
from henkan.engine.choice import choose_engines, process_rank
from henkan.errors import DataError
from henkan.text.pairs import Columns
from henkan.text.reading import Rejects
from henkan.training.fitted_model import FittedModel

Command = TypeVar("Command", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)


def layout_options(command: Command) -> Command:
    """Layout of a file of pairs: `delimiter`, `strip`, `columns` and `rejects`."""
    delimiter = click.option(
        "--delimiter",
        default="\t",
        metavar="TEXT",
        callback=lambda _context, _option, value: value.replace("\\t", "\t"),
        help="Separator of source and target on each line.  [default: a tab]",
    )
    strip = click.option("--strip", is_flag=True, help="Strip whitespace from both ends of source and target.")
    columns = click.option(
        "--columns",
        default="source,target",
        show_default=True,
        metavar="NAMES",
        callback=lambda _context, _option, value: parse_columns(value),
        help="Names of the columns, in order: source, target, features (tags such as V;PST, each read as one symbol "
        "of the source), and any other name for a column to ignore. Or the column numbers of source, target and "
        "features: 3,1.",
    )
    rejects = click.option(
        "--rejects",
        metavar="FILE",
        callback=_rejects,
        help="Skip invalid lines, and list them in FILE with the reasons.  [default: an invalid line is an error]",
    )
    return delimiter(columns(strip(rejects(command))))


def _rejects(_context: click.Context, _option: click.Parameter, value: str | None) -> Rejects | None:
    return None if value is None else listed_rejects(Path(value))


def listed_rejects(path: Path) -> Rejects:
    """A list of rejects that is ended, and told of, when the command is."""
    leads = process_rank() == 0
    rejects = Rejects(path if leads else Path(os.devnull))

    def end() -> None:
        rejects.close()
        if rejects.left_out and rejects.complete and leads:
            click.echo(
                f"{rejects.left_out:,} of {rejects.lines:,} lines were left out; {path} has them, with the reasons",
                err=True,
            )

    click.get_current_context().call_on_close(end)
    return rejects


METAVARS = {"architecture": "NAME", "source_symbols": "UNIT", "target_symbols": "UNIT"}
SETTINGS: tuple[Field[Any], ...] = (*fields(ModelConfig), *fields(TrainingConfig), *fields(EngineConfig))
ENGINE_SETTINGS = tuple(each.name for each in fields(EngineConfig))


def model_options(command: Command) -> Command:
    """Settings of `ModelConfig` and `TrainingConfig`, None where not given."""
    return _options("model", command)


def symbol_options(command: Command) -> Command:
    """Settings of `ModelConfig` that say how strings are split into symbols, None where not given."""
    return _options("symbols", command)


def engine_options(command: Command) -> Command:
    """Settings of `EngineConfig`."""
    return _options("engine", command)


def _options(group: str, command: Command) -> Command:
    for each in reversed(SETTINGS):
        if each.metadata["group"] == group:
            command = _option(each)(command)
    return command


def option_name(setting: Field[Any]) -> str:
    """A setting's option as the help shows it; empty if it has none."""
    group, name = setting.metadata["group"], setting.name.replace("_", "-")
    switch = setting.metadata["allowed"].kind is bool and group != "engine"
    return "" if not group else f"--{name}/--no-{name}" if switch else f"--{name}"


def _option(setting: Field[Any]) -> Callable[[Command], Command]:
    """The click option of a setting. Those of the engine have defaults; others are None where not given."""
    allowed, fixed = setting.metadata["allowed"], setting.metadata["group"] == "engine"
    more: dict[str, Any] = {"default": setting.default if fixed else None}
    if allowed.kind is bool:
        more |= {"is_flag": True} if fixed else {}
    else:
        more |= {"type": click.Choice(allowed.choices) if allowed.choices else allowed.kind}
        more |= {"metavar": METAVARS.get(setting.name)}
    return click.option(option_name(setting), help=f"{setting.metadata['help']}  {_default(setting)}", **more)


def _default(setting: Field[Any]) -> str:
    """A setting's default for the help, where it is the same in all recipes."""
    if setting.metadata["group"] != "engine" and len(set(recipe_defaults(setting).values())) > 1:
        return "[default: by recipe]"
    value, name = setting.default, setting.name.replace("_", "-")
    if isinstance(value, bool) and setting.metadata["group"] != "engine":
        return f"[default: {name if value else 'no-' + name}]"
    return f"[default: {value_text(setting, value)}]"


def recipe_defaults(setting: Field[Any]) -> dict[str, Any]:
    """Recipe -> its value of a setting of the model or its training."""
    return {recipe: values[setting.name] for recipe, values in _recipe_values().items()}


@cache
def _recipe_values() -> dict[str, dict[str, Any]]:
    configs = {recipe: make_configs({}, recipe=recipe) for recipe in RECIPE_HELP}
    return {recipe: {**to_dict(model), **to_dict(training)} for recipe, (model, training) in configs.items()}


def value_text(setting: Field[Any], value: Any) -> str:
    """A setting's value in words, for a table."""
    if value is None:
        return str(setting.metadata["none"])
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def pop_engine(options: dict[str, Any]) -> EngineConfig:
    """Take the settings of the engine out of a command's options."""
    return EngineConfig(**{name: options.pop(name) for name in ENGINE_SETTINGS})


def pop_engines(options: dict[str, Any]) -> Engines:
    """Take the settings of the engine out of a command's options, and choose the engines of this process."""
    return choose_engines(pop_engine(options))


def check_features(fitted: FittedModel, columns: Columns) -> None:
    """Whether a file's columns are those that a model was trained on.

    Raises:
        DataError: if one has features and the other has not.
    """
    has = fitted.saved.model.features
    if has and columns.features is None:
        raise DataError(
            "this model reads feature tags; say which column has them, as in --columns source,target,features"
        )
    if columns.features is not None and not has:
        raise DataError("this model was trained without feature tags; leave their column out of --columns")
