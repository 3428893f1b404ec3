"""Milliseconds per update of henkan and other implementations, alternating, each time in a new process.

    python benchmarks/training_speed.py
    python benchmarks/training_speed.py --long            # 20 + 20 steps, embedding 128, hidden 256, batch 64
    python benchmarks/training_speed.py --attention       # recipe `words`: bidirectional encoder, attention

Contestants that are not installed are skipped. Shares of the peak count the operations that henkan executes, and
compare them with the peak of one core (`product.py`), measured in each round, times the number of threads.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from measuring import environment, in_turn, machine, product_rate, ratios, run, spread, sum_batches, table, write
from product import peak

CEILING, PEAK = "matrix product", "peak"
NAMES = {
    "henkan, fused": ("henkan", "fused", "numba"),
    "henkan, plain NumPy": ("henkan", "plain", "numpy"),
    "henkan, fused, OPENBLAS_CORETYPE=Haswell": ("henkan", "fused", "numba"),
    "textbook NumPy": ("textbook", None, "numpy"),
    "PyTorch eager": ("pytorch", False, "torch"),
    "PyTorch torch.compile": ("pytorch", True, "torch"),
    "JAX jit + scan": ("jax", None, "jax"),
}
ARTICLE = {"V": 13, "D": 16, "H": 128, "N": 128, "long": 0}
LONG = {"V": 40, "D": 128, "H": 256, "N": 64, "long": 1}
WORDS = {"V": 45, "D": 64, "H": 128, "N": 64, "long": 0, "attention": 1}
WITH_ATTENTION = (
    "henkan, fused",
    "henkan, plain NumPy",
    "PyTorch eager",
)  # the others implement only the article's model
WARM, BATCHES = 30, 60


def make_batches(sizes: dict[str, int]) -> list[tuple]:
    """Batches of additions in the modern recipe's order; of 20 random symbols (long); or of 4 to 12 (attention)."""
    if sizes.get("attention"):
        return [_words(np.random.default_rng(number), sizes) for number in range(BATCHES)]
    if sizes["long"]:
        generator, steps, N = np.random.default_rng(0), 20, sizes["N"]
        full, valid = np.full(N, steps), np.ones((steps, N), bool)
        draws = [generator.integers(1, sizes["V"], size=(3, steps, N)) for _ in range(BATCHES)]
        return [(sources, full, inputs, targets, valid) for sources, inputs, targets in draws]
    from henkan.text.tasks import TASKS

    pairs = TASKS["addition"].generate()
    batches = []
    for batch in sum_batches(pairs.sources, pairs.targets, sizes["N"]):
        sources, targets = batch.sources, batch.targets
        lengths = (sources.active[:, None] > np.arange(sizes["N"])).sum(axis=0)
        if len(sources.ids) == 7 and len(targets.ids) == 5:  # constant shapes, so that compilers compile once
            batches.append((sources.ids, lengths, targets.inputs, targets.ids, targets.valid))
        if len(batches) == BATCHES:
            return batches
    raise RuntimeError("too few batches")


def _words(generator: np.random.Generator, sizes: dict[str, int]) -> tuple:
    """A batch of random strings with targets of similar length, sorted by length."""
    N = sizes["N"]
    lengths = np.sort(generator.integers(4, 13, size=N))[::-1].copy()
    ends = np.maximum(1, lengths + generator.integers(-1, 2, size=N)) + 1
    sources, (inputs, targets) = (
        generator.integers(1, sizes["V"], size=(lengths.max(), N)),
        generator.integers(1, sizes["V"], size=(2, ends.max(), N)),
    )
    return sources, lengths, inputs, targets, np.arange(ends.max())[:, None] < ends


def chosen(arguments: argparse.Namespace) -> dict[str, int]:
    """The sizes that the options select."""
    return WORDS if arguments.attention else LONG if arguments.long else ARTICLE


