"""Saved models: a folder of JSON and safetensors, which cannot contain executable code.

    manifest.json        format version, versions of henkan, NumPy and Python, SHA-256 of the next three files
    config.json          settings of the model and its training, and the origin of the data
    vocabulary.json      the symbols of both sides
    weights.safetensors  the weights
    metrics.json         what was measured in each epoch
    README.md            the model card

A model is first written completely to a temporary subfolder, which is then renamed to `incoming`: at this moment the
model is saved. Its files are then moved to the model folder one by one. Readers look into `incoming` first, so they
never see a partly written model, whenever the writer is killed.
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
from henkan.storage.size_limits import SETTINGS, metrics_limit, vocabulary_limit, weights_limit
from henkan.text.arrays import Array
from henkan.text.vocabulary import Vocabulary

FORMAT = "henkan-model"
FORMAT_VERSION = 1
MAX_MEMBERS = 1000
CONFIG = {"model", "training", "data", "members", "calibration"}
VOCABULARY = {"source", "target"}
HASHED = ("config.json", "vocabulary.json", "weights.safetensors")
WRITTEN = (*HASHED, "metrics.json", "README.md", "manifest.json", "learning_curve.png")
INCOMING = "incoming"
CHECKPOINT = "checkpoint"
ATTEMPTS = 20

Shapes = Callable[[ModelConfig, Vocabulary, Vocabulary], Mapping[str, tuple[int, ...]]]
Migration = Callable[[Any, Any], tuple[Any, Any]]

# Format version -> function that converts config.json and vocabulary.json to the next version.
MIGRATIONS: Mapping[int, Migration] = {}


@dataclass(frozen=True)
class SavedModel:
    """The contents of a model folder.

    Attributes:
        model: settings of the network.
        training: settings of the training.
        source_vocabulary, target_vocabulary: the symbols.
        members: for each member of an ensemble, name -> weights.
        data: origin of the training pairs; see `henkan.text.data_source.DataSource`.
        metrics: what was measured during training; see `henkan.storage.metrics_schema`.
        temperature: calibration of the confidence on validation pairs, or None if there were none.
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
    saved: SavedModel,
    folder: Path,
    *,
    version: str,
    card: str,
    force: bool = False,
    pictures: Mapping[str, bytes] | None = None,
) -> None:
    """Write a model folder.

    Args:
        saved: the model.
        folder: where to write it; missing parents are created.
        version: version of henkan.
        card: text of README.md.
        force: whether to replace an existing model.
        pictures: file name -> bytes of additional images.

    Raises:
        ModelFolderError: if the folder has other files, or a model without `force`, or cannot be written.
    """
    check_destination(folder, force=force)
    if not all(np.isfinite(array).all() for member in saved.members for array in member.values()):
        raise ModelFolderError("the weights are not finite; train again with a smaller learning rate")
    tensors = {
        f"members.{number}.{name}": np.ascontiguousarray(array)
        for number, member in enumerate(saved.members)
        for name, array in member.items()
    }
    vocabularies = {
        "source": saved.source_vocabulary.to_dict(),
        "target": saved.target_vocabulary.to_dict(),
    }
    config = {
        "model": to_dict(saved.model),
        "training": to_dict(saved.training),
        "data": dict(saved.data),
        "members": len(saved.members),
        "calibration": None if saved.temperature is None else {"temperature": saved.temperature},
    }
    files = {
        "config.json": to_json(config),
        "vocabulary.json": to_json(vocabularies),
        "weights.safetensors": save_safetensors(tensors),
        "metrics.json": to_json(saved.metrics),
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
        raise ModelFolderError(
            f"{folder}: the model cannot be saved ({reason}), existing files are unchanged; check permissions and free "
            "disk space"
        ) from None


def _put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files to a folder, all or none."""
    made = _make(folder)
    fresh = folder / f".{INCOMING}-{uuid4().hex[:8]}"
    try:
        _settle(folder)  # left by a writer that was killed
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
    with suppress(OSError):  # the model is saved; the next writer can move the files
        _settle(folder)


def _make(folder: Path) -> list[Path]:
    """Create a folder and its parents; returns the new ones, deepest first."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in made:
        sync_folder(each.parent)
    return made


def _settle(folder: Path) -> None:
    """Move the files of a complete incoming model to the model folder."""
    for left in folder.glob(f".{INCOMING}-*"):
        shutil.rmtree(left, ignore_errors=True)
    incoming = folder / INCOMING
    if not incoming.is_dir():
        return
    pictured = (incoming / "learning_curve.png").exists()
    if not pictured and (incoming / "manifest.json").exists():
        (folder / "learning_curve.png").unlink(missing_ok=True)  # it belongs to the old model
    for name in WRITTEN:
        if (incoming / name).exists():
            (incoming / name).replace(folder / name)
            sync_folder(folder)
    incoming.rmdir()
    sync_folder(folder)


def check_destination(folder: Path, *, force: bool) -> None:
    """Check that a model may be written to a folder.

    Raises:
        ModelFolderError: if not.
    """
    try:
        folder = folder.resolve()  # `new/..` does not exist although the resolved folder may
        if not os.path.lexists(folder):
            return
        if not folder.is_dir():
            raise ModelFolderError(f"{folder}: a file with this name exists", "another_folder")
        names = {entry.name for entry in folder.iterdir() if not entry.name.startswith(f".{INCOMING}-")}
        own = {*WRITTEN, INCOMING, CHECKPOINT}
        strange = sorted(names - own) or [
            name for name in sorted(names & set(WRITTEN)) if not (folder / name).is_file()
        ]
        if names <= {CHECKPOINT}:
            return
        if strange or not is_model(folder):
            what = strange[0] if strange else "no manifest.json of a henkan model"
            raise ModelFolderError(f"{folder}: the folder has other files ({what})", "another_folder")
    except OSError as error:
        raise ModelFolderError(f"{folder}: cannot be used ({error.strerror or error})", "another_folder") from None
    if not force:
        raise ModelFolderError(f"{folder}: the folder already has a model", "force_or_another_folder")


def is_model(folder: Path) -> bool:
    """Whether a folder has the manifest of a model."""
    try:
        return bool(_manifest(folder))
    except ModelFolderError:
        return False


def load(folder: Path, shapes: Shapes) -> SavedModel:
    """Read and validate a model folder.

    Args:
        folder: the folder.
        shapes: (settings, source vocabulary, target vocabulary) -> name and shape of every weight.

    Raises:
        ModelFolderError: if it is not a model, is damaged, or has a newer format.
    """
    if not os.path.isdir(folder):
        problem = "is not a folder" if os.path.lexists(folder) else "there is no such folder"
        raise ModelFolderError(f"{folder}: {problem}", "load_a_model")
    for _ in range(ATTEMPTS):
        before = _stamp(folder)
        try:
            return _load(folder, shapes)
        except ModelFolderError:
            if _stamp(folder) == before:
                raise  # otherwise the model was replaced while it was read
    raise ModelFolderError(f"{folder}: another process is writing this model; try again later")


def _stamp(folder: Path) -> object:
    """A value that changes when the model is replaced."""
    stamps = []
    for path in (folder / INCOMING, *(folder / place / name for place in ("", INCOMING) for name in WRITTEN)):
        with suppress(OSError):
            stamps.append((path, path.stat().st_mtime_ns))
    return stamps


def _load(folder: Path, shapes: Shapes) -> SavedModel:
    manifest = _manifest(folder)
    weights = file_size(folder, _place(folder, "weights.safetensors"), remedy="load_a_model")
    config, vocabulary = (
        from_json(_checked(folder, name, manifest, most.bytes), folder, name, most=most.values)
        for name, most in (("config.json", SETTINGS), ("vocabulary.json", vocabulary_limit(weights)))
    )
    try:
        for version in range(manifest["format_version"], FORMAT_VERSION):
            config, vocabulary = MIGRATIONS[version](config, vocabulary)
        if set(config) != CONFIG or set(vocabulary) != VOCABULARY:
            raise ValueError("unknown names")
        model = from_dict(ModelConfig, config["model"])
        training = from_dict(TrainingConfig, config["training"])
        source, target = (Vocabulary.from_dict(vocabulary[side]) for side in ("source", "target"))
        count, data, temperature = config["members"], dict(config["data"]), _temperature(config["calibration"])
        if type(count) is not int or not 1 <= count <= MAX_MEMBERS:
            raise ModelFolderError(f"config.json has an invalid number of members, {count!r:.20}")
    except HenkanError as error:
        raise ModelFolderError(f"{folder}: {error.message.problem}") from None
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ModelFolderError(f"{folder}: config.json does not have the format that henkan writes") from None
    wanted = _wanted(folder, shapes, model, source, target)
    return SavedModel(
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
    """Read and validate the manifest."""
    name = "manifest.json"
    manifest = from_json(_read(folder, name, SETTINGS.bytes), folder, name, most=SETTINGS.values)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelFolderError(f"{folder}: manifest.json does not describe a henkan model", "load_a_model")
    version = manifest.get("format_version")
    if type(version) is not int or version < 1:
        raise ModelFolderError(f"{folder}: manifest.json has no valid format version; the model is damaged")
    if version > FORMAT_VERSION:
        raise ModelFolderError(
            f"{folder}: the model has format {version}, newer than this henkan reads ({FORMAT_VERSION}); upgrade henkan"
        )
    return manifest


def _checked(folder: Path, name: str, manifest: Mapping[str, Any], most: int) -> bytes:
    """Read a file and compare its checksum with the manifest."""
    content, sums = _read(folder, name, most), manifest.get("sha256")
    if not isinstance(sums, dict) or sums.get(name) != sha256(content):
        raise ModelFolderError(f"{folder}: {name} is damaged or was modified", "retrain_or_restore")
    return content


def _members(
    folder: Path, manifest: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], count: int
) -> list[dict[str, Array]]:
    """Read the weights of all members; the size of the file is checked first."""
    numbers = sum(map(prod, shapes.values())) * count
    name = "weights.safetensors"
    content = _checked(folder, name, manifest, weights_limit(numbers, len(shapes) * count))
    tensors = load_tensors(content, folder, name, remedy="retrain_or_restore")
    wanted = {f"members.{k}.{weight}": shape for k in range(count) for weight, shape in shapes.items()}
    if {tensor: array.shape for tensor, array in tensors.items()} != wanted:
        raise ModelFolderError(f"{folder}: {name} does not fit config.json and vocabulary.json")
    return [{weight: tensors[f"members.{k}.{weight}"] for weight in shapes} for k in range(count)]


def _metrics(folder: Path, members: int) -> dict[str, Any]:
    """Read the metrics; empty if there are none."""
    name, most = "metrics.json", metrics_limit(members)
    try:
        return metrics_schema.checked(from_json(_read(folder, name, most.bytes), folder, name, most=most.values))
    except ModelFolderError:
        return {}


def _temperature(calibration: Any) -> float | None:
    if calibration is None:
        return None
    temperature = calibration["temperature"]
    if len(calibration) > 1:
        raise ValueError("unknown names")
    if type(temperature) is not float or not 0 < temperature < float("inf"):
        raise ModelFolderError(f"config.json has an invalid temperature, {temperature!r:.20}")
    return temperature


def _read(folder: Path, name: str, most: int) -> bytes:
    """Read a file of the model."""
    return read_file(folder, _place(folder, name), most, remedy="load_a_model")


def _place(folder: Path, name: str) -> str:
    """The current file with a given name: the incoming one if it exists, otherwise that in the model folder."""
    return f"{INCOMING}/{name}" if os.path.lexists(folder / INCOMING / name) else name
