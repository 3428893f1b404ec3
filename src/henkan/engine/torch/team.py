"""Several processes, started by torchrun, that train one model together."""

from __future__ import annotations

import atexit
import os
from datetime import timedelta

import torch
from torch import distributed

from henkan.engine.base import RESTARTS
from henkan.engine.torch.device import in_words
from henkan.errors import EngineError

# The others wait while the leader measures or saves; that one has died is noticed by its closed connections, and by
# torchrun, not by the clock.
PATIENCE = timedelta(days=1)


class TorchTeam:
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

    def share(self, number: float) -> float:
        """The leader's number, for all; also the place where each waits for it."""
        shared = torch.tensor(number, dtype=torch.float64, device=self.device)
        with in_words(several=True):
            distributed.broadcast(shared, 0)
            return float(shared)

    def most(self, number: int) -> int:
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
    store, rank, size = next(distributed.rendezvous("env://", timeout=PATIENCE))
    # After a restart the store still holds the addresses of those that have died: each attempt has its own names.
    attempt = distributed.PrefixStore(f"henkan {os.environ.get(RESTARTS, '0')}", store)
    distributed.init_process_group(backend, store=attempt, rank=rank, world_size=size, timeout=PATIENCE)
    atexit.register(distributed.destroy_process_group)


def place_on_this_machine() -> int:
    """Which of the processes on this machine this is, from 0."""
    return int(os.environ.get("LOCAL_RANK", "0"))
