"""The trials of a search: started in worker processes, pruned, and stored, until the budget is used up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, median

from henkan.display.durations import duration as duration_text
from henkan.errors import HenkanError
from henkan.selection.tuning.budget import TOLERANCE, Budget, final_seconds, least_seconds
from henkan.selection.tuning.effects import Effects, Observation
from henkan.selection.tuning.space import Point, Space, key_of
from henkan.selection.tuning.study import Record, Study
from henkan.selection.tuning.trial import Expected, Progress, Trial, TrialResult
from henkan.selection.tuning.workers import Failed, Message, Stopped, TrialWorkers

SEEDS = 3
"""Number of seeds in the comparison with the defaults: the given seed and the next ones. Trials have others."""

CANDIDATES = 3
"""Number of the best trials whose durations are those of the candidates."""


class Search:
    """The trials of a search.

    Args:
        space: the settings.
        study: the stored trials.
        budget: how long everything may take.
        seed: the given seed.
        jobs: number of trials at the same time.
        tell: called with news, in words, and about twice a second without.

    Attributes:
        records: the trials.
    """

    def __init__(
        self,
        space: Space,
        study: Study,
        budget: Budget,
        *,
        seed: int,
        jobs: int,
        tell: Callable[[Sequence[str]], None],
    ) -> None:
        self.space, self.study, self.budget, self.seed, self.jobs, self.tell = space, study, budget, seed, jobs, tell
        self.records = study.records()
        self._doomed: set[int] = set()

    @property
    def rows(self) -> int:
        """Number of sources on which a trial is measured; 1: unknown."""
        return max((len(each.measured.right) for each in self.records if each.measured is not None), default=1)

    @property
    def duration(self) -> float:
        """Median duration of a complete trial in seconds; 0: unknown."""
        seconds = [each.measured.seconds for each in self.records if each.measured is not None]
        return median(seconds) if seconds else 0.0

    def affordable(self, point: Point) -> bool:
        """Whether half of the budget is enough to compare a point with the defaults, or it is hardly slower."""
        if self.budget.minutes is None:
            return True
        most = max(30 * self.budget.minutes, TOLERANCE * self._final(0, self.duration))
        return self._final(0, self._seconds_of(point)) <= most

    def _seconds_of(self, point: Point) -> float:
        """Expected duration of a point in seconds: as measured or, for others, by the cost of its updates."""
        same = [each.measured.seconds for each in self.records if each.measured and key_of(each.point) == key_of(point)]
        return max(same) if same else self.duration * self.space.cost(point)

    def _final(self, rounds: int, seconds: float) -> float:
        """Expected duration of what follows the search.

        Args:
            rounds: number of models in the rounds.
            seconds: duration of the candidates.
        """
        return final_seconds(rounds, 2 * SEEDS, self.duration, seconds, self.jobs)

    @property
    def rounds(self) -> list[tuple[int, int]]:
        """The final rounds that there is time for."""
        return self.budget.rounds(lambda models: self._final(models, self._candidate_seconds))

    @property
    def _candidate_seconds(self) -> float:
        """Duration of the slowest of the best trials so far; 0: unknown."""
        complete = [each for each in self.records if each.measured is not None and self.affordable(each.point)]
        best = sorted((each.measured for each in complete if each.measured), key=lambda each: -each.value)
        return max([self.duration, *(each.seconds for each in best[:CANDIDATES])])

    def run(self, workers: TrialWorkers) -> None:
        """Run trials until the budget is used up, unless this was done before an interruption.

        Raises:
            HenkanError: if the defaults cannot be trained, or take too long.
        """
        while not self.study.get("searched"):
            while workers.idle and self._may_start(len(workers.running)):
                self._start(workers)
            if not workers.running:
                self.study.put("searched", True)
                return
            news = [self._handle(workers, *message) for message in workers.messages()]
            self.records = self.study.records()
            self.tell([each for each in news if each])

    def _may_start(self, running: int) -> bool:
        started, duration = len(self.records), self.duration
        if not duration:  # of the first trials
            return not started or (running < self.jobs and self.budget.allows_trial(started, 0.0, 0.0))
        models = sum(count * each for count, each in self.rounds)
        final = self._final(models, self._candidate_seconds)
        return self.budget.allows_trial(started, duration, final)

    def _start(self, workers: TrialWorkers) -> None:
        number, point = self.study.ask(self._proposal)
        repeats = sum(key_of(each.point) == key_of(point) for each in self.records)
        if self.space.allows(point):
            workers.start(number, Trial(self.space.variant(point), self.seed + SEEDS + repeats))
        else:
            self.study.prune(number)
        self.records = self.study.records()

    def _proposal(self) -> Point | None:
        """Return the point to try next: every second time the best combination of values, as far as is known."""
        if len(self.records) % 2 or not any(each.measured for each in self.records):
            return None
        effects = Effects(self.space, self.observations(), self.rows)
        return effects.best_combination(self.seed + len(self.records))

    def _handle(self, workers: TrialWorkers, number: int, message: Message) -> str:
        """Handle a message of a trial; return the news in words, or an empty text."""
        study, first = self.study, self._is_first(number)
        if isinstance(message, Expected):
            return self._expect(message.seconds) if first else ""
        if isinstance(message, Progress):
            if number not in self._doomed and study.report(number, message.step, message.value) and not first:
                self._doomed.add(number)
                workers.stop(number)
            return ""
        if isinstance(message, Failed):
            study.fail(number, message.reason)
            if first:
                raise message.error or HenkanError(f"a model with the defaults cannot be trained: {message.reason}")
            return f"trial {number + 1} failed: {message.reason}"
        if isinstance(message, Stopped) or number in self._doomed:
            study.prune(number)
            return f"trial {number + 1} pruned"
        assert isinstance(message, TrialResult)
        study.complete(number, message)
        return f"trial {number + 1}: exact match {message.exact_match:.1%}"

    def _is_first(self, number: int) -> bool:
        """Whether a trial is the first of the defaults: the search needs its result."""
        default = key_of(self.space.default)
        same = [each for each in self.records if key_of(each.point) == default]
        return all(each.measured is None for each in same) and any(each.number == number for each in same)

    def _expect(self, seconds: float) -> str:
        """Check that the budget suits the expected duration of the first trial; return the news in words."""
        self.budget.check(least_seconds(seconds, self.jobs, 2 * SEEDS), seconds)
        return f"a trial with the defaults takes about {duration_text(seconds)}"

    def observations(self) -> list[Observation]:
        """Return what is known about points: the values of complete trials, and estimates for pruned ones."""
        complete = [each for each in self.records if each.measured is not None]
        found = [Observation(each.point, each.measured.value) for each in complete if each.measured is not None]
        for each in self.records:
            if each.state == "pruned" and each.steps:
                value = extrapolated(each, complete)
                found += [] if value is None else [Observation(each.point, value)]
        return found


def extrapolated(pruned: Record, complete: Sequence[Record]) -> float | None:
    """Estimate the value that a pruned trial would have had: it stays as far behind the others as it was.

    Args:
        pruned: the trial.
        complete: the complete trials.

    Returns:
        the value, or None if no other trial has one at the same step.
    """
    step = max(pruned.steps)
    others = [each for each in complete if step in each.steps]
    if not others:
        return None
    behind = pruned.steps[step] - fmean(each.steps[step] for each in others)
    return fmean(each.measured.value for each in others if each.measured is not None) + behind
