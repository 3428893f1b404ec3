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
    if out.is_dir() or (out.exists() and not force):
        what = "is a folder; choose another --out" if out.is_dir() else "already exists; use --force or another --out"
        raise SettingsError(f"{out}: {what}")


def write_output(out: Path, content: bytes) -> None:
    """Write a file.

    Raises:
        DataError: if it cannot be written.
    """
    try:
        write_file(out, content)
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror or error}); choose another --out") from None
