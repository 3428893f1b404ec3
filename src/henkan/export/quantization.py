"""Weights as 8-bit integers: each column of a matrix has its own scale, or each row of a table of embeddings."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from henkan.text.arrays import Array

LARGEST = 127


class Quantized(NamedTuple):
    """A matrix as `numbers * scales`.

    Attributes:
        numbers: (D, M) int8, from -127 to 127.
        scales: (1, M) or, for a table of embeddings, (D, 1), float32.
        axis: the axis along which the scales are, 1 or 0.
    """

    numbers: Array
    scales: Array
    axis: int


def is_quantized(array: Array) -> bool:
    """Whether an array is stored as 8-bit integers. Vectors are not: they are small."""
    return array.ndim == 2


def quantize(name: str, matrix: Array) -> Quantized:
    """Round a matrix to multiples of a 127th of the largest number of each column or row.

    Args:
        name: name of the weight. Tables of embeddings end in `.E`.
        matrix: (D, M).
    """
    axis, matrix = 0 if name.endswith(".E") else 1, matrix.astype(np.float32)
    scales = np.abs(matrix).max(axis=1 - axis, keepdims=True) / LARGEST
    scales = np.where(scales > 0, scales, 1).astype(np.float32)
    numbers = np.clip(np.rint(matrix / scales), -LARGEST, LARGEST).astype(np.int8)
    return Quantized(numbers, scales, axis)
