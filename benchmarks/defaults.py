"""Trains models with henkan's default settings, as `henkan train FILE --dev FILE` does, and evaluates them.

Models are saved as soon as they are trained, so that an interrupted benchmark can be resumed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from measuring import share_cores


@dataclass(frozen=True)
class Job:
    """A model to train and evaluate.

    Attributes:
        name: name of its folder.
        train, dev: files of the training and the validation set; dev None: no validation.
        tests: files of pairs to evaluate together.
        settings: settings that the data needs, and the seed.
        members: number of ensemble members.
        columns: names of the columns of the files.
        teacher: name of the job whose model is distilled into this one, or None.
    """

    name: str
    train: Path
    dev: Path | None
    tests: tuple[Path, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    members: int = 1
    columns: str = "source,target"
    teacher: str | None = None


def run(jobs: Iterable[Job], work: Path, parallel: int) -> list[dict[str, Any]]:
    """Train the models that do not exist yet, and evaluate all; return the results in the order of the jobs."""
    jobs = list(jobs)
    share_cores(parallel)
    work.mkdir(parents=True, exist_ok=True)
    results: dict[str, dict[str, Any]] = {}
    with ProcessPoolExecutor(parallel, get_context("spawn"), max_tasks_per_child=1) as pool:
        for with_teacher in (False, True):
            part = [job for job in jobs if (job.teacher is not None) == with_teacher]
            tasks = {pool.submit(train_and_evaluate, job, work): job for job in part}
            for task in as_completed(tasks):
                job = tasks[task]
                results[job.name] = task.result()
                rate = results[job.name]["exact_match"]
                print(f"{len(results)} of {len(jobs)}: {job.name} {rate:.2f} %", file=sys.stderr, flush=True)
    return [results[job.name] for job in jobs]


def train_and_evaluate(job: Job, work: Path) -> dict[str, Any]:
    """Train a model unless its folder exists, and evaluate it; rates are in percent."""
    from henkan.cli.data_arguments import parse_columns
    from henkan.engine.numpy import NumpyEngines
    from henkan.evaluation.error_rates import evaluate
    from henkan.text.data_source import DataSource
    from henkan.text.layout import Layout
    from henkan.text.pairs import Pairs
    from henkan.text.reading import read_pair_file
    from henkan.training.choice import Wanted
    from henkan.training.fitted_model import load_model
    from henkan.training.job import TrainingJob, Unlabelled
    from henkan.training.labelling import generated_sources
    from henkan.training.trainer import Trainer

    def read(path: Path) -> Pairs:
        return read_pair_file(path, Layout(columns=parse_columns(job.columns))).pairs

    folder = work / job.name
    if not (folder / "manifest.json").exists():
        pairs = read(job.train)
        wanted = Wanted({"target_symbols": None, **job.settings}, members=job.members)
        source = DataSource(job.train.stem, pairs=len(pairs), held_out="file", seed=job.settings.get("seed", 0))
        variants, unlabelled = wanted.choose(pairs).variants, None
        if job.teacher is not None:
            generated = generated_sources(pairs, variants[0].model, variants[0].training.seed)
            unlabelled = Unlabelled(generated, load_model(work / job.teacher))
        training = TrainingJob(variants, source, unlabelled=unlabelled)
        dev = None if job.dev is None else read(job.dev)
        Trainer(NumpyEngines()).fit(pairs, dev, training).save(folder)
    model = load_model(folder)
    tests = [read(path) for path in job.tests]
    pairs = Pairs([each for test in tests for each in test.sources], [each for test in tests for each in test.targets])
    measured, metrics = evaluate(model.converter, pairs), model.saved.metrics
    return {
        "name": job.name,
        "models": [
            [each.model.architecture, each.model.target_reverse, len(each.members)] for each in model.saved.variants
        ],
        "exact_match": 100 * measured.exact_match,
        "symbol_error_rate": 100 * measured.symbol_error_rate,
        "dev": None if metrics["exact_match"] is None else 100 * metrics["exact_match"],
        "seconds": sum(epoch["seconds"] for member in metrics.get("members", [metrics]) for epoch in member["epochs"]),
    }
