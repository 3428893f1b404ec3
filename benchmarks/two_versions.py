"""Compares the speed of two installed versions of henkan, alternately: an epoch, many predictions, a cold prediction.

    python benchmarks/two_versions.py OLD_PYTHON NEW_PYTHON

The arguments are the interpreters of two environments. Every round starts new processes, in alternating order.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from measuring import environment

PREDICT = """
import random, time, henkan
g = random.Random(0)
sums = [f"{g.randrange(1000)}+{g.randrange(1000)}" for _ in range(%d)]
model = henkan.load("model")
model.predict(sums)
start = time.perf_counter()
model.predict(sums)
print(time.perf_counter() - start)
"""


def run(python: str, folder: str, *arguments: str) -> str:
    """Run Python in the folder and return its output."""
    command = [python, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(2), check=True, capture_output=True, text=True)
    return done.stdout


def measure(python: str, folder: str, sums: int) -> dict[str, float]:
    """Measure one version once: seconds."""
    start = time.perf_counter()
    run(python, folder, "-m", "henkan", "predict", "model", "58+77")
    cold = time.perf_counter() - start
    predictions = float(run(python, folder, "-c", PREDICT % sums))
    shutil.rmtree(Path(folder) / "trained", ignore_errors=True)  # the old version may not know the format of the new
    run(python, folder, "-m", "henkan", "train", "pairs.tsv", "--recipe", "modern", "--epochs", "1", "--dev", "none",
        "--out", "trained", "--force", "--quiet")  # fmt: skip
    [epoch] = json.loads((Path(folder) / "trained" / "metrics.json").read_text(encoding="utf-8"))["epochs"]
    return {"one epoch": epoch["seconds"], f"{sums:,} predictions": predictions, "cold `henkan predict`": cold}


def interval(ratios: list[float]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the median."""
    generator = random.Random(0)
    medians = sorted(median(generator.choices(ratios, k=len(ratios))) for _ in range(4000))
    return medians[100], medians[-101]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("old", help="Python of the old version")
    parser.add_argument("new", help="Python of the new version")
    parser.add_argument("--rounds", type=int, default=20, help="number of rounds (default 20)")
    parser.add_argument("--sums", type=int, default=100_000, help="number of predictions (default 100000)")
    parser.add_argument("--pairs", type=int, default=40_000, help="number of training pairs (default 40000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pairs = run(options.old, folder, "-m", "henkan", "generate", "addition", "--count", str(options.pairs))
        (Path(folder) / "pairs.tsv").write_text(pairs, encoding="utf-8")
        run(options.old, folder, "-m", "henkan", "train", "addition", "--epochs", "5", "--quiet", "--out", "model")
        for python in (options.old, options.new):  # compiles the kernels
            measure(python, folder, options.sums)
        rounds = []
        for number in range(options.rounds):
            order = (options.old, options.new) if number % 2 else (options.new, options.old)
            found = {python: measure(python, folder, options.sums) for python in order}
            rounds.append((found[options.old], found[options.new]))
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    print("| | old: seconds | new: seconds | old / new: median (95 % interval) |\n| --- | --- | --- | --- |")
    for name in rounds[0][0]:
        old, new = ([version[name] for version in versions] for versions in zip(*rounds, strict=True))
        ratios = [one / other for one, other in zip(old, new, strict=True)]
        low, high = interval(ratios)
        print(f"| {name} | {median(old):.3g} | {median(new):.3g} | {median(ratios):.3f} ({low:.3f} to {high:.3f}) |")


if __name__ == "__main__":
    main()
