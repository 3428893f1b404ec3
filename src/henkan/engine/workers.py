"""The thread pool of the NumPy engine, and the number of threads that BLAS may use.

Two threads that each call a BLAS with two threads compete for the cores. So BLAS is limited to one thread while the
pool is running. Outside, it uses as many threads as the user has configured.
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

THREADS_VARIABLE = "HENKAN_THREADS"
# Seconds after which a thread returning from a long kernel requests the interpreter lock. Python's default of 5 ms is a
# hundred times longer than an operation on a small array; with it, one update in ten took 1.5 times as long.
SWITCH_INTERVAL = 5e-5


def available_threads() -> int:
    """HENKAN_THREADS, or the number of cores that this process may use; 1 if BLAS threads cannot be limited."""
    if find_spec("threadpoolctl") is None:
        return 1
    wanted = os.environ.get(THREADS_VARIABLE, "")
    return int(wanted) if wanted.isdecimal() and int(wanted) > 0 else available_cores()


def available_cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Workers:
    """A thread pool that exists while at least one caller is inside `session`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users = 0
        self._pool: ThreadPoolExecutor | None = None
        self._open = ExitStack()

    @contextmanager
    def session(self) -> Iterator[None]:
        """Context in which the threads are ready. Several callers may enter it at once."""
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
        """Yield function(item) for every item, in order: in the pool inside a session, else in this thread."""
        pool = self._pool
        return map(function, items) if pool is None else pool.map(function, items)

    def share(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Like `map`, for a few items at once. The calling thread computes the first item instead of only waiting."""
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
            sys.setswitchinterval(SWITCH_INTERVAL)
            # NumPy's warnings are set per thread. Overflow is detected from the loss instead.
            quiet = partial(np.seterr, all="ignore")
            self._pool = self._open.enter_context(ThreadPoolExecutor(threads, initializer=quiet))


WORKERS = Workers()
"""The only instance, because the number of BLAS threads is global to the process."""
