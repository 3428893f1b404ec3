"""The trainings, shared out over the cores; what is done stays done, and what was begun goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from shutil import rmtree
from threading import Thread
from typing import Any

from henkan.errors import CheckpointError, EngineError, ModelFolderError
from henkan.evaluation.error_rates import evaluate
from henkan.storage.files import from_json, read_file, to_json, write_file
from henkan.text.data_source import DataSource
from henkan.text.pairs import Pairs
from henkan.training.checkpoint import Checkpoints
from henkan.training.events import Epoch, Event, Started
from henkan.training.fit import fit
from henkan.training.fitted_model import FittedModel
from henkan.training.signals import SIGNALS
from henkan_experiments.plan import Plan, Run

Parts = tuple[Pairs, Pairs]
"""The pairs to learn from, and those to be asked."""

RUNS, MODELS, LAST = "runs", "models", "last.json"
MOST_BYTES = 2**26
THREADS = ("HENKAN_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class LastAnswers:
    """What a model answers after its last epoch, when it stands as the recipe leaves it.

    The best epoch is chosen by the same pairs and would flatter: it is not what is told of. The answers are written
    down at once, for a training that is gone on with after its last epoch does not come there again.
    """

    def __init__(self, asked: Pairs, folder: Path) -> None:
        self.asked, self.folder = asked, folder
        self.started: Started | None = None

    def __call__(self, event: Event) -> None:
        """Take an event of a training."""
        if isinstance(event, Started):
            self.started = event
        elif isinstance(event, Epoch) and self.started is not None and event.epoch == self.started.epochs:
            found = evaluate(self.started.converter, self.asked)
            answers = [conversion.prediction or "" for conversion in found.conversions]
            write_file(self.folder / LAST, to_json({"exact_match": found.exact_match, "answers": answers}))

    def read(self) -> dict[str, Any] | None:
        """exact_match and answers; None before the last epoch."""
        found: dict[str, Any] | None = _read(self.folder / LAST)
        return found


def make_run(run: Run, plan: Plan, parts: Parts, folder: Path) -> dict[str, Any]:
    """Train, or train on; the result is written to `folder` and returned.

    Args:
        run: which.
        plan: what it is part of.
        parts: its pairs.
        folder: where the experiment is.
    """
    learnt, asked = parts
    place = folder / RUNS / run.name
    checkpoints, answers = Checkpoints(place, remedy="run_again"), LastAnswers(asked, place)
    with checkpoints.held():
        checkpoints.resume = checkpoints.begun
        source = DataSource(name=run.task, pairs=len(learnt), held_out="file", seed=run.seed)

        def train() -> FittedModel:
            return fit(learnt, asked, *plan.configs(run), data=source, report=answers, checkpoints=checkpoints)

        try:
            fitted = train()
        except CheckpointError:
            if not checkpoints.resume:
                raise
            checkpoints.resume = False  # what was kept cannot be used
            fitted = train()
        last = answers.read()
        if last is None:  # it was killed between its last epoch and the writing of its answers
            checkpoints.resume = False
            fitted, last = train(), answers.read()
        assert last is not None
        if run.kept:
            fitted.save(model_folder(folder, run), force=True)
        epochs = fitted.artefact.metrics["epochs"]
        result = {
            **asdict(run),
            **last,
            "epochs": epochs,
            "seconds": sum(epoch["seconds"] for epoch in epochs),
            "weights": fitted.artefact.metrics["weights"],
        }
        write_file(_file(folder, run), to_json(result))
        checkpoints.finish()
    rmtree(place, ignore_errors=True)
    return result


def _file(folder: Path, run: Run) -> Path:
    return folder / RUNS / f"{run.name}.json"


def model_folder(folder: Path, run: Run) -> Path:
    """Where the model of a training is kept, if it is."""
    return folder / MODELS / f"{run.model}-{run.seed}"


def run_of(result: Mapping[str, Any]) -> Run:
    """Which training a result is of.

    Raises:
        KeyError: if it does not say.
    """
    return Run(*(result[name] for name in ("task", "recipe", "model", "seed")))


def done_run(folder: Path, run: Run) -> dict[str, Any] | None:
    """The result of a training that is done, or None."""
    result = _read(_file(folder, run))
    if result is None or (run.kept and not model_folder(folder, run).exists()):
        return None
    try:
        if run_of(result) != run:
            return None
    except (KeyError, TypeError):
        return None
    rmtree(folder / RUNS / run.name, ignore_errors=True)  # what a kill has left of the way to it
    found: dict[str, Any] = result
    return found


def _read(file: Path) -> Any:
    """What was written there; None if nothing was, or it is damaged: it will be made again."""
    try:
        return from_json(read_file(file.parent, file.name, MOST_BYTES), file.parent, file.name)
    except ModelFolderError:
        return None


def make_runs(
    runs: Sequence[Run], plan: Plan, parts: Mapping[str, Parts], folder: Path, jobs: int
) -> Iterator[tuple[Run, dict[str, Any]]]:
    """Make those runs that are not done, each on one thread of a process of its own, as many at a time as `jobs`.

    Whoever stops waiting for the next one stops those that have begun; their checkpoints stay.

    Yields:
        each as it is done.
    """
    (folder / RUNS).mkdir(parents=True, exist_ok=True)
    others = active_children()
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_begin, initargs=(plan, parts, folder)
    ) as pool:
        waiting: dict[Future[dict[str, Any]], Run] = {}
        try:
            with _undisturbed(), _one_thread_each():
                waiting |= {pool.submit(_make, run): run for run in runs}
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BaseException as error:
            # No future is cancelled: a pool whose processes have gone sets them all, and stumbles over such a one.
            for process in active_children():
                if process not in others:
                    process.terminate()
            if isinstance(error, BrokenProcessPool):
                raise EngineError(
                    "a training's process was ended from outside, perhaps for want of memory; the same command goes "
                    "on, with fewer --jobs if it happens again"
                ) from None
            raise


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals wait, in this process and in those that it starts; else these would tell of their half-read beginnings.

    Where signals cannot be made to wait, as on Windows, they do not.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that are started meanwhile have one thread each: ours, and BLAS's, which looks once, at its loading."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


# What every run of a process has in common; sent once.
COMMON: dict[str, Any] = {}


def _begin(plan: Plan, parts: Mapping[str, Parts], folder: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the parent sees to it
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    Thread(target=_leave_with_the_parent, daemon=True).start()
    COMMON.update(plan=plan, parts=parts, folder=folder)


def _leave_with_the_parent() -> None:
    """Else a pool's processes wait for ever for a parent that was killed, and hold their trainings' locks."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _make(run: Run) -> dict[str, Any]:
    return make_run(run, COMMON["plan"], COMMON["parts"][run.task], COMMON["folder"])
