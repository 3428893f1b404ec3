"""Attention: a weighted mean over the source steps, for every target step (Bahdanau et al. 2015, Luong et al. 2015).

For each sequence, at step t, over the source steps s that are not padding:

    weight_ts = exp(q_t . k_s) / sum_s' exp(q_t . k_s')
    context_t = sum_s weight_ts v_s

The model (`henkan.model.attention`) computes the queries q, keys k and values v.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from henkan.nn.parameters import PLAIN, Array, Backend


class AttentionGradients(NamedTuple):
    """Gradients of `attention`: dqueries (T, N, K), dkeys (S, N, K), dvalues (S, N, M)."""

    dqueries: Array
    dkeys: Array
    dvalues: Array


class AttentionBackward(Protocol):
    """The backward pass of `attention`: dcontexts (T, N, M), and further gradients of the scores (N, T, S) or None."""

    def __call__(self, dcontexts: Array, further: Array | None = None) -> AttentionGradients: ...  # noqa: D102


def attention(
    queries: Array, keys: Array, values: Array, valid: Array, backend: Backend = PLAIN
) -> tuple[Array, Array, AttentionBackward]:
    """Dot-product attention of every target step over the source.

    Args:
        queries: (T, N, K). keys: (S, N, K). values: (S, N, M).
        valid: (S, N) booleans, false at padding, which gets weight 0. The contexts of an empty source are 0.
        backend: allocates large arrays.

    Returns:
        contexts (T, N, M), weights (N, T, S) that sum to 1 over S, and backward: dcontexts (T, N, M) -> gradients. If
        the weights are also used elsewhere, its second argument is the gradients (N, T, S) that the scores have there.
    """
    (T, N, _), M = queries.shape, values.shape[2]
    q, k, v = (array.transpose(1, 0, 2) for array in (queries, keys, values))  # (N, steps, ...): one product a sequence
    weights = masked_softmax(q @ k.transpose(0, 2, 1), valid.T[:, None])
    contexts = backend.empty((T, N, M), queries.dtype)
    np.matmul(weights, v, out=contexts.transpose(1, 0, 2))

    def backward(dcontexts: Array, further: Array | None = None) -> AttentionGradients:
        dcontext = dcontexts.transpose(1, 0, 2)
        dqueries, dkeys, dvalues = (backend.empty(array.shape, array.dtype) for array in (queries, keys, values))
        dscores = dcontext @ v.transpose(0, 2, 1)
        dscores -= np.einsum("nts,nts->nt", dscores, weights)[..., None]
        dscores *= weights
        if further is not None:
            dscores += further
        np.matmul(dscores, k, out=dqueries.transpose(1, 0, 2))
        np.matmul(dscores.transpose(0, 2, 1), q, out=dkeys.transpose(1, 0, 2))
        np.matmul(weights.transpose(0, 2, 1), dcontext, out=dvalues.transpose(1, 0, 2))
        return AttentionGradients(dqueries, dkeys, dvalues)

    return contexts, weights, backward


def masked_softmax(scores: Array, valid: Array) -> Array:
    """Softmax over the valid elements of the last axis; 0 at the others, and everywhere if none is valid."""
    lowest = np.finfo(scores.dtype).min
    top = np.where(valid, scores, lowest).max(axis=-1, keepdims=True, initial=lowest)
    weights: Array = np.exp(np.minimum(scores - top, 0))  # scores of padding may exceed the maximum
    weights *= valid
    total = weights.sum(axis=-1, keepdims=True)
    weights /= np.where(total > 0, total, 1)
    return weights
