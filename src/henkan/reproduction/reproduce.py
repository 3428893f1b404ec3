"""From a plan to a folder with a report: the whole experiment."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from henkan import fitting
from henkan._version import __version__
from henkan.errors import ModelFolderError, SettingsError
from henkan.reproduction.analysis import summarize
from henkan.reproduction.curves import learning_curves
from henkan.reproduction.experiments import describe_experiments, draw_experiments, run_experiments
from henkan.reproduction.page import page
from henkan.reproduction.plan import MODELS, TASK_NAMES, Plan, Run
from henkan.reproduction.report import report
from henkan.reproduction.runs import KEPT_SEED, Parts, done_run, make_runs
from henkan.reproduction.runs import MODELS as KEPT
from henkan.storage import from_json, read_file, to_json, write_file

PLAN, LOCK = "plan.json", "lock"
MOST_BYTES = 2**20
EXPERIMENT_SEED = 7


@dataclass(frozen=True)
class Progress:
    """Where an experiment stands.

    Attributes:
        done, runs: trainings. last: the one that has just been done, or None at the beginning.
        exact_match: its.
    """

    done: int
    runs: int
    last: Run | None = None
    exact_match: float | None = None


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
        runs, results = plan.runs(), []
        for run in runs:
            result = done_run(folder, run)
            if result is not None:
                results.append(result)
        tell(Progress(len(results), len(runs)))
        names = {Run(*(result[part] for part in ("task", "recipe", "model", "seed"))) for result in results}
        left = [run for run in runs if run not in names]
        for run, result in make_runs(left, plan, parts, folder, jobs) if left else ():
            results.append(result)
            tell(Progress(len(results), len(runs), run, result["exact_match"]))
        results.sort(key=lambda result: (result["task"], result["recipe"], result["seed"]))
        return write_report(results, parts, folder, command=command)


def write_report(results: list[dict[str, Any]], parts: Mapping[str, Parts], folder: Path, *, command: str) -> Path:
    """Everything that follows from the trainings: figures, pictures, and the report in two forms.

    Raises:
        OSError: if it cannot be written.
    """
    asked = {task: held_out for task, (_, held_out) in parts.items()}
    summary = summarize(results, asked)
    curves: dict[str, bytes] = {}
    for task, recipes in summary.items():
        for recipe, models in recipes.items():
            ordered = {model: models[model] for model in MODELS if model in models}
            drawn = learning_curves(ordered, f"{task}, {recipe} recipe")
            if drawn is not None:
                curves[f"{task}-{recipe}"] = drawn
    models = {
        model: fitting.load(folder / KEPT / model).converter for model in MODELS if (folder / KEPT / model).exists()
    }
    found = run_experiments(models, EXPERIMENT_SEED) if models else {}
    pictures = {f"{name}.svg": drawn for name, drawn in curves.items()} | (draw_experiments(found) if found else {})
    about = {
        "command": command,
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, henkan {__version__}",
        "pairs": {task: [len(learnt), len(held_out)] for task, (learnt, held_out) in parts.items()},
    }
    answers = {
        (result["task"], result["recipe"], result["model"]): result["answers"]
        for result in results
        if result["seed"] == KEPT_SEED
    }
    text = report(
        summary,
        asked,
        answers,
        about,
        describe_experiments(found) if found else "",
        {name: f"{name}.svg" for name in curves},
    )
    for name, drawn in pictures.items():
        write_file(folder / name, drawn)
    write_file(folder / "results.json", to_json({"about": about, "figures": summary, "experiments": found}))
    write_file(folder / "report.md", text.encode())
    write_file(folder / "report.html", page(text, pictures).encode())
    return folder / "report.html"


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
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
        strange = sorted(each.name for each in folder.iterdir() if each.name != LOCK)
        if strange:
            raise SettingsError(f"{folder}: the folder holds other things ({strange[0]}); choose another --out")
        write_file(folder / PLAN, to_json(wanted))
        return
    try:
        begun = from_json(read_file(folder, PLAN, MOST_BYTES), folder, PLAN)
        same = {name: value for name, value in begun.items() if name != "seeds"} == {
            name: value for name, value in wanted.items() if name != "seeds"
        }
    except (ModelFolderError, AttributeError):
        same = False
    if not same:
        raise SettingsError(
            f"{folder}: an experiment with other settings, pairs or another version of henkan stands there; choose "
            "another --out"
        )
