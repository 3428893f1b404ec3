"""`henkan train`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shlex import quote
from signal import SIGINT
from typing import Any

import click

from henkan.cli.data_arguments import task_or_file
from henkan.cli.options import (
    PATH,
    engine_options,
    layout_options,
    model_options,
    pop_engine,
    symbol_options,
)
from henkan.cli.recipes import recipe_tables
from henkan.cli.run_options import (
    RunOptions,
    check_resume_options,
    engine_from_plan,
    load_start,
    options_given,
    run_from_options,
    run_from_plan,
)
from henkan.cli.task_names import is_also_file, unambiguous
from henkan.cli.train_output import show_engine, show_result
from henkan.cli.training_data import check_data_exists, data_name, read_data, show_audit
from henkan.config import RECIPE_HELP
from henkan.engine.base import RESTARTS, Engines, ProcessGroup
from henkan.engine.choice import choose_engines, process_rank
from henkan.errors import CheckpointError, HenkanError, Interrupted
from henkan.storage.model_folder import CHECKPOINT, is_model
from henkan.storage.plots import learning_curve
from henkan.storage.save_model import check_destination
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.training.checkpoint import SECONDS_BETWEEN, Checkpoints
from henkan.training.events import Event, Started
from henkan.training.fitted_model import FittedModel
from henkan.training.job import TrainingJob
from henkan.training.other_checkpoints import ReadOnlyCheckpoints
from henkan.training.signals import Interruption
from henkan.training.trainer import Trainer


@click.command(short_help="Train a model on a task or a file of pairs.", epilog=recipe_tables())
@click.argument("data", metavar="[TASK_OR_FILE]", required=False, callback=unambiguous)
@click.option(
    "--dev",
    metavar="FILE|none",
    help="Validation set, evaluated after every epoch; `none`: train on all pairs, without validation.  [default: a "
    "random tenth of the pairs]",
)
@click.option(
    "--out",
    type=PATH,
    metavar="DIR",
    help="Folder for the model.  [default: models/NAME, named after the task or file]",
)
@click.option("--force", is_flag=True, help="Replace an existing model or interrupted run.")
@click.option(
    "--resume",
    type=PATH,
    metavar="DIR",
    help="Resume an interrupted training run from its folder DIR. It keeps its pairs and its model and training "
    "settings; other values are an error.",
)
@click.option(
    "--from",
    "start",
    type=PATH,
    metavar="MODEL",
    help="Start from the weights of a saved model. New symbols are added to its vocabularies.",
)
@click.option(
    "--checkpoint-every",
    type=float,
    default=SECONDS_BETWEEN,
    show_default=True,
    metavar="SECONDS",
    help="Time between checkpoints within an epoch. A checkpoint is also written after every epoch.",
)
@click.option(
    "--recipe",
    type=click.Choice(list(RECIPE_HELP)),
    help="Defaults for the settings that are not given; see below.  [default: words for a file, modern for a task]",
)
@click.option(
    "--ensemble",
    type=int,
    metavar="N",
    help="Number of ensemble members, which are trained with consecutive seeds.  [default: 1]",
)
@model_options
@symbol_options
@layout_options
@engine_options
@click.option(
    "--quiet",
    is_flag=True,
    help="Do not show progress; print only the exact match: the share of predictions that equal a target.",
)
def train(
    data: str | None,
    out: Path | None,
    force: bool,
    resume: Path | None,
    checkpoint_every: float,
    quiet: bool,
    **options: Any,
) -> None:
    """Train a model on a task (`henkan tasks` lists them) or on a file of pairs, and save it.

    \b
    henkan train addition
    henkan train names.tsv --dev names.dev.tsv --out models/names
    henkan train --resume models/names
    henkan train more.tsv --from models/names --out models/more

    If a file has the name of a task, as in addition, write ./addition for the file or task:addition for the task.

    A file is UTF-8 text with one pair per line: source TAB target. Pronunciation lexicons (`hello HH AH L OW`), CSV and
    JSON Lines are detected, see --format. Use --delimiter, --columns, --strip and --encoding for other layouts
    (`--delimiter _ --strip` for lines such as `16+75  _91  `). An invalid line is an error; use --rejects to skip such
    lines.

    Progress is written to standard error, the result to standard output.

    Ctrl-C or SIGTERM stops the run after the current batch and saves a checkpoint. Resume it with --resume DIR: the
    model will be the same, bit for bit, as without the interruption. After a crash, the run resumes from the last
    checkpoint. A second Ctrl-C quits at once.

    With several processes, as in `torchrun --nproc-per-node 2 -m henkan train names.tsv`, each batch is divided among
    the processes, and --engine auto is torch. Batch size and learning rate have the same meaning as with one process.
    """
    interruption, given, engine = Interruption(), options_given(), pop_engine(options)
    if resume is not None:
        check_resume_options(given)
        if not (resume / CHECKPOINT / "plan.json").exists() and is_model(resume):
            if process_rank() == 0:
                click.echo(
                    f"the training run in {resume} is complete; to train the model further, use --from "
                    f"{quote(str(resume))}"
                )
            return
        engine = engine_from_plan(engine, Checkpoints(resume, resume=True).plan(), given, resume)
    elif data is None:
        raise click.UsageError(
            "name a task or a file of pairs, or resume an interrupted training run with --resume DIR"
        )
    else:
        task_or_file(data)  # a missing file is an error before the folder of its model exists
    folder = resume or out or Path("models") / data_name(str(data))
    engines = choose_engines(engine, together=True)
    group = engines.group
    checkpoints = (Checkpoints if group.rank == 0 else ReadOnlyCheckpoints)(
        folder,
        every=checkpoint_every,
        stop=lambda: group.max(interruption.signal or 0) or None,
        resume=resume is not None or _is_restart(folder, group),
    )
    if checkpoints.resume:
        run = run_from_plan(data, checkpoints.plan(), given if resume is not None else set(), engines)
        if data is None and is_also_file(run.options["data"]) and group.rank == 0:
            task = run.options["data"]
            click.echo(f"note: this run trains on the task {task}, not on the file ./{task}", err=True)
    else:
        run = run_from_options(str(data), options)
        run.options["command"] = sys.argv[1:]
    run.options["engine"] = asdict(engine)
    command = _Command(run, checkpoints, engines, interruption, quiet or group.rank > 0)
    command.execute(force=force)


@dataclass
class _Command:
    """A training run of this command.

    Attributes:
        run: settings and data.
        checkpoints: checkpoints in the model folder.
        engines: creates the compute engines.
        interruption: receives signals.
        quiet: print only the exact match.
    """

    run: RunOptions
    checkpoints: Checkpoints
    engines: Engines
    interruption: Interruption
    quiet: bool

    def execute(self, *, force: bool) -> None:
        """Train, save the model and print the result."""
        checkpoints, folder = self.checkpoints, self.checkpoints.model
        try:
            with self.interruption, ExitStack() as stack:
                with _all_or_none(self.engines.group):
                    self._lock_folder(stack, force=force)
                if checkpoints.resume and checkpoints.plan()["started from a model"]:
                    self.run = replace(self.run, start=load_start(checkpoints))
                checkpoints.options = self.run.options
                fitted, example = self._train()
                if self.engines.group.rank > 0:
                    return
                picture = learning_curve(fitted.saved.metrics)
                fitted.save(folder, force=True, pictures={} if picture is None else {"learning_curve.png": picture})
                checkpoints.finish()
        except KeyboardInterrupt:
            number = self.interruption.signal or SIGINT
            if checkpoints.resumable:
                raise checkpoints.interrupted(number) from None
            raise Interrupted("interrupted before training started; nothing was saved", number) from None
        show_result(fitted, folder, example, pictured=picture is not None, quiet=self.quiet)

    def _lock_folder(self, stack: ExitStack, *, force: bool) -> None:
        """Lock the model folder for the rest of the run.

        Raises:
            ModelFolderError, CheckpointError: if it has something that may not be replaced.
        """
        checkpoints, is_first_process = self.checkpoints, self.engines.group.rank == 0
        if is_first_process and not checkpoints.resume:
            check_destination(checkpoints.model, force=force)
        stack.enter_context(checkpoints.held())
        if is_first_process and checkpoints.resumable and not (checkpoints.resume or force):
            raise CheckpointError(
                f"{checkpoints.model}: the folder has an interrupted training run; resume it with --resume "
                f"{quote(str(checkpoints.model))}, or start over with --force"
            )

    def _train(self) -> tuple[FittedModel, str]:
        """Read the pairs and train on them; return the model and an example source."""
        from henkan.cli.progress import ProgressDisplay

        def show(event: Event) -> None:
            if isinstance(event, Started):
                self.interruption.defer()
            display(event)

        run = self.run
        if run.data is not None:
            check_data_exists(run, self.checkpoints.model)
        data = read_data(run, quiet=self.quiet)
        run = replace(run, variants=data.variants)
        tokenized = TokenizedPairs.of(data.pairs, run.model)
        example = data.pairs.sources[0]
        if not self.quiet:
            show_engine(run, self.engines, len(data.pairs))
            show_audit(tokenized, data, run)
            if data.note:
                click.echo(data.note, err=True)
        job = TrainingJob(run.variants, run.data or data.source, run.start)
        with ProgressDisplay(data.validation, quiet=self.quiet) as display:
            trainer = Trainer(self.engines, checkpoints=self.checkpoints, report=show)
            return trainer.fit(tokenized, data.validation, job), example


@contextmanager
def _all_or_none(group: ProcessGroup) -> Iterator[None]:
    """If process 0 fails in this block, the other processes exit without a message, because it reports the error."""
    try:
        yield
    except HenkanError:
        group.broadcast(0)
        raise
    if not group.broadcast(1):
        raise SystemExit(2)


def _is_restart(folder: Path, group: ProcessGroup) -> bool:
    """Whether torchrun has restarted this command after a process died, so that it must resume.

    The restart may be counted only on the machine of that process.
    """
    restarts = os.environ.get(RESTARTS, "0")
    restarted, resumable = group.max(int(restarts) if restarts.isdecimal() else 0) > 0, False
    if restarted and group.rank == 0 and Checkpoints(folder).resumable:
        resumable = Checkpoints(folder).plan()["options"].get("command") == sys.argv[1:]
    return bool(group.broadcast(resumable))
