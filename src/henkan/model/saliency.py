"""Saliency: how much of each source symbol reaches each symbol of an answer, by the hand-written derivatives.

The gradient of log p(y_t) with respect to the embedding x_s says how fast the one would change with the other (Simonyan
et al. 2014); its Euclidean norm is the saliency of source step s for target step t. Unlike attention it is defined for
every model, and it follows all ways from x_s to y_t.

No layer need know of it. Every place in the source is given a symbol of its own, whose embedding is that of the symbol
which stands there: then the gradient of that row of the table is the gradient of that place. And all T steps are asked
at once: the pair is put into a batch T times, and in the t-th copy the loss is that of step t alone.
"""

from __future__ import annotations

import numpy as np

from henkan.batching.batch import Batch, Sources, Targets
from henkan.model.seq2seq import EncoderDecoder
from henkan.nn import Array, Parameters


def one_step_each(batch: Batch) -> Batch:
    """A batch of one pair as T of them, of which the t-th has the loss of step t alone."""
    T, (S, N) = len(batch.targets.ids), batch.sources.ids.shape
    if N != 1:
        raise ValueError(f"saliency is of one pair, not of {N}")
    ids, inputs = (np.repeat(array, T, axis=1) for array in (batch.targets.ids, batch.targets.inputs))
    sources = Sources(np.repeat(batch.sources.ids, T, axis=1), np.full(S, T))
    return Batch(sources, Targets(inputs, ids, np.eye(T, dtype=bool), np.full(T, T)))


def saliency(model: EncoderDecoder, batch: Batch) -> Array:
    """The norm of the gradient of each target symbol's log-probability at each source step.

    Args:
        model: with its weights.
        batch: one pair, S source steps as the encoder reads them and T target steps.

    Returns:
        (T, S), at least 0.
    """
    copies = one_step_each(batch)
    (S, T), E = copies.sources.ids.shape, model.parameters["encoder.E"]
    places = Sources(np.arange(S * T).reshape(S, T), copies.sources.active)
    arrays = {**model.parameters.arrays, "encoder.E": E[copies.sources.ids.reshape(-1)]}
    parameters = Parameters({name: array.shape for name, array in arrays.items()}, E.dtype)
    for name, array in arrays.items():
        parameters[name][...] = array
    gradients = parameters.zeros()
    _, backward = EncoderDecoder(model.config, parameters).loss(Batch(places, copies.targets), count=1)
    backward(gradients)
    norms: Array = np.linalg.norm(gradients["encoder.E"], axis=1)
    return norms.reshape(S, T).T
