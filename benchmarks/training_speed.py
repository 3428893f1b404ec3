"""Milliseconds of an update, ours beside others', in turn and each time in a fresh process.

    python benchmarks/training_speed.py --out training_speed.json
    python benchmarks/training_speed.py --long            # 20 + 20 steps, embedding 128, hidden 256, batch 64

Contestants that are not installed are left out and named. A ratio is taken within a round, so that a machine
whose speed drifts compares fairly; the table gives the medians over the rounds, and the ratio's range.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

NAMES = {
    "henkan, fused": ("henkan", "fused", "numba"),
    "henkan, plain NumPy": ("henkan", "plain", "numpy"),
    "textbook NumPy": ("textbook", None, "numpy"),
    "PyTorch eager": ("pytorch", False, "torch"),
    "PyTorch torch.compile": ("pytorch", True, "torch"),
    "JAX jit + scan": ("jax", None, "jax"),
}
ARTICLE = {"V": 13, "D": 16, "H": 128, "N": 128, "long": 0}
LONG = {"V": 40, "D": 128, "H": 256, "N": 64, "long": 1}
WARM, BATCHES = 10, 60


def make_batches(sizes: dict[str, int]) -> list[tuple]:
    """The article's: additions as the modern recipe draws them. Long: strings of 20 random symbols."""
    if sizes["long"]:
        generator, steps, N = np.random.default_rng(0), 20, sizes["N"]
        full, valid = np.full(N, steps), np.ones((steps, N), bool)
        draws = [generator.integers(1, sizes["V"], size=(3, steps, N)) for _ in range(BATCHES)]
        return [(sources, full, inputs, targets, valid) for sources, inputs, targets in draws]
    from henkan.text.batches import EncodedPairs
    from henkan.text.tasks import TASKS
    from henkan.text.vocabulary import Vocabulary

    pairs = TASKS["addition"].generate()
    vocabularies = Vocabulary.of(pairs.sources, boundary=False), Vocabulary.of(pairs.targets, boundary=True)
    encoded = EncodedPairs(pairs.sources, pairs.targets, *vocabularies, reverse=True)
    batches = []
    for batch in encoded.batches(sizes["N"], np.random.default_rng(0)):
        sources, targets = batch.sources, batch.targets
        lengths = (sources.active[:, None] > np.arange(sizes["N"])).sum(axis=0)
        if len(sources.ids) == 7 and len(targets.ids) == 5:  # shapes that repeat, as compilers want them
            batches.append((sources.ids, lengths, targets.inputs, targets.ids, targets.valid))
        if len(batches) == BATCHES:
            return batches
    raise RuntimeError("too few batches")


def measure(name: str, sizes: dict[str, int], threads: int) -> None:
    """In a process of its own: print the milliseconds of an update."""
    import contestants

    function, argument, needs = NAMES[name]
    if needs == "torch":
        import torch

        torch.set_num_threads(threads)
    arguments = () if argument is None else (argument,)
    update = getattr(contestants, function)(sizes, make_batches(sizes), *arguments)
    for k in range(WARM):
        update(k)
    clock = time.perf_counter()
    losses = [update(k) for k in range(BATCHES)]
    milliseconds = (time.perf_counter() - clock) / BATCHES * 1e3
    print(json.dumps({"name": name, "ms": milliseconds, "loss": losses[-1]}))


def main() -> None:
    """Run the contestants in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only", nargs="*", help="parts of contestants' names")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sizes = LONG if arguments.long else ARTICLE
    if arguments.measure:
        measure(arguments.measure, sizes, arguments.threads)
        return

    environment = {key: value for key, value in os.environ.items() if key != "OPENBLAS_CORETYPE"}
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "HENKAN_THREADS"):
        environment[variable] = str(arguments.threads)
    if arguments.threads == 1:
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    names = [name for name in NAMES if not arguments.only or any(part in name for part in arguments.only)]
    missing = [name for name in names if find_spec(NAMES[name][2]) is None]
    names = [name for name in names if name not in missing]
    if missing:
        print("not installed and left out:", ", ".join(missing))
    results: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(arguments.rounds):
        for name in names:
            command = [sys.executable, __file__, "--measure", name, "--threads", str(arguments.threads)]
            command += ["--long"] * arguments.long
            done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
            results[name].append(json.loads(done.stdout.splitlines()[-1])["ms"])
            print(f"{name}: {results[name][-1]:.2f} ms", file=sys.stderr, flush=True)
    print(f"{arguments.threads} threads, {arguments.rounds} rounds, sizes {sizes}")
    print("| contestant | ms an update, median (range) | its time over ours, median (range) |")
    print("| --- | --- | --- |")
    ours = results[names[0]]
    for name, times in results.items():
        ratios = [theirs / mine for theirs, mine in zip(times, ours, strict=True)]
        print(
            f"| {name} | {statistics.median(times):.2f} ({min(times):.2f} to {max(times):.2f}) "
            f"| {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |"
        )
    if arguments.out:
        arguments.out.write_text(json.dumps({"sizes": sizes, "threads": arguments.threads, "ms": results}) + "\n")


if __name__ == "__main__":
    main()
