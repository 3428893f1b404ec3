"""Write a model folder; see `henkan.storage.model_folder` for its files."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from safetensors.numpy import save as save_safetensors

from henkan.config import to_dict
from henkan.errors import ModelFolderError
from henkan.storage.atomic_folder import INCOMING, LEXICON, MANIFEST, WEIGHTS, WRITTEN, current, put_files
from henkan.storage.files import read_file, sha256, to_json
from henkan.storage.model_card import CARD, with_lexicon
from henkan.storage.model_folder import (
    CHECKPOINT,
    FORMAT,
    HASHED,
    TUNING,
    WITHOUT_LEXICON,
    SavedModel,
    codec_tensor,
    is_model,
    member_tensor,
    read_manifest,
)
from henkan.storage.size_limits import SETTINGS


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
        ModelFolderError: if the folder has other files, or a model and `force` is False, or cannot be written.
    """
    check_destination(folder, force=force)
    if not all(np.isfinite(array).all() for member in saved.members for array in member.values()):
        raise ModelFolderError("the weights are not finite; train again with a lower learning rate")
    files = {**_settings(saved), WEIGHTS: _weights(saved), **_lexicon(saved)}
    manifest = {
        "format": FORMAT,
        "format_version": saved.format_version,
        "henkan": version,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "sha256": {name: sha256(content) for name, content in files.items()},
    }
    files |= {"metrics.json": to_json(saved.metrics), CARD: card.encode(errors="replace"), **(pictures or {})}
    _put(folder, {**files, MANIFEST: to_json(manifest)}, "the model")


def replace_lexicon(saved: SavedModel, folder: Path, manifest: bytes) -> None:
    """Replace the lexicon of a model folder. Its weights, and what a user has changed in README.md, are kept.

    Args:
        saved: the model, as it was loaded from the folder, with another lexicon.
        folder: the folder.
        manifest: its manifest; see `manifest_bytes`. It tells whether the folder still has the same model.

    Raises:
        ModelFolderError: if the folder cannot be written, or has another model by now.
    """

    def check() -> None:
        if manifest_bytes(folder) != manifest:
            raise ModelFolderError(f"{folder}: another process has replaced this model; try again")

    values = read_manifest(folder)
    files = {**_settings(saved), **_lexicon(saved)} if values["format_version"] < WITHOUT_LEXICON else _lexicon(saved)
    sums = {name: values["sha256"][name] for name in HASHED} | {name: sha256(files[name]) for name in files}
    with suppress(ModelFolderError, UnicodeError):  # it may have been deleted or replaced
        card = read_file(folder, current(folder, CARD), SETTINGS.bytes).decode()
        files[CARD] = with_lexicon(card, saved.lexicon).encode()
    values |= {"format_version": saved.format_version, "sha256": sums}
    _put(folder, {**files, MANIFEST: to_json(values)}, "the lexicon", check)


def manifest_bytes(folder: Path) -> bytes:
    """Read the manifest of a model folder.

    Raises:
        ModelFolderError: if it cannot be read.
    """
    return read_file(folder, current(folder, MANIFEST), SETTINGS.bytes, remedy="load_a_model")


def _put(folder: Path, files: Mapping[str, bytes], what: str, check: Callable[[], None] = lambda: None) -> None:
    try:
        put_files(folder.resolve(), files, check=check)
    except OSError as error:
        reason = error.strerror or error
        raise ModelFolderError(
            f"{folder}: {what} cannot be saved ({reason}), and existing files are unchanged; check permissions and "
            "free disk space"
        ) from None


def _lexicon(saved: SavedModel) -> dict[str, bytes]:
    return {} if saved.lexicon is None else {LEXICON: saved.lexicon.content}


def _weights(saved: SavedModel) -> bytes:
    """Return the content of the file with the weights."""
    tensors = {
        **{
            codec_tensor(number, name): array
            for number, variant in enumerate(saved.variants)
            for name, array in variant.codec.items()
        },
        **{
            member_tensor(number, name): array
            for number, member in enumerate(saved.members)
            for name, array in member.items()
        },
    }
    return save_safetensors({name: np.ascontiguousarray(array) for name, array in tensors.items()})


def _settings(saved: SavedModel) -> dict[str, bytes]:
    """Return name -> content of the files with the settings and the vocabularies."""
    calibration, training_range = None, saved.training_range
    if saved.temperature is not None:
        outside = {kind: dict(numbers) for kind, numbers in saved.corrections.items()}
        calibration = {"temperature": saved.temperature, "outside": outside}
    config = {
        "variants": [
            {
                "model": to_dict(variant.model),
                "training": to_dict(variant.training),
                "members": len(variant.members),
                "weight": variant.weight,
                "codec": {name: list(array.shape) for name, array in variant.codec.items()},
            }
            for variant in saved.variants
        ],
        "data": dict(saved.data),
        "calibration": calibration,
    }
    vocabularies = {
        "variants": [
            {"source": variant.source_vocabulary.to_dict(), "target": variant.target_vocabulary.to_dict()}
            for variant in saved.variants
        ],
        "range": None if training_range is None else training_range.to_dict(),
    }
    return {"config.json": to_json(config), "vocabulary.json": to_json(vocabularies)}


def check_destination(folder: Path, *, force: bool) -> None:
    """Check that a model may be written to a folder.

    Raises:
        ModelFolderError: if it has other files, or a model and `force` is False, or cannot be accessed.
    """
    try:
        folder = folder.resolve()  # `new/..` does not exist although the resolved folder may
        if not os.path.lexists(folder):
            return
        if not folder.is_dir():
            raise ModelFolderError(f"{folder}: a file with this name exists", "another_folder")
        names = {entry.name for entry in folder.iterdir() if not entry.name.startswith(f".{INCOMING}-")}
        own = {*WRITTEN, INCOMING, CHECKPOINT, TUNING}
        others = sorted(names - own) or [name for name in sorted(names & set(WRITTEN)) if not (folder / name).is_file()]
        if names <= {CHECKPOINT, TUNING}:
            return
        if others or not is_model(folder):
            what = others[0] if others else "no manifest.json of a henkan model"
            raise ModelFolderError(f"{folder}: the folder has other files ({what})", "another_folder")
    except OSError as error:
        raise ModelFolderError(f"{folder}: cannot be used ({error.strerror or error})", "another_folder") from None
    if not force:
        raise ModelFolderError(f"{folder}: the folder already has a model", "force_or_another_folder")
