"""A training run of a command: start or resume it, save the model, and print the result."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shlex import quote
from signal import SIGINT
from typing import Any

import click

from henkan.cli.run_options import RunOptions, engine_from_plan, run_from_options, run_from_plan
from henkan.cli.task_names import is_also_file
from henkan.cli.trackers import create_trackers
from henkan.cli.train_output import show_engine, show_result
from henkan.cli.training_data import check_data_exists, kept_lexicon, read_data, read_unlabelled, show_audit
from henkan.config import EngineConfig
from henkan.engine.base import RESTARTS, Engines, ProcessGroup
from henkan.engine.choice import choose_engines
from henkan.errors import CheckpointError, HenkanError, Interrupted
from henkan.storage.plots import learning_curve
from henkan.storage.save_model import check_destination
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.trackers.tracker import Tracker
from henkan.training.checkpoint import Checkpoints
from henkan.training.events import Event, Started
from henkan.training.fitted_model import FittedModel
from henkan.training.job import TrainingJob
from henkan.training.other_checkpoints import ReadOnlyCheckpoints
from henkan.training.signals import Interruption
from henkan.training.start import load_start
from henkan.training.trainer import Trainer, check_one_process


@dataclass(frozen=True)
class RunArguments:
    """Arguments of a command that trains.

    Attributes:
        data: task or path of the pair file; None: that of the interrupted run.
        folder: the model folder.
        engine: settings of the engine.
        every: seconds between checkpoints.
        quiet: print only the exact match.
        resumed: names of the given options, if an interrupted run is resumed; None: start a new run.
    """

    data: str | None
    folder: Path
    engine: EngineConfig
    every: float
    quiet: bool
    resumed: set[str] | None = None


def start_or_resume(arguments: RunArguments, options: dict[str, Any]) -> TrainingRun:
    """Prepare a run.

    Args:
        arguments: arguments of the command.
        options: its other options, for a new run.
    """
    interruption, data, engine, resumed = Interruption(), arguments.data, arguments.engine, arguments.resumed
    if resumed is not None:
        plan = Checkpoints(arguments.folder, resume=True).plan()
        engine = engine_from_plan(engine, plan, resumed, arguments.folder)
    engines = choose_engines(engine, together=True)
    group = engines.group
    checkpoints = (Checkpoints if group.rank == 0 else ReadOnlyCheckpoints)(
        arguments.folder,
        every=arguments.every,
        stop=lambda: group.max(interruption.signal or 0) or None,
        resume=resumed is not None or _is_restart(arguments.folder, group),
    )
    if checkpoints.resume:
        run = run_from_plan(data, checkpoints.plan(), resumed or set(), engines)
        if data is None and is_also_file(run.options["data"]) and group.rank == 0:
            task = run.options["data"]
            click.echo(f"note: this run trains on the task {task}, not on the file ./{task}", err=True)
    else:
        run = run_from_options(str(data), options)
        run.options["command"] = sys.argv[1:]
    run.options["engine"] = asdict(engine)
    trackers = create_trackers(run.options, arguments.folder, quiet=arguments.quiet)
    return TrainingRun(run, checkpoints, engines, interruption, arguments.quiet or group.rank > 0, trackers)


@dataclass
class TrainingRun:
    """A training run of a command.

    Attributes:
        run: settings and data.
        checkpoints: checkpoints in the model folder.
        engines: creates the compute engines.
        interruption: receives signals.
        quiet: print only the exact match.
        trackers: called with every event.
    """

    run: RunOptions
    checkpoints: Checkpoints
    engines: Engines
    interruption: Interruption
    quiet: bool
    trackers: Sequence[Tracker[Any]] = ()

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
        checkpoints, group, options = self.checkpoints, self.engines.group, self.run.options
        is_first_process = group.rank == 0
        if is_first_process and (options["unlabelled"] is not None or options["teacher"] is not None):
            check_one_process(group)
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
        from henkan.display.terminal import TerminalDisplay

        def show(event: Event) -> None:
            if isinstance(event, Started):
                self.interruption.defer()
            display(event)
            for tracker in self.trackers:
                tracker(event)

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
        unlabelled = read_unlabelled(run, data)
        if unlabelled is not None and run.options["teacher"] is None and not self.quiet:
            count = sum(each.members for each in unlabelled.variants or run.variants)
            click.echo(f"first, {count} models are trained that predict the targets of unlabelled sources", err=True)
        lexicon = kept_lexicon(run, data, quiet=self.quiet)
        job = TrainingJob(run.variants, run.data or data.source, run.start, unlabelled, lexicon)
        with TerminalDisplay(data.validation, quiet=self.quiet) as display:
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
