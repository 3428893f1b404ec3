"""On what PyTorch calculates, and how exactly: wishes that the machine cannot fulfil are refused in words."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from henkan.config import EngineConfig
from henkan.errors import EngineError, SettingsError


def choose_device(config: EngineConfig, *, place: int | None) -> torch.device:
    """The device that is asked for, or the best there is.

    Args:
        config: the wish.
        place: which of this machine's processes this is, or None if it is the only one: each takes a GPU of its own.

    Raises:
        SettingsError: if the machine does not have it.
    """
    mps = torch.backends.mps.is_available() and place is None
    wanted = config.device
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    if wanted == "cuda":
        if not torch.cuda.is_available():
            why = (
                "this PyTorch was built without CUDA" if torch.version.cuda is None else "no GPU is visible to PyTorch"
            )
            raise SettingsError(f"there is no CUDA device here ({why}); choose --device cpu, or auto")
        if (place or 0) >= torch.cuda.device_count():
            raise SettingsError(
                f"this machine has {torch.cuda.device_count()} GPUs, too few for a process each; start torchrun with "
                f"--nproc-per-node {torch.cuda.device_count()}"
            )
    if wanted == "mps" and not mps:
        why = "with torchrun there is cpu and cuda alone" if place is not None else "it is Apple's GPUs alone"
        raise SettingsError(f"the device mps cannot be used here ({why}); choose --device cpu, or auto")
    device = torch.device(wanted, place or 0) if wanted == "cuda" else torch.device(wanted)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    _set_precision(config, device)
    return device


def _set_precision(config: EngineConfig, device: torch.device) -> None:
    """Tell PyTorch how to multiply; it has one choice for the whole process."""
    if config.precision == "tf32" and (device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 0)):
        raise SettingsError("tf32 is for NVIDIA's GPUs since Ampere alone; choose --precision float32 or bf16")
    if config.precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(False):
        raise SettingsError("this GPU cannot calculate in bf16; choose --precision float32")
    if device.type == "cuda":
        # PyTorch lets cuDNN, and so every LSTM, use TF32 if nobody says otherwise.
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
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it, before its first product


CONNECTION = re.compile("gloo|nccl|socket|connection closed|connection reset", re.IGNORECASE)
"""What is in the message where another process cannot be reached; Gloo's errors have no type of their own."""


@contextmanager
def in_words(*, several: bool = False) -> Iterator[None]:
    """Tell of what can go wrong in PyTorch's calls in henkan's own words.

    Args:
        several: whether other processes take part.

    Raises:
        MemoryError: where PyTorch has run out of it.
        EngineError: where another process cannot be reached, or an algorithm is not deterministic.
    """
    try:
        yield
    except RuntimeError as error:  # torch.OutOfMemoryError is one
        text = str(error)
        if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in text or "not enough memory" in text:
            raise MemoryError from None
        if "deterministic" in text:
            raise EngineError(
                f"PyTorch has no deterministic algorithm for this model on this device ({text:.120}); leave "
                "--deterministic out"
            ) from None
        if several and (isinstance(error, torch.distributed.DistError) or CONNECTION.search(text)):
            raise EngineError(
                "another process of this training has died or cannot be reached; the last checkpoint, if there is one, "
                f"is whole: start torchrun again with --resume ({text.splitlines()[0]:.120})"
            ) from None
        raise
