"""The saved model: a folder of JSON and safetensors, which no code can hide in.

    manifest.json        format version, versions of what made it, SHA-256 of the three files below
    config.json          the model's and the training's settings, and what data it was trained on
    vocabulary.json      the symbols of both sides
    weights.safetensors  the numbers
    metrics.json         what was measured, epoch by epoch
    README.md            the model card

A model is first written whole into a folder `incoming` inside its own, whose appearing is the moment at which it is
saved; then its files are moved down one by one. Whoever reads looks there first, so a half-written model is never seen,
whenever the writer is killed.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from safetensors.numpy import save as save_safetensors

from henkan.config import ModelConfig, TrainingConfig, from_dict, to_dict
from henkan.errors import HenkanError, ModelFolderError, SettingsError
from henkan.storage import metrics_schema
from henkan.storage.files import file_size, from_json, load_tensors, read_file, sha256, sync_folder, to_json, write_file
from henkan.storage.size_limits import SETTINGS, most_of_metrics, most_of_vocabulary, most_of_weights
from henkan.text.arrays import Array
from henkan.text.vocabulary import Vocabulary

FORMAT = "henkan-model"
FORMAT_VERSION = 1
MOST_MEMBERS = 1000
CONFIG = {"model", "training", "data", "members", "calibration"}
VOCABULARY = {"source", "target"}
HASHED = ("config.json", "vocabulary.json", "weights.safetensors")
WRITTEN = (*HASHED, "metrics.json", "README.md", "manifest.json", "learning_curve.png")
INCOMING = "incoming"
CHECKPOINT = "checkpoint"
ATTEMPTS = 20
NO_MODEL = "name a folder that `henkan train` wrote"

Shapes = Callable[[ModelConfig, Vocabulary, Vocabulary], Mapping[str, tuple[int, ...]]]
Migration = Callable[[Any, Any], tuple[Any, Any]]

# Format version -> what makes its config.json and vocabulary.json, as values, those of the next version.
MIGRATIONS: Mapping[int, Migration] = {}


@dataclass(frozen=True)
class Artefact:
    """Everything that is kept of a trained model.

    Attributes:
        model: the network's settings.
        training: how it was trained.
        source_vocabulary, target_vocabulary: its symbols.
        members: the weights, by name; one set of them for each member of an ensemble.
        data: what it was trained on; see `henkan.training.fit.DataSource`.
        temperature: what makes its probabilities fit held-out pairs, or None if none were held out.
        metrics: what was measured.
    """

    model: ModelConfig
    training: TrainingConfig
    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
    members: Sequence[Mapping[str, Array]]
    data: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    temperature: float | None = None


def save(
    artefact: Artefact,
    folder: Path,
    *,
    version: str,
    card: str,
    force: bool = False,
    pictures: Mapping[str, bytes] | None = None,
) -> None:
    """Write a model folder.

    Args:
        folder: where; its parents are made.
        version: henkan's.
        card: the text of README.md.
        force: replace a model that stands there.
        pictures: name -> bytes of pictures to put beside.

    Raises:
        ModelFolderError: if something else stands there, a model without `force`, or it cannot be written.
    """
    check_place(folder, force=force)
    if not all(np.isfinite(array).all() for member in artefact.members for array in member.values()):
        raise ModelFolderError("the weights are not finite numbers; train again with a smaller learning rate")
    tensors = {
        f"members.{number}.{name}": np.ascontiguousarray(array)
        for number, member in enumerate(artefact.members)
        for name, array in member.items()
    }
    vocabularies = {
        "source": artefact.source_vocabulary.to_dict(),
        "target": artefact.target_vocabulary.to_dict(),
    }
    config = {
        "model": to_dict(artefact.model),
        "training": to_dict(artefact.training),
        "data": dict(artefact.data),
        "members": len(artefact.members),
        "calibration": None if artefact.temperature is None else {"temperature": artefact.temperature},
    }
    files = {
        "config.json": to_json(config),
        "vocabulary.json": to_json(vocabularies),
        "weights.safetensors": save_safetensors(tensors),
        "metrics.json": to_json(artefact.metrics),
        "README.md": card.encode(errors="replace"),
        **(pictures or {}),
    }
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "henkan": version,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "sha256": {name: sha256(files[name]) for name in HASHED},
    }
    try:
        _put(folder.resolve(), {**files, "manifest.json": to_json(manifest)})
    except OSError as error:
        reason = error.strerror or error
        raise ModelFolderError(f"{folder}: the model cannot be saved ({reason}); what stood there is whole") from None


def _put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, all or none."""
    made = _make(folder)
    fresh = folder / f".{INCOMING}-{uuid4().hex[:8]}"
    try:
        _settle(folder)  # what another writer had to leave
        fresh.mkdir()
        for name, content in files.items():
            write_file(fresh / name, content)
        sync_folder(fresh)
        fresh.rename(folder / INCOMING)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        for empty in made:
            with suppress(OSError):
                empty.rmdir()
        raise
    sync_folder(folder)
    with suppress(OSError):  # it is saved; the next writer can settle it as well
        _settle(folder)


