"""Options and data of the commands that train many models on the same pairs: `henkan curve` and `henkan tune`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import click

from henkan.cli.data_arguments import check_file
from henkan.cli.options import layout_options, model_options, symbol_options
from henkan.cli.run_options import RunOptions, run_from_options
from henkan.cli.training_data import TrainingData, data_name, read_data, show_audit
from henkan.cli.training_options import ensemble_option, recipe_option
from henkan.errors import DataError, SettingsError
from henkan.selection.subsets import without_sources
from henkan.text.counts import counted
from henkan.text.pairs import Pairs
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.text.tokenizer import tokenizers
from henkan.training.choice import Wanted
from henkan.training.job import Variant

Command = TypeVar("Command", bound=Callable[..., Any])

NOT_SELECTED = {"start": None, "ensemble": None, "unlabelled": None, "keep_lexicon": False, "log_to": ()}
"""Options of `henkan train` that these commands do not have, if they are not given."""

jobs_option = click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Number of models to train at the same time, each with one thread.  [default: the number of cores]",
)


def selection_options(command: Command) -> Command:
    """Add the options for pairs, settings and worker processes."""
    own = (
        click.option(
            "--dev",
            metavar="FILE",
            help="Validation set, on which all models are evaluated. Pairs whose source it has are not used for "
            "training.  "
            "[default: a random tenth of the pairs]",
        ),
        jobs_option,
        recipe_option,
        ensemble_option,
        model_options,
        symbol_options,
        layout_options,
        click.option("--quiet", is_flag=True, help="Show no progress; print only the result."),
    )
    for option in reversed(own):
        command = option(command)
    return command


@dataclass(frozen=True)
class SelectionData:
    """Pairs, and the settings that are given.

    Attributes:
        name: the task, or the name of the file without its ending.
        pairs: the training pairs. No validation source is among their sources.
        validation: the validation pairs.
        wanted: the given settings; the others are chosen by the pairs.
        lexicon: whether the pairs were read from a pronunciation lexicon.
        variants: the models that `henkan train` would train.
        note: which models were chosen by the pairs, and why; empty if none were.
    """

    name: str
    pairs: Pairs
    validation: Pairs
    wanted: Wanted
    lexicon: bool
    variants: Sequence[Variant]
    note: str

    @property
    def seed(self) -> int:
        """The seed that is given, or its default."""
        return self.variants[0].training.seed

    @property
    def normalize(self) -> Callable[[str], str]:
        """Normalization of sources before they are compared."""
        return tokenizers(self.variants[0].model)[0].normalize


def read_selection_data(data: str, options: dict[str, Any], *, quiet: bool) -> SelectionData:
    """Read the pairs and, unless `quiet`, print a summary, warnings and which models were chosen.

    Args:
        data: a task, or the path of a file of pairs.
        options: values of the options of `selection_options` except jobs and quiet.
        quiet: print nothing.

    Raises:
        SettingsError: if there is to be no validation set.
        DataError: if the pairs cannot be read, or all their sources are in the validation set.
    """
    run, found = read_run(data, options, quiet=quiet)
    assert run.wanted is not None
    assert found.validation is not None
    if not quiet:
        show_data(run, found)
    normalize = tokenizers(found.variants[0].model)[0].normalize
    pairs = without_sources(found.pairs, found.validation, normalize)
    if len(pairs) < len(found.pairs) and not quiet:
        left_out = len(found.pairs) - len(pairs)
        click.echo(
            f"note: {counted(left_out, 'pair')} whose source is in the validation set will not be used for training",
            err=True,
        )
    if not len(pairs):
        raise DataError("all sources of the pairs are in the validation set; name another file with --dev FILE")
    lexicon = found.form == "lexicon"
    return SelectionData(data_name(data), pairs, found.validation, run.wanted, lexicon, found.variants, found.note)


def check_validation(dev: str | None) -> None:
    """Check that there is to be a validation set and, if a file is named, that it is there.

    Raises:
        SettingsError: if there is to be none.
        DataError: if there is no such file.
    """
    if dev == "none":
        raise SettingsError("models are compared on a validation set; omit --dev none, or name a file with --dev FILE")
    if dev is not None:
        check_file(dev)


def read_run(
    data: str, options: dict[str, Any], *, quiet: bool, hold_out: bool = True
) -> tuple[RunOptions, TrainingData]:
    """Return the training run that `henkan train` would start, and its pairs.

    Args:
        data: a task, or the path of a file of pairs.
        options: values of the options for pairs and settings.
        quiet: print nothing.
        hold_out: whether a tenth of the pairs is the validation set if no other is named; otherwise there is none.

    Raises:
        SettingsError: if there is to be no validation set.
        DataError: if the pairs cannot be read, or are too few.
    """
    check_validation(options["dev"])
    run = run_from_options(data, {**NOT_SELECTED, **options})
    if options["dev"] is None and not hold_out:
        run.options["dev"] = "none"
    try:
        return run, read_data(run, quiet=quiet)
    except DataError as error:
        if error.message.remedy != "no_validation_set":
            raise
        problem = error.message.problem
        raise DataError(f"{problem}; give more pairs, or name a validation set with --dev FILE") from None


def show_data(run: RunOptions, found: TrainingData) -> None:
    """Print a summary of the pairs, warnings, and which models were chosen by them."""
    run = replace(run, variants=found.variants)
    show_audit(TokenizedPairs.of(found.pairs, run.model), found, run)
    if found.note:
        click.echo(found.note, err=True)
