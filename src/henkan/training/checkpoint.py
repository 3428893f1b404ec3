"""Checkpoints: the state from which an interrupted training run resumes, with a bit-for-bit identical result.

`progress.json` contains the name and the SHA-256 checksum of its tensor file and the id of its plan. It is replaced
last, by an atomic rename, so the previous checkpoint is valid until then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import numpy as np
from safetensors.numpy import save as save_safetensors

from henkan.config import ModelConfig, TrainingConfig, to_dict
from henkan.errors import CheckpointError, DataError, Interrupted, ModelFolderError, SettingsError
from henkan.storage.files import load_tensors, read_file, seal, sha256
from henkan.storage.model_folder import CHECKPOINT
from henkan.text.pairs import Pairs
from henkan.training.checkpoint_folder import LABELLED, PLAN, PROGRESS, CheckpointFolder
from henkan.training.events import Epoch, Rollback, Step
from henkan.training.progress import Progress, from_values, to_values

FORMAT = "henkan-checkpoint"
FORMAT_VERSION = 3
SECONDS_BETWEEN = 60.0
"""Default number of seconds between two checkpoints within an epoch."""

MAX_TENSOR_BYTES = 2**36
CHANGEABLE = ("data", "versions")
"""Parts of the plan that may differ when a run is resumed: the file of pairs may have moved, and a change of versions
is only reported."""

LABELLED_SOURCES = "labelled sources"
"""Name of the fingerprint of unlabelled sources with predicted targets, in the plan."""

DISK_REMEDIES = {"resume": "check_disk_and_resume", "run_again": "check_disk_and_run_again"}
"""Remedy that says how to resume -> remedy after a failure to write the checkpoint."""


class Checkpoints:
    """The checkpoint of one model folder.

    Args:
        model: the model folder.
        every: number of seconds between two checkpoints within an epoch.
        stop: called after every update; returns the number of a received signal, or None.
        resume: whether to resume the interrupted run in the folder.
        remedy: key of the remedy that says how to resume, "resume" or "run_again".

    Attributes:
        options: values of the caller that are saved in the plan.

    Raises:
        SettingsError: if the number of seconds is negative or not a number.
    """

    def __init__(
        self,
        model: Path,
        *,
        every: float = SECONDS_BETWEEN,
        stop: Callable[[], int | None] = lambda: None,
        resume: bool = False,
        remedy: Literal["resume", "run_again"] = "resume",
    ) -> None:
        if not isinstance(every, int | float | np.number) or isinstance(every, bool) or not every >= 0:
            raise SettingsError(
                f"checkpoint_every must be a number of seconds, not {every!r}", argument="checkpoint_every"
            )
        self.folder = CheckpointFolder(model)
        self.every, self.stop, self.resume, self.remedy = every, stop, resume, remedy
        self.options: Mapping[str, Any] = {}
        self._plan: dict[str, Any] = {}
        self._number, self._last = 0, time.monotonic()

    @property
    def model(self) -> Path:
        """The model folder as given."""
        return self.folder.model

    @property
    def run_id(self) -> str:
        """A text that identifies the run, which stays the same when it is resumed. Known after `open`."""
        return str(self._plan["id"])

    @property
    def resumable(self) -> bool:
        """Whether there is an interrupted run to resume."""
        return self.folder.resumable

    @contextmanager
    def held(self) -> Iterator[Checkpoints]:
        """Lock the folder.

        Raises:
            CheckpointError: see `CheckpointFolder.held`.
        """
        with self.folder.held():
            yield self

    def open(self, plan: Mapping[str, Any]) -> Progress:
        """Start a new run, or resume the interrupted one.

        Args:
            plan: settings of the run and fingerprints of its data, which must match those of an interrupted run.

        Returns:
            the progress of the run.

        Raises:
            CheckpointError: if another run was interrupted here, or the checkpoint cannot be read or written.
        """
        if not self.resume:
            about = {"format": FORMAT, "format_version": FORMAT_VERSION, "id": uuid4().hex}
            self._write_plan({**about, **plan, "options": self.options, "replaces": self._plan.get("id")})
            self.folder.delete(PROGRESS)  # of the run of a teacher
            return Progress()
        interrupted = self.plan()
        self._check_same(interrupted, plan)
        self._plan = interrupted
        progress = self._progress()
        if self.options and self.options != interrupted["options"]:  # the path of the data or the engine has changed
            self._write_plan({**interrupted, "options": self.options})
        return progress

    def _check_same(self, interrupted: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
        for part, name in (("training", "seed"), ("data", "held_out")):  # they decide which pairs are trained on
            if plan[part][name] != interrupted[part].get(name):
                what = "seed" if name == "seed" else "validation set"
                raise CheckpointError(
                    f"{self.model}: the {what} differs from that of the interrupted run", "same_setting_or_restart"
                )
        for name, value in sorted(plan.items(), key=lambda item: item[0] != "marks"):  # other data explain the rest
            if name in CHANGEABLE:
                continue
            for part, now in value.items() if isinstance(value, Mapping) else {"": value}.items():
                then = interrupted[name].get(part) if part else interrupted[name]  # earlier versions have fewer marks
                if now != then and name == "marks":
                    raise CheckpointError(
                        f"{self.model}: the {part} differ from those of the interrupted run", "same_data_or_restart"
                    )
                if now != then:
                    raise CheckpointError(
                        f"{self.model}: {(part or name).replace('_', ' ')} is {now!r}, but was {then!r} in the "
                        "interrupted run",
                        "same_setting_or_restart",
                    )

    def clear(self) -> None:
        """Delete the interrupted run, unless it is to be resumed.

        Raises:
            CheckpointError: if it cannot be deleted.
        """
        if not self.resume and not self._plan:  # a run that has a teacher replaces the teacher's own, see `open`
            with self._written():
                self.folder.clear()

    def keep_start(self, save: Callable[[Path], None]) -> None:
        """Save the model that the run starts from in the checkpoint folder, unless the run is resumed."""
        if not self.resume and not self._plan:
            save(self.folder.start)

    def keep_labelled(self, pairs: Pairs) -> None:
        """Save unlabelled sources and their predicted targets, unless the run is resumed."""
        if not self.resume:
            with self._written():
                self.folder.write(LABELLED, seal([list(pairs.sources), list(pairs.targets)]))

    def labelled(self, *, has_teacher: bool) -> Pairs | None:
        """Return what `keep_labelled` has saved in the interrupted run that is resumed; None if it has not.

        Args:
            has_teacher: whether the model that predicts the targets is given, so that the run must have saved them.

        Raises:
            CheckpointError: if the file is missing or damaged, or belongs to another run.
        """
        if not self.resume:
            return None
        mark = self.plan().get("marks", {}).get(LABELLED_SOURCES)
        if mark is None:
            if has_teacher:
                raise CheckpointError(
                    f"{self.model}: the unlabelled sources differ from those of the interrupted run",
                    "same_data_or_restart",
                )
            return None
        try:
            pairs = Pairs(*self.folder.read(LABELLED))
            if pairs.digest() == mark:
                return pairs
        except (ModelFolderError, DataError, TypeError, ValueError, AttributeError):
            pass
        raise CheckpointError(f"{self.folder.path}: {LABELLED} is missing or damaged", "restart")

    def _write_plan(self, plan: Mapping[str, Any]) -> None:
        self._plan = dict(plan)
        with self._written():
            self.folder.write(PLAN, seal(self._plan))

    def plan(self) -> dict[str, Any]:
        """Read the plan of the interrupted run.

        Raises:
            CheckpointError: if there is none, or it is damaged or of another format.
        """
        if not self.resumable:
            raise CheckpointError(f"{self.model}: there is no interrupted run to resume", "resumable_folder")
        try:
            plan = self.folder.read(PLAN)
        except ModelFolderError as error:
            raise CheckpointError(error.message.problem, "restart") from None
        if not isinstance(plan, dict) or plan.get("format_version") != FORMAT_VERSION:
            raise CheckpointError(
                f"{self.model}: the checkpoint was written by another version of henkan", "other_version"
            )
        for name, defaults in (("model", ModelConfig()), ("training", TrainingConfig())):
            if isinstance(plan.get(name), dict):  # settings added in a later version had their defaults
                plan[name] = {**to_dict(defaults), **plan[name]}
        plan.setdefault("other variants", [])
        return plan

    def _progress(self) -> Progress:
        """Read the progress of the interrupted run; empty if no checkpoint was written yet.

        Raises:
            CheckpointError: if it is damaged.
        """
        if not self.folder.has_progress:
            return Progress()
        path = self.folder.path
        try:
            values = self.folder.read(PROGRESS)
            if values["plan"] == self._plan.get("replaces"):
                return Progress()
            if values["plan"] != self._plan["id"]:
                raise ModelFolderError(f"{path}: progress.json and plan.json belong to different training runs")
            content = read_file(path, values["tensors"], MAX_TENSOR_BYTES)
            if sha256(content) != values["sha256"]:
                raise ModelFolderError(f"{path}: {values['tensors']} is damaged or was modified")
            self._number = values["number"]
            return from_values(values, load_tensors(content, path, values["tensors"], finite=False))
        except ModelFolderError as error:
            raise CheckpointError(error.message.problem, "restart") from None
        except (KeyError, TypeError, ValueError, AttributeError):
            raise CheckpointError(f"{path}: progress.json is damaged", "restart") from None

    def check_fits(self, saved: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
        """Check that arrays of the checkpoint have the same names and shapes as the arrays that they replace.

        Raises:
            CheckpointError: if not.
        """
        shapes = [{name: np.shape(value) for name, value in values.items()} for values in (saved, expected)]
        if shapes[0] != shapes[1]:
            raise CheckpointError(f"{self.folder.path}: progress.json does not fit the model", "restart")

    def after(self, event: Step | Epoch | Rollback, progress: Callable[[], Progress]) -> None:
        """Write a checkpoint after an epoch, a rollback or `every` seconds, or if a signal was received.

        Args:
            event: the last event of the training loop.
            progress: returns the progress to write.

        Raises:
            CheckpointError: if it cannot be written.
            Interrupted: if a signal was received, after the checkpoint was written.
        """
        number = self.stop()
        if number is not None or not isinstance(event, Step) or time.monotonic() - self._last >= self.every:
            self.keep(progress())
        if number is not None:
            raise self.interrupted(number)

    def pause(self, progress: Callable[[], Progress]) -> None:
        """Stop if a signal was received. Called during long work between two events.

        Args:
            progress: returns the progress to write.

        Raises:
            CheckpointError, Interrupted: as in `after`.
        """
        number = self.stop()
        if number is not None:
            self.keep(progress())
            raise self.interrupted(number)

    def keep(self, progress: Progress) -> None:
        """Write a checkpoint.

        Raises:
            CheckpointError: if it cannot be written. The previous checkpoint stays valid.
        """
        self._number += 1
        name = f"tensors-{self._number}.safetensors"
        values, tensors = to_values(progress)
        content = save_safetensors(tensors)
        values |= {"plan": self._plan["id"], "number": self._number, "tensors": name, "sha256": sha256(content)}
        with self._written():
            try:
                self.folder.write(name, content)
                self.folder.write(PROGRESS, seal(values))
            except OSError:
                self.folder.delete(name)  # free the disk space
                raise
        self.folder.delete_tensors(except_for=name)
        self._last = time.monotonic()

    def interrupted(self, number: int) -> Interrupted:
        """Create the exception for a training run that was stopped by a signal."""
        problem = f"training interrupted; progress is saved in {self.model / CHECKPOINT}"
        return Interrupted(problem, number, self.remedy, folder=self.model)

    def finish(self) -> None:
        """Mark the run as finished, after the model was saved."""
        self.folder.delete_plan()

    def discard(self) -> None:
        """Mark the run as finished without holding the lock, unless the folder has another run by now."""
        with suppress(CheckpointError):
            if self.plan()["id"] == self._plan["id"]:
                with self.held():
                    self.finish()

    @contextmanager
    def _written(self) -> Iterator[None]:
        """Convert an `OSError` to a `CheckpointError`."""
        try:
            yield
        except OSError as error:
            problem = f"{self.folder.path}: the checkpoint cannot be written ({error.strerror or error})"
            if not self.resumable:
                raise CheckpointError(f"{problem}; check permissions and free disk space") from None
            if self.folder.has_progress:
                problem += ", the previous checkpoint is intact"
            raise CheckpointError(problem, DISK_REMEDIES[self.remedy], folder=self.model) from None