def measure(arguments: argparse.Namespace) -> float:
    """Milliseconds per update, measured in this process."""
    import contestants

    function, argument, needs = NAMES[arguments.measure]
    if needs == "torch":
        import torch

        torch.set_num_threads(arguments.threads)
    options = () if argument is None else (argument,)
    update = getattr(contestants, function)(chosen(arguments), arguments.batches, *options)
    for k in range(WARM):
        update(k % BATCHES)
    clock = time.perf_counter()
    for k in range(BATCHES):
        update(k)
    return (time.perf_counter() - clock) / BATCHES * 1e3


def flops(batches: list[tuple], sizes: dict[str, int]) -> float:
    """Floating-point operations of henkan's matrix products per update, without padding and products with zeros."""
    D, H, V = sizes["D"], sizes["H"], sizes["V"]
    attention, total = sizes.get("attention", 0), 0.0
    for _, lengths, inputs, _, valid in batches:
        places = np.arange(1, inputs.shape[1] + 1)
        read = lengths.sum() - len(lengths)  # an encoder's first step starts from zero
        steps = read + (valid * places).max(axis=1).sum()
        recurrent, peeking = steps * H * 4 * H, 0 if attention else len(places) * H * (4 * H + V)
        output, projections = valid.sum() * H * V, 2 * V * D * 4 * H
        attending = 0
        if attention:  # second direction; keys, values and queries; scores and contexts; bridge
            recurrent += read * H * 4 * H
            attending = len(places) * (
                max(lengths) * (4 * H * H + 2 * len(inputs) * H) + len(inputs) * H * H + 2 * H * H
            )
        total += 3 * 2 * (recurrent + peeking + attending + output + projections)  # one product forward, two backward
    return total / len(batches)


def main() -> None:
    """Measure alternately and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--long", action="store_true", help="20 + 20 steps, embedding 128, hidden 256, batch 64")
    parser.add_argument("--attention", action="store_true", help="sizes of the recipe `words`")
    parser.add_argument("--only", nargs="*", help="run only contestants whose name contains one of these")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sizes, threads = chosen(arguments), arguments.threads
    if arguments.measure:
        arguments.batches = [] if arguments.measure in (CEILING, PEAK) else make_batches(sizes)
        rates = {CEILING: lambda: product_rate(sizes["N"], sizes["H"]), PEAK: peak}
        print(rates.get(arguments.measure, lambda: measure(arguments))())
        return

    possible = WITH_ATTENTION if arguments.attention else NAMES
    names = [name for name in possible if not arguments.only or any(part in name for part in arguments.only)]
    missing = [name for name in names if find_spec(NAMES[name][2]) is None]
    if missing:
        print("not installed, skipped:", ", ".join(missing))

    def contestant(name: str) -> Callable[[], float]:
        command = [sys.executable, __file__, "--measure", name, "--threads", str(threads)]
        command += ["--long"] * arguments.long + ["--attention"] * arguments.attention
        more = {"OPENBLAS_CORETYPE": "Haswell"} if "Haswell" in name else {}
        return lambda: float(run(command, environment(1 if name in (CEILING, PEAK) else threads, **more)))

    contestants = {name: contestant(name) for name in [CEILING, PEAK, *(name for name in names if name not in missing)]}
    results = in_turn(contestants, arguments.rounds)
    rates, peaks = results.pop(CEILING), results.pop(PEAK)
    work = flops(make_batches(sizes), sizes) / 1e9
    print(machine())
    print(f"{threads} threads, {arguments.rounds} rounds, sizes {sizes}; {work:.3f} GFLOP per update;")
    print(f"matrix product of {sizes['N']} rows: {spread(rates, 0)} GFLOP/s on one core; peak: {spread(peaks, 0)}")
    rows = []
    for name, times in results.items():
        shares = [work / time * 1e3 / (rate * threads) for time, rate in zip(times, peaks, strict=True)]
        rows.append([name, spread(times), ratios(times, next(iter(results.values()))), spread(shares)])
    table(["contestant", "ms per update", "relative to the first", "share of the peak"], rows)
    write(arguments.out, sizes=sizes, threads=threads, gflop=work, blas_gflops=rates, peak_gflops=peaks, ms=results)


if __name__ == "__main__":
    main()
