"""`henkan train`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from signal import SIGINT
from typing import Any

import click

from henkan.cli.options import (
    PATH,
    engine_options,
    layout_options,
    model_options,
    pop_engine,
    recipe_defaults,
    symbol_options,
    value_text,
)
from henkan.cli.run_options import (
    Run,
    kept_start,
    new_run,
    old_engine,
    old_run,
    options_given,
    refuse_beside_resume,
)
from henkan.cli.train_output import show_engine, show_result
from henkan.cli.training_data import check_data_exists, data_name, read_data, show_audit
from henkan.config import RECIPE_HELP, ModelConfig, TrainingConfig
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
from henkan.training.other_checkpoints import ReadOnlyCheckpoints
from henkan.training.prepared import TrainingJob
from henkan.training.signals import Interruption
from henkan.training.trainer import Trainer


def _recipes() -> str:
    """The recipes and the settings in which they differ, as a table for the help."""
    rows = [("", *RECIPE_HELP)]
    for setting in (*fields(ModelConfig), *fields(TrainingConfig)):
        values = recipe_defaults(setting)
        if len(set(values.values())) > 1:
            texts = (value_text(setting, value) for value in values.values())
            rows.append((setting.name.replace("_", " "), *texts))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ("   ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    longest = max(map(len, RECIPE_HELP))
    about = (f"{name.ljust(longest)}   {what}" for name, what in RECIPE_HELP.items())
    notes = (
        "By data size: small batches and a high dropout rate for few pairs. From updates: as many epochs as give about "
        "that number of updates. A task may have defaults of its own."
    )
    return "\n".join(["Recipes:", "", "\b", *about, "", "\b", *table, "", notes])


@click.command(short_help="Train a model on a task or a file of pairs.", epilog=_recipes())
@click.argument("data", metavar="[TASK_OR_FILE]", required=False)
@click.option(
    "--dev",
    metavar="FILE|none",
    help="Validation set, evaluated after every epoch; `none` trains on all pairs without validation.  [default: a "
    "random tenth of the pairs]",
)
@click.option("--out", type=PATH, metavar="DIR", help="Folder for the model.  [default: models/NAME]")
@click.option("--force", is_flag=True, help="Replace an existing model or an interrupted run.")
@click.option("--resume", type=PATH, metavar="DIR", help="Resume an interrupted run from DIR.")
@click.option(
    "--from",
    "start",
    type=PATH,
    metavar="MODEL",
    help="Start from the weights of a saved model; new symbols are added to its vocabularies.",
)
@click.option(
    "--checkpoint-every",
    type=float,
    default=SECONDS_BETWEEN,
    show_default=True,
    metavar="SECONDS",
    help="Time between checkpoints within an epoch. There is also one after every epoch.",
)
@click.option(
    "--recipe",
    type=click.Choice(list(RECIPE_HELP)),
    help="Preset for all settings that are not given; see below.  [default: words for a file, modern for a task]",
)
@click.option(
    "--ensemble",
    type=int,
    help="Number of models to train, with consecutive seeds, and to combine as an ensemble.  [default: 1]",
)
@model_options
@symbol_options
@layout_options
@engine_options
@click.option("--quiet", is_flag=True, help="Show no progress; print only the exact match.")
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

    A file is UTF-8 text with one pair per line: source TAB target. Use --delimiter, --columns and --strip for other
    layouts (`--delimiter _ --strip` for lines such as `16+75  _91  `). An invalid line is an error; to skip such lines,
    use --rejects.

    Progress is written to standard error, the result to standard output.

    Ctrl-C or SIGTERM stops the run after the current batch and saves a checkpoint. Resume it with --resume DIR; the
    model is the same, bit for bit, as that of an uninterrupted run. After a crash, the run resumes from the last
    checkpoint. A second Ctrl-C quits at once.

    With several processes, as in `torchrun --nproc-per-node 2 -m henkan train names.tsv`, each batch is divided among
    them. Batch size and learning rate have the same meaning as with one process.
    """
    interruption, given, engine = Interruption(), options_given(), pop_engine(options)
    if resume is not None:
        refuse_beside_resume(given)
        if not (resume / CHECKPOINT / "plan.json").exists() and is_model(resume):
            if process_rank() == 0:
                click.echo(f"the training of {resume} is finished; train it further with --from {resume}")
            return
        engine = old_engine(engine, Checkpoints(resume, resume=True).plan(), given, resume)
    elif data is None:
        raise click.UsageError("name a task or a file of pairs, or resume an interrupted run with --resume DIR")
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
        run = old_run(data, checkpoints.plan(), given if resume is not None else set(), engines)
    else:
        run = new_run(str(data), options)
        run.options["command"] = sys.argv[1:]
    run.options["engine"] = asdict(engine)
    command = _Command(run, checkpoints, engines, interruption, quiet or group.rank > 0)
    command.execute(force=force)


