"""The whole experiment: from a plan to a folder with a report."""

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
from henkan.storage.folder_lock import LOCK_FILE, FolderLocked, folder_lock
from henkan.training.fitted_model import load_model
from henkan_experiments.analysis import summarize
from henkan_experiments.description import TITLE, describe_experiments
from henkan_experiments.drawing import draw_experiments, learning_curves
from henkan_experiments.experiments import reason_not_applicable, run_experiments
from henkan_experiments.page import page
from henkan_experiments.plan import FIRST_SEED, MODEL_SETTINGS, TASK_NAMES, Plan, Split, TrainingRun
from henkan_experiments.report import report
from henkan_experiments.runs import load_result, model_folder, run_of_result, run_trainings

PLAN = "plan.json"
FILES_BEFORE_PLAN = (PLAN, f"{PLAN}.part", LOCK_FILE)
"""What an interrupted start may leave behind in the folder."""

MAX_PLAN_BYTES = 2**20
ANALYSIS_SEED = 7


@dataclass(frozen=True)
class ExperimentProgress:
    """Progress of an experiment.

    Attributes:
        done, runs: number of completed training runs, and of all.
        last: the run that has just been completed; None at the beginning.
        exact_match: its exact match.
        analysed, models: number of analysed models, and of all models to analyse; `models` is 0 before the analyses.
    """

    done: int
    runs: int
    last: TrainingRun | None = None
    exact_match: float | None = None
    analysed: int = 0
    models: int = 0


def reproduce(
    plan: Plan,
    splits: Mapping[str, Split],
    folder: Path,
    *,
    jobs: int,
    command: str,
    on_progress: Callable[[ExperimentProgress], None],
) -> Path:
    """Run the training runs that are not complete yet, and write the report.

    Args:
        plan: which training runs.
        splits: training and test set of each task.
        folder: output folder. An interrupted experiment with the same plan and pairs is resumed.
        jobs: number of parallel training runs.
        command: command line, for the report.
        on_progress: called after every training run and every analysed model.

    Returns:
        The report file.

    Raises:
        SettingsError: if the folder contains another experiment or other files, or another process uses it.
        OSError: if the folder cannot be written.
    """
    with _exclusive(folder):
        _write_or_check_plan(plan, splits, folder)
        runs = plan.runs()
        results = [result for run in runs if (result := load_result(folder, run)) is not None]
        on_progress(ExperimentProgress(len(results), len(runs)))
        complete = set(map(run_of_result, results))
        remaining = [run for run in runs if run not in complete]
        for run, result in run_trainings(remaining, plan, splits, folder, jobs) if remaining else ():
            results.append(result)
            on_progress(ExperimentProgress(len(results), len(runs), run, result["exact_match"]))
        results.sort(key=lambda result: (result["task"], result["recipe"], result["seed"]))
        analysed, models = count(), sum(run.saves_model for run in runs)

        def on_analysis() -> None:
            on_progress(ExperimentProgress(len(results), len(runs), analysed=next(analysed), models=models))

        on_analysis()
        return write_report(results, splits, folder, command=command, on_analysis=on_analysis)


