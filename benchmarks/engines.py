"""Milliseconds per update of each engine and of a plain PyTorch script, on CPU, GPU, or with two processes.

    python benchmarks/engines.py                              # article's sizes, long strings and words, on the CPU
    python benchmarks/engines.py --sizes words --processes    # one process with one thread, and two that share a batch
    python benchmarks/engines.py --sizes large --device cuda  # hidden 512, 2 layers, batch 1,024, 20 + 20 steps
    python benchmarks/engines.py --sizes large --device cuda --precision tf32

Contestants alternate, each in a new process. On a GPU, losses are not synchronized, and both PyTorch contestants have
the same precision; the NumPy engine uses all CPU cores.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring import environment, in_turn, machine, ratios, run, spread, table, write
from training_speed import ARTICLE, LONG, WORDS, make_batches

NUMPY, TORCH, PLAIN = "henkan, NumPy engine", "henkan, PyTorch engine", "a plain PyTorch script"
TWO = "henkan, PyTorch engine, two processes"
SIZES = {
    "article": ARTICLE,
    "long": LONG,
    "words": WORDS,
    "words256": {**WORDS, "N": 256},  # the largest batch of the recipe `words`
    "large": {"V": 60, "D": 128, "H": 512, "N": 1024, "long": 1, "layers": 2},
    "tiny": {"V": 10, "D": 8, "H": 16, "N": 8, "long": 1, "layers": 2},  # to test this script
}


def measure(arguments: argparse.Namespace) -> float:
    """Milliseconds per update, measured in this process."""
    import contestants

    sizes, updates = SIZES[arguments.sizes], arguments.updates
    batches = make_batches(sizes)[: min(updates, 20)]
    options = {"device": arguments.device, "precision": arguments.precision}
    if arguments.measure == NUMPY:
        update = contestants.henkan(sizes, batches, "fused")
    elif arguments.measure == PLAIN:
        update = contestants.pytorch(sizes, batches, False, _device(options))
    else:
        update = contestants.henkan_torch(sizes, batches, options)
    for k in range(max(3, updates // 3)):
        last = update(k % len(batches))
    float(last)
    clock = time.perf_counter()
    for k in range(updates):
        last = update(k % len(batches))
    float(last)  # synchronizes with the GPU
    return (time.perf_counter() - clock) / updates * 1e3


def _device(options: dict[str, Any]) -> str:
    """The device of the plain script; also sets the same precision for it."""
    from henkan.config import EngineConfig
    from henkan.engine.torch.device import choose_device

    return str(choose_device(EngineConfig(engine="torch", **options), local_rank=None))


def main() -> None:
    """Measure alternately and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["article", "long", "words"], choices=SIZES)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="float32")
    parser.add_argument(
        "--processes", action="store_true", help="compare one process with one thread and two such processes"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--updates", type=int, default=60)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        arguments.sizes = arguments.sizes[0]
        milliseconds = measure(arguments)
        if os.environ.get("RANK", "0") == "0":
            print(milliseconds)
        return

    threads = 1 if arguments.processes else arguments.threads
    names = [TORCH, TWO] if arguments.processes else [TORCH, PLAIN, NUMPY]
    print(machine())
    results = {}
    for sizes in arguments.sizes:
        print(
            f"{sizes}: {SIZES[sizes]}, device {arguments.device}, {arguments.precision}, {threads} threads per process"
        )
        found = results[sizes] = in_turn(
            {name: _contestant(name, sizes, arguments, threads) for name in names}, arguments.rounds
        )
        table(
            ["contestant", "ms per update", "relative to the first"],
            [[name, spread(times), ratios(times, found[TORCH])] for name, times in found.items()],
        )
    write(arguments.out, device=arguments.device, precision=arguments.precision, threads=threads, ms=results)


def _contestant(name: str, sizes: str, arguments: argparse.Namespace, threads: int) -> Callable[[], float]:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"] if name == TWO else []
    command = [sys.executable, *launcher, __file__, "--measure", name, "--sizes", sizes]
    command += ["--device", arguments.device, "--precision", arguments.precision, "--updates", str(arguments.updates)]
    return lambda: float(run(command, environment(threads)))


if __name__ == "__main__":
    main()
