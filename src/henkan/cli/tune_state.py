"""The folder `tuning` in the folder of a model: the trials of a search, and how to resume it.

search.json   the command, its working directory, and fingerprints of pairs and settings
trials.db     the trials (SQLite, written by Optuna)
model.json    the digest of the model that the search has saved
result.json   the result, if the search is complete
lock          lock file
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from henkan.errors import CheckpointError, ModelFolderError
from henkan.storage.files import read_file, seal, sha256, unseal, write_file
from henkan.storage.folder_lock import FolderLocked, folder_lock
from henkan.storage.model_folder import TUNING

SEARCH, TRIALS, MODEL, RESULT = "search.json", "trials.db", "model.json", "result.json"
MAX_BYTES = 2**24


@dataclass(frozen=True)
class SavedArguments:
    """How a search was started.

    Attributes:
        arguments: the arguments of the command.
        folder: its working directory.
        marks: fingerprints of what must not change.
    """

    arguments: Sequence[str]
    folder: str
    marks: Mapping[str, Any]


def saved_arguments(model: Path) -> SavedArguments:
    """Read how the search in a model folder was started.

    Raises:
        CheckpointError: if there is none.
    """
    folder = model / TUNING
    if not (folder / SEARCH).exists():
        raise CheckpointError(f"{model}: there is no search to resume; start one with `henkan tune TASK_OR_FILE`")
    try:
        return SavedArguments(**unseal(read_file(folder, SEARCH, MAX_BYTES), folder, SEARCH))
    except (ModelFolderError, TypeError):
        raise CheckpointError(
            f"{folder}: {SEARCH} is damaged; start over with the command of the search and --force"
        ) from None


class TuneState:
    """The folder of a search.

    Args:
        model: the model folder.
    """

    def __init__(self, model: Path) -> None:
        self.model, self.path = model, model.resolve() / TUNING

    @property
    def exists(self) -> bool:
        """Whether there is a search."""
        return (self.path / SEARCH).exists()

    @contextmanager
    def held(self, *, force: bool) -> Iterator[None]:
        """Lock the folder, which is created if necessary; with `force`, delete an earlier search.

        Raises:
            CheckpointError: if another process has locked it, or it cannot be written.
        """
        created = [each for each in (self.path, *self.path.parents) if not each.exists()]
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with folder_lock(self.path):
                if force:
                    self.discard()
                try:
                    yield
                finally:
                    if not self.exists:
                        self._remove(created)
        except FolderLocked:
            raise CheckpointError(
                f"{self.model}: another process is searching for settings here", "wait_or_another_checkpoint"
            ) from None

    def discard(self) -> None:
        """Delete the search."""
        for name in (SEARCH, TRIALS, MODEL, RESULT):
            (self.path / name).unlink(missing_ok=True)

    def _remove(self, created: Sequence[Path]) -> None:
        """Delete the folder without a search, and those that were created for it."""
        shutil.rmtree(self.path, ignore_errors=True)
        for each in created[1:]:
            with suppress(OSError):  # it has other files by now
                each.rmdir()

    def open(self, arguments: Sequence[str], marks: Mapping[str, Any]) -> bool:
        """Start a search, or check that the one in the folder is the same; return whether there was one.

        Args:
            arguments: arguments of the command.
            marks: what must be the same if a search is resumed: name -> JSON value.

        Raises:
            CheckpointError: if the search in the folder is another one.
        """
        if not self.exists:
            saved = {"arguments": list(arguments), "folder": os.getcwd(), "marks": dict(marks)}
            write_file(self.path / SEARCH, seal(saved))
            return False
        earlier = saved_arguments(self.model).marks
        for name, value in marks.items():
            before = earlier.get(name)
            if before != value and name in ("pairs", "validation set"):
                problem = f"{self.model}: the {name} of the search in this folder differ"
                raise CheckpointError(problem, "same_data_or_restart")
            if before != value:
                started = _difference(before or {}, value) if name == "settings" else f"with another {name}"
                problem = f"{self.model}: the search in this folder was started {started}"
                raise CheckpointError(problem, "resume_search", folder=self.model)
        return True

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write the result of the search, which is then complete, after its model was saved."""
        write_file(self.path / MODEL, seal({"manifest": self._model_digest()}))
        write_file(self.path / RESULT, seal(dict(result)))

    def result(self) -> dict[str, Any] | None:
        """Return the result of a complete search, or None.

        Raises:
            CheckpointError: if it is damaged.
        """
        if not (self.path / RESULT).exists():
            return None
        try:
            result: dict[str, Any] = unseal(read_file(self.path, RESULT, MAX_BYTES), self.path, RESULT)
        except ModelFolderError:
            raise CheckpointError(
                f"{self.path}: {RESULT} is damaged; delete this file and run the same command again, which trains the "
                "model again from the trials"
            ) from None
        return result

    @property
    def has_own_model(self) -> bool:
        """Whether the model in the folder is the one that the search has saved there."""
        try:
            known = unseal(read_file(self.path, MODEL, MAX_BYTES), self.path, MODEL)
        except ModelFolderError:
            return False
        return bool(known == {"manifest": self._model_digest()})

    def _model_digest(self) -> str | None:
        """Return what identifies the model in the folder; None if there is none."""
        try:
            return sha256((self.model / "manifest.json").read_bytes())
        except OSError:
            return None

    @property
    def trials(self) -> Path:
        """Path of the database."""
        return self.path / TRIALS


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return in words how the settings that were given first differ from others."""
    name = next(each for each in sorted({*before, *now}) if before.get(each) != now.get(each))
    words = name.replace("_", " ")
    return f"with {words} {before[name]}" if name in before else f"without {words}"
