"""What a stopped training needs to go on, to the bit.

    plan.json                 the settings, the data and how to read it again, versions, and a name of its own
    start/                    the model that it started from, if it did
    progress.json             where it stands, all but the arrays
    tensors-N.safetensors     weights, Adam's moments, the best weights so far, the models that are done
    lock, holder.json         who is training here

`progress.json` names its tensors and their SHA-256 sum, and the plan that it belongs to. It is replaced last, in one
rename: until then the checkpoint before it stands, whole.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from safetensors.numpy import save as save_safetensors

from henkan.errors import CheckpointError, Interrupted, ModelFolderError, SettingsError
from henkan.storage.files import load_tensors, read_file, seal, sha256, sync_folder, unseal, write_file
from henkan.storage.folder_lock import LOCK_FILE, FolderLocked, folder_lock
from henkan.storage.model_folder import CHECKPOINT, INCOMING, WRITTEN
from henkan.text.arrays import Array
from henkan.training.events import Epoch, Setback, Step
from henkan.training.state import Best, Good, Position, TrainingState

FORMAT = "henkan-checkpoint"
FORMAT_VERSION = 2
SECONDS_BETWEEN = 60.0
MOST_JSON_BYTES = 2**28
MOST_TENSOR_BYTES = 2**36
CHANGEABLE = ("data", "versions")
"""What may differ when a training goes on: where the same pairs are, and what it is told of."""

START = "start"
OWN_FILES = re.compile(r"((plan|progress|holder)\.json|tensors-\d+\.safetensors)(\.part)?|lock")
OWN_FILES_OF_START = re.compile(rf"({'|'.join(map(re.escape, WRITTEN))})(\.part)?")


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        done: the weights of the members that are trained.
        histories: what is told of each of them.
        state: where the member under way stands, or None before its first batch.
        snapshot: its engine's.
    """

    done: list[dict[str, Array]] = field(default_factory=list)
    histories: list[dict[str, Any]] = field(default_factory=list)
    state: TrainingState | None = None
    snapshot: Mapping[str, Any] = field(default_factory=dict)


