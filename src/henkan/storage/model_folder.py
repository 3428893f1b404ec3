"""Saved models: a folder of JSON and safetensors, which cannot contain executable code.

    manifest.json        format version, versions of henkan, NumPy and Python, SHA-256 of the next files
    config.json          settings of the model and the training run, and the origin of the data
    vocabulary.json      the symbols of both sides
    weights.safetensors  the weights
    lexicon.jsonl        known sources and their targets, if the model has a lexicon
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
from henkan.storage.atomic_folder import INCOMING, LEXICON, WRITTEN, current
from henkan.storage.files import file_size, from_json, load_tensors, read_file, sha256
from henkan.storage.lexicon_file import SavedLexicon
from henkan.storage.migrations import MIGRATIONS
from henkan.storage.size_limits import LEXICON as LEXICON_LIMIT
from henkan.storage.size_limits import SETTINGS, metrics_limit, vocabulary_limit, weights_limit
from henkan.text.arrays import Array
from henkan.text.training_range import KINDS, TrainingRange
from henkan.text.vocabulary import Vocabulary

FORMAT = "henkan-model"
FORMAT_VERSION = 4
WITHOUT_LEXICON = 3
"""The format of a model without a lexicon, so that earlier versions of henkan, which have none, can read it."""

MAX_MEMBERS = 1000
CONFIG = {"variants", "data", "calibration"}
VARIANT = {"model", "training", "members", "weight", "codec"}
VOCABULARY = {"variants", "range"}
MAX_CODEC_NUMBERS = 2**22
HASHED = ("config.json", "vocabulary.json", "weights.safetensors")
CHECKPOINT, TUNING = "checkpoint", "tuning"
"""Subfolders for an interrupted training run, and for the trials of a search for settings."""

ATTEMPTS = 20

Shapes = Callable[[ModelConfig, Vocabulary, Vocabulary], Mapping[str, tuple[int, ...]]]


@dataclass(frozen=True)
class SavedVariant:
    """Models with the same settings and vocabularies, which differ in their weights.

    Attributes:
        model: settings of the model.
        training: settings of the training run.
        source_vocabulary, target_vocabulary: the vocabularies.
        members: for each model, name -> weights.
        codec: name -> array, what the target codec has learned; see `henkan.model.codec.TargetCodec.arrays`.
        weight: weight of each member in a mixed ensemble; see `henkan.inference.mixture`.
    """

    model: ModelConfig
    training: TrainingConfig
    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
    members: Sequence[Mapping[str, Array]]
    codec: Mapping[str, Array] = field(default_factory=dict)
    weight: float = 1.0


@dataclass(frozen=True)
class SavedModel:
    """The contents of a model folder.

    Attributes:
        variants: the models: one variant for a single model and for an ensemble whose members differ only in their
            weights, several for a mixed ensemble.
        data: origin of the training pairs; see `henkan.text.data_source.DataSource`.
        metrics: metrics of the training run; see `henkan.storage.metrics_schema`.
        temperature: temperature of the confidence calibration, or None if there was no validation set.
        training_range: what the training sources contained; None for a model of format 1.
        corrections: for each way of being outside the training data, the numbers of the correction of the confidence;
            see `henkan.inference.outside.Correction`.
        lexicon: known sources, which are looked up before the model predicts; None: none.
    """

    variants: Sequence[SavedVariant]
    data: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    temperature: float | None = None
    training_range: TrainingRange | None = None
    corrections: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    lexicon: SavedLexicon | None = None

    @property
    def format_version(self) -> int:
        """The format in which the model is saved."""
        return WITHOUT_LEXICON if self.lexicon is None else FORMAT_VERSION

    @property
    def first(self) -> SavedVariant:
        """The first variant."""
        return self.variants[0]

    @property
    def members(self) -> list[Mapping[str, Array]]:
        """The weights of all members."""
        return [member for variant in self.variants for member in variant.members]


def is_model(folder: Path) -> bool:
    """Whether a folder has the manifest of a model."""
    try:
        return bool(read_manifest(folder))
    except ModelFolderError:
        return False


def check_exists(folder: Path) -> None:
    """Check that a model folder exists.

    Raises:
        ModelFolderError: if not.
    """
    if not os.path.isdir(folder):
        problem = "is a file, not the folder of a model" if os.path.lexists(folder) else "there is no such folder"
        raise ModelFolderError(f"{folder}: {problem}", "load_a_model")


def load(folder: Path, shapes: Shapes) -> SavedModel:
    """Read and validate a model folder.

    Args:
        folder: the folder.
        shapes: (settings, source vocabulary, target vocabulary) -> name and shape of every weight.

    Raises:
        ModelFolderError: if it is not a model, is damaged, or has a newer format.
    """
    check_exists(folder)
    for _ in range(ATTEMPTS):
        before = stamp(folder)
        try:
            return _load(folder, shapes)
        except ModelFolderError:
            if stamp(folder) == before:
                raise  # otherwise the model was replaced while it was read
    raise ModelFolderError(f"{folder}: another process is writing this model; try again later")


def stamp(folder: Path) -> object:
    """A value that changes when the model is replaced."""
    stamps = []
    for path in (folder / INCOMING, *(folder / subfolder / name for subfolder in ("", INCOMING) for name in WRITTEN)):
        with suppress(OSError):
            status = path.stat()
            stamps.append((path, status.st_mtime_ns, status.st_ino, status.st_size))
    return stamps


def _load(folder: Path, shapes: Shapes) -> SavedModel:
    manifest = read_manifest(folder)
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
        data = dict(config["data"])
        temperature, corrections = _calibration(config["calibration"])
        training_range = None if vocabulary["range"] is None else TrainingRange.from_dict(vocabulary["range"])
        variants = [_variant(*each) for each in zip(config["variants"], vocabulary["variants"], strict=True)]
        if not variants or sum(variant.members for variant in variants) > MAX_MEMBERS:
            raise ModelFolderError("config.json has an invalid number of members")
    except HenkanError as error:
        raise ModelFolderError(f"{folder}: {error.message.problem}") from None
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ModelFolderError(f"{folder}: config.json does not have the format that henkan writes") from None
    return SavedModel(
        variants=_with_weights(folder, manifest, variants, shapes),
        data=data,
        temperature=temperature,
        training_range=training_range,
        corrections=corrections,
        metrics=_metrics(folder, sum(variant.members for variant in variants)),
        lexicon=_lexicon(folder, manifest),
    )


@dataclass(frozen=True)
class _Variant:
    """A variant without its weights: as `SavedVariant`, with the number of members and the shapes of the codec."""

    model: ModelConfig
    training: TrainingConfig
    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
    members: int
    codec: Mapping[str, tuple[int, ...]]
    weight: float


def _variant(config: Mapping[str, Any], vocabulary: Mapping[str, Any]) -> _Variant:
    """Read the settings and vocabularies of a variant."""
    if set(config) != VARIANT or set(vocabulary) != {"source", "target"}:
        raise ValueError("unknown names")
    model, training = from_dict(ModelConfig, config["model"]), from_dict(TrainingConfig, config["training"])
    source, target = (Vocabulary.from_dict(vocabulary[side]) for side in ("source", "target"))
    count, weight = config["members"], config["weight"]
    if type(count) is not int or not 1 <= count <= MAX_MEMBERS:
        raise ModelFolderError(f"config.json has an invalid number of members, {count!r:.20}")
    if type(weight) is not float or not 0 < weight < float("inf"):
        raise ModelFolderError(f"config.json has an invalid weight of a member, {weight!r:.20}")
    codec = {name: tuple(shape) for name, shape in config["codec"].items()}
    sizes = [size for shape in codec.values() for size in shape]
    if not all(type(size) is int and size >= 0 for size in sizes) or sum(map(prod, codec.values())) > MAX_CODEC_NUMBERS:
        raise ValueError("invalid shapes")
    return _Variant(model, training, source, target, count, codec, weight)


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
        raise ModelFolderError(f"{folder}: {error.message.problem}", "register_architecture") from None


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read and validate the manifest.

    Raises:
        ModelFolderError: if it cannot be read, does not describe a model, or has a newer format.
    """
    name = "manifest.json"
    if not (folder / current(folder, name)).exists():
        if (folder / CHECKPOINT).is_dir():
            problem = f"{folder}: the training run in this folder is incomplete"
            raise ModelFolderError(problem, "resume_run", folder=folder)
        if not any((folder / current(folder, each)).exists() for each in HASHED):
            models = sorted(path.parent for path in folder.glob(f"*/{name}"))
            problem = f"{folder}: is not a model" + (f", but {models[0]} is" if models else "")
            raise ModelFolderError(problem, "load_a_model")
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


