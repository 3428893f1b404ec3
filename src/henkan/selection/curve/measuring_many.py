"""Measure many models, several at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, as_completed
from dataclasses import dataclass

from henkan.errors import HenkanError
from henkan.selection.curve.kept import KeptMeasurements
from henkan.selection.curve.measuring import Measurement, fingerprint, measure
from henkan.selection.processes import LOST, stop, worker_processes
from henkan.selection.training_run import TrainingRun

UPDATE_OVERHEAD = 16
"""Time of an update that does not depend on its batch, as the number of pairs that take as long."""


@dataclass(frozen=True)
class Measured:
    """A model was measured, or its measurement was kept from an earlier call.

    Attributes:
        number: which of the models, from 0.
        run: its pairs and settings.
        measurement: what it got right.
        kept: whether the measurement was kept.
        done: number of models measured so far.
        models: number of all models.
        seconds_left: estimated time for the others.
    """

    number: int
    run: TrainingRun
    measurement: Measurement
    kept: bool
    done: int
    models: int
    seconds_left: float


def measure_all(
    runs: Sequence[TrainingRun],
    *,
    jobs: int = 1,
    kept: KeptMeasurements | None = None,
    report: Callable[[Measured], None] | None = None,
) -> list[Measurement]:
    """Train and measure models.

    Args:
        runs: n models, each with a validation set.
        jobs: number of models to train at the same time, in processes of their own; 1: in this process.
        kept: measurements of earlier calls, to which new ones are added; None: none.
        report: called after each model. An exception that it raises ends the call, as Ctrl-C does.

    Returns:
        n measurements.

    Raises:
        HenkanError: if a process has ended. What was measured before is kept.
    """
    kept = KeptMeasurements() if kept is None else kept
    keys = [fingerprint(each) for each in runs]
    found: dict[int, Measurement] = {}

    def add(number: int, measurement: Measurement, *, is_kept: bool) -> None:
        found[number] = measurement
        if report is not None:
            left = _seconds_left(runs, found, jobs)
            report(Measured(number, runs[number], measurement, is_kept, len(found), len(runs), left))

    for number, key in enumerate(keys):
        known = kept.get(key)
        if known is not None:
            add(number, known, is_kept=True)
    todo = [number for number in range(len(runs)) if number not in found]
    for number, measurement in _measurements(runs, todo, jobs):
        kept.add(keys[number], measurement)
        add(number, measurement, is_kept=False)
    return [found[number] for number in range(len(runs))]


def _measurements(runs: Sequence[TrainingRun], numbers: Sequence[int], jobs: int) -> Iterator[tuple[int, Measurement]]:
    """Train and measure some of the models; yield each with its number as soon as it is finished."""
    if min(jobs, len(numbers)) <= 1:
        for number in numbers:
            yield number, measure(runs[number])
        return
    pool = worker_processes(min(jobs, len(numbers)))
    try:
        waiting = {pool.submit(measure, runs[number]): number for number in numbers}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    except BrokenExecutor:
        raise HenkanError(LOST, "fewer_jobs") from None
    finally:
        stop(pool)


def _seconds_left(runs: Sequence[TrainingRun], found: Mapping[int, Measurement], jobs: int) -> float:
    """Estimate the time that the other models take, from that of the models that were measured."""
    left = [number for number in range(len(runs)) if number not in found]
    rate = sum(each.seconds for each in found.values()) / sum(_work(runs[number]) for number in found)
    return rate * sum(_work(runs[number]) for number in left) / max(1, min(jobs, len(left)))


def _work(run: TrainingRun) -> float:
    """The time that a model takes, in an arbitrary unit: the pairs in all of its batches, and the updates."""
    pairs, work = len(run.pairs), 0.0
    for variant in run.variants:
        training = variant.training.sized(pairs)
        work += variant.members * training.total_updates(pairs) * ((training.batch_size or 1) + UPDATE_OVERHEAD)
    return work
