"""How well each recipe learns to add, over several seeds.

    python benchmarks/accuracy.py --train addition.train.tsv --test addition.test.tsv --out results.json

Every run is a process of its own; `--jobs 2` runs two at a time with one BLAS thread each (the seconds then
are those of one thread). Training uses all pairs of --train (`--dev none`); the test pairs are asked once,
after the last epoch.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

BOTH = {"reverse": True, "peeky": True}
ROWS = {
    "modern, reversed + Peeky, 5 epochs": {"epochs": 5, **BOTH},
    "modern, reversed + Peeky, 25 epochs": {"epochs": 25, **BOTH, "all_sums": True},
    "modern, Peeky, 8 epochs": {"epochs": 8, "reverse": False, "peeky": True},
    "modern, reversed, 8 epochs": {"epochs": 8, "reverse": True, "peeky": False},
    "modern, plain, 8 epochs": {"epochs": 8, "reverse": False, "peeky": False},
    "book, reversed + Peeky, 25 epochs": {"recipe": "book", **BOTH},
}


def run(row: str, seed: int, train: str, test: str, threads: str) -> dict[str, object]:
    """Train and measure once, in a fresh process."""
    os.environ["OPENBLAS_NUM_THREADS"] = threads
    from henkan import Epoch, Seq2Seq
    from henkan.text.reading import read_pairs

    settings = dict(ROWS[row])
    all_sums = settings.pop("all_sums", False)
    training, testing = read_pairs(Path(train)), read_pairs(Path(test))
    epochs: list[Epoch] = []
    model = Seq2Seq(**{"recipe": "modern", "seed": seed} | settings)
    model.fit(
        training.sources,
        training.targets,
        callback=lambda event: epochs.append(event) if isinstance(event, Epoch) else None,
    )
    result: dict[str, object] = {
        "row": row,
        "seed": seed,
        "exact_match": model.score(testing.sources, testing.targets),
        "seconds": sum(epoch.seconds for epoch in epochs),
    }
    if all_sums:
        right = 0
        for a in range(1000):  # a thousand at a time, to spare memory
            questions = [f"{a}+{b}" for b in range(1000)]
            right += sum(answer == str(a + b) for b, answer in enumerate(model.predict(questions)))
        result["all_sums"] = right
    return result


def main() -> None:
    """Run the chosen rows and print them as a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", nargs="*", default=list(ROWS), help="parts of the rows' names")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, help="write the results as JSON")
    arguments = parser.parse_args()
    rows = [row for row in ROWS if any(part in row for part in arguments.rows)]

    os.environ.pop("OPENBLAS_CORETYPE", None)
    threads = str(max(1, (os.cpu_count() or 1) // arguments.jobs))
    print(f"{machine()}; {arguments.jobs} runs at a time, {threads} BLAS threads each", flush=True)
    results = []
    with ProcessPoolExecutor(arguments.jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
        futures = [
            pool.submit(run, row, seed, arguments.train, arguments.test, threads)
            for row in rows
            for seed in range(arguments.seeds)
        ]
        for future in as_completed(futures):
            results.append(future.result())
            print(json.dumps(results[-1]), file=sys.stderr, flush=True)
    results.sort(key=lambda result: (rows.index(result["row"]), result["seed"]))
    for line in table(rows, results):
        print(line)
    if arguments.out:
        arguments.out.write_text(json.dumps({"machine": machine(), "results": results}, indent=1) + "\n")


def machine() -> str:
    """Processor and versions."""
    from importlib.metadata import version

    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), cpu)
    return (
        f"{cpu}, {os.cpu_count()} cores; Python {platform.python_version()}, "
        f"NumPy {version('numpy')}, henkan {version('henkan')}"
    )


def table(rows: list[str], results: list[dict]) -> list[str]:
    """The results as a Markdown table."""
    lines = [
        "| run | exact match: min | median | max | of 1,000,000 sums: min | median | max | training seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        mine = [result for result in results if result["row"] == row]
        cells = [f"{pick(result['exact_match'] for result in mine):.2%}" for pick in (min, statistics.median, max)]
        sums = [result["all_sums"] for result in mine if "all_sums" in result]
        cells += [f"{pick(sums):,.0f}" if sums else "" for pick in (min, statistics.median, max)]
        cells.append(f"{statistics.median(result['seconds'] for result in mine):.1f}")
        lines.append(f"| {row} ({len(mine)} seeds) | " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    main()
