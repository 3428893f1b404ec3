"""Write several files to a folder atomically: all of them or none.

The files are first written to a temporary subfolder, which is then renamed to `incoming`: at this moment they are
saved. Then they are moved to the folder one by one. Readers look into `incoming` first, so they never see a mixture of
old and new files, even if the writer is killed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from henkan.storage.files import sync_folder, write_file

INCOMING = "incoming"
WEIGHTS, MANIFEST, LEXICON, PICTURE = "weights.safetensors", "manifest.json", "lexicon.jsonl", "learning_curve.png"
WRITTEN = ("config.json", "vocabulary.json", WEIGHTS, "metrics.json", "README.md", MANIFEST, LEXICON, PICTURE)
"""The files of a model folder, in the order in which they are moved."""


def put_files(folder: Path, files: Mapping[str, bytes], *, check: Callable[[], None] = lambda: None) -> None:
    """Write files to a folder, all or none. Files that are not given keep their content.

    A manifest without a lexicon deletes the old lexicon, and weights without a picture the old picture.

    Args:
        folder: the folder.
        files: name -> content.
        check: called when all is ready; the files are not written if it raises an error.

    Raises:
        OSError: if they cannot be written; the existing files are then unchanged.
    """
    created = _create(folder)
    temporary = folder / f".{INCOMING}-{uuid4().hex[:8]}"
    try:
        _move_incoming(folder)  # left behind by a writer that was killed
        temporary.mkdir()
        for name, content in files.items():
            write_file(temporary / name, content)
        sync_folder(temporary)
        check()
        temporary.rename(folder / INCOMING)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        for empty in created:
            with suppress(OSError):
                empty.rmdir()
        raise
    sync_folder(folder)
    with suppress(OSError):  # the model is saved; the next writer can move the files
        _move_incoming(folder)


def _create(folder: Path) -> list[Path]:
    """Create a folder and its missing parents; return the new folders, deepest first."""
    created = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in created:
        sync_folder(each.parent)
    return created


def _move_incoming(folder: Path) -> None:
    """Move the files in `incoming`, if it exists, to the folder, and delete temporary subfolders."""
    for left in folder.glob(f".{INCOMING}-*"):
        shutil.rmtree(left, ignore_errors=True)
    incoming = folder / INCOMING
    if not incoming.is_dir():
        return
    # Lexicon and picture are moved last, so they are still here if the file before them is.
    for name, before in ((LEXICON, MANIFEST), (PICTURE, WEIGHTS)):
        if not (incoming / name).exists() and (incoming / before).exists():
            (folder / name).unlink(missing_ok=True)  # it belongs to the old model
    for name in WRITTEN:
        if (incoming / name).exists():
            (incoming / name).replace(folder / name)
            sync_folder(folder)
    incoming.rmdir()
    sync_folder(folder)


def current(folder: Path, name: str) -> str:
    """Return the path of the current version of a file, relative to the folder: in `incoming` if it exists there."""
    return f"{INCOMING}/{name}" if os.path.lexists(folder / INCOMING / name) else name
