"""Choose PyTorch's device and precision, convert PyTorch's errors to henkan's, and read losses from the device."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from henkan.config import EngineConfig
from henkan.errors import EngineError, SettingsError


def choose_device(config: EngineConfig, *, local_rank: int | None) -> torch.device:
    """Choose the requested device, or the best available one, and set the precision.

    Args:
        config: settings of the engine.
        local_rank: rank of this process on its machine, also the index of its GPU; None if it is the only process.

    Raises:
        SettingsError: if the machine does not have the device or the precision.
    """
    mps = torch.backends.mps.is_available() and local_rank is None
    wanted = config.device
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    if wanted == "cuda":
        if not torch.cuda.is_available():
            why = (
                "this PyTorch was built without CUDA" if torch.version.cuda is None else "no GPU is visible to PyTorch"
            )
            raise SettingsError(f"no CUDA device is available ({why})", "cpu_or_auto_device")
        if (local_rank or 0) >= torch.cuda.device_count():
            count = torch.cuda.device_count()
            raise SettingsError(
                f"torchrun started more processes than this machine has GPUs ({count})",
                "fewer_processes",
                processes=count,
            )
    if wanted == "mps" and not mps:
        why = "torchrun supports only cpu and cuda" if local_rank is not None else "no Apple GPU is visible to PyTorch"
        raise SettingsError(f"the device mps is not available ({why})", "cpu_or_auto_device")
    device = torch.device(wanted, local_rank or 0) if wanted == "cuda" else torch.device(wanted)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    _set_precision(config, device)
    return device


def _set_precision(config: EngineConfig, device: torch.device) -> None:
    """Set the precision of matrix products and the deterministic mode, both global to the process."""
    if config.precision == "tf32" and (device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 0)):
        raise SettingsError("tf32 needs an NVIDIA GPU of the Ampere generation or newer", "exact_or_bf16_precision")
    if config.precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(False):
        raise SettingsError("this GPU does not support bf16", "exact_precision")
    if device.type == "cuda":
        # By default, PyTorch allows TF32 in cuDNN, and therefore in LSTMs.
        fast = config.precision == "tf32"
        if hasattr(torch.backends, "fp32_precision"):
            torch.backends.fp32_precision = "tf32" if fast else "ieee"
            torch.backends.cudnn.rnn.fp32_precision = torch.backends.cuda.matmul.fp32_precision = (
                torch.backends.fp32_precision
            )
        else:
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = fast
    torch.use_deterministic_algorithms(config.deterministic)
    if config.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # required by cuBLAS before its first product


CONNECTION = re.compile("gloo|nccl|socket|connection closed|connection reset", re.IGNORECASE)
"""Matches messages of connection errors; Gloo's errors have no type of their own."""


@contextmanager
def readable_errors(*, several: bool = False) -> Iterator[None]:
    """Convert PyTorch's errors to henkan's.

    Args:
        several: whether the code in the block communicates with other processes.

    Raises:
        MemoryError: if PyTorch runs out of memory.
        EngineError: if another process cannot be reached, or an algorithm is not deterministic.
    """
    try:
        yield
    except RuntimeError as error:  # includes torch.OutOfMemoryError
        text = str(error)
        if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in text or "not enough memory" in text:
            raise MemoryError from None
        if "deterministic" in text:
            raise EngineError(
                f"PyTorch has no deterministic algorithm for this model on this device ({text:.120})",
                "not_deterministic",
            ) from None
        if several and (isinstance(error, torch.distributed.DistError) or CONNECTION.search(text)):
            raise EngineError(
                f"another process of this training run has died or cannot be reached ({text.splitlines()[0]:.120})",
                "resume_with_torchrun",
            ) from None
        raise


@dataclass(frozen=True)
class Loss:
    """A loss that may not be computed yet. Errors on the device are raised when it is converted to a float.

    Attributes:
        number: scalar tensor on the device.
        several: whether it depends on other processes.
    """

    number: Tensor
    several: bool

    def __float__(self) -> float:
        with readable_errors(several=self.several):
            return float(self.number)
