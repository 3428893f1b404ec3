"""Transfers batches to the device, and selects sequences there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from henkan.batching.batch import Batch
from henkan.batching.copy_ids import NEVER
from henkan.engine.torch.architecture import IGNORED, Tensors
from henkan.text.arrays import Array


def move(batch: Batch, divisor: float, device: torch.device, pad_to_multiple_of: int) -> Tensors:
    """Move a batch to a device in one transfer.

    Args:
        batch: N pairs.
        divisor: number by which the sum of the losses is divided.
        device: the target device.
        pad_to_multiple_of: the numbers of steps S and T are rounded up to a multiple of this.
    """
    sources, targets = batch.sources, batch.targets
    ids = np.where(targets.valid, targets.ids, IGNORED)
    N = max(batch.size, 1)
    S, T = (max(-(-len(array) // pad_to_multiple_of), 1) * pad_to_multiple_of for array in (sources.ids, ids))
    parts = [
        _padded(sources.ids, S, N),
        _padded(sources.valid.sum(axis=0)[None], 1, N),
        _padded(targets.inputs, T, N),
        _padded(ids, T, N, IGNORED),
        *([] if sources.copy_ids is None else [_padded(sources.copy_ids, S, N, NEVER)]),
    ]
    flat = torch.from_numpy(np.concatenate([part.ravel() for part in parts]))
    if device.type == "cuda":
        flat = flat.pin_memory()
    # A non-blocking copy is safe only from pinned memory, which is not reused before the copy has finished.
    moved = flat.to(device, non_blocking=flat.is_pinned()).split([part.size for part in parts])
    views = [each.view(part.shape) for each, part in zip(moved, parts, strict=True)]
    source_ids, lengths, inputs, target_ids, *copy_ids = views
    return Tensors(source_ids, lengths[0], inputs, target_ids, divisor, *copy_ids)


def _padded(array: Array, steps: int, columns: int, filler: int = 0) -> Array:
    """Pad an array at the end of both axes to (steps, columns)."""
    if array.shape == (steps, columns):
        return array.astype(np.int64, copy=False)
    full = np.full((steps, columns), filler, np.int64)
    full[: array.shape[0], : array.shape[1]] = array
    return full


@dataclass(frozen=True)
class OnDevice:
    """The memory or the state of a network, with sequences selected by NumPy arrays.

    Attributes:
        inner: the memory or state returned by the network.
        device: its device.
        steps: number of source steps, without the padding added by this engine.
    """

    inner: Any
    device: torch.device
    steps: int

    def take(self, rows: Array) -> OnDevice:
        """Select sequences."""
        return OnDevice(self.inner.take(_index(rows, self.device)), self.device, self.steps)


def _index(rows: Array, device: torch.device) -> Tensor:
    """Indices on the device. Booleans are converted before, because counting them on the device would have to wait."""
    return torch.from_numpy(np.flatnonzero(rows) if rows.dtype == bool else rows).to(device)
