"""How close an update comes to what the chip can do, and what threads and neighbours do to it.

    python benchmarks/scaling.py

Four questions, at the article's sizes and each round in turn, in fresh processes:

- one thread, one shard: the operations of the products over the time of an update, as a share of the rate at which
  the same process multiplies matrices of these sizes;
- two threads over one, beside two processes of nothing but products over one;
- two threads while another program keeps one core busy, ours and PyTorch's.
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
from training_speed import ARTICLE, BATCHES, WARM, flops, make_batches


def milliseconds(name: str) -> float:
    """An update's, the median."""
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


def share_of_the_ceiling() -> float:
    """One thread, one shard: products and updates measured in turn in this process."""
    import henkan.engine.numpy

    henkan.engine.numpy.SHARDS = 1
    batches = make_batches(ARTICLE)
    update, work = contestants.henkan(ARTICLE, batches, "fused"), flops(batches, ARTICLE) / 1e9
    for k in range(WARM):
        update(k)
    shares = []
    for _ in range(5):
        before = product_rate(ARTICLE["N"], ARTICLE["H"], 0.3)
        clock = time.perf_counter()
        for k in range(BATCHES):
            update(k)
        rate = BATCHES * work / (time.perf_counter() - clock)
        shares.append(2 * rate / (before + product_rate(ARTICLE["N"], ARTICLE["H"], 0.3)))
    return statistics.median(shares)


def products(processes: int) -> float:
    """GFLOP/s of so many processes of nothing but products together."""
    command = [sys.executable, __file__, "--measure", "product"]
    running = [
        subprocess.Popen(command, env=environment(1), stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    return sum(float(process.communicate()[0]) for process in running)


@contextmanager
def a_busy_core() -> Iterator[None]:
    """Another program that never rests."""
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        other.kill()
        other.wait()


def main() -> None:
    """Measure in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure == "product":
        print(product_rate(ARTICLE["N"], ARTICLE["H"], 2))
    elif arguments.measure == "share":
        print(share_of_the_ceiling())
    elif arguments.measure:
        print(milliseconds(arguments.measure))
    if arguments.measure:
        return

    def update(name: str, threads: int, busy: bool = False) -> float:
        command = [sys.executable, __file__, "--measure", name]
        if not busy:
            return float(run(command, environment(threads)))
        with a_busy_core():
            return float(run(command, environment(threads)))

    questions = {
        "share of the ceiling": lambda: update("share", 1),
        "henkan, one thread": lambda: update("henkan", 1),
        "henkan, two threads": lambda: update("henkan", 2),
        "products, one process": lambda: products(1),
        "products, two processes": lambda: products(2),
        "henkan, two threads, one core taken": lambda: update("henkan", 2, busy=True),
    }
    if find_spec("torch"):
        questions["PyTorch, two threads"] = lambda: update("PyTorch", 2)
        questions["PyTorch, two threads, one core taken"] = lambda: update("PyTorch", 2, busy=True)
    results = in_turn(questions, arguments.rounds)
    print(machine())
    ours = ratios(results["henkan, one thread"], results["henkan, two threads"])
    processes = ratios(results["products, two processes"], results["products, one process"])
    taken = {
        name: ratios(results[f"{name}, two threads, one core taken"], results[f"{name}, two threads"])
        for name in ("henkan", "PyTorch")
        if f"{name}, two threads" in results
    }
    rows = [
        ["one thread, one shard: share of the product's rate", spread(results["share of the ceiling"])],
        ["two threads over one", ours],
        ["two processes of products over one", processes],
        *([f"slower with one core taken: {name}", number] for name, number in taken.items()),
    ]
    table(["question", "median (range)"], rows)
    write(arguments.out, sizes=ARTICLE, results=results)


if __name__ == "__main__":
    main()