def _with_weights(
    folder: Path, manifest: Mapping[str, Any], variants: Sequence[_Variant], shapes: Shapes
) -> list[SavedVariant]:
    """Read the weights of all variants. The size of the file is checked first."""
    expected: dict[str, tuple[int, ...]] = {}
    names: list[tuple[dict[str, str], list[dict[str, str]]]] = []  # of each variant: name -> tensor
    first = 0
    for number, each in enumerate(variants):
        weights = _weight_shapes(folder, shapes, each.model, each.source_vocabulary, each.target_vocabulary)
        codec = {name: codec_tensor(number, name) for name in each.codec}
        members = [{name: member_tensor(k, name) for name in weights} for k in range(first, first + each.members)]
        expected |= {codec[name]: shape for name, shape in each.codec.items()}
        expected |= {member[name]: shape for member in members for name, shape in weights.items()}
        names.append((codec, members))
        first += each.members
    name = "weights.safetensors"
    limit = weights_limit(sum(map(prod, expected.values())), len(expected))
    tensors = load_tensors(_read_checked(folder, name, manifest, limit), folder, name, remedy="retrain_or_restore")
    if {tensor: array.shape for tensor, array in tensors.items()} != expected:
        raise ModelFolderError(f"{folder}: {name} does not fit config.json and vocabulary.json")

    def arrays(tensor_names: Mapping[str, str]) -> dict[str, Array]:
        return {name: tensors[tensor] for name, tensor in tensor_names.items()}

    return [
        SavedVariant(
            each.model,
            each.training,
            each.source_vocabulary,
            each.target_vocabulary,
            [arrays(member) for member in members],
            arrays(codec),
            each.weight,
        )
        for each, (codec, members) in zip(variants, names, strict=True)
    ]


def _lexicon(folder: Path, manifest: Mapping[str, Any]) -> SavedLexicon | None:
    """Read the lexicon; None if the model has none. It is checked against its checksum, but not parsed."""
    if (LEXICON in manifest["sha256"]) != (manifest["format_version"] > WITHOUT_LEXICON):
        raise ModelFolderError(f"{folder}: manifest.json does not fit its format version; the model is damaged")
    if LEXICON not in manifest["sha256"]:
        return None
    return SavedLexicon(_read_checked(folder, LEXICON, manifest, LEXICON_LIMIT.bytes), folder)


def member_tensor(member: int, name: str) -> str:
    """Return the name in weights.safetensors of a weight of a member, which are counted over all variants."""
    return f"members.{member}.{name}"


def codec_tensor(variant: int, name: str) -> str:
    """Return the name in weights.safetensors of an array of a variant's codec."""
    return f"codecs.{variant}.{name}"


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
