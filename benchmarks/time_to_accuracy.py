"""Training seconds to 98.28 % exact match: the recipe `quick`, and the book recipe in textbook NumPy.

    python benchmarks/time_to_accuracy.py --train addition.train.tsv --test addition.test.tsv

henkan: two epochs with the recipe `quick`, ten seeds; seconds of updates, without evaluation, to the end of the first
epoch that reaches this exact match. Textbook: 25 epochs of the book recipe in textbook NumPy (`textbook.py`),
extrapolated from 200 updates; `henkan reproduce` measures the exact match of this recipe. As a check of the reported
seconds per epoch, the wall time of `henkan train` with 9 epochs minus that with 3 epochs is divided by 6.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import environment, in_turn, machine, ratios, run, spread, sum_batches, table, write

TARGET, BOOK_EPOCHS = 0.9828, 25


def quick(train: str, test: str, seed: int) -> float:
    """Seconds of updates until the target is reached; infinity if it is not."""
    from henkan import Epoch, Seq2Seq
    from henkan.text.reading import read_pairs

    training, testing = read_pairs(Path(train)), read_pairs(Path(test))
    epochs: list[Epoch] = []
    model = Seq2Seq(recipe="quick", seed=seed)
    model.fit(
        training.sources,
        training.targets,
        dev=(testing.sources, testing.targets),
        callback=lambda event: epochs.append(event) if isinstance(event, Epoch) else None,
    )
    seconds = 0.0
    for epoch in epochs:
        seconds += epoch.seconds
        if epoch.exact_match is not None and epoch.exact_match >= TARGET:
            return seconds
    return float("inf")


def textbook(train: str) -> float:
    """Seconds of the book recipe's updates, extrapolated from the median of 200."""
    from henkan.text.reading import read_pairs
    from textbook import TextbookSeq2Seq

    pairs = read_pairs(Path(train))
    widths = [max(map(len, side)) for side in (pairs.sources, pairs.targets)]
    sources, targets = (
        [string.ljust(width) for string in side]
        for side, width in zip((pairs.sources, pairs.targets), widths, strict=True)
    )
    symbols = max(len(set("".join(side))) for side in (sources, targets)) + 1
    model = TextbookSeq2Seq(symbols, 16, 128)
    times = []
    for batch, _ in zip(sum_batches(sources, targets, 128), range(210), strict=False):
        ids, given = batch.sources.ids.T, batch.targets
        clock = time.perf_counter()
        # the book's model has four output steps and no end symbol
        model.update(ids, given.inputs[:-1].T, given.ids[:-1].T, given.valid[:-1].T, 1e-3, 0.999, 0.0, 5.0)
        times.append(time.perf_counter() - clock)
    return statistics.median(times[10:]) * BOOK_EPOCHS * -(-len(sources) // 128)


def wall_clock(train: str, threads: int) -> tuple[float, float]:
    """Seconds per epoch by wall time, and as reported."""
    walls, reported = {}, []
    for epochs in (3, 9):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "henkan", "train", train, "--recipe", "modern", "--dev", "none"]
            clock = time.perf_counter()
            done = subprocess.run(
                [*command, "--epochs", str(epochs), "--out", f"{folder}/model"],
                env=environment(threads),
                check=True,
                capture_output=True,
                text=True,
            )
            walls[epochs] = time.perf_counter() - clock
            reported += map(float, re.findall(r"^epoch .* ([\d.]+) s$", done.stderr, re.MULTILINE))
    return (walls[9] - walls[3]) / 6, statistics.fmean(reported[3:])


def main() -> None:
    """Measure in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--rounds", type=int, default=10, help="each with a seed of its own")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    files = ["--train", arguments.train, "--test", arguments.test]
    if arguments.measure:
        print(
            textbook(arguments.train)
            if arguments.measure == "textbook"
            else quick(*files[1::2], int(arguments.measure))
        )
        return

    def measure(what: str) -> float:
        return float(run([sys.executable, __file__, *files, "--measure", what], environment(arguments.threads)))

    seeds = iter(range(arguments.rounds))
    results = in_turn(
        {"henkan": lambda: measure(str(next(seeds))), "textbook": lambda: measure("textbook")}, arguments.rounds
    )
    wall, reported = wall_clock(arguments.train, arguments.threads)
    print(machine())
    rows = [
        [f"henkan, recipe quick, seconds to {TARGET:.2%}", spread(results["henkan"])],
        ["textbook NumPy, book recipe, seconds of 25 epochs", spread(results["textbook"], 0)],
        ["ratio", ratios(results["textbook"], results["henkan"])],
        ["seconds per epoch by wall time", f"{wall:.2f}"],
        ["seconds per epoch as reported", f"{reported:.2f}"],
    ]
    table([f"{arguments.threads} threads, {arguments.rounds} rounds", "median (range)"], rows)
    write(arguments.out, results=results, outside_clock=wall, reported=reported)


if __name__ == "__main__":
    main()
