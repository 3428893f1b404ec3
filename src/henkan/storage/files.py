"""Write files atomically, and validate files when they are read."""

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
    """Write a file atomically: after a crash, either the old or the new file exists.

    Raises:
        OSError: if it cannot be written; the old file is then unchanged.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder's directory entries to disk."""
    with suppress(OSError):  # Windows cannot open a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_file(folder: Path, name: str, max_bytes: int, *, remedy: str | None = None) -> bytes:
    """Read a file in a folder.

    Args:
        folder, name: the file.
        max_bytes: maximum size. The size of the file is checked before it is read.
        remedy: key of the remedy if the file cannot be read, or None.

    Raises:
        ModelFolderError: if the file cannot be read, is too large, is not a regular file, or is a symbolic link to
            a file outside the folder.
    """
    with _name_file(folder, name, remedy):
        # Non-blocking, because opening a pipe without a writer would hang.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(_inside(folder, name), flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ModelFolderError(f"{folder}: {name} is not a regular file; the folder is damaged")
            if status.st_size > max_bytes:
                raise ModelFolderError(
                    f"{folder}: {name} is damaged ({status.st_size:,} bytes, expected at most {max_bytes:,})"
                )
            return file.read(status.st_size)


def file_size(folder: Path, name: str, *, remedy: str | None = None) -> int:
    """Return the size of a file in a folder, in bytes.

    Raises:
        ModelFolderError: if it does not exist, or is a symbolic link to a file outside the folder.
    """
    with _name_file(folder, name, remedy):
        return _inside(folder, name).stat().st_size


def _inside(folder: Path, name: str) -> Path:
    """Resolve the path of a file in a folder, which must not lead outside of it."""
    path = (folder / name).resolve(strict=True)
    if not path.is_relative_to(folder.resolve()):
        raise ModelFolderError(
            f"{folder}: {name} is a symbolic link to a file outside the folder; replace it with the file"
        )
    return path


@contextmanager
def _name_file(folder: Path, name: str, remedy: str | None) -> Iterator[None]:
    """Convert errors of the operating system to errors that name the file."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
        reason = getattr(error, "strerror", None) or error
        raise ModelFolderError(f"{folder}: {name} cannot be read ({reason})", remedy) from None


def sha256(content: bytes) -> str:
    """Return the SHA-256 checksum in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def to_json(value: Any) -> bytes:
    """Encode a value as JSON in UTF-8."""
    try:
        return (json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError:  # an unpaired surrogate: JSON can escape it, UTF-8 cannot encode it
        return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()


def from_json(content: bytes, folder: Path, name: str, *, max_values: int | None = None) -> Any:
    """Parse the JSON of a file.

    Args:
        content: the file's bytes.
        folder, name: the file, for the error message.
        max_values: maximum number of JSON values; None: no limit.

    Raises:
        ModelFolderError: if it is not valid JSON; see `strict_json.parse`.
    """
    try:
        return strict_json.parse(content, max_values=max_values)
    except ValueError:
        raise ModelFolderError(f"{folder}: {name} is damaged (invalid JSON)") from None


def seal(value: Any) -> bytes:
    """Encode a value as JSON together with its SHA-256 checksum."""
    return to_json({"sha256": sha256(to_json(value)), "content": value})


def unseal(content: bytes, folder: Path, name: str) -> Any:
    """Return the value of a file written by `seal`.

    Raises:
        ModelFolderError: if the content is not valid JSON, or the checksum does not match.
    """
    sealed = from_json(content, folder, name)
    try:
        if sealed["sha256"] == sha256(to_json(sealed["content"])):
            return sealed["content"]
    except (KeyError, TypeError, ValueError):
        pass
    raise ModelFolderError(f"{folder}: {name} is damaged or was modified")


def load_tensors(
    content: bytes, folder: Path, name: str, *, finite: bool = True, remedy: str | None = None
) -> Mapping[str, Array]:
    """Parse a safetensors file.

    Args:
        content: the file's bytes.
        folder, name: the file, for the error message.
        finite: whether all numbers must be finite.
        remedy: key of the remedy if the file is damaged.

    Returns:
        name -> array.

    Raises:
        ModelFolderError: if it is not a safetensors file, or an array is not of (finite) float32 numbers.
    """
    try:
        tensors: Mapping[str, Array] = load_safetensors(content)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError):
        raise ModelFolderError(f"{folder}: {name} is damaged", remedy) from None
    for tensor, array in tensors.items():
        if array.dtype != np.float32 or (finite and not np.isfinite(array).all()):
            raise ModelFolderError(f"{folder}: the weights {tensor!r:.100} are not finite float32 numbers")
    return tensors
