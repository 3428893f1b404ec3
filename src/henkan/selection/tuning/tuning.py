"""A search for better settings: trials, rounds between the best candidates, and a comparison with the defaults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from henkan.selection.tuning.budget import Budget
from henkan.selection.tuning.comparison import Comparison, compare
from henkan.selection.tuning.effects import Effect, Effects, Observation
from henkan.selection.tuning.runs import Planned, Run, Runs
from henkan.selection.tuning.search import SEEDS, Search
from henkan.selection.tuning.space import Point, Space, key_of
from henkan.selection.tuning.splits import Examples
from henkan.selection.tuning.study import Record, Study
from henkan.selection.tuning.workers import TrialWorkers

ROUND_SEEDS = 100
"""Difference between the given seed and the first seed of the rounds."""

Show = Callable[["Tuning"], None]


@dataclass(frozen=True)
class TuningResult:
    """The result.

    Attributes:
        point: the settings to use: the best that were found, or the defaults.
        candidate: the best that were found.
        comparison: the candidate compared with the defaults; None: no other settings could be tried.
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
    """A search for better settings.

    Args:
        space: the settings.
        examples: the pairs.
        study: the stored trials.
        budget: how long it may take.
        seed: the given seed. The comparison has it and the next ones, the trials and rounds have others.
        jobs: number of trials at the same time.
        show: called whenever something has changed, and about twice a second.
        keep_seed: whether the model to keep must have the given seed, with which the pairs were generated.

    Attributes:
        phase: "search", "rounds" or "comparison".
        news: what has happened since `show` was called last, in words.
    """

    def __init__(
        self,
        space: Space,
        examples: Examples,
        study: Study,
        budget: Budget,
        *,
        seed: int,
        jobs: int,
        show: Show,
        keep_seed: bool = False,
    ) -> None:
        self.space, self.examples, self.study, self.budget = space, examples, study, budget
        self.seed, self.jobs, self.show, self.keep_seed = seed, jobs, show, keep_seed
        self.phase = "search"
        self.news: Sequence[str] = ()
        self.search = Search(space, study, budget, seed=seed, jobs=jobs, tell=self._tell)
        self.rounds = Runs(study, "rounds", space, self._tell)
        self.final = Runs(study, "comparison", space, self._tell)

    @property
    def records(self) -> Sequence[Record]:
        """The trials."""
        return self.search.records

    def run(self) -> TuningResult:
        """Run or resume the search.

        Raises:
            HenkanError: if models with the defaults cannot be trained.
        """
        with TrialWorkers(self.jobs, self.examples) as workers:
            self.search.run(workers)
            self.phase = "rounds"
            candidate = self._choose(workers)
            self.phase = "comparison"
            return self._compare(workers, candidate)

    def _tell(self, news: Sequence[str]) -> None:
        if news:
            self.study.put("seconds", self.budget.seconds)
        self.news = news
        self.show(self)

    def _effects(self) -> Effects:
        others = [Observation(run.point, run.measured.value) for run in self.rounds.known]
        observations = [*self.search.observations(), *others]
        return Effects(self.space, observations, self.search.rows)

    def _choose(self, workers: TrialWorkers) -> Point:
        """Choose the best candidate: train the most promising with other seeds, and keep the better ones."""
        rounds = self.study.get("plan of rounds")
        if rounds is None:
            rounds = self.search.rounds
            self.study.put("plan of rounds", rounds)
        left, seed = self._ranked(), self.seed + ROUND_SEEDS
        for number, (count, models) in enumerate(rounds):
            left = self.study.get(f"round {number}") or left[:count]
            if len(left) < 2:  # there is nothing to choose
                break
            self.study.put(f"round {number}", left)
            names = [f"candidate {each + 1}" for each in range(len(left))]
            seeds = range(seed, seed + models)
            self.rounds.train(workers, [Planned(*each, k) for k in seeds for each in zip(names, left, strict=True)])
            left = self._by_gain([point for point in left if key_of(point) not in self.rounds.failures])
            seed += models
        return left[0] if left else self.space.default

    def _ranked(self) -> list[Point]:
        """Return the measured points except the defaults, best first, and second the best combination of values.

        Points for which the rest of the time would be too short are left out.
        """
        complete = [each.point for each in self.records if each.measured and self.search.affordable(each.point)]
        measured = {key_of(each): each for each in complete}
        if not measured:
            return []
        default, combination = key_of(self.space.default), self._effects().best_combination()
        ranked = self._by_gain([point for key, point in measured.items() if key != default])
        if key_of(combination) in {default, *measured} or not self.search.affordable(combination):
            return ranked
        return [*ranked[:1], combination, *ranked[1:]]

    def _by_gain(self, points: Sequence[Point]) -> list[Point]:
        """Sort points by their estimated gain, largest first."""
        gains = self._effects().gains(points).tolist()
        return [points[index] for index in sorted(range(len(points)), key=lambda index: -gains[index])]

    def _compare(self, workers: TrialWorkers, candidate: Point) -> TuningResult:
        """Compare the best candidate with the defaults."""
        default, seeds = self.space.default, range(self.seed, self.seed + SEEDS)
        effects = self._effects().table()
        if key_of(candidate) == key_of(default):
            return TuningResult(default, default, None, self.seed, [], effects)
        both = (("defaults", default), ("best settings", candidate))
        self.final.train(workers, [Planned(*each, seed) for seed in seeds for each in both])
        if key_of(default) in self.final.failures:
            raise self.final.failures[key_of(default)]
        results = self.final.of(default), self.final.of(candidate)
        if key_of(candidate) in self.final.failures:
            return TuningResult(default, default, None, self.seed, results[0], effects)
        comparison = compare(
            *([run.measured for run in runs] for runs in results),
            same_sources=self.examples.validation is not None or self.examples.folds > 0,
        )
        best = results[comparison.gain > 0]
        keep = best[0]
        if (
            self.examples.validation is not None and not self.keep_seed
        ):  # otherwise each seed has other validation pairs
            keep = max(best, key=lambda run: run.measured.exact_match)
        return TuningResult(keep.point, candidate, comparison, keep.seed, [*results[0], *results[1]], effects)
