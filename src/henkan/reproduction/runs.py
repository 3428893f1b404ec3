"""The trainings, shared out over the cores; what is done stays done, and what was begun goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from henkan import fitting
from henkan.checkpoint import Checkpoints
from henkan.errors import ModelFolderError
from henkan.evaluation import Evaluation, evaluate
from henkan.fitting import DataSource, Started
from henkan.reproduction.plan import Plan, Run
from henkan.storage import from_json, read_file, to_json, write_file
from henkan.text.pairs import Pairs
from henkan.training import Epoch

Parts = tuple[Pairs, Pairs]
"""The pairs to learn from, and those to be asked."""

RUNS, MODELS = "runs", "models"
MOST_BYTES = 2**26
KEPT_SEED = 0
"""The seed whose models are kept, to be experimented with."""


class LastAnswers:
    """What a model answers after its last epoch, when it stands as the recipe leaves it.

    The best epoch is chosen by the same pairs and would flatter: it is not what is told of.
    """

    def __init__(self, asked: Pairs) -> None:
        self.asked = asked
        self.started: Started | None = None
        self.found: Evaluation | None = None

    def __call__(self, event: fitting.Event) -> None:
        """Take an event of a training."""
        if isinstance(event, Started):
            self.started = event
        elif isinstance(event, Epoch) and self.started is not None and event.epoch == self.started.epochs:
            self.found = evaluate(self.started.converter, self.asked)


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
    checkpoints, answers = Checkpoints(place), LastAnswers(asked)
    with checkpoints.held():
        checkpoints.resume = checkpoints.begun
        source = DataSource(name=run.task, pairs=len(learnt), held_out="file", seed=run.seed)
        settings = plan.configs(run)
        fitted = fitting.fit(learnt, asked, *settings, data=source, report=answers, checkpoints=checkpoints)
        if answers.found is None:  # it was killed after its last epoch
            checkpoints.resume = False
            fitted = fitting.fit(learnt, asked, *settings, data=source, report=answers, checkpoints=checkpoints)
        assert answers.found is not None
        if run.seed == KEPT_SEED and run.recipe == "modern" and run.task == "addition":
            fitted.save(folder / MODELS / run.model, force=True)
        epochs = fitted.artefact.metrics["epochs"]
        result = {
            **asdict(run),
            "exact_match": answers.found.exact_match,
            "answers": [conversion.prediction or "" for conversion in answers.found.conversions],
            "epochs": epochs,
            "seconds": sum(epoch["seconds"] for epoch in epochs),
            "weights": fitted.artefact.metrics["weights"],
        }
        write_file(_file(folder, run), to_json(result))
        checkpoints.finish()
    return result


def _file(folder: Path, run: Run) -> Path:
    return folder / RUNS / f"{run.name}.json"


def done_run(folder: Path, run: Run) -> dict[str, Any] | None:
    """The result of a training that is done, or None."""
    file = _file(folder, run)
    if not file.exists():
        return None
    try:
        result = from_json(read_file(file.parent, file.name, MOST_BYTES), file.parent, file.name)
        return result if Run(*(result[name] for name in ("task", "recipe", "model", "seed"))) == run else None
    except (ModelFolderError, KeyError, TypeError):
        return None  # it will be made again


def make_runs(
    runs: Sequence[Run], plan: Plan, parts: Mapping[str, Parts], folder: Path, jobs: int
) -> Iterator[tuple[Run, dict[str, Any]]]:
    """Make those runs that are not done, each on one thread of a process of its own, as many at a time as `jobs`.

    Yields:
        each as it is done.
    """
    (folder / RUNS).mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_begin, initargs=(plan, parts, folder)
    ) as pool:
        waiting = {pool.submit(_make, run): run for run in runs}
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BaseException:
            for future in waiting:
                future.cancel()
            raise


# What every run of a process has in common; sent once.
COMMON: dict[str, Any] = {}


def _begin(plan: Plan, parts: Mapping[str, Parts], folder: Path) -> None:
    os.environ["HENKAN_THREADS"] = "1"
    COMMON.update(plan=plan, parts=parts, folder=folder)


def _make(run: Run) -> dict[str, Any]:
    return make_run(run, COMMON["plan"], COMMON["parts"][run.task], COMMON["folder"])
