"""Options shared by several commands."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import Field, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

import click

from henkan.cli.data_arguments import parse_columns
from henkan.cli.remedies import sentence
from henkan.cli.text_arguments import TEXT
from henkan.config import EngineConfig, ModelConfig, TrainingConfig, to_dict
from henkan.engine.base import Engines
from henkan.engine.choice import choose_engines, process_rank
from henkan.errors import DataError, SettingsError
from henkan.recipes import ONLY_ENCODER_DECODER, RECIPE_HELP, make_configs
from henkan.text.counts import counted
from henkan.text.layout import FORMATS, TAB, Layout, LayoutOptions, is_csv_delimiter
from henkan.text.pairs import TAGGED_COLUMNS, TWO_COLUMNS, Columns, Pairs
from henkan.text.rejects import Rejects
from henkan.training.fitted_model import FittedModel

if TYPE_CHECKING:
    from henkan.text.reading import PairFile, Progress

Command = TypeVar("Command", bound=Callable[..., Any])

WITHOUT_COLUMNS = frozenset(("--format", "--delimiter", "--columns", "--strip"))
UNUSABLE_OPTIONS = {
    "csv": frozenset(("--format",)),
    "jsonl": WITHOUT_COLUMNS,
    "lexicon": WITHOUT_COLUMNS,
    "task": WITHOUT_COLUMNS,
}
"""Format of a file, or "task" -> options that do not change how its pairs are read."""

PATH = click.Path(path_type=Path)


def layout_options(command: Command) -> Command:
    """Add the options for the layout of a pair file: the attributes of `Layout`, and `rejects`."""
    form = click.option(
        "--format",
        type=click.Choice(FORMATS),
        default="auto",
        show_default=True,
        help="Format of the file. pairs: one pair per line, source TAB target. lexicon: a word, whitespace, phones; "
        "comments (# and ;;;) and columns of probabilities are ignored, and a variant such as WORD(2) is an entry of "
        "WORD. csv: comma-separated values with quotes. jsonl: JSON objects with the keys source and target. auto: by "
        "the name and the first lines of the file; what is detected is reported.",
    )
    encoding = click.option(
        "--encoding",
        default="utf-8",
        show_default=True,
        metavar="NAME",
        help="Encoding of the file, such as latin-1, shift_jis or utf-16.",
    )
    delimiter = click.option(
        "--delimiter",
        type=TEXT,
        metavar="TEXT",
        callback=lambda _context, _option, value: None if value is None else value.replace("\\t", "\t"),
        help="Separator between the columns of a line.  [default: a tab; in CSV a comma, a semicolon or a tab]",
    )
    strip = click.option("--strip", is_flag=True, help="Remove leading and trailing whitespace from every column.")
    columns = click.option(
        "--columns",
        default="source,target",
        show_default=True,
        metavar="NAMES",
        callback=lambda _context, _option, value: parse_columns(value),
        help="Names of all columns, in order: source, target, optionally features (V;PST is two tags, V and PST; each "
        "tag is one source symbol), and any other name for a column to ignore, as in source,-,target. Or the column "
        "numbers of source, target and optionally features, counted from 1, as in 3,1.",
    )
    rejects = click.option(
        "--rejects",
        metavar="FILE",
        callback=_rejects,
        help="Skip invalid lines, and write them to FILE with the reasons. A line is invalid if it has another number "
        "of columns (in a .jsonl file: is not an object of strings), is not in the encoding, contains a NUL "
        "character, or is longer than 1 MiB; in a lexicon, if a word has no phones.  "
        "[default: an invalid line is an error]",
    )
    return form(encoding(delimiter(columns(strip(rejects(command))))))


def _rejects(_context: click.Context, _option: click.Parameter, value: str | None) -> Rejects | None:
    return None if value is None else open_rejects(Path(value))


def open_rejects(path: Path) -> Rejects:
    """Create the list of skipped lines; when the command ends, it is closed and their number is printed."""
    is_first_process = process_rank() == 0
    rejects = Rejects(path if is_first_process else Path(os.devnull))

    def close() -> None:
        rejects.close()
        if rejects.skipped and rejects.complete and is_first_process:
            click.echo(
                f"{rejects.skipped:,} of {counted(rejects.lines, 'line')} skipped; {path} lists them with the reasons",
                err=True,
            )

    click.get_current_context().call_on_close(close)
    return rejects


def read_file(
    path: Path,
    *,
    rejects: Rejects | None = None,
    progress: Progress | None = None,
    quiet: bool = False,
    **layout: Unpack[LayoutOptions],
) -> PairFile:
    """Read a pair file and, unless `quiet`, print what was detected or ignored. The layout is that of the options."""
    from henkan.text.reading import read_pair_file  # `predict` does not wait for the import

    file = read_pair_file(path, Layout(**layout), rejects, progress)
    for note in () if quiet else file.notes:
        click.echo(f"note: {sentence(note, usable_options())}", err=True)
    return file


def read_second_file(path: Path, *, features: bool) -> PairFile:
    """Read a pair file that the options for the layout do not describe, so messages about it do not advise them.

    Args:
        path: the file, whose columns are source, target and, with `features`, features.
        features: whether the model reads feature tags.

    Raises:
        DataError: if the file cannot be read.
    """
    try:
        file = read_file(path, quiet=True, columns=TAGGED_COLUMNS if features else TWO_COLUMNS)
    except DataError as error:
        raise DataError(sentence(error, ())) from None
    for note in file.notes:
        click.echo(f"note: {sentence(note, ())}", err=True)
    return file


def usable_options(form: str | None = None) -> set[str]:
    """Return the options of the current command that advice about pairs may name.

    Args:
        form: format of the file with the pairs, or "task"; None: leave the options for the layout in.
    """
    context = click.get_current_context()
    if context.params.get("resume") is not None:  # a resumed run keeps its pairs and settings
        return set()
    options = {option for each in context.command.params for option in each.opts}
    if context.params.get("start") is not None:  # a new model keeps the settings of the model that it starts from
        options -= {option_name(each).partition("/")[0] for each in SETTINGS if each.metadata["group"] == "symbols"}
    if not is_csv_delimiter(context.params.get("delimiter") or TAB):  # of several characters, as only pairs have
        options.discard("--format")
    return options - UNUSABLE_OPTIONS.get(form or "", frozenset())


def choose_settings(model: ModelConfig, pairs: Pairs, *, lexicon: bool, quiet: bool = False) -> ModelConfig:
    """Fill in the settings that the data determine and, unless `quiet`, print the target symbols that were chosen."""
    from henkan.text.detected_settings import with_detected_settings

    chosen = with_detected_settings(model, pairs, lexicon=lexicon)
    if not quiet:
        show_target_symbols(model, chosen)
    return chosen


def show_target_symbols(given: ModelConfig, chosen: ModelConfig) -> None:
    """Print the target symbols, if they were chosen by the data and are not characters."""
    if given.target_symbols is None and chosen.target_symbols == " ":
        click.echo(
            "note: targets are split into symbols at spaces; choose --target-symbols characters if they are plain text",
            err=True,
        )


METAVARS = {"architecture": "NAME", "source_symbols": "UNIT", "target_symbols": "UNIT", "tag_separator": "TEXT"}
SETTINGS: tuple[Field[Any], ...] = (*fields(ModelConfig), *fields(TrainingConfig), *fields(EngineConfig))
SYMBOL_SETTINGS = tuple(each.name for each in SETTINGS if each.metadata["group"] == "symbols")
ENGINE_SETTINGS = tuple(each.name for each in fields(EngineConfig))


def model_options(command: Command) -> Command:
    """Add options for `ModelConfig` and `TrainingConfig`; an option that is not given is None."""
    return _options("model", command)


def symbol_options(command: Command) -> Command:
    """Add options for how strings are split into symbols; an option that is not given is None."""
    return _options("symbols", command)


def engine_options(command: Command) -> Command:
    """Add options for `EngineConfig`."""
    return _options("engine", command)


def _options(group: str, command: Command) -> Command:
    for each in reversed(SETTINGS):
        if each.metadata["group"] == group:
            command = _option(each)(command)
    return command


def option_name(setting: Field[Any]) -> str:
    """Return the name of a setting's option as `--help` shows it; empty if it has none."""
    group, name = setting.metadata["group"], setting.name.replace("_", "-")
    switch = setting.metadata["allowed"].kind is bool and group != "engine"
    return "" if not group else f"--{name}/--no-{name}" if switch else f"--{name}"


