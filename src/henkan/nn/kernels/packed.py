"""Matrix products with packed weights, which are faster than BLAS at the sizes of a small LSTM.

    C (n, M) += A (n, K) W (K, M)

W is copied once into panels of `PANEL` columns, so that the inner loop reads it in order. `ROWS` rows and `PANEL`
columns of C, a tile, stay in registers during the loop over K, which for each k loads a row of the panel and multiplies
it by one number from each row of A. A BLAS library does the same, but copies W again in each call, although Wh remains
the same at all steps of a sequence.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils as untyped

from henkan.nn.kernels.compiled import kernel
from henkan.nn.kernels.structures import Array
from henkan.nn.kernels.vectors import FLOAT, INT64, LANES, REGISTERS, VECTOR, compiled_call, splat

cgutils: Any = untyped

SUPPORTED = bool(REGISTERS)
"""Whether the processor has vector registers that multiply and add; otherwise BLAS is faster."""

WIDTH = 2  # vectors in a row of a tile
ROWS = 8 if REGISTERS in ("zmm", "fmla") else 6  # 32 registers instead of 16
BYTES = 4  # of a float32
PANEL = WIDTH * LANES
"""Number of columns of a tile."""


def _tile(rows: int) -> Any:
    """Return a function for compiled code that adds A W to `rows` rows of a panel of C.

    Its arguments are the address of A, the distances between its rows and between its columns; the address of the panel
    of W, and the distance between its rows; K; the address of C, and the distance between its rows. Distances count
    numbers.
    """

    def generate(context: Any, builder: ir.IRBuilder, _signature: Any, values: Any) -> Any:
        a, a_row, a_column, w, w_row, K, c, c_row = values
        product = ir.FunctionType(VECTOR, [VECTOR] * 3)
        multiply_add = cgutils.get_or_insert_function(builder.module, product, f"llvm.fma.v{LANES}f32")
        A, W, C = (builder.inttoptr(address, FLOAT.as_pointer()) for address in (a, w, c))

        def vectors(row: Any) -> list[Any]:
            places = (builder.gep(row, [ir.Constant(INT64, v * LANES)]) for v in range(WIDTH))
            return [builder.bitcast(place, VECTOR.as_pointer()) for place in places]

        def row_of(matrix: Any, distance: Any, r: int) -> Any:
            return builder.gep(matrix, [builder.mul(distance, ir.Constant(INT64, r))])

        results = [place for r in range(rows) for place in vectors(row_of(C, c_row, r))]
        # LLVM keeps these variables in registers.
        sums = [cgutils.alloca_once_value(builder, builder.load(place, align=4)) for place in results]
        with cgutils.for_range(builder, K) as loop:
            weights = [builder.load(v, align=4) for v in vectors(builder.gep(W, [builder.mul(loop.index, w_row)]))]
            column = builder.mul(loop.index, a_column)
            for r in range(rows):
                number = splat(builder, builder.load(builder.gep(row_of(A, a_row, r), [column])), VECTOR)
                for total, weight in zip(sums[r * WIDTH :], weights, strict=False):
                    builder.store(builder.call(multiply_add, [number, weight, builder.load(total)]), total)
        for total, place in zip(sums, results, strict=True):
            builder.store(builder.load(total), place, align=4)
        return context.get_dummy_value()

    return compiled_call(generate, ["a", "a_row", "a_column", "w", "w_row", "K", "c", "c_row"])


_all_rows, _half_of_the_rows, _one_row = _tile(ROWS), _tile(ROWS // 2), _tile(1)


@kernel
def address(array: Array) -> int:
    """The address of the first number of an array, as the only type of integers: numba compiles for each type."""
    number: Any = np.intp(array.ctypes.data)
    return number  # type: ignore[no-any-return]


@kernel
def add_panel(n: int, a: int, a_row: int, a_column: int, w: int, w_row: int, K: int, c: int, c_row: int) -> None:
    """Add A W to n rows of a panel of C; see `_tile`."""
    r = 0
    while r + ROWS <= n:
        _all_rows(a + BYTES * r * a_row, a_row, a_column, w, w_row, K, c + BYTES * r * c_row, c_row)
        r += ROWS
    if r + ROWS // 2 <= n:
        _half_of_the_rows(a + BYTES * r * a_row, a_row, a_column, w, w_row, K, c + BYTES * r * c_row, c_row)
        r += ROWS // 2
    while r < n:
        _one_row(a + BYTES * r * a_row, a_row, a_column, w, w_row, K, c + BYTES * r * c_row, c_row)
        r += 1


@kernel
def pack_columns(W: Array) -> Array:
    """Return W (K, M) as panels (M / PANEL, K, PANEL), with zeros in the columns beyond M."""
    K, M = W.shape
    panels = np.zeros((-(-M // PANEL), K, PANEL), W.dtype)
    for p in range(len(panels)):
        for k in range(K):
            for x in range(min(PANEL, M - p * PANEL)):
                panels[p, k, x] = W[k, p * PANEL + x]
    return panels


@kernel
def product(n: int, A: Array, panels: Array, out: Array) -> None:
    """Set n rows of out (N, P * PANEL) to those of A (N, K or more) times panels (P, K, PANEL)."""
    out[:n] = 0
    add_product(n, A, panels, out)


@kernel
def add_product(n: int, A: Array, panels: Array, out: Array) -> None:
    """Add n rows of A (N, K or more) times panels (P, K, PANEL) to those of out (N, P * PANEL)."""
    K, distance, width = panels.shape[1], A.shape[1], out.shape[1]
    at_a, at_w, at_out = address(A), address(panels), address(out)
    for p in range(len(panels)):
        add_panel(n, at_a, distance, 1, at_w + BYTES * PANEL * K * p, PANEL, K, at_out + BYTES * PANEL * p, width)
