"""How long a search may take, and how many trials it may make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from time import monotonic

from henkan.display.durations import duration as duration_text
from henkan.errors import SettingsError
from henkan.text.counts import counted

FINAL_MODEL = 1.5
"""Duration of training the final model, whose confidence outside the training data is estimated too, in trials."""

TOLERANCE = 1.25
"""How much shorter than its estimate a search may have to be."""

ROUNDS: list[list[tuple[int, int]]] = [[(4, 1), (2, 2)], [(3, 1), (2, 1)], [(3, 1)]]
"""Ways to choose among the best candidates with other seeds, the most thorough first: successive halving (Jamieson &
Talwalkar 2016) over seeds."""


@dataclass
class Budget:
    """The budget of a search.

    Attributes:
        minutes: for everything, including the final training; None: no limit.
        trials: maximum number of trials; None: no limit.
        spent: seconds that were spent before this process.
        clock: returns seconds.
    """

    minutes: float | None = None
    trials: int | None = None
    spent: float = 0.0
    clock: Callable[[], float] = monotonic
    start: float = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.clock()

    @property
    def seconds(self) -> float:
        """Seconds that have been spent."""
        return self.spent + self.clock() - self.start

    @property
    def left(self) -> float:
        """Seconds that are left; infinite without a limit."""
        return float("inf") if self.minutes is None else 60 * self.minutes - self.seconds

    def check(self, seconds: float, duration: float) -> None:
        """Check that there is enough time for a search, as far as an estimate of its duration is reliable.

        Args:
            seconds: what the search takes at least.
            duration: expected duration of a trial in seconds.

        Raises:
            SettingsError: if there is not.
        """
        if self.minutes is not None and seconds > TOLERANCE * 60 * self.minutes:
            minutes = ceil(seconds / 60)
            raise SettingsError(
                f"a trial takes about {duration_text(duration)} and a search at least {counted(minutes, 'minute')}",
                "more_minutes",
                minutes=minutes,
            )

    def allows_trial(self, number: int, duration: float, final: float) -> bool:
        """Whether another trial may be started.

        Args:
            number: number of trials so far.
            duration: expected duration of a trial in seconds; 0: unknown.
            final: expected duration of what follows the search, in seconds.
        """
        if self.trials is not None and number >= self.trials:
            return False
        return self.left - final > duration / 2

    def rounds(self, final: Callable[[int], float]) -> list[tuple[int, int]]:
        """Return the final rounds that there is time for: (number of candidates, number of models of each).

        At most half of the budget is for what follows the search.

        Args:
            final: number of models in the rounds -> expected seconds of all that follows the search.
        """
        for rounds in ROUNDS:
            models = sum(candidates * each for candidates, each in rounds)
            if self.minutes is None or final(models) <= 30 * self.minutes:
                return rounds
        return []


def least_seconds(duration: float, jobs: int, comparison: int) -> float:
    """Return how long a search takes at least: trials with the defaults and other settings, and what follows them.

    Args:
        duration: expected duration of a trial in seconds.
        jobs: number of models at the same time.
        comparison: number of models of the last comparison.
    """
    return -(-2 // jobs) * duration + final_seconds(0, comparison, duration, duration, jobs)


def final_seconds(rounds: int, comparison: int, default: float, candidate: float, jobs: int) -> float:
    """Return how long it takes to train the models that follow the search.

    Args:
        rounds: number of models in the rounds.
        comparison: number of models in the last comparison, half of which have the defaults.
        default, candidate: expected duration of one model in seconds.
        jobs: number of models at the same time.
    """
    compared = -(-comparison // jobs) * (default + candidate) / 2
    return -(-rounds // jobs) * candidate + compared + FINAL_MODEL * candidate
