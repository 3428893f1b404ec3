"""Read, split and check the pairs of a training run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import NamedTuple

import click

from henkan.cli.data_arguments import task_or_file
from henkan.cli.options import choose_settings, read_file, show_target_symbols, usable_options
from henkan.cli.remedies import sentence
from henkan.cli.run_options import LAYOUT, RunOptions
from henkan.errors import DataError
from henkan.storage.lexicon_file import SavedLexicon
from henkan.text.audit import audit
from henkan.text.data_source import DataSource
from henkan.text.pairs import Columns, Pairs, hold_out
from henkan.text.source_file import read_sources
from henkan.text.tasks import TASKS, Task
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.text.tokenizer import tokenizers
from henkan.training.job import Unlabelled, Variant
from henkan.training.labelling import generated_sources
from henkan.training.stored_lexicon import entries_of


def data_name(data: str) -> str:
    """Return the default name of a model trained on a task or a file."""
    return data if data in TASKS else Path(data).stem


class TrainingData(NamedTuple):
    """Pairs for a training run, and what they determine.

    Attributes:
        pairs: the training pairs.
        validation: the validation pairs, or None.
        source: the origin of the pairs.
        variants: settings of the models; those that are chosen by the pairs are filled in.
        form: format of the file of pairs, or "task".
        note: which models were chosen by the pairs, and why; empty if none were.
        teachers: settings of the ensemble that predicts the targets of unlabelled sources, if the run trains it.
    """

    pairs: Pairs
    validation: Pairs | None
    source: DataSource
    variants: Sequence[Variant]
    form: str
    note: str
    teachers: Sequence[Variant] | None = None


def read_data(run: RunOptions, *, quiet: bool) -> TrainingData:
    """Read the pairs of a run, and split or read its validation set."""
    data, dev, seed = _path(run, "data"), run.options["dev"], run.training.seed
    layout = {name: run.options[name] for name in LAYOUT} | {"columns": Columns(**run.options["columns"])}
    layout |= {"rejects": run.rejects, "progress": None if quiet else _show_reading, "quiet": quiet}
    found, form = task_or_file(data), "task"
    if isinstance(found, Task):
        pairs = found.generate(seed=seed)
    else:
        file = read_file(found, **layout)
        pairs, form = file.pairs, file.format
    variants, note, teachers = _choose(run, pairs, lexicon=form == "lexicon", quiet=quiet)
    source = DataSource(
        name=data_name(data), task=isinstance(found, Task), pairs=len(pairs), seed=seed, held_out="tenth"
    )
    if dev is None:
        split = hold_out(pairs, seed, normalize=tokenizers(variants[0].model)[0].normalize)
        return TrainingData(*split, source, variants, form, note, teachers)
    if dev == "none":
        return TrainingData(pairs, None, replace(source, held_out="none"), variants, form, note, teachers)
    validation = read_file(Path(_path(run, "dev")), **layout).pairs
    return TrainingData(pairs, validation, replace(source, held_out="file"), variants, form, note, teachers)


def _choose(
    run: RunOptions, pairs: Pairs, *, lexicon: bool, quiet: bool
) -> tuple[Sequence[Variant], str, Sequence[Variant] | None]:
    """Choose the settings that are left open by the pairs; return the models, which were chosen and why, and teachers.

    Unless `quiet`, print the target symbols that were chosen.
    """
    if run.wanted is None:
        variants = [
            replace(each, model=choose_settings(each.model, pairs, lexicon=lexicon, quiet=quiet or number > 0))
            for number, each in enumerate(run.variants)
        ]
        return variants, "", run.teachers
    choice = run.wanted.choose(pairs, lexicon=lexicon)
    if not quiet:
        show_target_symbols(run.model, choice.model)
    teachers = run.wanted.teachers(pairs, lexicon=lexicon) if run.options["unlabelled"] else None
    return choice.variants, choice.note, teachers


def read_unlabelled(run: RunOptions, data: TrainingData) -> Unlabelled | None:
    """Read or, for distillation, generate the unlabelled sources of a run; None if it uses none."""
    path, teacher, variants = run.options["unlabelled"], run.options["teacher"], data.variants
    if path is None and teacher is None:
        return None
    if path is None:
        sources: Sequence[str] = generated_sources(data.pairs, variants[0].model, variants[0].training.seed)
    else:
        sources = read_sources(Path(path), run.options["encoding"])
    if teacher is not None:
        return Unlabelled(sources, run.teacher, mark=teacher)
    if data.teachers is not None:
        run.options["final variants"] = [each.to_dict() for each in variants]
    return Unlabelled(sources, None, data.teachers)


def kept_lexicon(run: RunOptions, data: TrainingData, *, quiet: bool) -> SavedLexicon | None:
    """Return the lexicon to store with the model: the pairs of the file, then the lexicon of the model to start from.

    Raises:
        DataError: if there are too many pairs.
    """
    if run.options["keep_lexicon"]:
        held_out = data.validation if data.source.held_out == "tenth" else None
        parts = [zip(each.sources, each.targets, strict=True) for each in (data.pairs, held_out) if each is not None]
        return SavedLexicon.of(chain(*parts, () if run.start is None else entries_of(run.start)))
    if run.start is not None and run.start.saved.lexicon is not None and not quiet:
        click.echo(
            "note: the lexicon of the model to start from is not stored in the new model; to store it, with the pairs "
            "of the file, use --keep-lexicon",
            err=True,
        )
    return None


def check_data_exists(run: RunOptions, folder: Path) -> None:
    """Check that the files of an interrupted run still exist.

    Raises:
        DataError: if one does not. The message says how to resume with the new path.
    """
    resume = f"--resume {quote(str(folder))}"
    hints = {"data": f"train NEW_PATH {resume}"}
    hints |= {name: f"train {resume} --{name} NEW_PATH" for name in ("dev", "unlabelled")}
    for name, hint in hints.items():
        if run.options[name] not in (None, "none", *TASKS) and not os.path.exists(_path(run, name)):
            raise DataError(
                f"{_path(run, name)}: this file of the interrupted run no longer exists; if it was moved, resume with "
                f"`henkan {hint}`"
            )


def _path(run: RunOptions, name: str) -> str:
    """Return the path of a file of the run, also if the run is resumed from another working directory."""
    path, folder = str(run.options[name]), run.options["folder"]
    return path if path in TASKS or folder == os.getcwd() else os.path.join(folder, path)


def show_audit(tokenized: TokenizedPairs, data: TrainingData, run: RunOptions) -> None:
    """Print a summary of the data and, unless the run is resumed and so keeps its pairs, warnings and hints."""
    dev = run.options["dev"]
    evaluation_sets = {} if data.validation is None else {dev or "the validation set": data.validation}
    found = audit(tokenized, evaluation_sets, numbered=dev is not None)
    click.echo(found.summary(), err=True)
    if run.data is not None:
        return
    usable = usable_options(data.form) - ({"--source-symbols", "--target-symbols"} if run.model.fill else set())
    for warning in found.warnings():
        click.echo(f"warning: {sentence(warning, usable)}", err=True)
    for hint in found.hints() if run.start is None else ():  # a model to start from keeps its settings
        click.echo(f"hint: {sentence(hint, usable)}", err=True)


def _show_reading(lines: int) -> None:
    """Show on a terminal how many lines of a file were read; the next output overwrites it."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{lines:,} lines read\r")
        sys.stderr.flush()