def _make(folder: Path) -> list[Path]:
    """Make a folder and its parents; those that were new, the deepest first."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in made:
        sync_folder(each.parent)
    return made


def _settle(folder: Path) -> None:
    """Move the files of a whole incoming model to their places; the manifest's move ends it."""
    for left in folder.glob(f".{INCOMING}-*"):
        shutil.rmtree(left, ignore_errors=True)
    incoming = folder / INCOMING
    if not incoming.is_dir():
        return
    pictured = (incoming / "learning_curve.png").exists()
    if not pictured and (incoming / "manifest.json").exists():
        (folder / "learning_curve.png").unlink(missing_ok=True)  # the old model's
    for name in WRITTEN:
        if (incoming / name).exists():
            (incoming / name).replace(folder / name)
            sync_folder(folder)
    incoming.rmdir()
    sync_folder(folder)


def check_place(folder: Path, *, force: bool) -> None:
    """Whether a model may be written there.

    Raises:
        ModelFolderError: if not.
    """
    try:
        folder = folder.resolve()  # `new/..` does not exist, and yet means a folder that may
        if not os.path.lexists(folder):
            return
        if not folder.is_dir():
            raise ModelFolderError(f"{folder}: there is a file of that name; choose another --out")
        names = {entry.name for entry in folder.iterdir() if not entry.name.startswith(f".{INCOMING}-")}
        own = {*WRITTEN, INCOMING, CHECKPOINT}
        strange = sorted(names - own) or [
            name for name in sorted(names & set(WRITTEN)) if not (folder / name).is_file()
        ]
        if names <= {CHECKPOINT}:
            return
        if strange or not is_model(folder):
            what = strange[0] if strange else "no manifest.json of a henkan model"
            raise ModelFolderError(f"{folder}: the folder holds other things ({what}); choose another --out")
    except OSError as error:
        raise ModelFolderError(f"{folder}: cannot be used ({error.strerror or error}); choose another --out") from None
    if not force:
        raise ModelFolderError(
            f"{folder}: there is a model already; replace it with --force (in Python, force=True), or choose another"
        )


def is_model(folder: Path) -> bool:
    """Whether a folder says that it is a model."""
    try:
        return bool(_manifest(folder))
    except ModelFolderError:
        return False


def load(folder: Path, shapes: Shapes) -> Artefact:
    """Read a model folder, and believe nothing in it before it is checked.

    Args:
        folder: where it is.
        shapes: settings and the two vocabularies -> name and shape of every weight.

    Raises:
        ModelFolderError: if it is no model, damaged, or of a newer format.
    """
    if not os.path.isdir(folder):
        hint = "is not a folder" if os.path.lexists(folder) else "there is no such folder"
        raise ModelFolderError(f"{folder}: {hint}; name the folder that `henkan train` wrote")
    for _ in range(ATTEMPTS):
        before = _stamp(folder)
        try:
            return _load(folder, shapes)
        except ModelFolderError:
            if _stamp(folder) == before:
                raise  # else a writer has put a new model there meanwhile
    raise ModelFolderError(f"{folder}: the model is replaced again and again; wait for whoever writes it")


def _stamp(folder: Path) -> object:
    """What changes while a model is replaced."""
    stamps = []
    for path in (folder / INCOMING, *(folder / place / name for place in ("", INCOMING) for name in WRITTEN)):
        with suppress(OSError):
            stamps.append((path, path.stat().st_mtime_ns))
    return stamps


