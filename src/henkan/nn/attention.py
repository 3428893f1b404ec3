"""Attention: a weighted mean of what was read, weighted anew at every step (Bahdanau et al. 2015, Luong et al. 2015).

For each sequence, at step t, over the source steps s that are no padding:

    weight_ts = exp(q_t . k_s) / sum_s' exp(q_t . k_s')
    context_t = sum_s weight_ts v_s

What the queries q, keys k and values v are made of is the model's affair (`henkan.model.attention`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from henkan.nn.parameters import Array
from henkan.nn.workspace import PLAIN, Backend

AttentionBackward = Callable[[Array], tuple[Array, Array, Array]]


def attention(
    queries: Array, keys: Array, values: Array, valid: Array, backend: Backend = PLAIN
) -> tuple[Array, Array, AttentionBackward]:
    """Look back at the source from every step.

    Args:
        queries: (T, N, K). keys: (S, N, K). values: (S, N, M).
        valid: (S, N) booleans, false at padding, which gets no weight. A source without symbols gives contexts of
            zero.
        backend: where large arrays come from.

    Returns:
        contexts (T, N, M), weights (N, T, S) that add up to 1 over S, and backward: dcontexts (T, N, M) -> dqueries
        (T, N, K), dkeys (S, N, K), dvalues (S, N, M).
    """
    (T, N, _), M = queries.shape, values.shape[2]
    q, k, v = (array.transpose(1, 0, 2) for array in (queries, keys, values))  # (N, steps, ...): a product a sequence
    weights = masked_softmax(q @ k.transpose(0, 2, 1), valid.T[:, None])
    contexts = backend.empty((T, N, M), queries.dtype)
    np.matmul(weights, v, out=contexts.transpose(1, 0, 2))

    def backward(dcontexts: Array) -> tuple[Array, Array, Array]:
        dcontext = dcontexts.transpose(1, 0, 2)
        dqueries, dkeys, dvalues = (backend.empty(array.shape, array.dtype) for array in (queries, keys, values))
        dscores = dcontext @ v.transpose(0, 2, 1)
        dscores -= np.einsum("nts,nts->nt", dscores, weights)[..., None]
        dscores *= weights
        np.matmul(dscores, k, out=dqueries.transpose(1, 0, 2))
        np.matmul(dscores.transpose(0, 2, 1), q, out=dkeys.transpose(1, 0, 2))
        np.matmul(weights.transpose(0, 2, 1), dcontext, out=dvalues.transpose(1, 0, 2))
        return dqueries, dkeys, dvalues

    return contexts, weights, backward


def masked_softmax(scores: Array, valid: Array) -> Array:
    """exp(scores) over their sum along the last axis, where `valid`; 0 elsewhere, and where nothing is valid."""
    lowest = np.finfo(scores.dtype).min
    top = np.where(valid, scores, lowest).max(axis=-1, keepdims=True, initial=lowest)
    weights: Array = np.exp(np.minimum(scores - top, 0))  # padding may score higher than the top
    weights *= valid
    total = weights.sum(axis=-1, keepdims=True)
    weights /= np.where(total > 0, total, 1)
    return weights
