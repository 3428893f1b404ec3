"""A file that a command writes."""

from __future__ import annotations

from pathlib import Path

from henkan.errors import DataError, SettingsError
from henkan.storage.files import write_file


def check_output(out: Path, force: bool) -> None:
    """Check that a file can be written, before the work is done.

    Raises:
        SettingsError: if it is a folder, or exists and must not be replaced.
    """
    if out.is_dir() or (out.is_file() and not force):
        what = "is a folder; choose another --out" if out.is_dir() else "already exists; use --force or another --out"
        raise SettingsError(f"{out}: {what}")


def write_output(out: Path, content: bytes, option: str = "--out") -> None:
    """Write a file. A device or a pipe, such as /dev/null, receives the content; a symbolic link keeps its place.

    Raises:
        DataError: if it cannot be written; the message names the option.
    """
    try:
        if out.exists() and not out.is_file():
            out.write_bytes(content)
        else:
            write_file(out.resolve(), content)
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror or error}); choose another {option}") from None
