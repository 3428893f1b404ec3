"""Batches to the device."""

from __future__ import annotations

import numpy as np
import torch

from henkan.batching.batch import Batch
from henkan.engine.torch.architecture import IGNORED, Tensors
from henkan.text.arrays import Array


def move(batch: Batch, divisor: float, device: torch.device, steps_repeat: int) -> Tensors:
    """Move a batch to a device in one transfer.

    Args:
        batch: N pairs.
        divisor: what the sum of the losses is divided by.
        device: where to.
        steps_repeat: strings are padded to a multiple of so many steps.
    """
    sources, targets = batch.sources, batch.targets
    ids = np.where(targets.valid, targets.ids, IGNORED)
    N = max(batch.size, 1)
    S, T = (max(-(-len(array) // steps_repeat), 1) * steps_repeat for array in (sources.ids, ids))
    parts = [
        _padded(sources.ids, S, N),
        _padded(sources.valid.sum(axis=0)[None], 1, N),
        _padded(targets.inputs, T, N),
        _padded(ids, T, N, IGNORED),
    ]
    flat = torch.from_numpy(np.concatenate([part.ravel() for part in parts]))
    if device.type == "cuda":
        flat = flat.pin_memory()
    # Only pinned memory is kept until it has been read.
    moved = flat.to(device, non_blocking=flat.is_pinned()).split([part.size for part in parts])
    source_ids, lengths, inputs, target_ids = (each.view(part.shape) for each, part in zip(moved, parts, strict=True))
    return Tensors(source_ids, lengths[0], inputs, target_ids, divisor)


def _padded(array: Array, steps: int, columns: int, filler: int = 0) -> Array:
    """(steps, columns) with an array in its first corner."""
    if array.shape == (steps, columns):
        return array.astype(np.int64, copy=False)
    full = np.full((steps, columns), filler, np.int64)
    full[: array.shape[0], : array.shape[1]] = array
    return full
