"""The saved model: a folder of JSON and safetensors, which no code can hide in.

    manifest.json        format version, versions of what made it, SHA-256 of the three files below
    config.json          the model's and the training's settings, and what data it was trained on
    vocabulary.json      the symbols of both sides
    weights.safetensors  the numbers
    metrics.json         what was measured, epoch by epoch
    README.md            the model card

The folder is written beside its place and renamed into it: a half-written one is never seen.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save as save_safetensors

from henkan.batch import Array
from henkan.config import ModelConfig, TrainingConfig, from_dict, to_dict
from henkan.errors import HenkanError, ModelFolderError
from henkan.text.vocabulary import Vocabulary

FORMAT = "henkan-model"
FORMAT_VERSION = 1
MOST_MEMBERS = 1000
HASHED = ("config.json", "vocabulary.json", "weights.safetensors")
WRITTEN = ("manifest.json", *HASHED, "metrics.json", "README.md", "learning_curve.png")


@dataclass(frozen=True)
class Artefact:
    """Everything that is kept of a trained model.

    Attributes:
        model: the network's settings.
        training: how it was trained.
        source_vocabulary, target_vocabulary: its symbols.
        members: the weights, by name; one set of them for each member of an ensemble.
        data: what it was trained on; see `henkan.fitting.DataSource`.
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
        "config.json": _to_json(config),
        "vocabulary.json": _to_json(vocabularies),
        "weights.safetensors": save_safetensors(tensors),
        "metrics.json": _to_json(artefact.metrics),
        "README.md": card.encode(errors="replace"),
        **(pictures or {}),
    }
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "henkan": version,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "sha256": {name: hashlib.sha256(files[name]).hexdigest() for name in HASHED},
    }
    try:
        _replace(folder, {**files, "manifest.json": _to_json(manifest)})
    except OSError as error:
        raise ModelFolderError(f"{folder}: the model cannot be saved ({error.strerror or error})") from None


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
        if folder.samefile(Path.cwd()):
            raise ModelFolderError(f"{folder}: the folder that you are in cannot be replaced; choose another --out")
        names = {entry.name for entry in folder.iterdir()}
        if not names:
            return
        strange = sorted(names - set(WRITTEN)) or [name for name in sorted(names) if not (folder / name).is_file()]
        if strange or not _is_model(folder):
            what = strange[0] if strange else "no manifest.json of a henkan model"
            raise ModelFolderError(f"{folder}: the folder holds other things ({what}); choose another --out")
    except OSError as error:
        raise ModelFolderError(f"{folder}: cannot be used ({error.strerror or error}); choose another --out") from None
    if not force:
        raise ModelFolderError(
            f"{folder}: there is a model already; replace it with --force (in Python, force=True), or choose another"
        )


def _is_model(folder: Path) -> bool:
    try:
        manifest = _from_json(_read(folder, "manifest.json"), folder, "manifest.json")
    except ModelFolderError:
        return False
    return isinstance(manifest, dict) and manifest.get("format") == FORMAT


def load(folder: Path) -> Artefact:
    """Read a model folder, and believe nothing in it before it is checked.

    Raises:
        ModelFolderError: if it is no model, damaged, or of a newer format.
    """
    if not os.path.isdir(folder):
        hint = "is not a folder" if os.path.lexists(folder) else "there is no such folder"
        raise ModelFolderError(f"{folder}: {hint}; name the folder that `henkan train` wrote")
    manifest = _from_json(_read(folder, "manifest.json"), folder, "manifest.json")
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelFolderError(f"{folder}: manifest.json is not that of a henkan model")
    version = manifest.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ModelFolderError(f"{folder}: manifest.json gives no format version; the model is damaged")
    if version > FORMAT_VERSION:
        raise ModelFolderError(
            f"{folder}: the model has format {version}, and this henkan reads up to {FORMAT_VERSION}; upgrade henkan"
        )
    hashes = manifest.get("sha256")
    files = {name: _read(folder, name) for name in HASHED}
    for name, content in files.items():
        if not isinstance(hashes, dict) or hashes.get(name) != hashlib.sha256(content).hexdigest():
            raise ModelFolderError(f"{folder}: {name} is damaged or was changed; train again or restore it")
    try:
        return _assemble(folder, files)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, HenkanError):
            raise ModelFolderError(f"{folder}: {error}") from None
        raise ModelFolderError(f"{folder}: config.json does not have the form that henkan writes") from None
    except ModelFolderError:
        raise
    except HenkanError as error:
        raise ModelFolderError(f"{folder}: {error}") from None


def _assemble(folder: Path, files: Mapping[str, bytes]) -> Artefact:
    config = _from_json(files["config.json"], folder, "config.json")
    vocabulary = _from_json(files["vocabulary.json"], folder, "vocabulary.json")
    try:
        tensors = load_safetensors(files["weights.safetensors"])
    except (SafetensorError, ValueError, KeyError):
        raise ModelFolderError(f"{folder}: weights.safetensors is damaged; train again or restore it") from None
    if not 1 <= config["members"] <= MOST_MEMBERS:
        raise ModelFolderError(f"{folder}: config.json gives {config['members']} members; that cannot be")
    members: list[dict[str, Array]] = [{} for _ in range(config["members"])]
    for full_name, array in tensors.items():
        prefix, number, name = (*full_name.split(".", 2), "", "")[:3]
        if prefix != "members" or not number.isdecimal() or int(number) >= len(members):
            raise ModelFolderError(f"{folder}: weights.safetensors holds {full_name}, which is no weight")
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise ModelFolderError(f"{folder}: the weights {full_name} are not finite float32 numbers")
        members[int(number)][name] = array
    metrics: Any = {}
    with suppress(ModelFolderError):  # the metrics may be edited, or deleted: no answer depends on them
        metrics = _from_json(_read(folder, "metrics.json"), folder, "metrics.json")
    return Artefact(
        model=from_dict(ModelConfig, config["model"]),
        training=from_dict(TrainingConfig, config["training"]),
        source_vocabulary=Vocabulary.from_dict(vocabulary["source"]),
        target_vocabulary=Vocabulary.from_dict(vocabulary["target"]),
        members=members,
        data=dict(config["data"]),
        temperature=_temperature(config["calibration"], folder),
        metrics=metrics if isinstance(metrics, dict) else {},
    )


def _temperature(calibration: Any, folder: Path) -> float | None:
    if calibration is None:
        return None
    temperature = calibration["temperature"]
    if type(temperature) is not float or not 0 < temperature < float("inf"):
        raise ModelFolderError(f"{folder}: config.json gives the temperature {temperature!r}; that cannot be")
    return temperature


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise ModelFolderError(
            f"{folder}: {name} cannot be read ({error.strerror or error}); name a folder that `henkan train` wrote"
        ) from None


def _from_json(content: bytes, folder: Path, name: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise ModelFolderError(f"{folder}: {name} is damaged (not JSON)") from None


def _to_json(value: Any) -> bytes:
    try:
        return (json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can escape and UTF-8 cannot write
        return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a folder with these files in place of `folder`, whole or not at all."""
    folder = folder.resolve()
    fresh = folder.with_name(f".{folder.name}-{uuid4().hex[:8]}")
    fresh.mkdir(parents=True)
    try:
        for name, content in files.items():
            with (fresh / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        old = fresh.with_name(fresh.name + ".old")
        if folder.exists():
            folder.rename(old)
        try:
            fresh.rename(folder)
        except BaseException:
            if old.exists():
                old.rename(folder)
            raise
        shutil.rmtree(old, ignore_errors=True)
        _sync_folder(folder.parent)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # Windows cannot open a folder; there the rename alone must do
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
