"""Time to the first update and peak memory of a training run on a large file of pairs.

    python benchmarks/large_data.py --pairs 10000000 --folder /tmp/large

Writes pairs of twenty random letters on each side into the folder and runs `henkan train` on them for one epoch,
including validation on the held-out tenth, calibration and saving. The model is small, because only the memory that
grows with the number of pairs is of interest.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from measuring import write

LENGTH = 20
CHUNK_ROWS = 100_000


def make(pairs: int, path: Path) -> None:
    """Write random pairs."""
    generator = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, pairs, CHUNK_ROWS):
            rows = np.full((min(CHUNK_ROWS, pairs - start), 2 * LENGTH + 2), ord("\n"), np.uint8)
            rows[:, :-1] = generator.integers(ord("a"), ord("z") + 1, rows[:, :-1].shape)
            rows[:, LENGTH] = ord("\t")
            file.write(rows.tobytes())


def measure(path: Path, out: Path, hidden_size: int) -> dict[str, float]:
    """Seconds to the first checkpoint, the first update and the end, and peak memory in bytes."""
    settings = ("--epochs", 1, "--hidden-size", hidden_size, "--embedding-size", hidden_size, "--checkpoint-every", 1)
    command = [sys.executable, "-m", "henkan", "train", path, *settings, "--out", out]
    began = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found: dict[str, float] = {}
    while process.poll() is None:
        time.sleep(0.1)
        seconds = time.perf_counter() - began
        try:
            found["peak_bytes"] = peak(process.pid)
            state = json.loads((out / "checkpoint" / "progress.json").read_text())["content"]["state"]
        except (OSError, StopIteration):  # no checkpoint yet, or the process has exited
            continue
        found.setdefault("seconds_to_the_first_checkpoint", seconds)
        if state is None or state["records"] or state["position"]["step"]:
            found.setdefault("seconds_to_the_first_update", seconds)
            found.setdefault("peak_bytes_at_the_first_update", found["peak_bytes"])
    assert process.returncode == 0, process.returncode
    found["seconds"] = time.perf_counter() - began
    return found


def peak(process: int) -> int:
    """Peak resident memory of a process in bytes; Linux only."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) * 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000_000, help="number of pairs")
    parser.add_argument("--hidden-size", type=int, default=16)
    parser.add_argument(
        "--folder", type=Path, required=True, help="folder for the file and the checkpoint; needs about 1 GB"
    )
    parser.add_argument("--out", type=Path, help="write the results to this JSON file")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    path, out = arguments.folder / "pairs.tsv", arguments.folder / "model"
    make(arguments.pairs, path)
    found = measure(path, out, arguments.hidden_size)
    shutil.rmtree(out)
    path.unlink()
    print(
        f"{arguments.pairs:,} pairs: first update after {found['seconds_to_the_first_update']:.0f} s, peak memory "
        f"{found['peak_bytes_at_the_first_update'] / 1e9:.2f} GB; whole run including validation "
        f"{found['seconds']:.0f} s, peak memory {found['peak_bytes'] / 1e9:.2f} GB"
    )
    write(arguments.out, pairs=arguments.pairs, hidden_size=arguments.hidden_size, **found)


if __name__ == "__main__":
    main()
