"""Arrays and where they live: weights and gradients in flat vectors, intermediate results in a reusable workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from henkan.nn.kernels import plain
from henkan.nn.kernels.structures import Array as Array

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

Weights = Mapping[str, Array]
"""Name -> array, of weights or of their gradients."""

Shape = tuple[int, ...]
Empty = Callable[[Shape, Any], Array]

ALIGNMENT = 64  # bytes in a cache line

Value = TypeVar("Value")


class Group(dict[str, Value]):
    """Name -> value, which remembers its groups: a layer asks for them in every pass."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        super().__init__(values)
        self.groups: dict[str, Group[Value]] = {}


def group(values: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    """The values whose names start with `prefix` and a dot, keyed by the rest of their names."""
    known: dict[str, Group[Value]] = values.groups if isinstance(values, Group) else {}
    if prefix not in known:
        start = prefix + "."
        known[prefix] = Group(
            {name.removeprefix(start): value for name, value in values.items() if name.startswith(start)}
        )
    return known[prefix]


class Parameters:
    """Named arrays that share one flat vector.

    With one vector, clipping computes one norm, an optimiser's update is one pass and a checkpoint one buffer. Layers
    use the views, such as `parameters["decoder.Wh"]`.

    Args:
        shapes: name -> shape.
        dtype: of all arrays, float32 by default.

    Attributes:
        vector: all elements in one array, zero at first.
        arrays: name -> view of the vector, in the order of `shapes`.
    """

    def __init__(self, shapes: Mapping[str, Shape], dtype: DTypeLike = np.float32) -> None:
        self.vector: Array = np.zeros(sum(prod(shape) for shape in shapes.values()), dtype)
        arrays: dict[str, Array] = {}
        offset = 0
        for name, shape in shapes.items():
            size = prod(shape)
            arrays[name] = self.vector[offset : offset + size].reshape(shape)
            offset += size
        self.arrays: dict[str, Array] = Group(arrays)

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def group(self, prefix: str) -> dict[str, Array]:
        """The views whose names start with `prefix` and a dot, keyed by the rest of their names."""
        return group(self.arrays, prefix)

    def shapes(self) -> dict[str, Shape]:
        """Name -> shape of every array."""
        return {name: array.shape for name, array in self.arrays.items()}

    def zeros(self) -> Parameters:
        """New parameters of the same names, shapes and type, all zero; for gradients."""
        return Parameters(self.shapes(), self.vector.dtype)


class Workspace:
    """Memory for intermediate arrays, reused after each reset.

    The operating system provides a new array of a megabyte page by page, which takes longer than computing with it. So
    training takes its large arrays from a workspace and resets it before each update, when no backward pass needs them
    any more. `Workspace().empty` can replace `np.empty`.
    """

    def __init__(self) -> None:
        self._buffer = np.empty(0, np.uint8)
        self._used = 0

    def reset(self) -> None:
        """Reclaim all memory. Arrays returned before must no longer be used."""
        if self._used > len(self._buffer):
            self._buffer = np.empty(self._used + self._used // 4, np.uint8)
        self._used = 0

    def empty(self, shape: Shape, dtype: Any) -> Array:
        """An uninitialised array of this shape and type."""
        size = prod(shape) * np.dtype(dtype).itemsize
        start, self._used = self._used, self._used + -(-size // ALIGNMENT) * ALIGNMENT
        if self._used > len(self._buffer):  # the next reset enlarges the buffer
            return np.empty(shape, dtype)
        return np.ndarray(shape, dtype, self._buffer, start)


@dataclass(frozen=True)
class Backend:
    """What layers compute with.

    Attributes:
        kernels: the module of kernels to call; see `henkan.nn.kernels`.
        empty: allocates large arrays: `np.empty` or the method of a `Workspace`.
        constants: what has been computed from the weights alone, kept until they change; None: nothing is kept.
    """

    kernels: ModuleType = plain
    empty: Empty = np.empty
    constants: dict[str, Any] | None = None

    def constant(self, name: str, compute: Callable[[], Value]) -> Value:
        """Return a value that depends on the weights alone; it is computed only if it is not known."""
        if self.constants is None:
            return compute()
        if name not in self.constants:
            self.constants[name] = compute()
        value: Value = self.constants[name]
        return value

    def product(self, A: Array, B: Array) -> Array:
        """A B, in memory of the backend: (R, K), (K, M) -> (R, M)."""
        return np.matmul(A, B, out=self.empty((len(A), B.shape[1]), A.dtype))

    def multiply(self, x: Array, y: Array) -> Array:
        """The elementwise product in memory of the backend; the result has the shape of x."""
        return np.multiply(x, y, out=self.empty(x.shape, x.dtype))


PLAIN = Backend()
