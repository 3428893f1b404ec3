"""Several processes, started by torchrun, that train one model together."""

from __future__ import annotations

import atexit
import os
import time
from datetime import timedelta
from uuid import uuid4

import torch
from torch import distributed

from henkan.engine.torch.device import in_words
from henkan.errors import EngineError

# The others wait while the leader measures or saves; that one has died is noticed by its closed connections, and by
# torchrun, not by the clock.
PATIENCE = timedelta(days=1)
MEETING = timedelta(minutes=10)
"""How long they wait for each other at the beginning."""


class TorchProcessGroup:
    """All processes of a torchrun, over NCCL between GPUs and Gloo between CPUs.

    Args:
        device: where this member calculates.

    Raises:
        EngineError: if the others cannot be reached.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if not distributed.is_initialized():
            try:
                _join("nccl" if device.type == "cuda" else "gloo")
            except (RuntimeError, ValueError) as error:
                raise EngineError(
                    f"the processes of this training do not find each other ({error!s:.120}); start them with torchrun"
                ) from None
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()

    def broadcast(self, number: float) -> float:
        """The leader's number, for all; also the place where each waits for it."""
        shared = torch.tensor(number, dtype=torch.float64, device=self.device)
        with in_words(several=True):
            distributed.broadcast(shared, 0)
            return float(shared)

    def max(self, number: int) -> int:
        """The largest of all members' numbers."""
        found = torch.tensor(number, device=self.device)
        with in_words(several=True):
            distributed.all_reduce(found, distributed.ReduceOp.MAX)
            return int(found)

    def mean(self, number: torch.Tensor) -> torch.Tensor:
        """The mean of all members' numbers, without waiting for it."""
        distributed.all_reduce(number, distributed.ReduceOp.SUM)
        return number / self.size


def _join(backend: str) -> None:
    """Meet the other processes; they part when Python ends."""
    store, rank, size = next(distributed.rendezvous("env://", timeout=MEETING))
    attempt = distributed.PrefixStore(f"henkan/{agree(store, rank, size)}", store)
    distributed.init_process_group(backend, store=attempt, rank=rank, world_size=size, timeout=PATIENCE)
    atexit.register(distributed.destroy_process_group)


def agree(store: distributed.Store, rank: int, size: int) -> str:
    """A name that the processes of this attempt have in common, and no earlier one had.

    After a restart the store still holds what those that have died wrote there, and torchrun's own count of restarts
    differs between machines. So each process says under a name of its own that it is there, the first answers under
    that name, and waits until it has heard of all.

    Raises:
        RuntimeError: if one does not come.
    """
    if rank:
        own = uuid4().hex
        store.set(f"henkan/here/{rank}", own)
        name: str = store.get(f"henkan/answer/{own}").decode()
        store.set(f"henkan/heard/{name}/{rank}", "")
        return name
    name, missing, end = uuid4().hex, set(range(1, size)), time.monotonic() + MEETING.total_seconds()
    while missing:
        if time.monotonic() > end:
            raise RuntimeError(f"process {min(missing)} did not come")
        for other in sorted(missing):
            if store.check([f"henkan/here/{other}"]):
                store.set(f"henkan/answer/{store.get(f'henkan/here/{other}').decode()}", name)
            if store.check([f"henkan/heard/{name}/{other}"]):
                missing.remove(other)
        time.sleep(0.02)
    return name


def local_rank() -> int:
    """Which of the processes on this machine this is, from 0."""
    return int(os.environ.get("LOCAL_RANK", "0"))
