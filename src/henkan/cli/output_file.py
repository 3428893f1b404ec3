"""A file that a command writes."""

from __future__ import annotations

from pathlib import Path

from henkan.errors import DataError, SettingsError
from henkan.storage.files import write_file


def check_output(out: Path, force: bool) -> None:
    """Check that the file of `--out` can be written, before the work is done.

    Raises:
        SettingsError: if it is a folder, there is no folder for it, or it exists and must not be replaced.
    """
    check_writable(out, "--out")
    if out.is_file() and not force:
        raise SettingsError(f"{out}: already exists; use --force or another --out")


def check_writable(out: Path, option: str) -> None:
    """Check that there is a folder for a file that is replaced if it exists, before the work is done.

    Raises:
        SettingsError: if there is none; the message names the option.
    """
    if out.is_dir():
        raise SettingsError(f"{out}: is a folder; choose another {option}")
    if not out.absolute().parent.is_dir():
        raise SettingsError(f"{out}: cannot be written (No such file or directory); choose another {option}")


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
