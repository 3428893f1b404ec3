"""The thread pool of the NumPy engine, and the number of threads that BLAS may use.

Two threads that each call a BLAS with two threads compete for the cores. So BLAS is limited to one thread while the
pool is running. Outside, it uses as many threads as the user has configured.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from threading import Condition, Lock, RLock, get_ident
from typing import Generic

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


def use_one_blas_thread() -> None:
    """Limit BLAS to one thread from now on, for a program in which other threads need the cores.

    BLAS threads wait for each other by spinning: if another program takes a core, products of small matrices take six
    times as long.
    """
    if find_spec("threadpoolctl") is not None:
        from threadpoolctl import threadpool_limits

        threadpool_limits(1, user_api="blas")


class Call(Generic[Result]):
    """A call for any thread to compute. The thread that needs the result computes it if no other has begun.

    So a result never depends on other threads, and there may be none: a forked child has no copies of them, they end
    before a thread that outlives the main thread, and the system may refuse to start them.
    """

    def __init__(self, function: Callable[[Item], Result], item: Item) -> None:
        self._compute: Callable[[], Result] | None = partial(function, item)
        self._begun, self._future = Lock(), Future[Result]()

    def run(self) -> None:
        """Compute the call, unless a thread has begun or the call was cancelled."""
        if not self._begun.acquire(blocking=False):
            return
        compute, self._compute = self._compute, None  # free the item afterwards
        assert compute is not None
        try:
            with np.errstate(all="ignore"):  # overflow is detected from the loss instead
                self._future.set_result(compute())
        except BaseException as error:
            self._future.set_exception(error)
            raise

    def cancel(self) -> None:
        """Do not compute the call if no thread has begun."""
        self._begun.acquire(blocking=False)

    def result(self) -> Result:
        """Wait for the result of a call that a thread has begun; return it or raise its exception."""
        return self._future.result()


class Workers:
    """Threads that help callers inside `session`. They exist while there is at least one such caller.

    A fork waits while threads are started, and until no thread is inside `computing`: a thread that is not copied can
    hold locks of BLAS, of numba's compiler or of an import, which would stay locked in the child for ever. In the child
    there are no threads and no callers.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._users = 0
        self._pool: ThreadPoolExecutor | None = None
        self._changes = ExitStack()  # restores the settings of the process
        self._idle, self._forking = Condition(), False
        self._computing: list[int] = []  # identifiers of the threads inside `computing`
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before_fork, after_in_parent=self._after_fork_in_parent, after_in_child=self._reset
            )

    @contextmanager
    def session(self) -> Iterator[None]:
        """Context in which the threads are ready. Several callers may enter it at once."""
        process = os.getpid()
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._start()
        try:
            yield
        finally:
            pool = self._leave() if process == os.getpid() else None  # a forked child did not enter
            if pool is not None:
                pool.shutdown()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield function(item) for every item, in order, computed by this thread and, inside a session, by others."""
        pool = self._pool
        return map(function, items) if pool is None else _results(pool, [Call(function, item) for item in items])

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Context of one computation, during which no fork happens. It must not wait for another thread."""
        with self._idle:
            while self._forking:
                self._idle.wait()
            self._computing.append(get_ident())
        try:
            yield
        finally:
            with self._idle:
                self._computing.remove(get_ident())
                if self._forking:
                    self._idle.notify_all()

    def _start(self) -> None:
        threads = available_threads()
        if find_spec("threadpoolctl") is not None:
            from threadpoolctl import threadpool_limits

            self._changes.enter_context(threadpool_limits(1, user_api="blas"))
        if threads > 1:
            self._changes.callback(sys.setswitchinterval, sys.getswitchinterval())
            sys.setswitchinterval(SWITCH_INTERVAL)
            self._pool = ThreadPoolExecutor(threads - 1)

    def _leave(self) -> ThreadPoolExecutor | None:
        """Return the pool if this was its last caller, who shuts it down without the lock, so that no fork waits."""
        with self._lock:
            self._users -= 1
            if self._users > 0:
                return None
            pool, self._pool = self._pool, None
            self._changes.close()
            return pool

    def _before_fork(self) -> None:
        self._lock.acquire()
        self._idle.acquire()
        self._forking = True
        this_thread = get_ident()  # it can be computing if a signal handler forks
        while any(thread != this_thread for thread in self._computing):
            self._idle.wait()

    def _after_fork_in_parent(self) -> None:
        self._forking = False
        self._idle.notify_all()
        self._idle.release()
        self._lock.release()

    def _reset(self) -> None:
        """Forget the threads and callers of the parent process."""
        self._lock, self._users, self._pool = RLock(), 0, None
        self._idle, self._computing, self._forking = Condition(), [], False
        self._changes.close()


def _results(pool: ThreadPoolExecutor, calls: Sequence[Call[Result]]) -> Iterator[Result]:
    """Yield the results of the calls, computed by this thread and by those of the pool."""
    try:
        for call in calls[1:]:  # this thread begins with the first
            with suppress(RuntimeError):  # no thread can be started, or the main thread has ended
                pool.submit(call.run)
        for call in calls:
            call.run()
        for call in calls:
            yield call.result()
    finally:
        for call in calls:
            call.cancel()


WORKERS = Workers()
"""The only instance, because the number of BLAS threads is global to the process."""
