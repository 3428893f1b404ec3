"""Saliency: how much each source symbol influences each predicted symbol, from the hand-written derivatives.

The gradient of log p(y_t) with respect to the embedding x_s says how fast the one changes with the other (Simonyan et
al. 2014); its Euclidean norm is the saliency of source step s for target step t. Unlike attention it is defined for
every architecture that looks its source symbols up, and it follows all paths from x_s to y_t.

No layer needs to know about it. Every position of the source is given a symbol of its own, whose embedding is that of
the symbol at that position: the gradient of that row of the table is the gradient of that position. All T steps are
computed at once: the batch holds the pair T times, and the loss of the t-th copy is that of step t alone.
"""

from __future__ import annotations

import numpy as np

from henkan.batching.batch import Batch, Sources, Targets
from henkan.model.architecture import Architecture
from henkan.nn import NONE, PLAIN, Array, Parameters


def one_step_each(batch: Batch) -> Batch:
    """A batch of one pair as T copies of it; the t-th has the loss of step t alone."""
    T, (S, N) = len(batch.targets.ids), batch.sources.ids.shape
    if N != 1:
        raise ValueError(f"saliency needs a batch of one pair, not of {N}")
    ids, inputs = (np.repeat(array, T, axis=1) for array in (batch.targets.ids, batch.targets.inputs))
    sources = Sources(np.repeat(batch.sources.ids, T, axis=1), np.full(S, T))
    return Batch(sources, Targets(inputs, ids, np.eye(T, dtype=bool), np.full(T, T)))


def saliency(architecture: Architecture, weights: Parameters, batch: Batch) -> Array:
    """The norm of the gradient of each target symbol's log-probability at each source step.

    Args:
        architecture: one whose capabilities name its source embeddings.
        weights: its weights.
        batch: one pair, S source steps as the encoder reads them and T target steps.

    Returns:
        (T, S), at least 0.
    """
    name = architecture.capabilities.source_embeddings
    if name is None:
        raise ValueError("this architecture does not look source symbols up")
    copies = one_step_each(batch)
    (S, T), E = copies.sources.ids.shape, weights[name]
    positions = Sources(np.arange(S * T).reshape(S, T), copies.sources.active)
    arrays = {**weights.arrays, name: E[copies.sources.ids.reshape(-1)]}
    own = Parameters({each: array.shape for each, array in arrays.items()}, E.dtype)
    for each, array in arrays.items():
        own[each][...] = array
    gradients = own.zeros()
    _, backward = architecture.loss(own, Batch(positions, copies.targets), 1, NONE, PLAIN)
    backward(gradients)
    norms: Array = np.linalg.norm(gradients[name], axis=1)
    return norms.reshape(S, T).T
