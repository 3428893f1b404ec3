"""How long a large file of pairs takes until the first batch, and how much memory.

    python benchmarks/large_data.py --pairs 10000000 --folder /tmp/large

Pairs of twenty random letters on each side are written into the folder; then `henkan train` runs on them in a process
of its own, with a checkpoint every second, and is stopped by a SIGINT as soon as one tells of an update.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from measuring import write

LENGTH = 20
ROWS_AT_ONCE = 100_000


def make(pairs: int, path: Path) -> None:
    generator = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, pairs, ROWS_AT_ONCE):
            rows = np.full((min(ROWS_AT_ONCE, pairs - start), 2 * LENGTH + 2), ord("\n"), np.uint8)
            rows[:, :-1] = generator.integers(ord("a"), ord("z") + 1, rows[:, :-1].shape)
            rows[:, LENGTH] = ord("\t")
            file.write(rows.tobytes())


def measure(path: Path, out: Path) -> dict[str, float]:
    """Seconds until the training pairs are read, until the first update, and the peak of the memory in bytes."""
    command = [sys.executable, "-m", "henkan", "train", path, "--epochs", "1", "--checkpoint-every", "1", "--out", out]
    began = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stderr=subprocess.DEVNULL)
    prepared = first = 0.0
    while process.poll() is None:
        time.sleep(0.1)
        seconds = time.perf_counter() - began
        try:
            state = json.loads((out / "checkpoint" / "progress.json").read_text())["content"]["state"]
        except OSError:
            continue
        prepared = prepared or seconds
        if state["position"]["step"] and not first:
            first = seconds
            process.send_signal(signal.SIGINT)
    assert process.returncode == 130, process.returncode
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {"seconds_to_the_first_checkpoint": prepared, "seconds_to_the_first_update": first, "peak_bytes": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, required=True, help="for the file and the checkpoint; about 1 GB")
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    path, out = arguments.folder / "pairs.tsv", arguments.folder / "model"
    make(arguments.pairs, path)
    found = measure(path, out)
    shutil.rmtree(out)
    path.unlink()
    print(
        f"{arguments.pairs:,} pairs: first update after {found['seconds_to_the_first_update']:.0f} s, "
        f"peak {found['peak_bytes'] / 1e9:.2f} GB"
    )
    write(arguments.out, pairs=arguments.pairs, **found)


if __name__ == "__main__":
    main()
