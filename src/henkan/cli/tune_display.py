"""Show the progress of a search for settings."""

from __future__ import annotations

import sys
from collections import Counter
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.text import Text

from henkan.display.durations import clock
from henkan.selection.tuning.space import key_of
from henkan.selection.tuning.tuning import Tuning

PHASES = {
    "search": "search",
    "rounds": "training the best candidates again with other seeds",
    "comparison": "comparing the best settings with the defaults",
}


class TuneDisplay:
    """Shows progress on standard error: a live line on a terminal, and one line for each trial that has ended.

    Call it with the search whenever something has changed, inside its `with` block.

    Args:
        quiet: show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self.live: Live | None = None
        self.phase = "search"

    def __enter__(self) -> TuneDisplay:
        if self.console.is_terminal and not self.quiet:
            self.live = Live(console=self.console, transient=True, auto_refresh=False)
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live is not None:
            self.live.stop()

    def note(self, text: str) -> None:
        """Print a line."""
        if not self.quiet:
            self.console.print(Text(text))

    def __call__(self, tuning: Tuning) -> None:
        """Show the state of the search."""
        if self.quiet:
            return
        if tuning.phase != self.phase:
            self.phase = tuning.phase
            self.note(PHASES[self.phase])
        status = status_line(tuning)
        for news in tuning.news:
            self.note(f"{news}   {status}")
        if self.live is not None:
            self.live.update(Text(status), refresh=True)


def status_line(tuning: Tuning) -> str:
    """Return the best exact match so far, how many trials were made, and the time left, in one line."""
    states = Counter(each.state for each in tuning.records)
    parts = []
    measured = [each for each in tuning.records if each.measured is not None]
    default = key_of(tuning.space.default)
    exact = {key_of(each.point): each.measured.exact_match for each in measured if each.measured is not None}
    if default in exact:
        parts.append(f"defaults {exact[default]:.1%}")
    if exact:
        parts.append(f"best {max(exact.values()):.1%}")
    parts.append(f"trials: {states['complete']} done, {states['pruned']} pruned, {states['failed']} failed")
    if tuning.budget.left < float("inf"):
        parts.append(f"{clock(max(0.0, tuning.budget.left))} left")
    return ", ".join(parts)