class Checkpoints:
    """The checkpoint of the training of one model folder.

    Args:
        model: the model's folder.
        every: seconds between two checkpoints within an epoch.
        stop: asked after every update for the number of a signal that has come, or None.
        resume: go on with the training that was stopped there.
        options: what the caller wants to find again in the plan.
        again: what somebody who reads an error is to go on with; None: `--resume` and the folder.

    Raises:
        SettingsError: if the seconds are impossible.
    """

    def __init__(
        self,
        model: Path,
        *,
        every: float = SECONDS_BETWEEN,
        stop: Callable[[], int | None] = lambda: None,
        resume: bool = False,
        options: Mapping[str, Any] | None = None,
        again: str | None = None,
    ) -> None:
        if not isinstance(every, int | float | np.number) or isinstance(every, bool) or not every >= 0:
            raise SettingsError(f"checkpoint every must be a number of seconds, not {every!r}")
        self.shown, self.folder = model, model.resolve() / CHECKPOINT
        self.every, self.stop, self.resume, self.options = every, stop, resume, options or {}
        self._again = again or f"--resume {model}"
        self._plan: dict[str, Any] = {}
        self._number, self._last = 0, time.monotonic()

    @contextmanager
    def held(self) -> Iterator[Checkpoints]:
        """Have the folder for oneself; what is empty afterwards is taken away.

        Raises:
            CheckpointError: if another training has it, it holds what is not a checkpoint's, or it cannot be made.
        """
        self._check_place()
        made = [each for each in (self.folder, *self.folder.parents) if not each.exists()]
        with ExitStack() as lock:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                for each in made:
                    sync_folder(each.parent)
                lock.enter_context(folder_lock(self.folder))
            except FolderLocked:
                raise CheckpointError(f"{self.shown}: {self._holder()}; wait for it, or choose another --out") from None
            except OSError as error:
                raise CheckpointError(
                    f"{self.shown}: cannot be written ({error.strerror or error}); choose another --out"
                ) from None
            try:
                self._write("holder.json", seal({"pid": os.getpid(), "host": platform.node(), "since": time.ctime()}))
                yield self
            finally:
                self._leave(lock.close, made)

    @property
    def start(self) -> Path:
        """Where the model is kept that a training started from."""
        return self.folder / START

    @property
    def begun(self) -> bool:
        """Whether a training stands there that is not finished."""
        return (self.folder / "plan.json").exists()

    def _check_place(self) -> None:
        """Nobody's own files are to be among those that are deleted here one day."""
        try:
            strange = next(_strange(self.folder), None)
        except OSError as error:
            raise CheckpointError(
                f"{self.folder}: cannot be used ({error.strerror or error}); choose another --out"
            ) from None
        if strange is not None:
            raise CheckpointError(
                f"{self.folder}: the folder holds other things ({strange}); choose another --out (in Python, another "
                "checkpoint)"
            )

    def _leave(self, release: Callable[[], None], made: Sequence[Path]) -> None:
        """Let the folder go, and take it away if nothing in it is to be resumed."""
        done = not self.begun
        if done:
            for left in self.folder.iterdir() if self.folder.is_dir() else ():
                if left.name == START:
                    shutil.rmtree(left, ignore_errors=True)
                elif left.name != LOCK_FILE and OWN_FILES.fullmatch(left.name):
                    with suppress(OSError):
                        left.unlink()
        release()
        if done:
            with suppress(OSError):
                (self.folder / LOCK_FILE).unlink(missing_ok=True)
                for empty in (self.folder, *made):
                    if empty.exists():
                        empty.rmdir()

    def _holder(self) -> str:
        with suppress(ModelFolderError, KeyError, TypeError):
            holder = self._read("holder.json")
            return f"process {holder['pid']} on {holder['host']} has been training it since {holder['since']}"
        return "another process is training it"

    def open(self, plan: Mapping[str, Any]) -> Progress:
        """Begin a training, or go on with the one that was stopped here.

        Args:
            plan: its settings and what its data are recognised by. What a stopped one was begun with must be the same.

        Returns:
            where it stands.

        Raises:
            CheckpointError: if something else was being trained here, or nothing can be written.
        """
        if not self.resume:
            self._begin(plan)
            return Progress()
        begun = self.plan()
        for name, value in plan.items():
            if name in CHANGEABLE:
                continue
            for part, now in value.items() if isinstance(value, Mapping) else {"": value}.items():
                then = begun[name][part] if part else begun[name]
                if now != then and name == "marks":
                    raise CheckpointError(
                        f"{self.shown}: the {part} are not those that this training was begun with; give the same "
                        "again, or train anew with another --out (in Python, another checkpoint)"
                    )
                if now != then:
                    raise CheckpointError(
                        f"{self.shown}: {(part or name).replace('_', ' ')} is {now!r} here and was {then!r} when this "
                        "training was begun; leave it out, or train anew with another --out (in Python, "
                        "another checkpoint)"
                    )
        self._plan = begun
        progress = self._progress()
        if self.options and self.options != begun["options"]:  # where the data are now, and who does the arithmetic
            self._write_plan({**begun, "options": self.options})
        return progress

    def clear(self) -> None:
        """Give up what was being trained here before, unless it is to be resumed.

        Raises:
            CheckpointError: if it cannot be deleted.
        """
        if self.resume:
            return
        try:
            for old in ("plan.json", "progress.json"):  # the plan first: without it, the rest is nothing
                (self.folder / old).unlink(missing_ok=True)
            for left in self.folder.glob("tensors-*"):
                if OWN_FILES.fullmatch(left.name):
                    left.unlink()
            if self.start.exists():
                shutil.rmtree(self.start)
        except OSError as error:
            raise self._unwritten(error) from None

    def keep_start(self, save: Callable[[Path], None]) -> None:
        """Have the model that a training starts from saved here too, unless it is resumed and has it."""
        if not self.resume:
            save(self.start)

    def _begin(self, plan: Mapping[str, Any]) -> None:
        about = {"format": FORMAT, "format_version": FORMAT_VERSION, "id": uuid4().hex}
        self._write_plan({**about, **plan, "options": self.options})

    def _write_plan(self, plan: Mapping[str, Any]) -> None:
        self._plan = dict(plan)
        self._write("plan.json", seal(self._plan))

    def plan(self) -> dict[str, Any]:
        """What was written by `begin`.

        Raises:
            CheckpointError: if there is none, or it is damaged or of another format.
        """
        if not self.begun:
            raise CheckpointError(f"{self.shown}: no training was stopped there; name the --out of one that was")
        try:
            plan = self._read("plan.json")
        except ModelFolderError as error:
            raise CheckpointError(f"{error}; train anew with --force") from None
        if not isinstance(plan, dict) or plan.get("format_version") != FORMAT_VERSION:
            raise CheckpointError(
                f"{self.shown}: the checkpoint is of another version of henkan; go on with that, or train anew with "
                "--force"
            )
        return plan

    def _progress(self) -> Progress:
        """Where the training stands; at its beginning if nothing was written yet.

        Raises:
            CheckpointError: if it is damaged.
        """
        if not (self.folder / "progress.json").exists():
            return Progress()
        try:
            values = self._read("progress.json")
            if values["plan"] != self._plan["id"]:
                raise ModelFolderError(f"{self.folder}: progress.json belongs to another training than plan.json")
            content = read_file(self.folder, values["tensors"], MOST_TENSOR_BYTES)
            if sha256(content) != values["sha256"]:
                raise ModelFolderError(f"{self.folder}: {values['tensors']} is damaged or was changed")
            self._number = values["number"]
            return _progress(values, load_tensors(content, self.folder, values["tensors"], finite=False))
        except ModelFolderError as error:
            raise CheckpointError(f"{error}; train anew with --force") from None
        except (KeyError, TypeError, ValueError, AttributeError):
            raise CheckpointError(f"{self.folder}: progress.json is damaged; train anew with --force") from None

    def check_fits(self, kept: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        """Whether what was kept has the names and shapes of what it is to replace.

        Raises:
            CheckpointError: if not.
        """
        if _shapes(kept) != _shapes(wanted):
            raise CheckpointError(f"{self.folder}: progress.json does not fit the model; train anew with --force")

    def after(self, event: Step | Epoch | Setback, progress: Callable[[], Progress]) -> None:
        """Keep the progress if it is time to.

        Args:
            event: what has just happened.
            progress: called for where things stand, if it is to be kept.

        Raises:
            CheckpointError: if it cannot be written.
            Interrupted: if a signal wants the training to end; it is kept then.
        """
        number = self.stop()
        if number is not None or not isinstance(event, Step) or time.monotonic() - self._last >= self.every:
            self.keep(progress())
        if number is not None:
            raise self.interrupted(number)

    def pause(self, progress: Callable[[], Progress]) -> None:
        """A place to stop in long work between two events.

        Args:
            progress: called for where things stand, if they are to be kept.

        Raises:
            CheckpointError, Interrupted: as `after`.
        """
        number = self.stop()
        if number is not None:
            self.keep(progress())
            raise self.interrupted(number)

    def keep(self, progress: Progress) -> None:
        """Write a checkpoint.

        Raises:
            CheckpointError: if it cannot be written; the one before is whole then.
        """
        self._number += 1
        name = f"tensors-{self._number}.safetensors"
        values, tensors = _values(progress)
        content = save_safetensors(tensors)
        values |= {"plan": self._plan["id"], "number": self._number, "tensors": name, "sha256": sha256(content)}
        try:
            self._write(name, content)
            self._write("progress.json", seal(values))
        except CheckpointError:
            with suppress(OSError):
                (self.folder / name).unlink(missing_ok=True)  # to leave room for what is to be mended
            raise
        for old in self.folder.glob("tensors-*"):
            if old.name != name and OWN_FILES.fullmatch(old.name):
                with suppress(OSError):
                    old.unlink()
        self._last = time.monotonic()

    def interrupted(self, number: int) -> Interrupted:
        """The word for having been stopped."""
        return Interrupted(
            f"stopped; nothing is lost: the training is kept in {self.shown / CHECKPOINT}, and goes on with "
            f"{self._again}",
            number,
        )

    def finish(self) -> None:
        """The model is saved, and nothing is to be resumed any more."""
        with suppress(OSError):
            (self.folder / "plan.json").unlink()
            sync_folder(self.folder)

    def discard(self) -> None:
        """Likewise, by somebody who no longer has the folder: if this training still stands there, it is taken away."""
        with suppress(CheckpointError):
            if self.plan()["id"] == self._plan["id"]:
                with self.held():
                    self.finish()

    def _read(self, name: str) -> Any:
        return unseal(read_file(self.folder, name, MOST_JSON_BYTES), self.folder, name)

    def _write(self, name: str, content: bytes) -> None:
        try:
            write_file(self.folder / name, content)
        except OSError as error:
            raise self._unwritten(error) from None

    def _unwritten(self, error: OSError) -> CheckpointError:
        kept = "the last one is whole" if (self.folder / "progress.json").exists() else "no training was begun"
        return CheckpointError(
            f"{self.folder}: the checkpoint cannot be written ({error.strerror or error}); {kept}: make room or give "
            f"the right to write, then go on with {self._again}"
        )


class Onlooker(Checkpoints):
    """What a member of a team that does not lead sees of the leader's checkpoint: it reads, and never writes."""

    @contextmanager
    def held(self) -> Iterator[Checkpoints]:
        """The leader holds the folder."""
        yield self

    def clear(self) -> None:
        """The leader clears it."""

    def keep_start(self, save: Callable[[Path], None]) -> None:
        """The leader keeps it."""

    def after(self, event: Step | Epoch | Setback, progress: Callable[[], Progress]) -> None:  # noqa: ARG002
        """The leader keeps the progress, which takes a copy of all weights; to stop is for all."""
        self.pause(progress)

    def pause(self, progress: Callable[[], Progress]) -> None:  # noqa: ARG002
        """A place to stop."""
        number = self.stop()
        if number is not None:
            raise self.interrupted(number)

    def keep(self, progress: Progress) -> None:
        """The leader writes."""

    def finish(self) -> None:
        """The leader ends it."""

    def discard(self) -> None:
        """The leader takes it away."""

    def _write_plan(self, plan: Mapping[str, Any]) -> None:
        """The leader writes it."""


def _strange(folder: Path) -> Iterator[str]:
    """What in the folder of a checkpoint, if there is one, is not of a checkpoint."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name == START and path.is_dir() and not path.is_symlink():
            yield from (f"{START}/{each.name}" for each in path.iterdir() if not _is_of_start(each))
        elif path.is_dir() or not OWN_FILES.fullmatch(path.name):
            yield path.name


def _is_of_start(path: Path) -> bool:
    """Whether it is of the model that a training started from, be it half written."""
    if path.is_dir():
        return path.name.removeprefix(".").startswith(INCOMING)
    return OWN_FILES_OF_START.fullmatch(path.name) is not None


def _values(progress: Progress) -> tuple[dict[str, Any], dict[str, Array]]:
    """What is kept of it: plain values, and arrays by name."""
    tensors = {f"done.{k}.{name}": array for k, member in enumerate(progress.done) for name, array in member.items()}
    values: dict[str, Any] = {"done": len(progress.done), "histories": progress.histories, "state": None}
    state = progress.state
    if state is not None:
        values["state"] = {
            "generator": state.generator.bit_generator.state,
            "position": asdict(state.position),
            "records": [asdict(record) for record in state.records],
            "setbacks": state.setbacks,
            "engine": _split("engine", progress.snapshot, tensors),
            "good": None,
            "best": None,
        }
        if state.good is not None and state.position.order:  # between two epochs, there will be a new one at once
            numbers = _split("good", state.good.snapshot, tensors)
            values["state"]["good"] = {"position": asdict(state.good.position), "engine": numbers}
        if state.best is not None:
            best = state.best
            _split("best", best.weights, tensors)
            values["state"]["best"] = {"epoch": best.epoch, "exact_match": best.exact_match, "loss": best.loss}
    return values, {name: np.ascontiguousarray(array) for name, array in tensors.items()}


def _progress(values: Mapping[str, Any], tensors: Mapping[str, Array]) -> Progress:
    """What `_values` was made of."""
    done = [_group(f"done.{k}", tensors) for k in range(values["done"])]
    progress, kept = Progress(done, values["histories"]), values["state"]
    if kept is not None:
        state = TrainingState(np.random.default_rng())
        state.generator.bit_generator.state = kept["generator"]
        state.position = Position(**kept["position"])
        state.records = [Epoch(**record) for record in kept["records"]]
        state.setbacks = kept["setbacks"]
        if kept["good"] is not None:
            snapshot = kept["good"]["engine"] | _group("good", tensors)
            state.good = Good(Position(**kept["good"]["position"]), snapshot)
        if kept["best"] is not None:
            state.best = Best(**kept["best"], weights=_group("best", tensors))
        progress.state, progress.snapshot = state, kept["engine"] | _group("engine", tensors)
    return progress


def _split(group: str, values: Mapping[str, Any], tensors: dict[str, Array]) -> dict[str, Any]:
    """Put the arrays among some values into `tensors`; the others are returned."""
    arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    tensors |= {f"{group}.{name}": array for name, array in arrays.items()}
    return {name: value for name, value in values.items() if name not in arrays}


def _shapes(values: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: np.shape(value) for name, value in values.items()}


def _group(group: str, tensors: Mapping[str, Array]) -> dict[str, Array]:
    start = group + "."
    return {name.removeprefix(start): array for name, array in tensors.items() if name.startswith(start)}
