"""Saved models: a folder of JSON and safetensors, which cannot contain executable code.

    manifest.json        format version, versions of henkan, NumPy and Python, SHA-256 of the next three files
    config.json          settings of the model and the training run, and the origin of the data
    vocabulary.json      the symbols of both sides
    weights.safetensors  the weights
    metrics.json         metrics of each epoch
    README.md            the model card

A model is written atomically; see `henkan.storage.atomic_folder`. While its files are moved, their current versions are
in the subfolder `incoming`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import isfinite, prod
from pathlib import Path
from typing import Any

from henkan.config import ModelConfig, TrainingConfig, from_dict
from henkan.errors import HenkanError, ModelFolderError, SettingsError
from henkan.storage import metrics_schema
from henkan.storage.atomic_folder import INCOMING, WRITTEN, current
from henkan.storage.files import file_size, from_json, load_tensors, read_file, sha256
from henkan.storage.migrations import MIGRATIONS
from henkan.storage.size_limits import SETTINGS, metrics_limit, vocabulary_limit, weights_limit
from henkan.text.arrays import Array
from henkan.text.training_range import KINDS, TrainingRange
from henkan.text.vocabulary import Vocabulary

FORMAT = "henkan-model"
FORMAT_VERSION = 2
MAX_MEMBERS = 1000
CONFIG = {"model", "training", "data", "members", "calibration"}
VOCABULARY = {"source", "target", "range"}
HASHED = ("config.json", "vocabulary.json", "weights.safetensors")
CHECKPOINT = "checkpoint"
ATTEMPTS = 20

Shapes = Callable[[ModelConfig, Vocabulary, Vocabulary], Mapping[str, tuple[int, ...]]]


@dataclass(frozen=True)
class SavedModel:
    """The contents of a model folder.

    Attributes:
        model: settings of the model.
        training: settings of the training run.
        source_vocabulary, target_vocabulary: the vocabularies.
        members: for each member of an ensemble, name -> weights.
        data: origin of the training pairs; see `henkan.text.data_source.DataSource`.
        metrics: metrics of the training run; see `henkan.storage.metrics_schema`.
        temperature: temperature of the confidence calibration, or None if there was no validation set.
        training_range: what the training sources contained; None for a model of format 1.
        corrections: for each way of being outside the training data, the numbers of the correction of the confidence;
            see `henkan.inference.outside.Correction`.
    """

    model: ModelConfig
    training: TrainingConfig
    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
    members: Sequence[Mapping[str, Array]]
    data: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    temperature: float | None = None
    training_range: TrainingRange | None = None
    corrections: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


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
    for path in (folder / INCOMING, *(folder / subfolder / name for subfolder in ("", INCOMING) for name in WRITTEN)):
        with suppress(OSError):
            stamps.append((path, path.stat().st_mtime_ns))
    return stamps


def _load(folder: Path, shapes: Shapes) -> SavedModel:
    manifest = _manifest(folder)
    weights = file_size(folder, current(folder, "weights.safetensors"), remedy="load_a_model")
    config, vocabulary = (
        from_json(_read_checked(folder, name, manifest, limit.bytes), folder, name, max_values=limit.values)
        for name, limit in (("config.json", SETTINGS), ("vocabulary.json", vocabulary_limit(weights)))
    )
    try:
        for version in range(manifest["format_version"], FORMAT_VERSION):
            config, vocabulary = MIGRATIONS[version](config, vocabulary)
        if set(config) != CONFIG or set(vocabulary) != VOCABULARY:
            raise ValueError("unknown names")
        model = from_dict(ModelConfig, config["model"])
        training = from_dict(TrainingConfig, config["training"])
        source, target = (Vocabulary.from_dict(vocabulary[side]) for side in ("source", "target"))
        count, data = config["members"], dict(config["data"])
        temperature, corrections = _calibration(config["calibration"])
        training_range = None if vocabulary["range"] is None else TrainingRange.from_dict(vocabulary["range"])
        if type(count) is not int or not 1 <= count <= MAX_MEMBERS:
            raise ModelFolderError(f"config.json has an invalid number of members, {count!r:.20}")
    except HenkanError as error:
        raise ModelFolderError(f"{folder}: {error.message.problem}") from None
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ModelFolderError(f"{folder}: config.json does not have the format that henkan writes") from None
    expected = _weight_shapes(folder, shapes, model, source, target)
    return SavedModel(
        model=model,
        training=training,
        source_vocabulary=source,
        target_vocabulary=target,
        members=_members(folder, manifest, expected, count),
        data=data,
        temperature=temperature,
        training_range=training_range,
        corrections=corrections,
        metrics=_metrics(folder, count),
    )


def _weight_shapes(
    folder: Path, shapes: Shapes, model: ModelConfig, source: Vocabulary, target: Vocabulary
) -> Mapping[str, tuple[int, ...]]:
    """Return name -> shape of every weight.

    Raises:
        ModelFolderError: if the architecture is not registered.
    """
    try:
        return shapes(model, source, target)
    except SettingsError as error:
        raise ModelFolderError(f"{folder}: {error.message.problem}", error.message.remedy) from None


def _manifest(folder: Path) -> dict[str, Any]:
    """Read and validate the manifest."""
    name = "manifest.json"
    manifest = from_json(_read(folder, name, SETTINGS.bytes), folder, name, max_values=SETTINGS.values)
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


def _read_checked(folder: Path, name: str, manifest: Mapping[str, Any], max_bytes: int) -> bytes:
    """Read a file and compare its checksum with the manifest."""
    content, sums = _read(folder, name, max_bytes), manifest.get("sha256")
    if not isinstance(sums, dict) or sums.get(name) != sha256(content):
        raise ModelFolderError(f"{folder}: {name} is damaged or was modified", "retrain_or_restore")
    return content


def _members(
    folder: Path, manifest: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], count: int
) -> list[dict[str, Array]]:
    """Read the weights of all members. The size of the file is checked first."""
    numbers = sum(map(prod, shapes.values())) * count
    name = "weights.safetensors"
    content = _read_checked(folder, name, manifest, weights_limit(numbers, len(shapes) * count))
    tensors = load_tensors(content, folder, name, remedy="retrain_or_restore")
    expected = {f"members.{k}.{weight}": shape for k in range(count) for weight, shape in shapes.items()}
    if {tensor: array.shape for tensor, array in tensors.items()} != expected:
        raise ModelFolderError(f"{folder}: {name} does not fit config.json and vocabulary.json")
    return [{weight: tensors[f"members.{k}.{weight}"] for weight in shapes} for k in range(count)]


def _metrics(folder: Path, members: int) -> dict[str, Any]:
    """Read the metrics; return an empty dictionary if they are missing or damaged."""
    name, limit = "metrics.json", metrics_limit(members)
    try:
        return metrics_schema.checked(
            from_json(_read(folder, name, limit.bytes), folder, name, max_values=limit.values)
        )
    except ModelFolderError:
        return {}


def _calibration(calibration: Any) -> tuple[float | None, Mapping[str, Mapping[str, float]]]:
    """Return the temperature, or None, and the corrections of the confidence."""
    if calibration is None:
        return None, {}
    temperature, outside = calibration["temperature"], calibration["outside"]
    if len(calibration) > 2:
        raise ValueError("unknown names")
    if type(temperature) is not float or not 0 < temperature < float("inf"):
        raise ModelFolderError(f"config.json has an invalid temperature, {temperature!r:.20}")
    for kind, numbers in outside.items():
        if kind not in KINDS or not all(type(number) is float and isfinite(number) for number in numbers.values()):
            raise ModelFolderError("config.json has an invalid correction of the confidence")
    return temperature, outside


def _read(folder: Path, name: str, max_bytes: int) -> bytes:
    """Read a file of the model."""
    return read_file(folder, current(folder, name), max_bytes, remedy="load_a_model")
