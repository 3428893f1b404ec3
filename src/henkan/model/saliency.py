"""Saliency: how much each source symbol influences each predicted symbol, from the hand-written derivatives.

The saliency of source step s for target step t is the Euclidean norm of the gradient of log p(y_t) with respect to the
embedding x_s (Simonyan et al. 2014). Unlike attention, it is defined for every architecture with source embeddings, and
it includes all paths from x_s to y_t.

The layers need no extra code. The embedding table is replaced by one with a row for each position of the source, which
is a copy of the embedding of the symbol there. The gradient of a row is then the gradient of that position. All T steps
are computed at once: the batch contains the pair T times, and the loss of copy t is that of step t only.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from henkan.batching.batch import Batch, Sources, Targets
from henkan.model.architecture import Architecture
from henkan.nn import NONE, PLAIN, Array, Parameters


def one_step_each(batch: Batch) -> Batch:
    """Repeat a batch of one pair T times; only step t is valid in copy t.

    Raises:
        ValueError: if the batch does not have exactly one pair.
    """
    T, (S, N) = len(batch.targets.ids), batch.sources.ids.shape
    if N != 1:
        raise ValueError(f"saliency needs a batch of one pair, not of {N}")
    ids, inputs = (np.repeat(array, T, axis=1) for array in (batch.targets.ids, batch.targets.inputs))
    copy_ids = None if batch.sources.copy_ids is None else np.repeat(batch.sources.copy_ids, T, axis=1)
    sources = Sources(np.repeat(batch.sources.ids, T, axis=1), np.full(S, T), copy_ids)
    return Batch(sources, Targets(inputs, ids, np.eye(T, dtype=bool), np.full(T, T)))


def saliency(architecture: Architecture, weights: Parameters, batch: Batch) -> Array:
    """Norm of the gradient of each target symbol's log-probability with respect to each source embedding.

    Args:
        architecture: an architecture whose capabilities name its source embeddings.
        weights: its weights.
        batch: one pair, with S source steps in the order in which the encoder reads them, and T target steps.

    Returns:
        (T, S), non-negative.

    Raises:
        ValueError: if the architecture has no source embeddings, or the batch does not have exactly one pair.
    """
    name = architecture.capabilities.source_embeddings
    if name is None:
        raise ValueError("this architecture has no source embeddings")
    copies = one_step_each(batch)
    (S, T), E = copies.sources.ids.shape, weights[name]
    positions = replace(copies.sources, ids=np.arange(S * T).reshape(S, T))
    arrays = {**weights.arrays, name: E[copies.sources.ids.reshape(-1)]}
    own = Parameters({each: array.shape for each, array in arrays.items()}, E.dtype)
    for each, array in arrays.items():
        own[each][...] = array
    gradients = own.zeros()
    _, backward = architecture.loss(own, Batch(positions, copies.targets), 1, NONE, PLAIN)
    backward(gradients)
    norms: Array = np.linalg.norm(gradients[name], axis=1)
    return norms.reshape(S, T).T
