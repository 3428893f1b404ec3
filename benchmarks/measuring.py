"""Helpers of the benchmarks: description of the machine, matrix multiplication rate, alternating runs, tables."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np


def environment(threads: int, **more: str) -> dict[str, str]:
    """Environment variables of a process with a number of threads; BLAS chooses its kernel unless `more` names one."""
    variables = {key: value for key, value in os.environ.items() if key != "OPENBLAS_CORETYPE"}
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "HENKAN_THREADS"):
        variables[variable] = str(threads)
    if threads == 1:
        variables["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return variables | more


def share_cores(jobs: int) -> int:
    """Divide the cores among parallel jobs, for processes that are started afterwards; returns the threads per job."""
    threads = max(1, (os.cpu_count() or 1) // jobs)
    os.environ.pop("OPENBLAS_CORETYPE", None)
    os.environ["HENKAN_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
    return threads


def machine() -> str:
    """Processor, BLAS library and kernel, and versions."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), cpu)
    return (
        f"{cpu}, {os.cpu_count()} cores; {blas()}; Python {platform.python_version()}, "
        f"NumPy {version('numpy')}, henkan {version('henkan')}"
    )


def blas() -> str:
    """The BLAS libraries of a new process and their kernels."""
    code = (
        "import numpy, threadpoolctl, importlib.util as u\n"
        "if u.find_spec('scipy'): import scipy.linalg.cython_blas\n"
        "found = [p for p in threadpoolctl.threadpool_info() if p['user_api'] == 'blas']\n"
        "print(', '.join(f\"{p['internal_api']} {p['version']} ({p.get('architecture')})\" for p in found))"
    )
    try:
        return run([sys.executable, "-c", code], environment(1))
    except subprocess.CalledProcessError:
        return "BLAS unknown (threadpoolctl is not installed)"


def product_rate(N: int, H: int, seconds: float = 0.5) -> float:
    """GFLOP/s of (N, H) times (H, 4H) in float32, the matrix product of an LSTM step, in this process."""
    generator = np.random.default_rng(0)
    h, W = generator.normal(size=(N, H)).astype(np.float32), generator.normal(size=(H, 4 * H)).astype(np.float32)
    out = np.empty((N, 4 * H), np.float32)
    rates, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        clock = time.perf_counter()
        for _ in range(20):
            np.matmul(h, W, out=out)
        rates.append(20 * 2 * N * H * 4 * H / (time.perf_counter() - clock) / 1e9)
    return statistics.median(rates)


def sum_batches(sources: Sequence[str], targets: Sequence[str], size: int) -> Iterator[Any]:
    """Yield the batches of an epoch with the modern recipe."""
    from henkan.batching.encoded_pairs import EncodedPairs
    from henkan.text.vocabulary import BOUNDARY, Vocabulary

    source, target = Vocabulary.of(sources, boundary=False), Vocabulary.of(targets, boundary=True)
    symbols = source.encode_all(sources), target.encode_all(targets).ended(BOUNDARY)
    pairs = EncodedPairs(*symbols, start=BOUNDARY, reverse=True)
    order = np.random.default_rng(0).permutation(len(pairs))
    for start in range(0, len(order) - size + 1, size):
        yield pairs.batch(order[start : start + size])


def run(command: Sequence[str], variables: Mapping[str, str]) -> str:
    """Run a command and return the last line of its output."""
    done = subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines()[-1] if done.stdout else ""


def in_turn(contestants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Measure contestants alternately for a number of rounds: A B C A B C ..."""
    results: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, measure in contestants.items():
            results[name].append(measure())
            print(f"{name}: {results[name][-1]:.4g}", file=sys.stderr, flush=True)
    return results


def ratios(numbers: Sequence[float], others: Sequence[float]) -> str:
    """Median and range of the ratios within each round, which are robust against changes in the machine's speed."""
    return spread([number / other for number, other in zip(numbers, others, strict=True)])


def spread(numbers: Sequence[float], digits: int = 2) -> str:
    """Median and range, as text."""
    low, high = min(numbers), max(numbers)
    return f"{statistics.median(numbers):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    for row in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(row) + " |")


def write(path: Path | None, **results: Any) -> None:
    """Write results as JSON with the machine, the date and the command; does nothing without a path."""
    if path:
        command = " ".join(["python", "benchmarks/" + Path(sys.argv[0]).name, *map(_short, sys.argv[1:])])
        about = {"command": command, "date": time.strftime("%Y-%m-%d"), "machine": machine()}
        path.write_text(json.dumps(about | results, indent=1) + "\n")


def _short(argument: str) -> str:
    return Path(argument).name if "/" in argument else argument
