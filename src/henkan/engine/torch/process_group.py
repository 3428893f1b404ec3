"""The process group of a distributed training run, started by torchrun."""

from __future__ import annotations

import atexit
import os
import time
from datetime import timedelta
from uuid import uuid4

import torch
from torch import distributed

from henkan.engine.torch.device import readable_errors
from henkan.errors import EngineError

COLLECTIVE_TIMEOUT = timedelta(days=1)
"""Timeout for collective operations. It is long because the other processes wait while process 0 evaluates or saves.
A process that has died is detected by its closed connections and by torchrun."""

CONNECT_TIMEOUT = timedelta(minutes=10)
"""Timeout for all processes to connect."""


class TorchProcessGroup:
    """All processes started by torchrun, connected by NCCL for GPUs and by Gloo for CPUs.

    Args:
        device: the device of this process.

    Raises:
        EngineError: if the other processes cannot be reached.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if not distributed.is_initialized():
            try:
                _join("nccl" if device.type == "cuda" else "gloo")
            except (RuntimeError, ValueError) as error:
                raise EngineError(
                    f"the processes of this training run cannot connect ({error!s:.120}); start them with torchrun"
                ) from None
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()

    def broadcast(self, number: float) -> float:
        """Return the number given by process 0. Every process waits for it."""
        shared = torch.tensor(number, dtype=torch.float64, device=self.device)
        with readable_errors(several=True):
            distributed.broadcast(shared, 0)
            return float(shared)

    def max(self, number: int) -> int:
        """Return the maximum over all processes."""
        found = torch.tensor(number, device=self.device)
        with readable_errors(several=True):
            distributed.all_reduce(found, distributed.ReduceOp.MAX)
            return int(found)

    def mean(self, number: torch.Tensor) -> torch.Tensor:
        """Return the mean over all processes, without waiting for the result. Changes `number`."""
        distributed.all_reduce(number, distributed.ReduceOp.SUM)
        return number / self.size


def _join(backend: str) -> None:
    """Connect to the other processes, and disconnect when Python exits."""
    store, rank, size = next(distributed.rendezvous("env://", timeout=CONNECT_TIMEOUT))
    attempt = distributed.PrefixStore(f"henkan/{agree_on_name(store, rank, size)}", store)
    distributed.init_process_group(backend, store=attempt, rank=rank, world_size=size, timeout=COLLECTIVE_TIMEOUT)
    atexit.register(distributed.destroy_process_group)


def agree_on_name(store: distributed.Store, rank: int, size: int) -> str:
    """Return a name that all processes of this attempt share and that no earlier attempt has used.

    After a restart, the store still has the keys of the previous processes, and the restart count of torchrun differs
    between machines. So each process registers a random id, process 0 sends the name to that id, and waits until all
    processes have acknowledged it.

    Args:
        store: the key-value store of the process group.
        rank: rank of this process.
        size: number of processes.

    Raises:
        RuntimeError: if a process does not connect in time.
    """
    if rank:
        own = uuid4().hex
        store.set(f"henkan/here/{rank}", own)
        name: str = store.get(f"henkan/answer/{own}").decode()
        store.set(f"henkan/heard/{name}/{rank}", "")
        return name
    name, missing, end = uuid4().hex, set(range(1, size)), time.monotonic() + CONNECT_TIMEOUT.total_seconds()
    while missing:
        if time.monotonic() > end:
            raise RuntimeError(f"process {min(missing)} did not connect")
        for other in sorted(missing):
            if store.check([f"henkan/here/{other}"]):
                store.set(f"henkan/answer/{store.get(f'henkan/here/{other}').decode()}", name)
            if store.check([f"henkan/heard/{name}/{other}"]):
                missing.remove(other)
        time.sleep(0.02)
    return name


def local_rank() -> int:
    """Rank of this process on its machine, from 0."""
    return int(os.environ.get("LOCAL_RANK", "0"))
