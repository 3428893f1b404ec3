"""Copying: an output layer that predicts a symbol or copies one from the source (See, Liu & Manning 2017).

At step t, with attention weights over the source steps s, with the logits z_t of the probability of copying, and with
the softmax P_vocabulary over the V symbols of the output layer:

    c_ts = weight_ts / sum_s' weight_ts'             over the source symbols that can be copied
    g_t  = sigmoid(z_t)
    P(v) = (1 - g_t) P_vocabulary(v) + g_t sum_s c_ts    over the source steps s whose copy id is v

c is the softmax of the attention scores over the symbols that can be copied, which are all but feature tags. If a
source has none, g_t is 0. Ids of V or more can only be copied, so their P_vocabulary is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from henkan.nn.kernels.structures import SMALLEST_WEIGHT, LossTargets, OutputLayer, Pointer
from henkan.nn.layers import OutputGradients
from henkan.nn.parameters import PLAIN, Array, Backend


class CopyGradients(NamedTuple):
    """Gradients of `copy_loss`.

    Attributes:
        output: those of the output layer.
        dgates: (T, N), of the gates.
        dscores: (N, T, S), of the scores whose softmax is the attention weights.
    """

    output: OutputGradients
    dgates: Array
    dscores: Array


def copy_loss(
    hs: Array,
    layer: OutputLayer,
    targets: LossTargets,
    pointer: Pointer,
    *,
    scores: Array | None = None,
    backend: Backend = PLAIN,
) -> tuple[float, Callable[[], CopyGradients]]:
    """Output layer and cross-entropy: the mean over valid steps of -log P(target).

    With label smoothing e, it is (1 - e) (-log P(target)) - e / V sum_v log P_vocabulary(v). The derivatives are those
    of a mixture: with r, the share of copying in P(target), and with m_ts = c_ts / sum_s' c_ts' over the steps that
    have the target, and 0 at the others,

        dlogits = (1 - r) (P_vocabulary - one-hot target)        dgate = g - r        dscore_ts = r (c_ts - m_ts)

    Args:
        hs: (T, N, H), the inputs of the output layer.
        layer: W (H, V) and b (V,).
        targets: the symbols to predict; ids of V or more must be copy ids of their source.
        pointer: gates, attention weights and copy ids.
        scores: (N, V), added to the logits of a sequence at every step, or None.
        backend: the kernels to use.

    Returns:
        the loss in nats per symbol, and backward: () -> gradients.
    """
    complete = targets._replace(divisor=max(targets.divisor or int(targets.valid.sum()), 1))
    loss, *output, dgates, dattention = backend.kernels.copy_loss(hs, layer, scores, complete, pointer)
    return loss, lambda: CopyGradients(OutputGradients(*output), dgates, dattention)


def copy_log_probabilities(vocabulary: Array, gates: Array, attention: Array, copy_ids: Array) -> Array:
    """Log-probabilities of the next symbol: V symbols, and those that can only be copied.

    Args:
        vocabulary: (N, V) log-probabilities of the output layer, log P_vocabulary.
        gates: (N,) logits of the probability of copying.
        attention: (N, S) attention weights.
        copy_ids: (S, N) copy ids.

    Returns:
        (N, V + S) log-probabilities in nats; minus infinity for ids that are not copy ids of the source.
    """
    (N, V), S = vocabulary.shape, len(copy_ids)
    can_be_copied = copy_ids.T >= 0
    weights = np.where(can_be_copied, np.maximum(attention, attention.dtype.type(SMALLEST_WEIGHT)), 0)
    sums = weights.sum(axis=1, keepdims=True)
    weights /= np.where(sums > 0, sums, 1)
    copied = np.zeros((N, V + S), vocabulary.dtype)
    rows, steps = np.nonzero(can_be_copied)
    np.add.at(copied, (rows, copy_ids[steps, rows]), weights[rows, steps])
    z, zero = gates[:, None], gates.dtype.type(0)
    predicted = np.full((N, V + S), -np.inf, vocabulary.dtype)
    predicted[:, :V] = vocabulary + np.where(sums > 0, -np.logaddexp(zero, z), zero)
    with np.errstate(divide="ignore"):
        logs: Array = np.logaddexp(predicted, np.log(copied) - np.logaddexp(zero, -z))
    return logs
