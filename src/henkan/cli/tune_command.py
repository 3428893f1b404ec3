"""The `henkan train` command that trains the model that `henkan tune` has found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

import click

from henkan.cli.options import option_name
from henkan.config import ModelConfig, TrainingConfig
from henkan.text.pairs import Columns
from henkan.text.rejects import Rejects

NOT_OF_TRAIN = {"minutes", "trials", "jobs", "resume", "as_json", "out", "force", "quiet", "data", "seed"}


def arguments_given(given: set[str]) -> list[str]:
    """Return the options that are given to the current command and that `henkan train` has too, except the seed.

    Args:
        given: names of the given parameters.
    """
    context, words = click.get_current_context(), list[str]()
    for parameter in context.command.params:
        if parameter.name in given - NOT_OF_TRAIN:
            words += _words(parameter, context.params[parameter.name])
    return words


def _words(parameter: click.Parameter, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [(parameter.opts if value else parameter.secondary_opts)[0]]
    return [parameter.opts[0], _text(value)]


def _text(value: Any) -> str:
    if isinstance(value, Columns):
        return columns_text(value)
    return str(value.path if isinstance(value, Rejects) else value)


def columns_text(columns: Columns) -> str:
    """Return the value of `--columns` that describes some columns."""
    positions = {columns.source: "source", columns.target: "target", columns.features: "features"}
    if columns.count is None:
        return ",".join(str(position + 1) for position in positions if position is not None)
    return ",".join(positions.get(position, "-") for position in range(columns.count))


def setting_words(settings: Mapping[str, Any]) -> list[str]:
    """Return options for settings."""
    from dataclasses import fields

    names = {each.name: option_name(each) for kind in (ModelConfig, TrainingConfig) for each in fields(kind)}
    words = []
    for name, value in settings.items():
        option = "--recipe" if name == "recipe" else names[name]
        if isinstance(value, bool):
            words.append(option.split("/")[0 if value else 1])
        else:
            words += [option, f"{value:g}" if isinstance(value, float) else str(value)]
    return words


def train_command(data: str, given: Sequence[str], settings: Mapping[str, Any], seed: int, folder: Path) -> str:
    """Return the command.

    Args:
        data: the task or file.
        given: options that were given.
        settings: the settings that were found.
        seed: random seed.
        folder: the folder of the model; the command names another one.
    """
    out = folder.with_name(f"{folder.name}-again")
    words = ["henkan", "train", data, *given, *setting_words(settings), "--seed", str(seed), "--out", str(out)]
    return " ".join(map(quote, words))
