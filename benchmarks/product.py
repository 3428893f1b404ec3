"""The matrix product of the LSTM: henkan's with packed weights, BLAS, and the peak of one core.

    python benchmarks/product.py

The peak is the rate of a tile whose numbers stay in the first-level cache: it only multiplies and adds. The weights of
henkan's product are packed before, as they are once per pass; BLAS packs them in each call. A round measures all in
turn, each in a new process; a ratio is computed within a round.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit

from measuring import environment, in_turn, machine, ratios, run, spread, table, write

SIZES = ((128, 128, 512), (64, 128, 512), (32, 128, 512), (16, 128, 512), (64, 512, 128), (32, 256, 1024))
PEAK = "tile in the first-level cache"


def rate(flop: float, call: Callable[[], None], seconds: float = 0.2) -> float:
    """GFLOP/s of a call with a number of floating-point operations; the median over the time."""
    call()
    rates, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        clock = time.perf_counter()
        for _ in range(20):
            call()
        rates.append(20 * flop / (time.perf_counter() - clock) / 1e9)
    return float(np.median(rates))


def peak() -> float:
    """GFLOP/s of a tile that is computed again and again."""
    from henkan.nn.kernels.packed import BYTES, PANEL, ROWS, add_panel, address

    K, repeats = 128, 1000
    A, panel, C = (np.full(shape, 1e-3, np.float32) for shape in ((ROWS, K), (K, PANEL), (ROWS, PANEL)))

    @njit
    def repeat(a, w, c):
        for _ in range(repeats):
            add_panel(ROWS, address(a), K, 1, address(w), PANEL, K, address(c), PANEL)

    assert BYTES * (A.size + panel.size + C.size) < 32_000
    return rate(2 * ROWS * K * PANEL * repeats, lambda: repeat(A, panel, C))


def product(n: int, K: int, M: int, *, packed: bool) -> float:
    """GFLOP/s of henkan's product, which is added to C, or of that of BLAS, (n, K) times (K, M)."""
    generator = np.random.default_rng(0)
    A, W = (generator.normal(size=shape).astype(np.float32) for shape in ((n, K), (K, M)))
    C = np.zeros((n, M), np.float32)
    if not packed:
        return rate(2 * n * K * M, lambda: np.matmul(A, W, out=C))
    from henkan.nn.kernels.packed import add_product, pack_columns

    panels = pack_columns(W)
    return rate(2 * n * K * M, lambda: add_product(n, A, panels, C))


def main() -> None:
    """Measure alternately and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        what, *sizes = arguments.measure
        print(peak() if what == "peak" else product(*map(int, sizes), packed=what == "packed"))
        return

    def contestant(*measured: str) -> Callable[[], float]:
        command = [sys.executable, __file__, "--measure", *measured]
        return lambda: float(run(command, environment(1)))

    contestants = {PEAK: contestant("peak")}
    for size in SIZES:
        for what in ("packed", "BLAS"):
            contestants[f"{what} {size}"] = contestant(what, *map(str, size))
    results = in_turn(contestants, arguments.rounds)
    print(machine())
    rows = [[PEAK, spread(results[PEAK], 0), "", "", "1"]]
    for size in SIZES:
        packed, blas = (results[f"{what} {size}"] for what in ("packed", "BLAS"))
        name, shares = " x ".join(map(str, size)), ratios(packed, results[PEAK])
        rows.append([name, spread(packed, 0), spread(blas, 0), ratios(packed, blas), shares])
    table(["rows x K x M, one core", "packed, GFLOP/s", "BLAS, GFLOP/s", "ratio", "share of the peak"], rows)
    write(arguments.out, gflops=results)


if __name__ == "__main__":
    main()
