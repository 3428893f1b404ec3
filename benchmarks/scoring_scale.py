"""Rows of a Parquet file answered in a second: one process with one thread and with two, Ray and Dask with two workers.

    python benchmarks/scoring_scale.py MODEL
    python benchmarks/scoring_scale.py MODEL --pairs FILE

MODEL is a folder that `henkan train addition` saved, and the rows are sums; or, with --pairs, one that was trained on
FILE, and the rows are drawn from it. Every contestant is a command that reads the file, answers it and writes another,
timed from its start to its end; the same command on a file of ten rows is its start-up, timed in the same round. Rows
per second are those of the time between, and those of the processor time between, which other programs on the machine
change little (not for Ray, whose workers leave no account of theirs). Beside them: one process that gives pairs their
probabilities (`log_probability`), and the time and memory that loading a model takes.
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
    """So many sums, or so many rows of a file of pairs, each with the right answer."""
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
    """What the examples do, in this process."""
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
    """Milliseconds and resident bytes that a further model takes in this process."""
    import henkan

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    models = [henkan.load(model)]
    before, clock = resident(), time.perf_counter()
    models += [henkan.load(model) for _ in range(LOADS)]
    return (time.perf_counter() - clock) / LOADS * 1e3, (resident() - before) / LOADS


def main() -> None:
    """Measure in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--pairs", type=Path, help="source TAB target, one a line")
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
        numbers = count()
        processor: dict[str, list[float]] = {}

        def contestant(way: str, source: Path, threads: int, *command: str) -> Callable[[], float]:
            """Seconds of a command that is given a file to read and one to write; notes its processor time."""

            def measure() -> float:
                words = [sys.executable, *command, str(source), str(folder / f"answers{next(numbers)}")]
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
        contestant("warm", many, *ways["one process, one thread"])()  # compiles, if nobody has yet
        contestants = {}
        for way, command in ways.items():
            for name, source in ((f"{way}: start-up", few), (way, many)):
                contestants[name] = contestant(name, source, *command)
        results = in_turn(contestants, arguments.rounds)
    loads = [run([sys.executable, __file__, arguments.model, "--loading"], environment(1)).split() for _ in range(3)]
    each_ms, each_bytes = ([float(load[k]) for load in loads] for k in (0, 1))

    def a_second(seconds: dict[str, list[float]], way: str) -> list[float]:
        both = zip(seconds[way], seconds[f"{way}: start-up"], strict=True)
        return [arguments.rows / (whole - start) for whole, start in both]

    rates = {way: a_second(results, way) for way in ways}
    busy = {way: a_second(processor, way) for way in ways if not way.startswith("Ray")}
    first = next(iter(ways))
    print(machine())
    table(
        ["", "rows a second", "over one thread", "rows a processor second", "start-up, seconds", "in all, seconds"],
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
    print(f"a further model in a process: {spread(each_ms)} ms, {spread([each / 1e6 for each in each_bytes])} MB")
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
