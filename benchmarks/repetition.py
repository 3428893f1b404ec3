"""The book recipe in a textbook implementation, with many seeds, to check henkan's results independently.

    python benchmarks/repetition.py --train addition.train.tsv --test addition.test.tsv --model peeky --seeds 10

Uses nothing from `henkan`: `textbook.py` has a layer object for each time step, concatenated inputs and its own Adam;
symbols are numbered and padded with spaces here. `--not-followed` omits the gradient through a Peeky input: a bug that
a gradient check finds but a learning curve does not show.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

PEEKY_AND_REVERSE = {"plain": (False, False), "reversed": (False, True), "peeky": (True, False), "both": (True, True)}
SYMBOLS = "0123456789+_ "
D, H, BATCH = 16, 128, 128


def encoded(file: str, *, reverse: bool) -> tuple[np.ndarray, np.ndarray]:
    """Ids of sources and targets, padded with spaces; every target begins with a start symbol."""
    rows = [line.split("\t") for line in Path(file).read_text().splitlines()]
    columns = [row[0] for row in rows], ["_" + row[1] for row in rows]
    sources, targets = (
        np.array([[SYMBOLS.index(symbol) for symbol in text.ljust(width)] for text in column])
        for column, width in zip(columns, (7, 5), strict=True)
    )
    return sources[:, ::-1] if reverse else sources, targets


def train(arguments: argparse.Namespace, seed: int) -> list[float]:
    """Exact match on the test set after each epoch."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from textbook import TextbookSeq2Seq

    peeky, reverse = PEEKY_AND_REVERSE[arguments.model]
    sources, targets = encoded(arguments.train, reverse=reverse)
    test_sources, test_targets = encoded(arguments.test, reverse=reverse)
    followed = [path for path in ("input", "output") if path not in arguments.not_followed]
    model = TextbookSeq2Seq(len(SYMBOLS), D, H, peeky=peeky, followed=followed, seed=seed)
    generator, valid, matches = np.random.default_rng([seed, 1]), np.ones((BATCH, 4), bool), []
    for _ in range(arguments.epochs):
        order = generator.permutation(len(sources))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            rows = order[start : start + BATCH]
            inputs, outputs = targets[rows, :-1], targets[rows, 1:]
            model.update(sources[rows], inputs, outputs, valid, rate=1e-3, beta2=0.999, decay=0.0, clip=5.0)
        answers = model.answers(test_sources, SYMBOLS.index("_"), 4)
        matches.append(float((answers == test_targets[:, 1:]).all(axis=1).mean()))
    return matches


def main() -> None:
    """Train, evaluate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="training set")
    parser.add_argument("--test", required=True, help="test set")
    parser.add_argument("--model", choices=PEEKY_AND_REVERSE, default="peeky")
    parser.add_argument(
        "--not-followed",
        choices=("input", "output"),
        nargs="*",
        default=[],
        help="omit the gradient through these Peeky inputs: of the decoder's LSTM, of the output layer",
    )
    parser.add_argument("--seeds", type=int, default=10, help="number of runs")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--jobs", type=int, default=2, help="number of parallel runs")
    parser.add_argument("--out", type=Path, help="write the results to this JSON file")
    arguments = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # must be set before a worker loads NumPy
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        epochs = list(pool.map(train, [arguments] * arguments.seeds, range(arguments.seeds)))
    last = [100 * each[-1] for each in epochs]
    sd = statistics.stdev(last) if len(last) > 1 else 0.0
    print(f"{arguments.model}, gradient omitted: {arguments.not_followed or 'none'}")
    print(f"{statistics.mean(last):.2f} ± {sd:.2f}, median {statistics.median(last):.2f}")
    print(*(f"{match:.1f}" for match in sorted(last)))
    if arguments.out is not None:
        arguments.out.write_text(json.dumps({**vars(arguments), "out": None, "exact_match": epochs}) + "\n")


if __name__ == "__main__":
    main()
