"""Checkpoints for processes that do not write any: all but process 0 of a group, and runs without a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from henkan.errors import Interrupted
from henkan.text.pairs import Pairs
from henkan.training.checkpoint import Checkpoints
from henkan.training.events import Epoch, Rollback, Step
from henkan.training.progress import Progress


class ReadOnlyCheckpoints(Checkpoints):
    """The checkpoint in a process other than process 0 of a process group. It reads, but never writes."""

    @contextmanager
    def held(self) -> Iterator[Checkpoints]:
        """Do nothing: process 0 locks the folder."""
        yield self

    def clear(self) -> None:
        """Do nothing: process 0 deletes the interrupted run."""

    def keep_start(self, save: Callable[[Path], None]) -> None:
        """Do nothing: process 0 saves the model."""

    def keep_labelled(self, pairs: Pairs) -> None:
        """Do nothing: process 0 saves the pairs."""

    def after(self, event: Step | Epoch | Rollback, progress: Callable[[], Progress]) -> None:  # noqa: ARG002
        """Stop if a signal was received; process 0 writes the checkpoint."""
        self.pause(progress)

    def pause(self, progress: Callable[[], Progress]) -> None:  # noqa: ARG002
        """Stop if a signal was received."""
        number = self.stop()
        if number is not None:
            raise self.interrupted(number)

    def keep(self, progress: Progress) -> None:
        """Do nothing: process 0 writes the checkpoint."""

    def finish(self) -> None:
        """Do nothing: process 0 marks the run as finished."""

    def discard(self) -> None:
        """Do nothing: process 0 marks the run as finished."""

    def _write_plan(self, plan: Mapping[str, Any]) -> None:
        """Keep the plan in memory; process 0 writes it."""
        self._plan = dict(plan)


class NoCheckpoints:
    """Replaces `Checkpoints` in runs without a checkpoint folder.

    Args:
        stop: called after every update; returns the number of a received signal, or None.

    Attributes:
        run_id: a text that identifies the run, known after `open`.
    """

    resume = resumable = False

    def __init__(self, stop: Callable[[], int | None] = lambda: None) -> None:
        self.stop, self.run_id = stop, ""

    @contextmanager
    def held(self) -> Iterator[NoCheckpoints]:
        """Do nothing."""
        yield self

    def clear(self) -> None:
        """Do nothing."""

    def keep_start(self, save: Callable[[Path], None]) -> None:
        """Do nothing."""

    def keep_labelled(self, pairs: Pairs) -> None:
        """Do nothing."""

    def labelled(self, *, has_teacher: bool) -> None:
        """None: there is no interrupted run."""

    def open(self, plan: Mapping[str, Any]) -> Progress:  # noqa: ARG002
        """Start a new run."""
        self.run_id = uuid4().hex
        return Progress()

    def check_fits(self, saved: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
        """Do nothing."""

    def keep(self, progress: Progress) -> None:
        """Do nothing."""

    def after(self, event: Step | Epoch | Rollback, progress: Callable[[], Progress]) -> None:  # noqa: ARG002
        """Stop if a signal was received."""
        self.pause(progress)

    def pause(self, progress: Callable[[], Progress]) -> None:  # noqa: ARG002
        """Stop if a signal was received."""
        number = self.stop()
        if number is not None:
            raise Interrupted("training interrupted", number)

    def discard(self) -> None:
        """Do nothing."""