def _load(folder: Path, shapes: Shapes) -> Artefact:
    manifest = _manifest(folder)
    weights = file_size(folder, _place(folder, "weights.safetensors"), advice=NO_MODEL)
    config, vocabulary = (
        from_json(_checked(folder, name, manifest, most.bytes), folder, name, most=most.values)
        for name, most in (("config.json", SETTINGS), ("vocabulary.json", most_of_vocabulary(weights)))
    )
    try:
        for version in range(manifest["format_version"], FORMAT_VERSION):
            config, vocabulary = MIGRATIONS[version](config, vocabulary)
        if set(config) != CONFIG or set(vocabulary) != VOCABULARY:
            raise ValueError("other names than henkan writes")
        model = from_dict(ModelConfig, config["model"])
        training = from_dict(TrainingConfig, config["training"])
        source, target = (Vocabulary.from_dict(vocabulary[side]) for side in ("source", "target"))
        count, data, temperature = config["members"], dict(config["data"]), _temperature(config["calibration"])
        if type(count) is not int or not 1 <= count <= MOST_MEMBERS:
            raise ModelFolderError(f"config.json gives {count!r:.20} members; that cannot be")
    except HenkanError as error:
        raise ModelFolderError(f"{folder}: {error}") from None
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ModelFolderError(f"{folder}: config.json does not have the form that henkan writes") from None
    wanted = _wanted(folder, shapes, model, source, target)
    return Artefact(
        model=model,
        training=training,
        source_vocabulary=source,
        target_vocabulary=target,
        members=_members(folder, manifest, wanted, count),
        data=data,
        temperature=temperature,
        metrics=_metrics(folder, count),
    )


def _wanted(
    folder: Path, shapes: Shapes, model: ModelConfig, source: Vocabulary, target: Vocabulary
) -> Mapping[str, tuple[int, ...]]:
    """Name -> shape of every weight; an architecture that is not registered has none."""
    try:
        return shapes(model, source, target)
    except SettingsError as error:
        raise ModelFolderError(f"{folder}: {error.message.problem}", error.message.remedy) from None


def _manifest(folder: Path) -> dict[str, Any]:
    """The manifest, as far as it must be known."""
    name = "manifest.json"
    manifest = from_json(_read(folder, name, SETTINGS.bytes), folder, name, most=SETTINGS.values)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelFolderError(f"{folder}: manifest.json is not that of a henkan model")
    version = manifest.get("format_version")
    if type(version) is not int or version < 1:
        raise ModelFolderError(f"{folder}: manifest.json gives no format version; the model is damaged")
    if version > FORMAT_VERSION:
        raise ModelFolderError(
            f"{folder}: the model has format {version}, and this henkan reads up to {FORMAT_VERSION}; upgrade henkan"
        )
    return manifest


def _checked(folder: Path, name: str, manifest: Mapping[str, Any], most: int) -> bytes:
    """The bytes of a file whose sum is in the manifest."""
    content, sums = _read(folder, name, most), manifest.get("sha256")
    if not isinstance(sums, dict) or sums.get(name) != sha256(content):
        raise ModelFolderError(f"{folder}: {name} is damaged or was changed; train again or restore it")
    return content


def _members(
    folder: Path, manifest: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], count: int
) -> list[dict[str, Array]]:
    """The weights of every member; nothing is read that is larger than they can be."""
    numbers = sum(map(prod, shapes.values())) * count
    name = "weights.safetensors"
    content = _checked(folder, name, manifest, most_of_weights(numbers, len(shapes) * count))
    tensors = load_tensors(content, folder, name, advice="train again or restore it")
    wanted = {f"members.{k}.{weight}": shape for k in range(count) for weight, shape in shapes.items()}
    if {tensor: array.shape for tensor, array in tensors.items()} != wanted:
        raise ModelFolderError(f"{folder}: {name} does not fit config.json and vocabulary.json")
    return [{weight: tensors[f"members.{k}.{weight}"] for weight in shapes} for k in range(count)]


def _metrics(folder: Path, members: int) -> dict[str, Any]:
    """What was measured, as far as there is a file that says so."""
    name, most = "metrics.json", most_of_metrics(members)
    try:
        return metrics_schema.checked(from_json(_read(folder, name, most.bytes), folder, name, most=most.values))
    except ModelFolderError:
        return {}


def _temperature(calibration: Any) -> float | None:
    if calibration is None:
        return None
    temperature = calibration["temperature"]
    if len(calibration) > 1:
        raise ValueError("other names than henkan writes")
    if type(temperature) is not float or not 0 < temperature < float("inf"):
        raise ModelFolderError(f"config.json gives the temperature {temperature!r:.20}; that cannot be")
    return temperature


def _read(folder: Path, name: str, most: int) -> bytes:
    """The bytes of a file of the model."""
    return read_file(folder, _place(folder, name), most, advice=NO_MODEL)


def _place(folder: Path, name: str) -> str:
    """Which file of that name counts: the incoming one, if there is one, else the settled one."""
    return f"{INCOMING}/{name}" if os.path.lexists(folder / INCOMING / name) else name
