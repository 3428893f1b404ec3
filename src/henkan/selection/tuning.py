"""Search for better settings: trials, rounds between the best candidates, and a comparison with the defaults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from henkan.errors import HenkanError
from henkan.selection.budget import Budget, final_seconds
from henkan.selection.comparison import Comparison, compare
from henkan.selection.effects import Effect, Effects, Observation
from henkan.selection.space import MAX_COST, Point, Space, key_of
from henkan.selection.splits import Examples
from henkan.selection.study import Record, Study, from_text, to_text
from henkan.selection.trial import Measured, Progress, Trial
from henkan.selection.workers import Failed, Stopped, TrialWorkers

SEEDS = 3
"""Number of seeds in the comparison: the given seed and the next ones."""

SECONDS_BETWEEN = 0.5

Show = Callable[["Tuning"], None]


@dataclass(frozen=True)
class Run:
    """A model that was trained after the search.

    Attributes:
        point, seed: its settings and its random seed.
        measured: what was measured.
    """

    point: Point
    seed: int
    measured: Measured


@dataclass(frozen=True)
class Found:
    """The result of a search.

    Attributes:
        point: the settings to use: the best that were found, or the defaults.
        candidate: the best that were found.
        comparison: the candidate compared with the defaults; None: no other settings were tried.
        seed: the seed of the model to keep.
        runs: the runs of the comparison, those of the defaults first.
        effects: the estimated effects of all values.
    """

    point: Point
    candidate: Point
    comparison: Comparison | None
    seed: int
    runs: Sequence[Run]
    effects: Sequence[Effect]


class Tuning:
    """A search.

    Args:
        space: the settings.
        examples: the pairs.
        study: the stored trials.
        budget: how long it may take.
        seed: the given seed.
        jobs: number of trials at the same time.
        show: called whenever something has changed, and about twice a second.

    Attributes:
        phase: "search", "candidates" or "comparison".
        finished: the last message, in words, or empty.
    """

    def __init__(
        self, space: Space, examples: Examples, study: Study, budget: Budget, *, seed: int, jobs: int, show: Show
    ) -> None:
        self.space, self.examples, self.study, self.budget = space, examples, study, budget
        self.seed, self.jobs, self.show = seed, jobs, show
        self.phase, self.finished = "search", ""
        self.records = study.records()

    def run(self) -> Found:
        """Run or resume the search.

        Raises:
            HenkanError: if the defaults cannot be trained.
        """
        with TrialWorkers(self.jobs, self.examples) as workers:
            if self.study.get("candidates") is None:
                self._search(workers)
                self.study.put("candidates", True)
            self.phase = "candidates"
            candidate = self._choose(workers)
            self.phase = "comparison"
            return self._compare(workers, candidate)

    # The search

    def _search(self, workers: TrialWorkers) -> None:
        doomed: set[int] = set()
        while True:
            while workers.idle and self._may_start(len(workers.running)):
                number, point = self.study.ask(self._proposal)
                self._note("")
                if self.space.cost(point) > MAX_COST:
                    self.study.prune(number)
                    continue
                repeats = sum(key_of(each.point) == key_of(point) for each in self.records) - 1
                try:
                    workers.start(number, Trial(self.space.variant(point), self._search_seed(repeats)))
                except HenkanError as error:  # settings that do not fit each other
                    self.study.fail(number, str(error))
            if not workers.running:
                return
            for number, message in workers.messages(SECONDS_BETWEEN):
                self._handle(workers, number, message, doomed)
            self._note(self.finished)

    def _search_seed(self, repeats: int) -> int:
        """Return the seed of a trial: not one of the comparison, and another if a point is repeated."""
        return self.seed + SEEDS + repeats

    def _may_start(self, running: int) -> bool:
        started = len(self.records)
        if not started:
            return True
        duration = self._duration()
        if not duration:  # the first trials are running
            return running < self.jobs and self.budget.allows_trial(started, 0.0, 0.0)
        return self.budget.allows_trial(started, duration, self._final(duration))

    def _duration(self) -> float:
        """Return the duration of a trial that is not pruned, in seconds; 0: unknown."""
        seconds = [each.measured.seconds for each in self.records if each.measured is not None]
        return median(seconds) if seconds else 0.0

    def _final(self, duration: float) -> float:
        models = sum(count * each for count, each in self.budget.rounds(duration, self.jobs, 2 * SEEDS))
        return final_seconds(models + 2 * SEEDS, duration, self.jobs)

    def _proposal(self) -> Point | None:
        """Return the point to try next: every second time the best combination of values, as far as is known."""
        if len(self.records) % 2 or not any(each.measured for each in self.records):
            return None
        return self._effects().best_combination(self.seed + len(self.records))

    def _handle(self, workers: TrialWorkers, number: int, message: Any, doomed: set[int]) -> None:
        study = self.study
        if isinstance(message, Progress):
            if number not in doomed and study.report(number, message.step, message.value) and number:
                doomed.add(number)
                workers.stop(number)
            return
        if isinstance(message, Failed):
            study.fail(number, message.reason)
            if number == 0 and message.error is not None:
                raise message.error
            self.finished = f"trial {number + 1} failed: {message.reason}"
        elif isinstance(message, Stopped) or number in doomed:
            study.prune(number)
            self.finished = f"trial {number + 1} pruned"
        elif isinstance(message, Measured):
            study.complete(number, message)
            self.finished = f"trial {number + 1}: exact match {message.exact_match:.1%}"
        self.study.put("seconds", self.budget.seconds)

    def _note(self, finished: str) -> None:
        self.finished = finished
        self.records = self.study.records()
        self.show(self)
        self.finished = ""

    # Candidates

    def observations(self) -> list[Observation]:
        """Return what is known about points: complete trials, pruned ones (extrapolated), and runs with other seeds."""
        complete = [each for each in self.records if each.measured is not None]
        found = [Observation(each.point, each.measured.value) for each in complete if each.measured is not None]
        for each in self.records:
            if each.state == "pruned" and each.steps:
                value = _extrapolated(each, complete)
                found += [] if value is None else [Observation(each.point, value)]
        return found + [Observation(run.point, run.measured.value) for run in self._runs("candidates runs")]

    def _effects(self) -> Effects:
        rows = max((len(each.measured.right) for each in self.records if each.measured is not None), default=1)
        return Effects(self.space, self.observations(), rows)

    def _choose(self, workers: TrialWorkers) -> Point:
        """Choose the best candidate: train some with more seeds, and keep the better ones."""
        duration = self._duration()
        rounds: list[list[int]] | None = self.study.get("rounds")
        if rounds is None:
            rounds = [list(each) for each in self.budget.rounds(duration, self.jobs, 2 * SEEDS)]
            self.study.put("rounds", rounds)
        seed, left = self.seed + 100, self._ranked()
        for number, (count, models) in enumerate(rounds):
            left = self.study.get(f"round {number}") or left[:count]
            self.study.put(f"round {number}", left)
            self._train(workers, "candidates runs", [(point, seed + k) for k in range(models) for point in left])
            seed += models
            order = self._effects().gains(left).tolist()
            left = [left[index] for index in sorted(range(len(left)), key=lambda index: -order[index])]
        return left[0] if left else self.space.default

    def _ranked(self) -> list[Point]:
        """Return the points other than the defaults, best first by the estimated gain, and the best combination."""
        if not any(each.measured for each in self.records):
            return []
        effects, default = self._effects(), key_of(self.space.default)
        tried = {key_of(each.point): each.point for each in self.records if each.measured is not None}
        combination = effects.best_combination()
        points = [point for key, point in tried.items() if key != default]
        order = effects.gains(points).tolist() if points else []
        ranked = [points[index] for index in sorted(range(len(points)), key=lambda index: -order[index])]
        if key_of(combination) in {default, *tried}:
            return ranked
        return [*ranked[:1], combination, *ranked[1:]]

    # Comparison

    def _compare(self, workers: TrialWorkers, candidate: Point) -> Found:
        default, seeds = self.space.default, [self.seed + k for k in range(SEEDS)]
        points = [default] if key_of(candidate) == key_of(default) else [default, candidate]
        runs = self._train(workers, "comparison runs", [(point, seed) for seed in seeds for point in points])
        by_point = [[run for run in runs if key_of(run.point) == key_of(point)] for point in points]
        comparison, best = None, by_point[0]
        if len(points) > 1:
            results = [[run.measured for run in each] for each in by_point]
            comparison = compare(*results, same_sources=self.examples.validation is not None)
            best = by_point[comparison.gain > 0]
        keep = best[0]
        if self.examples.validation is not None:  # otherwise each seed has another validation set
            keep = max(best, key=lambda run: run.measured.exact_match)
        effects = self._effects().table()
        return Found(keep.point, candidate, comparison, keep.seed, [run for each in by_point for run in each], effects)

    # Runs after the search

    def _train(self, workers: TrialWorkers, name: str, wanted: Sequence[tuple[Point, int]]) -> list[Run]:
        """Train models with some settings and seeds, unless they were trained before the search was interrupted.

        Raises:
            HenkanError: if one cannot be trained.
        """
        known = {(key_of(run.point), run.seed): run for run in self._runs(name)}
        missing = [(point, seed) for point, seed in wanted if (key_of(point), seed) not in known]
        started = 0
        while started < len(missing) or workers.running:
            while workers.idle and started < len(missing):
                point, seed = missing[started]
                workers.start(started, Trial(self.space.variant(point), seed))
                started += 1
            for key, message in workers.messages(SECONDS_BETWEEN):
                point, seed = missing[key]
                if isinstance(message, Failed):
                    raise message.error or HenkanError(f"a model could not be trained again: {message.reason}")
                if isinstance(message, Measured):
                    known[key_of(point), seed] = Run(point, seed, message)
                    self.study.put(name, [[run.point, run.seed, to_text(run.measured)] for run in known.values()])
                    self.study.put("seconds", self.budget.seconds)
                    self.finished = f"seed {seed}: exact match {message.exact_match:.1%}"
            self.show(self)
            self.finished = ""
        return [known[key_of(point), seed] for point, seed in wanted]

    def _runs(self, name: str) -> list[Run]:
        return [Run(point, seed, from_text(text)) for point, seed, text in self.study.get(name, [])]


def _extrapolated(pruned: Record, complete: Sequence[Record]) -> float | None:
    """Estimate the value that a pruned trial would have had: it stays as far behind the others as it was."""
    step = max(pruned.steps)
    others = [each for each in complete if step in each.steps]
    if not others:
        return None
    behind = pruned.steps[step] - fmean(each.steps[step] for each in others)
    return fmean(each.measured.value for each in others if each.measured is not None) + behind
