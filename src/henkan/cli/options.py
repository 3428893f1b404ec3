"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from henkan.cli.data_arguments import parse_columns
from henkan.config import AttentionKind, Device, EngineConfig, EngineName, Normalization, Precision, Schedule
from henkan.engine.base import Engines
from henkan.engine.choice import choose_engines, member_of_a_team
from henkan.errors import DataError
from henkan.text.pairs import Columns
from henkan.text.reading import Rejects
from henkan.training.fitted_model import FittedModel

Command = TypeVar("Command", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)


def layout_options(command: Command) -> Command:
    """How a file of pairs is laid out: `delimiter`, `strip`, `columns` and `rejects`."""
    delimiter = click.option(
        "--delimiter",
        default="\t",
        metavar="TEXT",
        callback=lambda _context, _option, value: value.replace("\\t", "\t"),
        help="What stands between source and target on each line.  [default: a tab]",
    )
    strip = click.option("--strip", is_flag=True, help="Take white space off both ends of source and target.")
    columns = click.option(
        "--columns",
        default="source,target",
        show_default=True,
        metavar="NAMES",
        callback=lambda _context, _option, value: parse_columns(value),
        help="What the columns hold, in their order: source, target, features (tags such as V;PST, which join the "
        "source as whole symbols), and any other word for a column to pass over. Or the numbers of these three: 3,1.",
    )
    rejects = click.option(
        "--rejects",
        metavar="FILE",
        callback=_rejects,
        help="Leave lines that are no pairs out, and list them here with the reasons.  "
        "[default: such a line is an error]",
    )
    return delimiter(columns(strip(rejects(command))))


def _rejects(_context: click.Context, _option: click.Parameter, value: str | None) -> Rejects | None:
    return None if value is None else listed_rejects(Path(value))


def listed_rejects(path: Path) -> Rejects:
    """A list of rejects that is ended, and told of, when the command is."""
    leads = member_of_a_team() == 0
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


def _switch(name: str, default: bool | None, text: str) -> Callable[[Command], Command]:
    shown = "" if default is None else f"  [default: {name if default else 'no-' + name}]"
    return click.option(f"--{name}/--no-{name}", default=None, help=text + shown)


def model_options(command: Command) -> Command:
    """The network and its training: settings of `ModelConfig` and `TrainingConfig`, None where not given."""
    for option in reversed(
        (
            click.option("--architecture", metavar="NAME", help="Model architecture."),
            _switch("reverse", None, "Read the source backwards."),
            _switch("peeky", None, "Show the encoder's last hidden state to the decoder at every step."),
            _switch("attention", None, "Let the decoder look back at all of the source at every step."),
            click.option("--attention-kind", type=click.Choice(get_args(AttentionKind)), help="How it finds where."),
            _switch("bidirectional", None, "Let the encoder read the source in both directions."),
            click.option("--layers", type=int, help="LSTMs upon one another, from 1 to 4, on both sides."),
            _switch("tied", None, "Make the output layer's weights those of the target embeddings."),
            click.option("--embedding-size", type=int, help="Numbers that stand for a symbol."),
            click.option("--hidden-size", type=int, help="Numbers in a hidden state."),
            click.option("--epochs", type=int, help="Passes over the pairs."),
            click.option("--batch-size", type=int, help="Pairs in one update."),
            click.option("--learning-rate", type=float, help="Adam's step size, or the peak that it rises to."),
            click.option("--schedule", type=click.Choice(get_args(Schedule)), help="How the learning rate goes."),
            click.option("--dropout", type=float, help="Share of what one layer hands to the next that is left out."),
            click.option("--embedding-dropout", type=float, help="Share of the embeddings that is left out."),
            click.option(
                "--label-smoothing", type=float, help="Share of a target's probability spread over all symbols."
            ),
            click.option("--weight-decay", type=float, help="How fast weights shrink by themselves."),
            click.option(
                "--unknown-rate",
                type=float,
                help="How often an epoch each symbol is replaced by the unknown one, so that the model learns what to "
                "do with symbols that it never saw.",
            ),
            click.option(
                "--patience",
                type=int,
                help="With the constant schedule, end after so many epochs without a better model.",
            ),
            click.option(
                "--seed",
                type=int,
                help="Decides a task's pairs, the part held out, the first weights and the order of batches.",
            ),
        )
    ):
        command = option(command)
    return command


ENGINE_SETTINGS = ("engine", "device", "precision", "deterministic")


def engine_options(command: Command) -> Command:
    """Who does the arithmetic: the settings of `EngineConfig`."""
    for option in (
        click.option(
            "--deterministic",
            is_flag=True,
            help="With PyTorch: the same bits every time, or an error where it cannot promise them.",
        ),
        click.option(
            "--precision",
            type=click.Choice(get_args(Precision)),
            default="float32",
            help="With PyTorch, of products: float32; tf32 (23 bits of mantissa cut to 10, on NVIDIA's GPUs since "
            "Ampere); bf16 (8 bits; the recurrence, weights and updates stay float32).  [default: float32]",
        ),
        click.option(
            "--device",
            type=click.Choice(get_args(Device)),
            default="auto",
            help="With PyTorch: where to calculate.  [default: a GPU if there is one]",
        ),
        click.option(
            "--engine",
            type=click.Choice(get_args(EngineName)),
            default="auto",
            help="Who does the arithmetic: numpy, or torch (install henkan[torch]); the model is the same.  "
            "[default: numpy; torch with torchrun, or if one of the following three is given]",
        ),
    ):
        command = option(command)
    return command


def pop_engine(options: dict[str, Any]) -> EngineConfig:
    """The settings of the engine, taken out of a command's options."""
    return EngineConfig(**{name: options.pop(name) for name in ENGINE_SETTINGS})


def pop_engines(options: dict[str, Any]) -> Engines:
    """The engines that they ask for, of this process alone."""
    return choose_engines(pop_engine(options))


def check_features(fitted: FittedModel, columns: Columns) -> None:
    """Whether a file's columns are those that a model was trained on.

    Raises:
        DataError: if one has features and the other has not.
    """
    has = fitted.artefact.model.features
    if has and columns.features is None:
        raise DataError(
            "this model reads feature tags; say which column has them, as in --columns source,target,features"
        )
    if columns.features is not None and not has:
        raise DataError("this model was trained without feature tags; leave their column out of --columns")


def symbol_options(command: Command) -> Command:
    """How strings are cut into symbols: settings of `ModelConfig`, None where not given."""
    units = "characters, graphemes (Unicode's grapheme clusters, such as a letter with its accents), or the text that "
    forms = click.Choice(get_args(Normalization))
    for option in (
        click.option("--target-normalization", type=forms, help="Likewise for a target.  [default: none]"),
        click.option(
            "--source-normalization",
            type=forms,
            help="Unicode's normalisation of a source before it is cut; NFD takes Korean syllables apart.  "
            "[default: none]",
        ),
        click.option("--target-symbols", metavar="UNIT", help="Likewise for a target.  [default: characters]"),
        click.option(
            "--source-symbols",
            metavar="UNIT",
            help=f"What a source is cut into: {units}stands between symbols, such as ' '.  [default: characters]",
        ),
    ):
        command = option(command)
    return command
