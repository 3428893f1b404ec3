"""How long a large file of pairs takes until the first update, and how much memory a whole training on it.

    python benchmarks/large_data.py --pairs 10000000 --folder /tmp/large

Pairs of twenty random letters on each side are written into the folder; then `henkan train` runs on them in a process
of its own, for one epoch: a tenth is held out, evaluated, and calibrates the model, which is saved. The model is small,
for what is measured is the memory that grows with the pairs.
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
ROWS_AT_ONCE = 100_000


def make(pairs: int, path: Path) -> None:
    generator = np.random.default_rng(0)
    with path.open("wb") as file:
        for start in range(0, pairs, ROWS_AT_ONCE):
            rows = np.full((min(ROWS_AT_ONCE, pairs - start), 2 * LENGTH + 2), ord("\n"), np.uint8)
            rows[:, :-1] = generator.integers(ord("a"), ord("z") + 1, rows[:, :-1].shape)
            rows[:, LENGTH] = ord("\t")
            file.write(rows.tobytes())


def measure(path: Path, out: Path, hidden_size: int) -> dict[str, float]:
    """Seconds until the first checkpoint, the first update and the end, and the peaks of the memory in bytes."""
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
        except (OSError, StopIteration):  # it has not begun, or has ended
            continue
        found.setdefault("seconds_to_the_first_checkpoint", seconds)
        if state is None or state["records"] or state["position"]["step"]:
            found.setdefault("seconds_to_the_first_update", seconds)
            found.setdefault("peak_bytes_at_the_first_update", found["peak_bytes"])
    assert process.returncode == 0, process.returncode
    found["seconds"] = time.perf_counter() - began
    return found


def peak(process: int) -> int:
    """The most memory that a process has had, in bytes; on Linux."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000_000)
    parser.add_argument("--hidden-size", type=int, default=16)
    parser.add_argument("--folder", type=Path, required=True, help="for the file and the checkpoint; about 1 GB")
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    path, out = arguments.folder / "pairs.tsv", arguments.folder / "model"
    make(arguments.pairs, path)
    found = measure(path, out, arguments.hidden_size)
    shutil.rmtree(out)
    path.unlink()
    print(
        f"{arguments.pairs:,} pairs: first update after {found['seconds_to_the_first_update']:.0f} s, with "
        f"{found['peak_bytes_at_the_first_update'] / 1e9:.2f} GB at most; the whole training with its evaluations took "
        f"{found['seconds']:.0f} s, and {found['peak_bytes'] / 1e9:.2f} GB at most"
    )
    write(arguments.out, pairs=arguments.pairs, hidden_size=arguments.hidden_size, **found)


if __name__ == "__main__":
    main()
