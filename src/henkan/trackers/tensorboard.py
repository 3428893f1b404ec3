"""Log training runs to TensorBoard."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from henkan.trackers.tracker import Run, Tracker
from henkan.training.events import Outcome

SECONDS_BETWEEN_WRITES = 5.0
LOGGED = ("train/epoch_loss", "dev/loss", "dev/exact_match", "final/exact_match")
"""Columns of the table of settings and results ("HParams")."""


class TensorBoard(Tracker[Any]):
    """Logs training runs to TensorBoard. Needs `henkan[tensorboard]`.

    Each run has a folder NAME-ID in `folder`, where ID identifies the training run, and each member of an ensemble has
    a subfolder. To see all runs, install the package tensorboard and enter `tensorboard --logdir runs`.

    Args:
        folder: the folder for all runs.
        options: `name`, `every` and `warn`; see `Tracker`.
    """

    label, package, extra = "TensorBoard", "tensorboardX", "tensorboard"

    def __init__(self, folder: str | os.PathLike[str] = "runs", **options: Any) -> None:
        super().__init__(**options)
        self.folder, self._written = Path(folder), 0.0

    def start(self, run: Run) -> Any:
        """Create a file in the folder of the run."""
        # SummaryWriter would write in a thread of its own, and block training for ever once that thread has failed.
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.summary import hparams

        whole = run.ensemble or run
        folder = self.folder / f"{whole.name}-{whole.id[:8]}" / ("" if run.member is None else f"member-{run.member}")
        folder.mkdir(parents=True, exist_ok=True)
        writer = EventsWriter(str(folder / "events"), f".{time.time_ns()}")
        if run.settings and run.step is not None:  # hide what was logged after the checkpoint from which a run resumes
            writer.write_event(Event(step=run.step + 1, session_log=SessionLog(status=SessionLog.START)))
        if run.settings:
            settings = {name: _shown(value) for name, value in run.settings.items()}
            for summary in hparams(settings, dict.fromkeys(LOGGED))[:2]:
                writer.write_event(Event(wall_time=time.time(), summary=summary))
        writer.flush()
        return writer

    def log(self, handle: Any, values: Mapping[str, float], step: int) -> None:
        """Write the values, and flush the file every few seconds."""
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        summary = Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in values.items()])
        handle.write_event(Event(wall_time=time.time(), step=step, summary=summary))
        if time.monotonic() - self._written > SECONDS_BETWEEN_WRITES:
            handle.flush()
            self._written = time.monotonic()

    def finish(self, handle: Any, outcome: Outcome) -> None:
        """Close the file."""
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.summary import hparams

        if outcome == "finished":
            handle.write_event(Event(wall_time=time.time(), summary=hparams({}, {})[2]))
        handle.close()


def _shown(value: Any) -> Any:
    """Return a value as the table of settings can show it."""
    return value if isinstance(value, bool | int | float | str) else str(value)
