"""Show the progress of a training run on a terminal, or as lines of text."""

from __future__ import annotations

import sys
import time

from rich.console import Console, Group
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

from henkan.display.durations import clock, duration
from henkan.display.event_text import left_out, rollback, sizes
from henkan.display.lines import StatusLines
from henkan.evaluation.error_rates import evaluate
from henkan.evaluation.evaluation_set import EXAMPLES_SHOWN
from henkan.evaluation.report import example_lines
from henkan.inference.converter import Converter
from henkan.text.pairs import Pairs
from henkan.training.events import (
    Calibrating,
    Epoch,
    Estimated,
    Event,
    Labelled,
    Labelling,
    Preparing,
    Rollback,
    Started,
    Step,
)

SECONDS_BETWEEN_PREDICTIONS = 0.5
SECONDS_BETWEEN_REDRAWS = 0.1


class TerminalDisplay(StatusLines):
    """Shows progress on standard error: a live display on a terminal, otherwise one line per epoch.

    Call it with every event, inside its `with` block.

    Args:
        validation: the validation set, or None. A live display shows the current predictions for its first pairs.
        quiet: show nothing.
        shared: whether other processes write to the same terminal, where live displays would overwrite each other.
    """

    def __init__(self, validation: Pairs | None, *, quiet: bool, shared: bool = False) -> None:
        super().__init__(quiet=quiet, shared=shared)
        self.examples = None
        if validation is not None:
            self.examples = validation.take(range(min(EXAMPLES_SHOWN, len(validation))))
        self.console = Console(file=sys.stderr, highlight=False, soft_wrap=not sys.stderr.isatty())
        self.progress = Progress(
            TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), console=self.console
        )
        self.bar = self.progress.add_task("epoch 1", total=None)
        self.converter: Converter | None = None
        self.epochs = 0
        self.exact_match: float | None = None
        self.members = 1
        self.rows: list[str] = []
        self.predicted_at = self.drawn_at = 0.0

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if self.quiet:
            return
        if isinstance(event, Started):
            self._start(event)
        elif isinstance(event, Preparing):
            if self.live is not None:
                self.live.update(Text("preparing (on first use, fused kernels are compiled) ..."), refresh=True)
        elif isinstance(event, Estimated):
            every = duration(event.seconds + event.following)
            if self.members == 1:
                self.console.print(f"training will take about {every}")
            else:
                one = duration(event.seconds)
                self.console.print(f"this model will take about {one}; training will end in about {every}")
        elif isinstance(event, Labelling):
            if event.left_out:
                self.console.print(f"note: {left_out(event)}")
            self.console.print(f"predicting the targets of {event.sources:,} unlabelled sources ...")
        elif isinstance(event, Labelled):
            if event.done == event.sources:
                self.console.print(f"{event.used:,} of {event.sources:,} sources have a usable prediction")
            elif self.live is not None:
                self.live.update(Text(f"{event.done:,} of {event.sources:,} sources"), refresh=True)
        elif isinstance(event, Calibrating):
            self.console.print("estimating the confidence outside the training data ...")
        elif isinstance(event, Epoch):
            self._end_epoch(event)
        elif isinstance(event, Rollback):
            self.console.print(rollback(event), soft_wrap=True)
        elif isinstance(event, Step) and self.live is not None and self._redraws():
            self._draw(event)

    def _start(self, event: Started) -> None:
        self.converter, self.epochs = event.converter, event.epochs
        self.members, self.rows = event.members, []
        self.exact_match = event.epochs_done[-1].exact_match if event.epochs_done else None
        member = f"model {event.member} of {event.members}: " if event.members > 1 else ""
        self.console.print(member + sizes(event))

    def _end_epoch(self, event: Epoch) -> None:
        self.exact_match = event.exact_match
        match = "" if event.exact_match is None else f"  exact match {event.exact_match:8.3%}"
        self.console.print(
            f"epoch {event.epoch:>{len(str(self.epochs))}}/{self.epochs}  loss {event.loss:<8.3g}{match}"
            f"  learning rate {event.learning_rate:.2g}  {event.seconds:.1f} s"
        )

    def _redraws(self) -> bool:
        return time.monotonic() - self.drawn_at >= SECONDS_BETWEEN_REDRAWS

    def _draw(self, event: Step) -> None:
        assert self.live is not None
        assert self.converter is not None
        now = time.monotonic()
        if self.examples is not None and now - self.predicted_at >= SECONDS_BETWEEN_PREDICTIONS:
            self.rows = example_lines(evaluate(self.converter, self.examples).counts)
            self.predicted_at = time.monotonic()
        self.progress.update(
            self.bar,
            description=f"epoch {event.epoch}/{self.epochs}",
            completed=event.step,
            total=event.steps,
        )
        left = event.seconds / event.step * (event.steps - event.step)
        match = "" if self.exact_match is None else f"   exact match {self.exact_match:.3%}"
        status = (
            f"loss {event.loss:<8.3g}{match}   learning rate {event.learning_rate:.2g}   "
            f"{event.pairs / max(event.seconds, 1e-9):,.0f} pairs/s   {clock(left)} left"
        )
        examples = [Text(row, style="green" if row.startswith("O") else "") for row in self.rows]
        self.live.update(Group(self.progress, Text(status), Text(""), *examples), refresh=True)
        self.drawn_at = time.monotonic()
