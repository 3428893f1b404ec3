"""Rows of a Parquet file answered in a second: one process with one thread and with two, Ray and Dask with two workers.

    python benchmarks/scoring_scale.py MODEL

MODEL is a folder that `henkan train addition` saved; the rows are sums. Every contestant is a command that reads the
file, answers it and writes another, timed from its start to its end; the same command on a file of ten rows is its
start-up, timed in the same round. Rows per second are those of the time between. Beside them: one process that gives
pairs their probabilities (`log_probability`), and the time and memory that loading a model takes.
"""

from __future__ import annotations

import argparse
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


def make(rows: int, path: Path) -> None:
    """So many sums."""
    import pyarrow as pa
    from pyarrow import parquet

    a, b = np.random.default_rng(0).integers(0, 1000, size=(2, rows)).tolist()
    parquet.write_table(pa.table({"source": [f"{x}+{y}" for x, y in zip(a, b, strict=True)]}), path)


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
        sums = [str(sum(map(int, text.split("+")))) for text in texts]
        answers = pa.array(henkan.load(model).log_probability(texts, sums))
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
        make(arguments.rows, many)
        make(FEW, few)
        numbers = count()

        def contestant(source: Path, threads: int, *command: str) -> Callable[[], float]:
            """Seconds of a command that is given a file to read and one to write."""

            def measure() -> float:
                words = [sys.executable, *command, str(source), str(folder / f"answers{next(numbers)}")]
                clock = time.perf_counter()
                subprocess.run(words, env=environment(threads), check=True, capture_output=True)
                return time.perf_counter() - clock

            return measure

        here = (__file__, arguments.model, "--local")
        ways = {
            "one process, one thread": (1, *here, "predict"),
            "one process, two threads": (2, *here, "predict"),
            "Ray, two workers": (1, str(EXAMPLES / "scale_ray.py"), arguments.model),
            "Dask, two workers": (1, str(EXAMPLES / "scale_dask.py"), arguments.model),
            "one process, one thread, log_probability": (1, *here, "log_probability"),
        }
        contestant(many, *ways["one process, one thread"])()  # compiles, if nobody has yet
        contestants = {}
        for way, command in ways.items():
            contestants[f"{way}: start-up"] = contestant(few, *command)
            contestants[way] = contestant(many, *command)
        results = in_turn(contestants, arguments.rounds)
    loads = [run([sys.executable, __file__, arguments.model, "--loading"], environment(1)).split() for _ in range(3)]
    each_ms, each_bytes = ([float(load[k]) for load in loads] for k in (0, 1))

    starts = {way: results[f"{way}: start-up"] for way in ways}
    rates = {
        way: [arguments.rows / (whole - start) for whole, start in zip(results[way], starts[way], strict=True)]
        for way in ways
    }
    first = next(iter(ways))
    print(machine())
    table(
        ["", "rows a second", "over one thread", "start-up, seconds", f"{arguments.rows:,} rows, all in all, seconds"],
        [
            [way, spread(rates[way], 0), ratios(rates[way], rates[first]), spread(starts[way]), spread(results[way], 1)]
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
        loading={"milliseconds": each_ms, "bytes": each_bytes},
    )


if __name__ == "__main__":
    main()