def _option(setting: Field[Any]) -> Callable[[Command], Command]:
    """Create the click option of a setting. An engine option has a default; any other is None if it is not given."""
    allowed, is_engine = setting.metadata["allowed"], setting.metadata["group"] == "engine"
    arguments: dict[str, Any] = {"default": setting.default if is_engine else None}
    if allowed.kind is bool:
        arguments |= {"is_flag": True} if is_engine else {}
    else:
        kind = TEXT if allowed.kind is str else allowed.kind
        arguments |= {"type": click.Choice(allowed.choices) if allowed.choices else kind}
        arguments |= {"metavar": METAVARS.get(setting.name, "N" if allowed.kind is int else None)}
    selects = " Selects the encoder-decoder." if setting.name in ONLY_ENCODER_DECODER else ""
    text = f"{setting.metadata['help']}{selects}  {_default(setting)}"
    return click.option(option_name(setting), help=text, **arguments)


def _default(setting: Field[Any]) -> str:
    """Return the text for a setting's default: its value, or `by recipe` if the recipes differ."""
    if setting.metadata["group"] != "engine" and len(set(recipe_defaults(setting).values())) > 1:
        return "[default: by recipe]"
    value, name = setting.default, setting.name.replace("_", "-")
    if isinstance(value, bool) and setting.metadata["group"] != "engine":
        return f"[default: {name if value else 'no-' + name}]"
    return f"[default: {value_text(setting, value)}]"


