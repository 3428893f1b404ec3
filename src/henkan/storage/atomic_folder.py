"""Several files that are written to a folder all together or not at all.

They are first written to a folder `incoming` inside it, whose rename is the moment of saving; then they are moved one
by one. Readers look there first, so they never see a mixture of old and new files, whenever the writer is killed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from henkan.storage.files import sync_folder, write_file

INCOMING = "incoming"
MANIFEST, PICTURE = "manifest.json", "learning_curve.png"
WRITTEN = ("config.json", "vocabulary.json", "weights.safetensors", "metrics.json", "README.md", MANIFEST, PICTURE)
"""The files of a model folder, in the order in which they are moved; the manifest comes last, but for the picture."""


def put_files(folder: Path, files: Mapping[str, bytes]) -> None:
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
    pictured = (incoming / PICTURE).exists()
    if not pictured and (incoming / MANIFEST).exists():
        (folder / PICTURE).unlink(missing_ok=True)  # it belongs to the old model
    for name in WRITTEN:
        if (incoming / name).exists():
            (incoming / name).replace(folder / name)
            sync_folder(folder)
    incoming.rmdir()
    sync_folder(folder)


def current(folder: Path, name: str) -> str:
    """The file with a given name that counts: the incoming one if it exists, otherwise that in the folder itself."""
    return f"{INCOMING}/{name}" if os.path.lexists(folder / INCOMING / name) else name
