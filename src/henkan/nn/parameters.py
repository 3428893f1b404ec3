"""All weights in one flat vector, with named views into it."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
Shapes = Mapping[str, tuple[int, ...]]


class Parameters:
    """Named arrays that share one flat vector.

    One vector makes clipping one norm, an optimiser's update one pass and a checkpoint one buffer; the
    layers see `parameters["decoder.Wh"]`, a view, and need not know.

    Attributes:
        vector: all numbers, one after another.
        arrays: name -> view into the vector, in the order of the shapes given.
    """

    def __init__(self, shapes: Shapes, dtype: DTypeLike = np.float32) -> None:
        self.vector: Array = np.zeros(sum(prod(shape) for shape in shapes.values()), dtype)
        self.arrays: dict[str, Array] = {}
        offset = 0
        for name, shape in shapes.items():
            size = prod(shape)
            self.arrays[name] = self.vector[offset : offset + size].reshape(shape)
            offset += size

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def group(self, prefix: str) -> dict[str, Array]:
        """The views whose names begin with `prefix` and a dot, by the rest of their names."""
        start = prefix + "."
        return {name[len(start) :]: array for name, array in self.arrays.items() if name.startswith(start)}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape of every array."""
        return {name: array.shape for name, array in self.arrays.items()}

    def zeros(self) -> Parameters:
        """Parameters of the same names and shapes, all zero: a place for gradients."""
        return Parameters(self.shapes(), self.vector.dtype)
