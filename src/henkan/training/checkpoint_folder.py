"""The folder of a checkpoint. It is locked by one process at a time, and deleted when there is nothing to resume.

plan.json                 settings, data source, options, versions, and an id
start/                    the model that the run started from, if any
labelled.json             unlabelled sources with predicted targets, if any
progress.json             progress of the run, without arrays
tensors-N.safetensors     weights, Adam's moments, best weights so far, weights of finished ensemble members
lock, holder.json         lock file, and a description of the process that holds it
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from henkan.errors import CheckpointError, ModelFolderError
from henkan.storage.atomic_folder import INCOMING, WRITTEN
from henkan.storage.files import read_file, seal, sync_folder, unseal, write_file
from henkan.storage.folder_lock import LOCK_FILE, FolderLocked, folder_lock
from henkan.storage.model_folder import CHECKPOINT

MAX_JSON_BYTES = 2**28
START = "start"
PLAN, PROGRESS, LABELLED = "plan.json", "progress.json", "labelled.json"
OWN_FILES = re.compile(r"((plan|progress|labelled|holder)\.json|tensors-\d+\.safetensors)(\.part)?|lock")
OWN_FILES_OF_START = re.compile(rf"({'|'.join(map(re.escape, WRITTEN))})(\.part)?")


class CheckpointFolder:
    """The folder `checkpoint` inside a model folder.

    Args:
        model: the model folder.

    Attributes:
        model: the model folder as given, for messages.
        path: resolved path of the checkpoint folder.
    """

    def __init__(self, model: Path) -> None:
        self.model, self.path = model, model.resolve() / CHECKPOINT

    @property
    def resumable(self) -> bool:
        """Whether the folder contains an interrupted training run."""
        return (self.path / PLAN).exists()

    @property
    def has_progress(self) -> bool:
        """Whether the folder contains a checkpoint, not only a plan."""
        return (self.path / PROGRESS).exists()

    @property
    def start(self) -> Path:
        """Path of the model that the run started from."""
        return self.path / START

    @contextmanager
    def held(self, *, doing: str = "training") -> Iterator[None]:
        """Lock the folder. Afterwards it is deleted, unless there is a run to resume.

        Args:
            doing: what this process does with the model, for the message to another process.

        Raises:
            CheckpointError: if another process has locked it, it has other files, or it cannot be created.
        """
        self._check_content()
        process = os.getpid()
        created = [each for each in (self.path, *self.path.parents) if not each.exists()]
        with ExitStack() as lock:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                for each in created:
                    sync_folder(each.parent)
                lock.enter_context(folder_lock(self.path))
            except FolderLocked:
                raise CheckpointError(f"{self.model}: {self._holder()}", "wait_or_another_checkpoint") from None
            except OSError as error:
                reason = error.strerror or error
                raise CheckpointError(f"{self.model}: cannot be written ({reason})", "another_checkpoint") from None
            try:
                with suppress(OSError):  # the file is used only for a message
                    holder = {"pid": os.getpid(), "host": platform.node(), "since": time.ctime(), "doing": doing}
                    self.write("holder.json", seal(holder))
                yield
            finally:
                if process == os.getpid():  # the folder belongs to the parent of a forked child
                    self._release(lock.close, created)

    def _holder(self) -> str:
        with suppress(ModelFolderError, KeyError, TypeError):
            holder = self.read("holder.json")
            doing = holder.get("doing", "training")  # earlier versions only trained
            return f"process {holder['pid']} on {holder['host']} has been {doing} this model since {holder['since']}"
        return "another process is using this model"

    def _check_content(self) -> None:
        """Raise an error if the folder has other files, because they might be deleted with it."""
        try:
            other = next(_other_files(self.path), None)
        except OSError as error:
            raise CheckpointError(
                f"{self.path}: cannot be used ({error.strerror or error})", "another_checkpoint"
            ) from None
        if other is not None:
            raise CheckpointError(f"{self.path}: the folder has other files ({other})", "another_checkpoint")

    def _release(self, release: Callable[[], None], created: Sequence[Path]) -> None:
        """Release the lock, and delete the folder if there is nothing to resume."""
        done = not self.resumable
        if done:
            for path in self.path.iterdir() if self.path.is_dir() else ():
                if path.name == START:
                    shutil.rmtree(path, ignore_errors=True)
                elif path.name != LOCK_FILE and OWN_FILES.fullmatch(path.name):
                    with suppress(OSError):
                        path.unlink()
        release()
        if done:
            with suppress(OSError):
                (self.path / LOCK_FILE).unlink(missing_ok=True)
                for empty in (self.path, *created):
                    if empty.exists():
                        empty.rmdir()

    def clear(self) -> None:
        """Delete the interrupted run.

        Raises:
            OSError: if it cannot be deleted.
        """
        for name in (PLAN, PROGRESS, LABELLED):  # the plan first, because the other files are not used without it
            (self.path / name).unlink(missing_ok=True)
        for path in self.path.glob("tensors-*"):
            if OWN_FILES.fullmatch(path.name):
                path.unlink()
        if self.start.exists():
            shutil.rmtree(self.start)

    def delete_tensors(self, *, except_for: str) -> None:
        """Delete the tensors of earlier checkpoints, ignoring errors."""
        for old in self.path.glob("tensors-*"):
            if old.name != except_for and OWN_FILES.fullmatch(old.name):
                with suppress(OSError):
                    old.unlink()

    def delete_plan(self) -> None:
        """Delete the plan, ignoring errors, so that there is nothing to resume."""
        with suppress(OSError):
            (self.path / PLAN).unlink()
            sync_folder(self.path)

    def read(self, name: str) -> Any:
        """Read the value of a JSON file.

        Raises:
            ModelFolderError: if it is missing, damaged or was modified.
        """
        return unseal(read_file(self.path, name, MAX_JSON_BYTES), self.path, name)

    def write(self, name: str, content: bytes) -> None:
        """Write a file atomically.

        Raises:
            OSError: if it cannot be written. The old file is unchanged.
        """
        write_file(self.path / name, content)

    def delete(self, name: str) -> None:
        """Delete a file, ignoring errors."""
        with suppress(OSError):
            (self.path / name).unlink(missing_ok=True)


def _other_files(folder: Path) -> Iterator[str]:
    """Yield the names of files in a checkpoint folder that do not belong to a checkpoint."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name == START and path.is_dir() and not path.is_symlink():
            yield from (f"{START}/{each.name}" for each in path.iterdir() if not _belongs_to_start(each))
        elif path.is_dir() or not OWN_FILES.fullmatch(path.name):
            yield path.name


def _belongs_to_start(path: Path) -> bool:
    """Whether a file belongs to the model that a run started from, even if it is incomplete."""
    if path.is_dir():
        return path.name.removeprefix(".").startswith(INCOMING)
    return OWN_FILES_OF_START.fullmatch(path.name) is not None
