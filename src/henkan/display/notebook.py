"""Show the progress of a training run in a notebook: one output, which is updated in place."""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import inf
from types import TracebackType
from typing import Any

from henkan.display.progress_html import Example, progress_html, progress_text
from henkan.display.run_state import RunState
from henkan.evaluation.error_rates import evaluate
from henkan.evaluation.evaluation_set import EXAMPLES_SHOWN
from henkan.evaluation.report import example_cells
from henkan.text.pairs import Pairs
from henkan.training.events import Calibrating, Ended, Event, Labelling, Preparing

SECONDS_BETWEEN_UPDATES = 0.3
"""A notebook stores and draws every update, so it gets a few per second."""

SECONDS_BETWEEN_PREDICTIONS = 0.5

LONG = Preparing, Labelling, Calibrating
"""Events after which the next one may take long, so they are shown at once."""


class NotebookDisplay:
    """Shows progress below a cell of a notebook, as HTML without JavaScript.

    Call it with every event. The output keeps the last state, also after an interruption or another error. In a `with`
    block, it also shows which error it was.

    Args:
        validation: the validation set, or None. The display shows the current predictions for its first pairs.
    """

    def __init__(self, validation: Pairs | None) -> None:
        self.examples = None
        if validation is not None:
            self.examples = validation.take(range(min(EXAMPLES_SHOWN, len(validation))))
        self.state = RunState()
        self.shown_examples: Sequence[Example] = ()
        self.handle: Any = None
        self.predicted_at = self.drawn_at = -inf

    def __enter__(self) -> NotebookDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.state.began is not None and (kind is not None or not self.state.ended):
            self.state.end(kind)
            self._draw()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        self.state.update(event)
        last = isinstance(event, Ended) and bool(self.state.ended)
        if last or isinstance(event, LONG) or time.monotonic() - self.drawn_at >= SECONDS_BETWEEN_UPDATES:
            self._predict(again=last)  # at the end, with the weights of the best epoch
            self._draw()

    def _predict(self, *, again: bool) -> None:
        """Predict the examples with the current weights."""
        started = self.state.started
        if self.examples is None or started is None or self.state.step is None or self.state.failed:
            return
        if again or time.monotonic() - self.predicted_at >= SECONDS_BETWEEN_PREDICTIONS:
            counts = evaluate(started.converter, self.examples).counts
            self.shown_examples = [*map(example_cells, counts.first)]
            self.predicted_at = time.monotonic()

    def _draw(self) -> None:
        shown = {
            "text/html": progress_html(self.state, self.shown_examples),
            "text/plain": progress_text(self.state),
        }
        if self.handle is None:
            from IPython.display import display

            self.handle = display(shown, raw=True, display_id=True)
        else:
            self.handle.update(shown, raw=True)
        self.drawn_at = time.monotonic()
