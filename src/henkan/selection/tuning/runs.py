"""Models that are trained after the search, with other seeds than the trials; they are stored with the trials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from henkan.errors import HenkanError
from henkan.selection.tuning.space import Point, Space, key_of
from henkan.selection.tuning.study import Study, from_text, to_text
from henkan.selection.tuning.trial import Trial, TrialResult
from henkan.selection.tuning.workers import Failed, TrialWorkers


class Run(NamedTuple):
    """A model.

    Attributes:
        point, seed: its settings and its random seed.
        measured: what was measured.
    """

    point: Point
    seed: int
    measured: TrialResult


class Planned(NamedTuple):
    """A model to train.

    Attributes:
        name: what to call its settings in the news.
        point, seed: its settings and its random seed.
    """

    name: str
    point: Point
    seed: int


class Runs:
    """Trains models, unless they were trained before the search was interrupted.

    Args:
        study: where the results are stored.
        name: the name under which they are stored.
        space: the settings.
        tell: called with news, in words, and about twice a second without.
    """

    def __init__(self, study: Study, name: str, space: Space, tell: Callable[[Sequence[str]], None]) -> None:
        self.study, self.name, self.space, self.tell = study, name, space, tell
        self.known = [Run(point, seed, from_text(text)) for point, seed, text in study.get(name, [])]
        self.failures: dict[str, HenkanError] = {}

    def of(self, point: Point) -> list[Run]:
        """Return the runs of a point, by seed."""
        return sorted((run for run in self.known if key_of(run.point) == key_of(point)), key=lambda run: run.seed)

    def train(self, workers: TrialWorkers, wanted: Sequence[Planned]) -> None:
        """Train models with some settings and seeds; see `failures` for those that cannot be trained."""
        done = {(key_of(run.point), run.seed) for run in self.known}
        missing = [each for each in wanted if (key_of(each.point), each.seed) not in done]
        started = 0
        while started < len(missing) or workers.running:
            while workers.idle and started < len(missing):
                workers.start(started, Trial(self.space.variant(missing[started].point), missing[started].seed))
                started += 1
            news = []
            for number, message in workers.messages():
                name, point, seed = missing[number]
                if isinstance(message, Failed):
                    self.failures[key_of(point)] = message.error or HenkanError(message.reason)
                    news.append(f"{name}, seed {seed} failed: {message.reason}")
                elif isinstance(message, TrialResult):
                    self.known.append(Run(point, seed, message))
                    self.study.put(self.name, [[run.point, run.seed, to_text(run.measured)] for run in self.known])
                    news.append(f"{name}, seed {seed}: exact match {message.exact_match:.1%}")
            self.tell(news)