def write_report(
    results: list[dict[str, Any]],
    splits: Mapping[str, Split],
    folder: Path,
    *,
    command: str,
    on_analysis: Callable[[], None] = lambda: None,
) -> Path:
    """Analyse completed training runs, and write results.json, the figures, report.md and report.html.

    Args:
        results: of the training runs. splits: their training and test sets.
        folder: contains their models; the report is written there.
        command: command line, for the report.
        on_analysis: called after every analysed model.

    Returns:
        The report file.

    Raises:
        OSError: if the folder cannot be written.
    """
    test_sets = {task: split.test for task, split in splits.items()}
    summary = summarize(results, test_sets)
    training = splits["addition"].train
    analyses, reason = {}, reason_not_applicable(training)
    if reason is None:
        analyses = run_experiments(_saved_models(results, folder), ANALYSIS_SEED, training, on_analysis)
    curves = _curves(summary)
    pictures = curves | (draw_experiments(analyses) if analyses else {})
    about = {
        "command": command,
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, henkan {__version__}",
        "pairs": {task: _pair_counts(split) for task, split in splits.items()},
    }
    answers = {
        (result["task"], result["recipe"], result["model"]): result["answers"]
        for result in results
        if result["seed"] == FIRST_SEED
    }
    text = report(
        summary,
        test_sets,
        answers,
        about,
        describe_experiments(analyses, pictures) if reason is None else f"{TITLE}\n\n{reason}\n",
        {name.removesuffix(".svg"): name for name in curves},
    )
    for name, picture in pictures.items():
        write_file(folder / name, picture)
    write_file(folder / "results.json", to_json({"about": about, "figures": summary, "experiments": analyses}))
    write_file(folder / "report.md", text.encode())
    write_file(folder / "report.html", page(text, pictures).encode())
    return folder / "report.html"


def _pair_counts(split: Split) -> dict[str, int]:
    known = set(split.train.sources)
    common = sum(source in known for source in split.test.sources)
    return {"learnt": len(split.train), "asked": len(split.test), "common": common}


def _curves(summary: Mapping[str, Any]) -> dict[str, bytes]:
    """File name -> learning curves of all models, for each task and recipe."""
    drawn = {}
    for task, recipes in summary.items():
        for recipe, models in recipes.items():
            ordered = {model: models[model] for model in MODEL_SETTINGS if model in models}
            drawn[f"{task}-{recipe}.svg"] = learning_curves(ordered, f"{task}, {recipe} recipe")
    return {name: picture for name, picture in drawn.items() if picture is not None}


def _saved_models(results: Sequence[Mapping[str, Any]], folder: Path) -> dict[str, list[Converter]]:
    """Name of a model -> the saved models, one per training run."""
    saved: dict[str, list[Converter]] = {model: [] for model in MODEL_SETTINGS}
    for run in map(run_of_result, results):
        if run.saves_model and (path := model_folder(folder, run)).exists():
            saved[run.model].append(load_model(path).converter)
    return {model: converters for model, converters in saved.items() if converters}


@contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Create the folder if necessary, and hold its lock."""
    folder.mkdir(parents=True, exist_ok=True)
    other_files = sorted(path.name for path in folder.iterdir() if path.name not in FILES_BEFORE_PLAN)
    if other_files and not (folder / PLAN).exists():
        raise SettingsError(f"{folder}: the folder contains other files ({other_files[0]}); choose another --out")
    try:
        with folder_lock(folder):
            yield
    except FolderLocked:
        raise SettingsError(
            f"{folder}: another process is using this folder; wait for it, or choose another --out"
        ) from None


def _write_or_check_plan(plan: Plan, splits: Mapping[str, Split], folder: Path) -> None:
    """Write plan.json, or check that an existing one is the same."""
    fingerprints = {task: [pairs.digest() for pairs in splits[task]] for task in TASK_NAMES}
    expected = {"henkan": __version__, **plan.to_dict(), "marks": fingerprints}
    if not (folder / PLAN).exists():
        write_file(folder / PLAN, to_json(expected))
        return
    try:
        saved = from_json(read_file(folder, PLAN, MAX_PLAN_BYTES), folder, PLAN)
        same = _fixed_part(saved) == _fixed_part(expected)
    except (ModelFolderError, AttributeError):
        same = False
    if not same:
        raise SettingsError(
            f"{folder}: the folder contains an experiment with other settings or pairs, or of another version of "
            "henkan; choose another --out"
        )


def _fixed_part(plan: Mapping[str, Any]) -> dict[str, Any]:
    """What must not change: seeds may be added, and pairs are compared by fingerprint, not by file name."""
    return {name: value for name, value in plan.items() if name not in ("seeds", "files")}
