"""Embedding, Affine, and the two in one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from henkan.nn.parameters import Array


def embedding(ids: Array, E: Array) -> tuple[Array, Callable[[Array], Array]]:
    """Look symbols up: y = E[ids].

    Args:
        ids: (...) integers from 0 to V - 1.
        E: (V, D), a row for each symbol.

    Returns:
        y (..., D), and backward: dy (..., D) -> dE (V, D).
    """

    def backward(dy: Array) -> Array:
        return _sum_by_id(ids.reshape(-1), dy.reshape(-1, E.shape[1]), len(E))

    return E[ids], backward


def affine(x: Array, W: Array, b: Array) -> tuple[Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """Y = x W + b.

    Args:
        x: (..., D). W: (D, M). b: (M,).

    Returns:
        y (..., M), and backward: dy (..., M) -> dx (..., D), dW (D, M), db (M,).
    """

    def backward(dy: Array) -> tuple[Array, Array, Array]:
        rows, drows = x.reshape(-1, len(W)), dy.reshape(-1, len(b))
        return dy @ W.T, rows.T @ drows, drows.sum(axis=0)

    return x @ W + b, backward


def embedding_affine(
    ids: Array, E: Array, W: Array, b: Array
) -> tuple[Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """Affine(Embedding(ids)): y = E[ids] W + b, by the cheaper of two ways.

    Few symbols stand in many places, and E[ids] W = (E W)[ids]. So where the alphabet is small, the table E
    is multiplied once and its rows are looked up; in the backward pass the gradients of equal symbols are
    summed first and multiplied once. Where it is large, the batch is multiplied.

    Args:
        ids: (...) integers from 0 to V - 1. E: (V, D). W: (D, M). b: (M,).

    Returns:
        y (..., M), and backward: dy (..., M) -> dE (V, D), dW (D, M), db (M,).
    """
    (symbols, size), places = E.shape, ids.size
    # The sum over equal symbols costs as much as a product with V rows; the batch's way costs three with D.
    by_table = symbols * (places + 3 * size) <= 3 * size * places

    if by_table:
        table, table_backward = affine(E, W, b)
        y, lookup_backward = embedding(ids, table)

        def backward(dy: Array) -> tuple[Array, Array, Array]:
            return table_backward(lookup_backward(dy))

        return y, backward

    x, lookup_backward = embedding(ids, E)
    y, affine_backward = affine(x, W, b)

    def backward_by_batch(dy: Array) -> tuple[Array, Array, Array]:
        dx, dW, db = affine_backward(dy)
        return lookup_backward(dx), dW, db

    return y, backward_by_batch


def _sum_by_id(ids: Array, rows: Array, count: int) -> Array:
    """out[v] = the sum of those rows whose id is v: (P,), (P, M) -> (count, M)."""
    if count <= 256:  # a product with one-hot vectors: more arithmetic, but ten times faster in NumPy
        one_hot = np.zeros((count, len(ids)), rows.dtype)
        one_hot[ids, np.arange(len(ids))] = 1
        return one_hot @ rows
    out = np.zeros((count, rows.shape[1]), rows.dtype)
    if len(ids):
        order = np.argsort(ids, kind="stable")
        ordered = ids[order]
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        out[ordered[starts]] = np.add.reduceat(rows[order], starts, axis=0)
    return out
