"""From a plan to a folder with a report: the whole experiment."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from henkan._version import __version__
from henkan.errors import ModelFolderError, SettingsError
from henkan.inference.converter import Converter
from henkan.storage.files import from_json, read_file, to_json, write_file
from henkan.text.pairs import Pairs
from henkan.training.fitted_model import load_model
from henkan_experiments.analysis import summarize
from henkan_experiments.description import TITLE, describe_experiments
from henkan_experiments.drawing import draw_experiments, learning_curves
from henkan_experiments.experiments import run_experiments, why_not
from henkan_experiments.page import page
from henkan_experiments.plan import FIRST_SEED, MODELS, TASK_NAMES, Plan, Run
from henkan_experiments.report import report
from henkan_experiments.runs import Parts, done_run, make_runs, model_folder, run_of

PLAN, LOCK = "plan.json", "lock"
OWN = (PLAN, f"{PLAN}.part", LOCK)  # what may be there before a plan is
MOST_BYTES = 2**20
EXPERIMENT_SEED = 7


@dataclass(frozen=True)
class Progress:
    """Where an experiment stands.

    Attributes:
        done, runs: trainings. last: the one that has just been done, or None at the beginning.
        exact_match: its.
        asked, models: how many of the models that are kept have been asked the experiments' questions; 0 of 0 before.
    """

    done: int
    runs: int
    last: Run | None = None
    exact_match: float | None = None
    asked: int = 0
    models: int = 0


def reproduce(
    plan: Plan,
    parts: Mapping[str, Parts],
    folder: Path,
    *,
    jobs: int,
    command: str,
    tell: Callable[[Progress], None],
) -> Path:
    """Make the trainings that are not done yet, and the report of all.

    Args:
        plan: which.
        parts: for each task the pairs to learn from, and those to be asked.
        folder: where the results go, and those of a stopped experiment of the same plan and pairs are.
        jobs: trainings at a time.
        command: what the report says that it was made by.
        tell: told of the progress.

    Returns:
        the report's file.

    Raises:
        SettingsError: if the folder holds another experiment, or another process works in it.
        OSError: if it cannot be written.
    """
    with _held(folder):
        _begin(plan, parts, folder)
        runs = plan.runs()
        results = [result for run in runs if (result := done_run(folder, run)) is not None]
        tell(Progress(len(results), len(runs)))
        names = set(map(run_of, results))
        left = [run for run in runs if run not in names]
        for run, result in make_runs(left, plan, parts, folder, jobs) if left else ():
            results.append(result)
            tell(Progress(len(results), len(runs), run, result["exact_match"]))
        results.sort(key=lambda result: (result["task"], result["recipe"], result["seed"]))
        asked, models = count(), sum(run.kept for run in runs)

        def tell_asked() -> None:
            tell(Progress(len(results), len(runs), asked=next(asked), models=models))

        tell_asked()
        return write_report(results, parts, folder, command=command, tell=tell_asked)


def write_report(
    results: list[dict[str, Any]],
    parts: Mapping[str, Parts],
    folder: Path,
    *,
    command: str,
    tell: Callable[[], None] = lambda: None,
) -> Path:
    """Everything that follows from the trainings: figures, pictures, and the report in two forms.

    Args:
        results: of the trainings. parts: their pairs. folder: where their models are, and the report goes.
        command: what the report says that it was made by.
        tell: called whenever a model has been asked the experiments' questions.

    Raises:
        OSError: if it cannot be written.
    """
    asked = {task: held_out for task, (_, held_out) in parts.items()}
    summary = summarize(results, asked)
    learnt, _ = parts["addition"]
    found, reason = {}, why_not(learnt)
    if reason is None:
        found = run_experiments(_trainings(results, folder), EXPERIMENT_SEED, learnt, tell)
    curves = _curves(summary)
    pictures = curves | (draw_experiments(found) if found else {})
    about = {
        "command": command,
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, henkan {__version__}",
        "pairs": {task: _counts(*each) for task, each in parts.items()},
    }
    answers = {
        (result["task"], result["recipe"], result["model"]): result["answers"]
        for result in results
        if result["seed"] == FIRST_SEED
    }
    text = report(
        summary,
        asked,
        answers,
        about,
        describe_experiments(found, pictures) if reason is None else f"{TITLE}\n\n{reason}\n",
        {name.removesuffix(".svg"): name for name in curves},
    )
    for name, drawn in pictures.items():
        write_file(folder / name, drawn)
    write_file(folder / "results.json", to_json({"about": about, "figures": summary, "experiments": found}))
    write_file(folder / "report.md", text.encode())
    write_file(folder / "report.html", page(text, pictures).encode())
    return folder / "report.html"


def _counts(learnt: Pairs, asked: Pairs) -> dict[str, int]:
    known = set(learnt.sources)
    common = sum(source in known for source in asked.sources)
    return {"learnt": len(learnt), "asked": len(asked), "common": common}


def _curves(summary: Mapping[str, Any]) -> dict[str, bytes]:
    """Name of a file -> learning curves of all models of a task and a recipe."""
    drawn = {}
    for task, recipes in summary.items():
        for recipe, models in recipes.items():
            ordered = {model: models[model] for model in MODELS if model in models}
            drawn[f"{task}-{recipe}.svg"] = learning_curves(ordered, f"{task}, {recipe} recipe")
    return {name: picture for name, picture in drawn.items() if picture is not None}


def _trainings(results: Sequence[Mapping[str, Any]], folder: Path) -> dict[str, list[Converter]]:
    """The models that are kept, by name."""
    kept: dict[str, list[Converter]] = {model: [] for model in MODELS}
    for run in map(run_of, results):
        if run.kept and (place := model_folder(folder, run)).exists():
            kept[run.model].append(load_model(place).converter)
    return {model: trainings for model, trainings in kept.items() if trainings}


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    strange = sorted(each.name for each in folder.iterdir() if each.name not in OWN)
    if strange and not (folder / PLAN).exists():
        raise SettingsError(f"{folder}: the folder holds other things ({strange[0]}); choose another --out")
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise SettingsError(f"{folder}: another process works there; wait for it, or choose another --out") from None
    try:
        yield
    finally:
        lock.release()


def _begin(plan: Plan, parts: Mapping[str, Parts], folder: Path) -> None:
    """Write the plan down, or find the same one there."""
    marks = {task: [pairs.digest() for pairs in parts[task]] for task in TASK_NAMES}
    wanted = {"henkan": __version__, **plan.to_dict(), "marks": marks}
    if not (folder / PLAN).exists():
        write_file(folder / PLAN, to_json(wanted))
        return
    try:
        begun = from_json(read_file(folder, PLAN, MOST_BYTES), folder, PLAN)
        same = _without(begun) == _without(wanted)
    except (ModelFolderError, AttributeError):
        same = False
    if not same:
        raise SettingsError(
            f"{folder}: an experiment with other settings, pairs or another version of henkan stands there; choose "
            "another --out"
        )


def _without(plan: Mapping[str, Any]) -> dict[str, Any]:
    """What must be the same: with more seeds an experiment grows, and the pairs are known by their marks."""
    return {name: value for name, value in plan.items() if name not in ("seeds", "files")}
