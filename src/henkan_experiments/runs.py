"""The training runs in parallel processes; completed runs are kept, and interrupted ones are resumed."""

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

from henkan.engine.numpy import NumpyEngines
from henkan.errors import CheckpointError, EngineError, ModelFolderError
from henkan.evaluation.error_rates import evaluate
from henkan.storage.files import from_json, read_file, to_json, write_file
from henkan.text.data_source import DataSource
from henkan.text.pairs import Pairs
from henkan.training.checkpoint import Checkpoints
from henkan.training.events import Epoch, Event, Started
from henkan.training.fitted_model import FittedModel
from henkan.training.job import TrainingJob
from henkan.training.signals import SIGNALS
from henkan.training.trainer import Trainer
from henkan_experiments.plan import Plan, Split, TrainingRun

RUNS_FOLDER, MODELS_FOLDER, FINAL_ANSWERS = "runs", "models", "last.json"
MAX_RESULT_BYTES = 2**26
THREADS = ("HENKAN_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class FinalAnswers:
    """Evaluates a model on the test set after its last epoch, with the weights of that epoch.

    The weights of the best epoch are not evaluated: they are chosen with the test set, so their exact match would be
    biased upwards. The answers are written at once, because a run that is resumed after its last epoch does not repeat
    this epoch.
    """

    def __init__(self, test: Pairs, folder: Path) -> None:
        self.test, self.folder = test, folder
        self.started: Started | None = None

    def __call__(self, event: Event) -> None:
        """Handle a training event."""
        if isinstance(event, Started):
            self.started = event
        elif isinstance(event, Epoch) and self.started is not None and event.epoch == self.started.epochs:
            evaluation = evaluate(self.started.converter, self.test)
            answer_of = {each.source: each.prediction or "" for each in evaluation.conversions}
            answers = [answer_of[source] for source in self.test.sources]
            write_file(
                self.folder / FINAL_ANSWERS, to_json({"exact_match": evaluation.exact_match, "answers": answers})
            )

    def read(self) -> dict[str, Any] | None:
        """exact_match and answers; None before the last epoch is complete."""
        saved: dict[str, Any] | None = _read(self.folder / FINAL_ANSWERS)
        return saved


def run_training(run: TrainingRun, plan: Plan, split: Split, folder: Path) -> dict[str, Any]:
    """Train a model, or resume its training, and evaluate it.

    Args:
        run: which model and seed.
        plan: the experiment.
        split: training and test set.
        folder: the experiment's output folder.

    Returns:
        The result, which is also written to `folder`.
    """
    training, test = split
    run_folder = folder / RUNS_FOLDER / run.name
    checkpoints, final = Checkpoints(run_folder, remedy="run_again"), FinalAnswers(test, run_folder)
    with checkpoints.held():
        checkpoints.resume = checkpoints.resumable
        source = DataSource(name=run.task, pairs=len(training), held_out="file", seed=run.seed)

        def train() -> FittedModel:
            job = TrainingJob.single(*plan.configs(run), data=source)
            return Trainer(NumpyEngines(), checkpoints=checkpoints, report=final).fit(training, test, job)

        try:
            fitted = train()
        except CheckpointError:
            if not checkpoints.resume:
                raise
            checkpoints.resume = False  # the checkpoint is damaged: start again
            fitted = train()
        answers = final.read()
        if answers is None:  # killed between the last epoch and the writing of the answers
            checkpoints.resume = False
            fitted, answers = train(), final.read()
        assert answers is not None
        if run.saves_model:
            fitted.save(model_folder(folder, run), force=True)
        epochs = fitted.saved.metrics["epochs"]
        result = {
            **asdict(run),
            **answers,
            "epochs": epochs,
            "seconds": sum(epoch["seconds"] for epoch in epochs),
            "weights": fitted.saved.metrics["weights"],
        }
        write_file(_result_file(folder, run), to_json(result))
        checkpoints.finish()
    rmtree(run_folder, ignore_errors=True)
    return result


def _result_file(folder: Path, run: TrainingRun) -> Path:
    return folder / RUNS_FOLDER / f"{run.name}.json"


def model_folder(folder: Path, run: TrainingRun) -> Path:
    """Where the model of a training run is saved."""
    return folder / MODELS_FOLDER / f"{run.model}-{run.seed}"


def run_of_result(result: Mapping[str, Any]) -> TrainingRun:
    """The training run that a result belongs to.

    Raises:
        KeyError: if the result is incomplete.
    """
    return TrainingRun(*(result[name] for name in ("task", "recipe", "model", "seed")))


def load_result(folder: Path, run: TrainingRun) -> dict[str, Any] | None:
    """The result of a completed training run; None if it is not complete."""
    result = _read(_result_file(folder, run))
    if result is None or (run.saves_model and not model_folder(folder, run).exists()):
        return None
    try:
        if run_of_result(result) != run:
            return None
    except (KeyError, TypeError):
        return None
    rmtree(folder / RUNS_FOLDER / run.name, ignore_errors=True)  # in case the run was killed before it did this
    loaded: dict[str, Any] = result
    return loaded


def _read(file: Path) -> Any:
    """The content of a JSON file; None if it is missing or damaged, so that it is written again."""
    try:
        return from_json(read_file(file.parent, file.name, MAX_RESULT_BYTES), file.parent, file.name)
    except ModelFolderError:
        return None


def run_trainings(
    runs: Sequence[TrainingRun], plan: Plan, splits: Mapping[str, Split], folder: Path, jobs: int
) -> Iterator[tuple[TrainingRun, dict[str, Any]]]:
    """Train in `jobs` parallel processes, one thread each.

    Closing the iterator, or an exception in its consumer, terminates the processes; their checkpoints remain.

    Yields:
        Each run and its result, in order of completion.

    Raises:
        EngineError: if a process dies.
    """
    (folder / RUNS_FOLDER).mkdir(parents=True, exist_ok=True)
    other_children = active_children()
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_initialize_worker, initargs=(plan, splits, folder)
    ) as pool:
        futures: dict[Future[dict[str, Any]], TrainingRun] = {}
        try:
            with _signals_blocked(), _single_threaded_children():
                futures |= {pool.submit(_run_in_worker, run): run for run in runs}
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException as error:
            # Futures are not cancelled: a pool whose processes have died sets all of them and fails on a cancelled one.
            for process in active_children():
                if process not in other_children:
                    process.terminate()
            if isinstance(error, BrokenProcessPool):
                raise EngineError(
                    "the process of a training run was killed, possibly for lack of memory; run the same command again "
                    "to resume, with fewer --jobs if this happens again"
                ) from None
            raise


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block signals in this process and in those that it starts, which would otherwise print tracebacks of imports.

    Does nothing where signals cannot be blocked, as on Windows.
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
def _single_threaded_children() -> Iterator[None]:
    """Limit new processes to one thread. BLAS reads its variable only once, when it is loaded."""
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


_worker_arguments: dict[str, Any] = {}
"""What all runs of a worker process have in common; sent once, when the process starts."""


def _initialize_worker(plan: Plan, splits: Mapping[str, Split], folder: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the parent handles it
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    Thread(target=_exit_with_parent, daemon=True).start()
    _worker_arguments.update(plan=plan, splits=splits, folder=folder)


def _exit_with_parent() -> None:
    """Without this, workers would wait for ever for a parent that was killed, and hold the locks of their runs."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _run_in_worker(run: TrainingRun) -> dict[str, Any]:
    arguments = _worker_arguments
    return run_training(run, arguments["plan"], arguments["splits"][run.task], arguments["folder"])
