"""Show the progress of a search for settings."""

from __future__ import annotations

from collections import Counter

from henkan.display.durations import clock
from henkan.display.lines import StatusLines
from henkan.selection.tuning.space import key_of
from henkan.selection.tuning.trial import STEPS
from henkan.selection.tuning.tuning import Tuning

PHASES = {
    "search": "search",
    "rounds": "training the best candidates again with other seeds",
    "comparison": "comparing the best settings with the defaults",
}


class TuneDisplay:
    """Shows one line for each model that was trained, and the state of the search: on a terminal below the lines.

    Call it with the search whenever something has changed.

    Args:
        lines: where to show them.
    """

    def __init__(self, lines: StatusLines) -> None:
        self.lines, self.phase = lines, "search"

    def __call__(self, tuning: Tuning) -> None:
        """Show the state of the search."""
        if tuning.phase != self.phase:
            self.phase = tuning.phase
            self.lines.print(PHASES[self.phase])
        status = status_line(tuning)
        for news in tuning.news:
            self.lines.print(news if self.lines.live else f"{news}   {status}")
        self.lines.status(status)


def status_line(tuning: Tuning) -> str:
    """Return the best exact match so far, how many trials were made, how far others are, and the time left."""
    states, default = Counter(each.state for each in tuning.records), key_of(tuning.space.default)
    complete = [(key_of(each.point), each.measured) for each in tuning.records if each.measured is not None]
    parts = [f"defaults {measured.exact_match:.1%}" for key, measured in complete if key == default][:1]
    if complete:
        parts.append(f"best {max(measured.exact_match for _, measured in complete):.1%}")
    parts.append(f"trials: {states['complete']} done, {states['pruned']} pruned, {states['failed']} failed")
    steps = tuning.examples.folds or STEPS
    parts += [
        f"trial {each.number + 1} at {max(each.steps, default=0) / steps:.0%}"
        for each in tuning.records
        if each.state == "running"
    ]
    if 0 < tuning.budget.left < float("inf"):
        parts.append(f"{clock(tuning.budget.left)} left")
    return ", ".join(parts)
