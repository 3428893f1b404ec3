"""Predictions per second for a Parquet file: one process with one or two threads, Ray and Dask with two workers.

    python benchmarks/scoring_scale.py MODEL
    python benchmarks/scoring_scale.py MODEL --pairs FILE

MODEL is a folder saved by `henkan train addition`, and the rows are sums; with --pairs it is a model trained on FILE,
and the rows are sampled from FILE. Every contestant is a command that reads a Parquet file, predicts its rows and
writes another. It is timed from start to end, and in the same round with a file of ten rows, to measure its start-up
time. Rows per second are computed from the difference, for wall time and for CPU time; the latter depends less on
other programs but is not available for Ray's workers. In addition: one process that computes `log_probability` of
pairs, and time and memory for loading a model.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from itertools import count
from pathlib import Path

import numpy as np

from measuring import environment, in_turn, machine, ratios, run, spread, table, write

EXAMPLES = Path(__file__).parents[1] / "examples"
FEW = 10
LOADS = 100


def make(rows: int, pairs: Path | None, path: Path) -> None:
    """Write random sums, or random rows of a file of pairs, with their targets."""
    import pyarrow as pa
    from pyarrow import parquet

    generator = np.random.default_rng(0)
    if pairs:
        known = [line.split("\t")[:2] for line in pairs.read_text("utf-8").splitlines()]
        drawn = [known[k] for k in generator.integers(0, len(known), rows).tolist()]
    else:
        drawn = [[f"{a}+{b}", str(a + b)] for a, b in generator.integers(0, 1000, size=(rows, 2)).tolist()]
    sources, expected = zip(*drawn, strict=True)
    parquet.write_table(pa.table({"source": sources, "expected": expected}), path)


def local(what: str, model: str, source: str, target: str) -> None:
    """Predict in this process, as the examples do in parallel."""
    import pyarrow as pa
    from pyarrow import parquet

    import henkan

    rows = parquet.read_table(source)
    texts = rows["source"].to_pylist()
    if what == "predict":
        answers = pa.array(henkan.load(model).predict(texts), pa.string())
    else:
        answers = pa.array(henkan.load(model).log_probability(texts, rows["expected"].to_pylist()))
    parquet.write_table(rows.append_column("target", answers), target)


def loading(model: str) -> tuple[float, float]:
    """Milliseconds and resident bytes for loading another model in this process."""
    import henkan

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    models = [henkan.load(model)]
    before, clock = resident(), time.perf_counter()
    models += [henkan.load(model) for _ in range(LOADS)]
    return (time.perf_counter() - clock) / LOADS * 1e3, (resident() - before) / LOADS


def main() -> None:
    """Measure alternately and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="model folder")
    parser.add_argument("--pairs", type=Path, help="file of pairs, source TAB target")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--local", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--loading", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.local:
        what, source, target = arguments.local
        local(what, arguments.model, source, target)
        return
    if arguments.loading:
        print(*loading(arguments.model))
        return

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many, few = folder / "many.parquet", folder / "few.parquet"
        make(arguments.rows, arguments.pairs, many)
        make(FEW, arguments.pairs, few)
        outputs = count()
        processor: dict[str, list[float]] = {}

        def contestant(way: str, source: Path, threads: int, *command: str) -> Callable[[], float]:
            """Measures the seconds of a command with an input and an output file, and records its CPU time."""

            def measure() -> float:
                words = [sys.executable, *command, str(source), str(folder / f"answers{next(outputs)}")]
                clock, before = time.perf_counter(), os.times()
                subprocess.run(words, env=environment(threads), check=True, capture_output=True)
                seconds, after = time.perf_counter() - clock, os.times()
                used = after.children_user + after.children_system - before.children_user - before.children_system
                processor.setdefault(way, []).append(used)
                return seconds

            return measure

        here = (__file__, arguments.model, "--local")
        ways = {
            "one process, one thread": (1, *here, "predict"),
            "one process, two threads": (2, *here, "predict"),
            "Ray, two workers": (1, str(EXAMPLES / "scale_ray.py"), arguments.model),
            "Dask, two workers": (1, str(EXAMPLES / "scale_dask.py"), arguments.model),
            "one process, one thread, log_probability": (1, *here, "log_probability"),
        }
        contestant("warm", many, *ways["one process, one thread"])()  # compiles the kernels
        contestants = {}
        for way, command in ways.items():
            for name, source in ((f"{way}: start-up", few), (way, many)):
                contestants[name] = contestant(name, source, *command)
        results = in_turn(contestants, arguments.rounds)
    loads = [run([sys.executable, __file__, arguments.model, "--loading"], environment(1)).split() for _ in range(3)]
    each_ms, each_bytes = ([float(load[k]) for load in loads] for k in (0, 1))

    def rows_per_second(seconds: dict[str, list[float]], way: str) -> list[float]:
        pairs = zip(seconds[way], seconds[f"{way}: start-up"], strict=True)
        return [arguments.rows / (total - start) for total, start in pairs]

    rates = {way: rows_per_second(results, way) for way in ways}
    busy = {way: rows_per_second(processor, way) for way in ways if not way.startswith("Ray")}
    first = next(iter(ways))
    print(machine())
    table(
        ["", "rows per second", "relative to one thread", "rows per CPU second", "start-up seconds", "total seconds"],
        [
            [
                way,
                spread(rates[way], 0),
                ratios(rates[way], rates[first]),
                spread(busy[way], 0) if way in busy else "",
                spread(results[f"{way}: start-up"], 1),
                spread(results[way], 1),
            ]
            for way in ways
        ],
    )
    print(f"loading another model in a process: {spread(each_ms)} ms, {spread([each / 1e6 for each in each_bytes])} MB")
    write(
        arguments.out,
        rows=arguments.rows,
        versions={name: version(name) for name in ("ray", "dask", "distributed", "pyarrow")},
        seconds=results,
        rows_a_second=rates,
        rows_a_processor_second=busy,
        loading={"milliseconds": each_ms, "bytes": each_bytes},
    )


if __name__ == "__main__":
    main()
