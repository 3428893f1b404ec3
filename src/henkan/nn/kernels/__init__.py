"""The few functions that take most of the training time, in two implementations: readable NumPy and numba.

`plain.py` and `fused.py` define the same functions with the same signatures and results; a test compares them. Only
`choose_kernels` selects between them.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from types import ModuleType

VARIABLE = "HENKAN_KERNELS"


@cache
def fused_is_installed() -> bool:
    """Whether the fused kernels are available: they need numba, and SciPy, whose BLAS numba calls."""
    return find_spec("numba") is not None and find_spec("scipy") is not None


def choose_kernels() -> ModuleType:
    """The fused kernels if installed, otherwise the plain ones; HENKAN_KERNELS=plain forces the plain ones."""
    from henkan.nn.kernels import plain

    if os.environ.get(VARIABLE) == "plain" or not fused_is_installed():
        return plain
    try:
        from henkan.nn.kernels import fused
    except (MemoryError, OSError):  # their libraries need more memory than most inputs, or cannot be loaded
        return plain
    return fused