@dataclass
class _Command:
    """A training run as this command executes it.

    Attributes:
        run: what is to be trained.
        checkpoints: of the model folder.
        engines: make the engines.
        interruption: notices signals.
        quiet: print only the exact match.
    """

    run: Run
    checkpoints: Checkpoints
    engines: Engines
    interruption: Interruption
    quiet: bool

    def execute(self, *, force: bool) -> None:
        """Train, save the model and print the result."""
        checkpoints, folder = self.checkpoints, self.checkpoints.model
        try:
            with self.interruption, ExitStack() as held:
                with _all_or_none(self.engines.group):
                    self._hold_folder(held, force=force)
                if checkpoints.resume and checkpoints.plan()["started from a model"]:
                    self.run = replace(self.run, start=kept_start(checkpoints))
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
            raise Interrupted("interrupted before training began; nothing was saved", number) from None
        show_result(fitted, folder, example, pictured=picture is not None, quiet=self.quiet)

    def _hold_folder(self, held: ExitStack, *, force: bool) -> None:
        """Hold the model folder for the rest of the run, if nothing there must be kept."""
        checkpoints, leads = self.checkpoints, self.engines.group.rank == 0
        if leads and not checkpoints.resume:
            check_destination(checkpoints.model, force=force)
        held.enter_context(checkpoints.held())
        if leads and checkpoints.resumable and not (checkpoints.resume or force):
            raise CheckpointError(
                f"{checkpoints.model}: it has an interrupted training run; resume it with --resume "
                f"{checkpoints.model}, or start again with --force"
            )

    def _train(self) -> tuple[FittedModel, str]:
        """Read the pairs and train on them; the model, and an example source."""
        from henkan.cli.progress import Display

        def show(event: Event) -> None:
            if isinstance(event, Started):
                self.interruption.defer()
            display(event)

        run = self.run
        if run.data is not None:
            check_data_exists(run, self.checkpoints.model)
        pairs, validation, source = read_data(run, quiet=self.quiet)
        tokenized = TokenizedPairs.of(pairs, run.model)
        example = pairs.sources[0]
        if not self.quiet:
            show_engine(run, self.engines, len(pairs))
            show_audit(tokenized, validation, run.options["dev"])
        job = TrainingJob(run.model, run.training, run.data or source, run.ensemble, run.start)
        with Display(validation, quiet=self.quiet) as display:
            trainer = Trainer(self.engines, checkpoints=self.checkpoints, report=show)
            return trainer.fit(tokenized, validation, job), example


@contextmanager
def _all_or_none(group: ProcessGroup) -> Iterator[None]:
    """If process 0 fails here, the other processes exit silently, because it reports the error."""
    try:
        yield
    except HenkanError:
        group.broadcast(0)
        raise
    if not group.broadcast(1):
        raise SystemExit(2)


def _is_restart(folder: Path, group: ProcessGroup) -> bool:
    """Whether torchrun has restarted this command after a process had died, so that it must resume.

    Only the machine of the process that died may count the restart.
    """
    restarts = os.environ.get(RESTARTS, "0")
    restarted, begun = group.max(int(restarts) if restarts.isdecimal() else 0) > 0, False
    if restarted and group.rank == 0 and Checkpoints(folder).resumable:
        begun = Checkpoints(folder).plan()["options"].get("command") == sys.argv[1:]
    return bool(group.broadcast(begun))
