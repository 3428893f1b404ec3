"""How close an update comes to the peak rate, and the effect of threads and of other programs.

    python benchmarks/scaling.py

All at the article's sizes, alternating, each in a new process:

- one thread, one shard: floating-point rate of an update as a share of the peak of the core (`product.py`);
- speedup of two threads over one, compared with two processes over one that only multiply matrices;
- slowdown of two threads while another program keeps one core busy, for henkan and for PyTorch.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import contestants
from measuring import environment, in_turn, machine, product_rate, ratios, run, spread, table, write
from product import peak
from training_speed import ARTICLE, BATCHES, WARM, flops, make_batches


def milliseconds(name: str) -> float:
    """Median milliseconds per update."""
    batches = make_batches(ARTICLE)
    if name == "PyTorch":
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        update = contestants.pytorch(ARTICLE, batches, compiled=False)
    else:
        update = contestants.henkan(ARTICLE, batches, "fused")
    times = []
    for k in range(WARM + 3 * BATCHES):
        clock = time.perf_counter()
        update(k % BATCHES)
        times.append(time.perf_counter() - clock)
    return statistics.median(times[WARM:]) * 1e3


def share_of_the_peak() -> float:
    """Share of the peak of one core, with one thread and one shard; measured alternately in this process."""
    import henkan.engine.numpy

    henkan.engine.numpy.SHARDS = 1
    batches = make_batches(ARTICLE)
    update, work = contestants.henkan(ARTICLE, batches, "fused"), flops(batches, ARTICLE) / 1e9
    for k in range(WARM):
        update(k)
    shares = []
    for _ in range(5):
        before = peak()
        clock = time.perf_counter()
        for k in range(BATCHES):
            update(k)
        rate = BATCHES * work / (time.perf_counter() - clock)
        shares.append(2 * rate / (before + peak()))
    return statistics.median(shares)


def products(processes: int) -> float:
    """Total GFLOP/s of a number of processes that only multiply matrices."""
    command = [sys.executable, __file__, "--measure", "product"]
    running = [
        subprocess.Popen(command, env=environment(1), stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    return sum(float(process.communicate()[0]) for process in running)


@contextmanager
def busy_core() -> Iterator[None]:
    """Keep one core busy with another program."""
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        other.kill()
        other.wait()


def main() -> None:
    """Measure alternately and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure == "product":
        print(product_rate(ARTICLE["N"], ARTICLE["H"], 2))
    elif arguments.measure == "share":
        print(share_of_the_peak())
    elif arguments.measure:
        print(milliseconds(arguments.measure))
    if arguments.measure:
        return

    def update(name: str, threads: int, busy: bool = False) -> float:
        command = [sys.executable, __file__, "--measure", name]
        if not busy:
            return float(run(command, environment(threads)))
        with busy_core():
            return float(run(command, environment(threads)))

    measurements = {
        "share of the peak": lambda: update("share", 1),
        "henkan, one thread": lambda: update("henkan", 1),
        "henkan, two threads": lambda: update("henkan", 2),
        "products, one process": lambda: products(1),
        "products, two processes": lambda: products(2),
        "henkan, two threads, one core taken": lambda: update("henkan", 2, busy=True),
    }
    if find_spec("torch"):
        measurements["PyTorch, two threads"] = lambda: update("PyTorch", 2)
        measurements["PyTorch, two threads, one core taken"] = lambda: update("PyTorch", 2, busy=True)
    results = in_turn(measurements, arguments.rounds)
    print(machine())
    threads = ratios(results["henkan, one thread"], results["henkan, two threads"])
    processes = ratios(results["products, two processes"], results["products, one process"])
    slowdowns = {
        name: ratios(results[f"{name}, two threads, one core taken"], results[f"{name}, two threads"])
        for name in ("henkan", "PyTorch")
        if f"{name}, two threads" in results
    }
    rows = [
        ["one thread, one shard: share of the peak", spread(results["share of the peak"])],
        ["speedup of two threads over one", threads],
        ["speedup of two processes of matrix products over one", processes],
        *([f"slowdown with one core busy: {name}", number] for name, number in slowdowns.items()),
    ]
    table(["measurement", "median (range)"], rows)
    write(arguments.out, sizes=ARTICLE, results=results)


if __name__ == "__main__":
    main()
