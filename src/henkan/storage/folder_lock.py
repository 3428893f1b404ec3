"""A lock file that gives one process exclusive use of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_FILE = "lock"


class FolderLocked(Exception):  # noqa: N818
    """Another process holds the lock of the folder. Callers turn this into an error that names what the folder is."""


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of an existing folder; the operating system releases it if the process dies.

    The lock file remains afterwards: deleting it safely is up to the caller.

    Raises:
        FolderLocked: if another process holds the lock. The call does not wait for it.
        OSError: if the lock file cannot be created.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK_FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise FolderLocked(folder) from None
    try:
        yield
    finally:
        lock.release()
