"""The few functions in which training spends its time, twice: in readable NumPy and in numba.

`plain.py` and `fused.py` have the same functions with the same signatures and give the same results; a test
holds them to that. This is the one place that chooses.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from types import ModuleType

VARIABLE = "HENKAN_KERNELS"


def fused_is_installed() -> bool:
    """Whether the fused kernels can be used: numba, and SciPy, whose BLAS numba calls."""
    return find_spec("numba") is not None and find_spec("scipy") is not None


def choose_kernels() -> ModuleType:
    """The fused kernels where they are installed, else the plain ones; HENKAN_KERNELS=plain asks for these."""
    from henkan.nn.kernels import plain

    if os.environ.get(VARIABLE) == "plain" or not fused_is_installed():
        return plain
    from henkan.nn.kernels import fused

    return fused
