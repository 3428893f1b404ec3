"""Embedding, affine layer, dropout, and the output layer with its loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from henkan.nn.kernels.structures import LossTargets, OutputLayer
from henkan.nn.parameters import PLAIN, Array, Backend


def embedding(ids: Array, E: Array, backend: Backend = PLAIN) -> tuple[Array, Callable[[Array], Array]]:
    """Look up embeddings: y = E[ids].

    Args:
        ids: (...) integers from 0 to V - 1.
        E: (V, D), one row for each symbol.
        backend: the kernels to use.

    Returns:
        y (..., D), and backward: dy (..., D) -> dE (V, D).
    """

    def backward(dy: Array) -> Array:
        dE: Array = backend.kernels.sum_rows(ids.reshape(-1), dy.reshape(-1, E.shape[1]), len(E))
        return dE

    return E[ids], backward


def affine(
    x: Array, W: Array, b: Array, backend: Backend = PLAIN
) -> tuple[Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """Affine layer: y = x W + b.

    Args:
        x: (..., D). W: (D, M). b: (M,).
        backend: allocates large arrays.

    Returns:
        y (..., M), and backward: dy (..., M) -> dx (..., D), dW (D, M), db (M,).
    """

    def backward(dy: Array) -> tuple[Array, Array, Array]:
        drows = dy.reshape(-1, len(b))
        return backend.product(drows, W.T).reshape(x.shape), backend.product(rows.T, drows), drows.sum(axis=0)

    rows = x.reshape(-1, len(W))
    y = backend.product(rows, W)
    y += b
    return y.reshape(*x.shape[:-1], len(b)), backward


def project_symbols(
    ids: Array, E: Array, W: Array, b: Array, backend: Backend = PLAIN
) -> tuple[Array, Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """Embedding and affine layer in one, as a table with row indices: table[indices] = E[ids] W + b.

    The result is the same in either order: E[ids] W = (E W)[ids]. If the vocabulary is smaller than the batch, E is
    multiplied once and rows of the product are looked up; backward sums the gradients of equal symbols before it
    multiplies. Otherwise the batch is multiplied, and the table has one row for each of its symbols.

    Args:
        ids: (...) integers from 0 to V - 1. E: (V, D). W: (D, M). b: (M,).
        backend: the kernels to use.

    Returns:
        table (P, M) and indices (...), where P is V or the number of ids, and backward: dtable (P, M) -> dE (V, D),
        dW (D, M), db (M,).
    """
    if len(E) <= ids.size:
        table, table_backward = affine(E, W, b, backend)
        return table, ids, table_backward

    x, embedding_backward = embedding(ids.reshape(-1), E, backend)
    table, affine_backward = affine(x, W, b, backend)

    def backward(dtable: Array) -> tuple[Array, Array, Array]:
        dx, dW, db = affine_backward(dtable)
        return embedding_backward(dx), dW, db

    return table, np.arange(ids.size).reshape(ids.shape), backward


@dataclass(frozen=True)
class Regularization:
    """Regularisation during training.

    Attributes:
        dropout: rate between layers, before attention and before the output layer, in [0, 1).
        embedding_dropout: rate for the embeddings, in [0, 1).
        label_smoothing: share of the target's probability that is spread evenly over all symbols (Szegedy et al. 2016).
        generator: draws the dropout masks; None disables dropout.
    """

    dropout: float = 0.0
    embedding_dropout: float = 0.0
    label_smoothing: float = 0.0
    generator: np.random.Generator | None = None


NONE = Regularization()


def dropout(
    x: Array, rate: float, generator: np.random.Generator | None, backend: Backend = PLAIN
) -> tuple[Array, Callable[[Array], Array]]:
    """Set elements to zero at random and scale the others by 1 / (1 - rate), which keeps the mean (Srivastava 2014).

    All steps of a sequence share one mask (Gal & Ghahramani 2016).

    Args:
        x: (T, N, D), or (V, D) for a table of embeddings.
        rate: probability of zero, in [0, 1).
        generator: draws the mask; None disables dropout.
        backend: allocates large arrays.

    Returns:
        y, of the shape of x, and backward: dy -> dx.
    """
    if rate == 0 or generator is None:
        return x, lambda dy: dy
    mask = (generator.random(x.shape[-2:], np.float32) >= rate).astype(x.dtype)
    mask /= 1 - rate
    return backend.multiply(x, mask), lambda dy: backend.multiply(dy, mask)


def log_softmax(logits: Array) -> Array:
    """log(exp(logits) / sum(exp(logits))) over the last axis, without overflow: (..., V) -> (..., V)."""
    shifted: Array = logits - logits.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


class OutputGradients(NamedTuple):
    """Gradients of `output_loss`: dhs (T, N, H), dW (H, V), db (V,), and dscores (N, V), None without scores."""

    dhs: Array
    dW: Array
    db: Array
    dscores: Array | None


def output_loss(
    hs: Array, W: Array, b: Array, targets: LossTargets, *, scores: Array | None = None, backend: Backend = PLAIN
) -> tuple[float, Callable[[], OutputGradients]]:
    """Output layer and cross-entropy: the mean over valid steps of -sum_v q_v log p_v, p = softmax(hs W + b + scores).

    q is 1 for the target and 0 elsewhere; with label smoothing e it is 1 - e + e / V and e / V (Szegedy et al. 2016).
    The derivative with respect to the logits is (p - q) / divisor; it is computed together with the loss.

    Args:
        hs: (T, N, H), the decoder's hidden states after each step.
        W: (H, V). b: (V,).
        targets: the symbols to predict.
        scores: (N, V), added to the logits of a sequence at every step, or None.
        backend: the kernels to use.

    Returns:
        the loss in nats per symbol, and backward: () -> gradients.
    """
    complete = targets._replace(divisor=max(targets.divisor or int(targets.valid.sum()), 1))
    loss, *gradients = backend.kernels.output_loss(hs, OutputLayer(W, b), scores, complete)
    return loss, lambda: OutputGradients(*gradients)
