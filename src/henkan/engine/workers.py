"""The one place that owns how many threads work, and how many BLAS may use meanwhile.

Two threads that each call a BLAS of two threads fight for the cores. So while several of ours are at work,
BLAS is held to one thread; outside, it has as many as its user gave it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from threading import Lock

import numpy as np

from henkan.engine.base import Item, Result

VARIABLE = "HENKAN_THREADS"
# A thread that comes back from a long kernel waits so long for the interpreter's lock before it asks for it. With
# Python's own 5 ms, a hundred times a small array's arithmetic, one update in ten took half as long again.
SECONDS_TO_HOLD_THE_LOCK = 5e-5


def available_threads() -> int:
    """HENKAN_THREADS, or the cores that this process may use; 1 where BLAS cannot be held back."""
    if find_spec("threadpoolctl") is None:
        return 1
    wanted = os.environ.get(VARIABLE, "")
    return int(wanted) if wanted.isdecimal() and int(wanted) > 0 else available_cores()


def available_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Workers:
    """Threads that share work out, for as long as anybody is inside `at_work`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._pool: ThreadPoolExecutor | None = None
        self._open = ExitStack()

    @contextmanager
    def session(self) -> Iterator[None]:
        """Have the threads ready; may be entered by several callers at once."""
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._start()
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._pool = None
                    self._open.close()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """function(item) for every item, in order: in the threads while they are at work, else here."""
        pool = self._pool
        return map(function, items) if pool is None else pool.map(function, items)

    def share(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Like `map`, for a few items at once: the caller takes the first, which saves it from sleeping and waking."""
        pool = self._pool
        if pool is None:
            return [function(item) for item in items]
        first, *rest = items
        others = [pool.submit(function, item) for item in rest]
        return [function(first), *(other.result() for other in others)]

    def _start(self) -> None:
        threads = available_threads()
        if find_spec("threadpoolctl") is not None:
            from threadpoolctl import threadpool_limits

            self._open.enter_context(threadpool_limits(1, user_api="blas"))
        if threads > 1:
            self._open.callback(sys.setswitchinterval, sys.getswitchinterval())
            sys.setswitchinterval(SECONDS_TO_HOLD_THE_LOCK)
            # NumPy's warnings are set a thread; a number too large shows in the loss, which is looked at.
            quiet = partial(np.seterr, all="ignore")
            self._pool = self._open.enter_context(ThreadPoolExecutor(threads, initializer=quiet))


# BLAS has one number of threads for the whole process, so there is one of these.
WORKERS = Workers()
