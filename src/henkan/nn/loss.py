"""Softmax cross-entropy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from henkan.nn.parameters import Array


def log_softmax(logits: Array) -> Array:
    """log(exp(logits) / sum(exp(logits))) over the last axis, without overflow: (..., V) -> (..., V)."""
    shifted: Array = logits - logits.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def softmax_cross_entropy(logits: Array, targets: Array, count: int | None = None) -> tuple[float, Callable[[], Array]]:
    """The mean over the given steps of -log p(target).

    Padding has no row here: the caller passes the valid steps alone.

    Args:
        logits: (R, V), a row for each valid step.
        targets: (R,) integers from 0 to V - 1.
        count: what the sum is divided by: the valid steps of the whole batch, where these rows are a part
            of it; None: R.

    Returns:
        the loss, and backward: () -> dlogits (R, V) = (softmax(logits) - one_hot(targets)) / count.
    """
    log_probabilities = log_softmax(logits)
    rows, divisor = np.arange(len(targets)), len(targets) if count is None else count
    loss = -float(log_probabilities[rows, targets].sum(dtype=np.float64)) / max(divisor, 1)

    def backward() -> Array:
        dlogits: Array = np.exp(log_probabilities)
        dlogits[rows, targets] -= 1
        dlogits /= max(divisor, 1)
        return dlogits

    return loss, backward
