"""Embedding, Affine, and the two in one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from henkan.nn.parameters import Array
from henkan.nn.workspace import PLAIN, Backend


def embedding(ids: Array, E: Array, backend: Backend = PLAIN) -> tuple[Array, Callable[[Array], Array]]:
    """Look symbols up: y = E[ids].

    Args:
        ids: (...) integers from 0 to V - 1.
        E: (V, D), a row for each symbol.
        backend: the kernels and where large arrays come from.

    Returns:
        y (..., D), and backward: dy (..., D) -> dE (V, D).
    """

    def backward(dy: Array) -> Array:
        dE: Array = backend.kernels.sum_rows(ids.reshape(-1), dy.reshape(-1, E.shape[1]), len(E))
        return dE

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


def project_symbols(
    ids: Array, E: Array, W: Array, b: Array, backend: Backend = PLAIN
) -> tuple[Array, Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """Affine(Embedding(ids)), as rows to be looked up: y = table[places] = E[ids] W + b.

    Few symbols stand in many places, and E[ids] W = (E W)[ids]. So where the alphabet is small, the table E
    is multiplied once and its rows are looked up; in the backward pass the gradients of equal symbols are
    summed first and multiplied once. Where it is large, the batch is multiplied, and every place has a row.

    Args:
        ids: (...) integers from 0 to V - 1. E: (V, D). W: (D, M). b: (M,).
        backend: the kernels and where large arrays come from.

    Returns:
        table (P, M) and places (...) with P = V or the number of ids, and backward: dtable (P, M) -> dE (V, D),
        dW (D, M), db (M,).
    """
    if len(E) <= ids.size:
        table, table_backward = affine(E, W, b)
        return table, ids, table_backward

    x, lookup_backward = embedding(ids.reshape(-1), E, backend)
    table, affine_backward = affine(x, W, b)

    def backward(dtable: Array) -> tuple[Array, Array, Array]:
        dx, dW, db = affine_backward(dtable)
        return lookup_backward(dx), dW, db

    return table, np.arange(ids.size).reshape(ids.shape), backward
