"""Compiles kernels with numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile a function to run without the global interpreter lock.

    "contract" allows a * b + c to be one instruction; no other reordering of floating-point operations is allowed.
    """
    return _compiled(function, {"contract"})


def sum_kernel(function: Function) -> Function:
    """Compile a function whose sums may be computed in any order, so that they are vectorised."""
    return _compiled(function, {"contract", "reassoc"})


def _compiled(function: Function, fastmath: set[str]) -> Function:
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
    try:
        compiled: Any = njit(cache=True, **options)(function)
    except RuntimeError:  # No cache directory. A public one would be unsafe: numba unpickles what it finds.
        compiled = njit(**options)(function)
    return cast(Function, compiled)