def recipe_defaults(setting: Field[Any]) -> dict[str, Any]:
    """Return recipe -> default of a model or training setting."""
    return {recipe: values[setting.name] for recipe, values in _recipe_values().items()}


@cache
def _recipe_values() -> dict[str, dict[str, Any]]:
    configs = {recipe: make_configs({}, recipe=recipe) for recipe in RECIPE_HELP}
    return {recipe: {**to_dict(model), **to_dict(training)} for recipe, (model, training) in configs.items()}


def value_text(setting: Field[Any], value: Any) -> str:
    """Format a setting's value for a table."""
    if value is None:
        return str(setting.metadata["none"])
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def pop_engine(options: dict[str, Any]) -> EngineConfig:
    """Remove the engine options from a command's options, and return them."""
    return EngineConfig(**{name: options.pop(name) for name in ENGINE_SETTINGS})


def pop_engines(options: dict[str, Any]) -> Engines:
    """Remove the engine options from a command's options, and choose this process's engines by them."""
    return choose_engines(pop_engine(options))


def check_other_folder(out: Path, *models: Path) -> None:
    """Check that an output folder is none of the models that a command reads.

    Raises:
        SettingsError: if it is one.
    """
    if os.path.realpath(out) in map(os.path.realpath, models):
        raise SettingsError(f"{out}: this model is read by the command, so it cannot be replaced; choose another --out")


def check_features(fitted: FittedModel, columns: Columns) -> None:
    """Check that a file has a features column if and only if the model was trained with one.

    Raises:
        DataError: if not.
    """
    trained_with_features = fitted.saved.first.model.features
    if trained_with_features and columns.features is None:
        raise DataError("this model reads feature tags; name their column, as in --columns source,target,features")
    if columns.features is not None and not trained_with_features:
        raise DataError(
            "this model was trained without feature tags; ignore their column, as in --columns source,target,-"
        )
