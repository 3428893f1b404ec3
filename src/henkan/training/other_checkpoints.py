"""Checkpoints of processes that do not write any: those of a group that follow process 0, and runs without a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from henkan.training.checkpoint import Checkpoints
from henkan.training.events import Epoch, Rollback, Step
from henkan.training.progress import Progress


class ReadOnlyCheckpoints(Checkpoints):
    """The checkpoint in a process of a group that is not process 0: it reads, and never writes."""

    @contextmanager
    def held(self) -> Iterator[Checkpoints]:
        """Process 0 holds the folder."""
        yield self

    def clear(self) -> None:
        """Process 0 clears it."""

    def keep_start(self, save: Callable[[Path], None]) -> None:
        """Process 0 saves it."""

    def after(self, event: Step | Epoch | Rollback, progress: Callable[[], Progress]) -> None:  # noqa: ARG002
        """Process 0 writes the checkpoint; all processes stop."""
        self.pause(progress)

    def pause(self, progress: Callable[[], Progress]) -> None:  # noqa: ARG002
        """A place to stop."""
        number = self.stop()
        if number is not None:
            raise self.interrupted(number)

    def keep(self, progress: Progress) -> None:
        """Process 0 writes."""

    def finish(self) -> None:
        """Process 0 finishes it."""

    def discard(self) -> None:
        """Process 0 discards it."""

    def _write_plan(self, plan: Mapping[str, Any]) -> None:
        """Process 0 writes it."""
        self._plan = dict(plan)


class NoCheckpoints:
    """Stands where checkpoints are expected, and writes none."""

    resume = False

    def clear(self) -> None:
        """There is nothing to delete."""

    def keep_start(self, save: Callable[[Path], None]) -> None:
        """The model that the run starts from is not kept."""

    def open(self, plan: Mapping[str, Any]) -> Progress:  # noqa: ARG002
        """Every run begins at the beginning."""
        return Progress()

    def check_fits(self, kept: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        """Nothing was kept."""

    def keep(self, progress: Progress) -> None:
        """Nothing is written."""

    def after(self, event: Step | Epoch | Rollback, progress: Callable[[], Progress]) -> None:
        """Nothing is written."""

    def pause(self, progress: Callable[[], Progress]) -> None:
        """Nothing stops the run."""
