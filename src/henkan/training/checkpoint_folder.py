"""The folder of a checkpoint: held by one process at a time, and deleted when there is nothing to resume.

plan.json                 settings, data, how to read it again, versions, and an id
start/                    the model that the run started from, if any
progress.json             how far the run has come, without the arrays
tensors-N.safetensors     weights, Adam's moments, the best weights so far, the finished members
lock, holder.json         the process that holds the folder
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
PLAN, PROGRESS = "plan.json", "progress.json"
OWN_FILES = re.compile(r"((plan|progress|holder)\.json|tensors-\d+\.safetensors)(\.part)?|lock")
OWN_FILES_OF_START = re.compile(rf"({'|'.join(map(re.escape, WRITTEN))})(\.part)?")


class CheckpointFolder:
    """The folder `checkpoint` inside a model folder.

    Args:
        model: the model folder.

    Attributes:
        model: as it was given, for messages.
        path: of the checkpoint folder.
    """

    def __init__(self, model: Path) -> None:
        self.model, self.path = model, model.resolve() / CHECKPOINT

    @property
    def begun(self) -> bool:
        """Whether it holds an unfinished training run."""
        return (self.path / PLAN).exists()

    @property
    def has_progress(self) -> bool:
        """Whether it holds a checkpoint, not only a plan."""
        return (self.path / PROGRESS).exists()

    @property
    def start(self) -> Path:
        """Where the model is that the run started from."""
        return self.path / START

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder exclusively; it is deleted afterwards unless there is a run to resume.

        Raises:
            CheckpointError: if another process holds it, it has files of other programs, or it cannot be created.
        """
        self._check_content()
        made = [each for each in (self.path, *self.path.parents) if not each.exists()]
        with ExitStack() as lock:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                for each in made:
                    sync_folder(each.parent)
                lock.enter_context(folder_lock(self.path))
            except FolderLocked:
                raise CheckpointError(f"{self.model}: {self._holder()}", "wait_or_another_checkpoint") from None
            except OSError as error:
                reason = error.strerror or error
                raise CheckpointError(f"{self.model}: cannot be written ({reason})", "another_checkpoint") from None
            try:
                with suppress(OSError):  # it only serves a message
                    self.write(
                        "holder.json", seal({"pid": os.getpid(), "host": platform.node(), "since": time.ctime()})
                    )
                yield
            finally:
                self._leave(lock.close, made)

    def _holder(self) -> str:
        with suppress(ModelFolderError, KeyError, TypeError):
            holder = self.read("holder.json")
            return f"process {holder['pid']} on {holder['host']} has been training this model since {holder['since']}"
        return "another process is training this model"

    def _check_content(self) -> None:
        """Refuse a folder with files that are not ours: they might be deleted with it."""
        try:
            other = next(_other_files(self.path), None)
        except OSError as error:
            raise CheckpointError(
                f"{self.path}: cannot be used ({error.strerror or error})", "another_checkpoint"
            ) from None
        if other is not None:
            raise CheckpointError(f"{self.path}: the folder has other files ({other})", "another_checkpoint")

    def _leave(self, release: Callable[[], None], made: Sequence[Path]) -> None:
        """Release the lock, and delete the folder if there is nothing to resume."""
        done = not self.begun
        if done:
            for left in self.path.iterdir() if self.path.is_dir() else ():
                if left.name == START:
                    shutil.rmtree(left, ignore_errors=True)
                elif left.name != LOCK_FILE and OWN_FILES.fullmatch(left.name):
                    with suppress(OSError):
                        left.unlink()
        release()
        if done:
            with suppress(OSError):
                (self.path / LOCK_FILE).unlink(missing_ok=True)
                for empty in (self.path, *made):
                    if empty.exists():
                        empty.rmdir()

    def clear(self) -> None:
        """Delete an earlier run.

        Raises:
            OSError: if it cannot be deleted.
        """
        for name in (PLAN, PROGRESS):  # the plan first: without it, the rest means nothing
            (self.path / name).unlink(missing_ok=True)
        for left in self.path.glob("tensors-*"):
            if OWN_FILES.fullmatch(left.name):
                left.unlink()
        if self.start.exists():
            shutil.rmtree(self.start)

    def delete_tensors(self, *, except_for: str) -> None:
        """Delete the tensors of earlier checkpoints, as far as that is possible."""
        for old in self.path.glob("tensors-*"):
            if old.name != except_for and OWN_FILES.fullmatch(old.name):
                with suppress(OSError):
                    old.unlink()

    def delete_plan(self) -> None:
        """Have nothing to resume any more."""
        with suppress(OSError):
            (self.path / PLAN).unlink()
            sync_folder(self.path)

    def read(self, name: str) -> Any:
        """The value of a JSON file.

        Raises:
            ModelFolderError: if it is missing, damaged or was modified.
        """
        return unseal(read_file(self.path, name, MAX_JSON_BYTES), self.path, name)

    def write(self, name: str, content: bytes) -> None:
        """Write a file atomically.

        Raises:
            OSError: if it cannot be written; the old file is untouched then.
        """
        write_file(self.path / name, content)

    def delete(self, name: str) -> None:
        """Delete a file, as far as that is possible."""
        with suppress(OSError):
            (self.path / name).unlink(missing_ok=True)


def _other_files(folder: Path) -> Iterator[str]:
    """Files in the folder of a checkpoint that do not belong to one."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name == START and path.is_dir() and not path.is_symlink():
            yield from (f"{START}/{each.name}" for each in path.iterdir() if not _belongs_to_start(each))
        elif path.is_dir() or not OWN_FILES.fullmatch(path.name):
            yield path.name


def _belongs_to_start(path: Path) -> bool:
    """Whether a file is part of the model that a run started from, even if it is half written."""
    if path.is_dir():
        return path.name.removeprefix(".").startswith(INCOMING)
    return OWN_FILES_OF_START.fullmatch(path.name) is not None
