"""Files that are written whole or not at all, and that are believed only after they were checked."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors

from henkan.errors import ModelFolderError
from henkan.text import strict_json
from henkan.text.arrays import Array


def write_file(path: Path, content: bytes) -> None:
    """Put a file in its place: after a crash at any moment, the old one or the new one stands there.

    Raises:
        OSError: if it cannot be written; the old one is untouched then.
    """
    fresh = path.with_name(path.name + ".part")
    try:
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder written to the disk."""
    with suppress(OSError):  # Windows cannot open a folder; there the rename alone must do
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_file(folder: Path, name: str, most: int, *, advice: str = "") -> bytes:
    """The bytes of a file in a folder.

    Args:
        most: bytes; a larger file is refused before it is read.
        advice: what to do if it cannot be read, which depends on what the folder is; "": the caller says it.

    Raises:
        ModelFolderError: if it cannot be read, is larger, no ordinary file, or leads out of the folder.
    """
    with _named(folder, name, advice):
        # Not blocking: a pipe that nobody writes to would be waited for.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(_inside(folder, name), flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ModelFolderError(f"{folder}: {name} is no ordinary file; the folder is damaged")
            if status.st_size > most:
                raise ModelFolderError(
                    f"{folder}: {name} is damaged ({status.st_size:,} bytes, where there can be at most {most:,})"
                )
            return file.read(status.st_size)


def file_size(folder: Path, name: str, *, advice: str = "") -> int:
    """The bytes that a file in a folder has.

    Raises:
        ModelFolderError: if there is none, or it leads out of the folder.
    """
    with _named(folder, name, advice):
        return _inside(folder, name).stat().st_size


def _inside(folder: Path, name: str) -> Path:
    """Where a file in a folder is, links followed."""
    path = (folder / name).resolve(strict=True)
    if not path.is_relative_to(folder.resolve()):
        raise ModelFolderError(f"{folder}: {name} is a link that leads out of the folder; put the file itself there")
    return path


@contextmanager
def _named(folder: Path, name: str, advice: str) -> Iterator[None]:
    """Have the system's errors name the file."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # a RuntimeError is a circle of links
        reason = getattr(error, "strerror", None) or error
        raise ModelFolderError(f"{folder}: {name} cannot be read ({reason}){advice and '; ' + advice}") from None


def sha256(content: bytes) -> str:
    """The SHA-256 sum in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def to_json(value: Any) -> bytes:
    """A value as JSON in UTF-8."""
    try:
        return (json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can escape and UTF-8 cannot write
        return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()


def from_json(content: bytes, folder: Path, name: str, *, most: int | None = None) -> Any:
    """The value of JSON.

    Args:
        most: values that there can be; None: any number.

    Raises:
        ModelFolderError: if `strict_json.parse` refuses it.
    """
    try:
        return strict_json.parse(content, most=most)
    except ValueError:
        raise ModelFolderError(f"{folder}: {name} is damaged (not JSON as henkan writes it)") from None


def seal(value: Any) -> bytes:
    """A value as JSON that carries its own SHA-256 sum."""
    return to_json({"sha256": sha256(to_json(value)), "content": value})


def unseal(content: bytes, folder: Path, name: str) -> Any:
    """The value that was sealed.

    Raises:
        ModelFolderError: if it has changed since.
    """
    sealed = from_json(content, folder, name)
    try:
        if sealed["sha256"] == sha256(to_json(sealed["content"])):
            return sealed["content"]
    except (KeyError, TypeError, ValueError):
        pass
    raise ModelFolderError(f"{folder}: {name} is damaged or was changed")


def load_tensors(
    content: bytes, folder: Path, name: str, *, finite: bool = True, advice: str = ""
) -> Mapping[str, Array]:
    """Name -> array of a safetensors file.

    Args:
        finite: whether every number must be.
        advice: what to do if it is damaged; as for `read_file`.

    Raises:
        ModelFolderError: if it is none, or an array is not of (finite) float32 numbers.
    """
    try:
        tensors: Mapping[str, Array] = load_safetensors(content)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError):
        raise ModelFolderError(f"{folder}: {name} is damaged{advice and '; ' + advice}") from None
    for tensor, array in tensors.items():
        if array.dtype != np.float32 or (finite and not np.isfinite(array).all()):
            raise ModelFolderError(f"{folder}: the weights {tensor!r:.100} are not finite float32 numbers")
    return tensors
