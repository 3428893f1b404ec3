"""What an update calculates with: the kernels, and memory that one update after another can use again.

A fresh array of a megabyte comes from the operating system page by page, and each page costs more than the
arithmetic on it. So training takes its large arrays from a workspace, which its owner resets between updates:
the owner alone knows that no backward pass needs them any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from types import ModuleType
from typing import Any

import numpy as np

from henkan.nn.kernels import plain
from henkan.nn.parameters import Array

Empty = Callable[[tuple[int, ...], Any], Array]


@dataclass(frozen=True)
class Backend:
    """The means of a layer's arithmetic.

    Attributes:
        kernels: the module whose functions are called; see `henkan.nn.kernels`.
        empty: where large arrays come from: `np.empty`, or a workspace's.
    """

    kernels: ModuleType = plain
    empty: Empty = np.empty


PLAIN = Backend()

ALIGNMENT = 64  # bytes, a line of the cache


class Workspace:
    """Hands out uninitialised arrays until it is reset.

    `Workspace().empty` can stand wherever `np.empty` is expected.
    """

    def __init__(self) -> None:
        self._buffer = np.empty(0, np.uint8)
        self._used = 0

    def reset(self) -> None:
        """Take everything back. The arrays handed out before must no longer be used."""
        if self._used > len(self._buffer):
            self._buffer = np.empty(self._used + self._used // 4, np.uint8)
        self._used = 0

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """An array of this shape and type, with anything in it."""
        size = prod(shape) * np.dtype(dtype).itemsize
        start, self._used = self._used, self._used + -(-size // ALIGNMENT) * ALIGNMENT
        if self._used > len(self._buffer):  # the next reset makes room; this once the system must
            return np.empty(shape, dtype)
        array: Array = self._buffer[start : start + size].view(dtype).reshape(shape)
        return array
