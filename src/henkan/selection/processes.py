"""Worker processes, in which several models are trained at the same time."""

from __future__ import annotations

import gc
import os
import signal
from typing import TYPE_CHECKING

from henkan.engine.workers import THREADS_VARIABLE, available_cores, use_one_blas_thread

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

LOST = "the process that trained the model has ended, which happens if the system has no more memory"
"""What has happened if a worker process ends without a result."""


def default_jobs() -> int:
    """Number of models to train at the same time: the number of cores that this process may use."""
    return available_cores()


def worker_processes(jobs: int) -> ProcessPoolExecutor:
    """Start processes for calls of functions of a module, whose arguments and results are pickled.

    Each process uses one thread: models in several processes keep all cores busy, and threads within a model would
    compete with them. A model does not depend on the number of threads. Ctrl-C interrupts the calling process alone,
    which decides what to do with the others.

    Args:
        jobs: number of processes.
    """
    # imported here, because `henkan --help` imports this module
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # A forked child would inherit locks of the threads of its parent; a spawned one starts afresh.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=prepare_worker)


def stop(pool: ProcessPoolExecutor) -> None:
    """End the processes, also those that still work, and wait until they have ended."""
    for process in list((pool._processes or {}).values()):
        process.terminate()
    pool.shutdown(cancel_futures=True)
    gc.collect()  # frees the semaphores of the pool also if the interpreter exits without cleanup


def prepare_worker() -> None:
    """Prepare a worker process: one thread, and Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ[THREADS_VARIABLE] = "1"
    use_one_blas_thread()
