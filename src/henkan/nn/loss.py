"""The output layer with its loss: scores for every symbol, softmax, cross-entropy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from henkan.nn.parameters import Array
from henkan.nn.workspace import PLAIN, Backend

OutputBackward = Callable[[], tuple[Array, Array, Array, Array | None]]


def log_softmax(logits: Array) -> Array:
    """log(exp(logits) / sum(exp(logits))) over the last axis, without overflow: (..., V) -> (..., V)."""
    shifted: Array = logits - logits.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def output_loss(
    hs: Array,
    W: Array,
    b: Array,
    ids: Array,
    valid: Array,
    *,
    scores: Array | None = None,
    smoothing: float = 0.0,
    count: int | None = None,
    backend: Backend = PLAIN,
) -> tuple[float, OutputBackward]:
    """The mean over the valid steps of -sum_v q_v log p_v, with p = softmax(hs W + b + scores).

    q is 1 for the target and 0 elsewhere; with label smoothing e, 1 - e + e / V and e / V. The derivative with respect
    to the argument of the softmax is (p - q) / count, so it is at hand as soon as the loss is, and both are made in
    one go. Padding has no part in either.

    Args:
        hs: (T, N, H), the decoder's hidden states after each step.
        W: (H, V). b: (V,).
        ids: (T, N) the symbols to be predicted, integers from 0 to V - 1. valid: (T, N) booleans.
        scores: (N, V), added at every step of a sequence, or None.
        smoothing: e, from 0 to below 1.
        count: what the sum is divided by: the valid steps of the whole batch, where this is a part of it; None:
            the valid steps here.
        backend: whose arithmetic.

    Returns:
        the loss, in nats a symbol, and backward: () -> dhs (T, N, H), dW (H, V), db (V,), dscores (N, V) or None.
    """
    divisor = max(int(valid.sum()) if count is None else count, 1)
    loss, *gradients = backend.kernels.output_loss(hs, W, b, scores, ids, valid, smoothing, divisor)

    def backward() -> tuple[Array, Array, Array, Array | None]:
        dhs, dW, db, dscores = gradients
        return dhs, dW, db, dscores

    return loss, backward
