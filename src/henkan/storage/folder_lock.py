"""A lock file that gives one process exclusive use of a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_FILE = "lock"


class FolderLocked(Exception):  # noqa: N818
    """Another process holds the lock of the folder. Callers convert this to an error that says what the folder is."""


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of an existing folder; the operating system releases it if the process dies.

    The lock file is not deleted; the caller must do that when it is safe.

    Raises:
        FolderLocked: at once, if another process holds the lock.
        OSError: if the lock file cannot be created.
    """
    from filelock import FileLock, Timeout

    lock, process = FileLock(folder / LOCK_FILE), os.getpid()
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise FolderLocked(folder) from None
    try:
        yield
    finally:
        if process == os.getpid():  # a forked child does not hold the lock
            lock.release()
