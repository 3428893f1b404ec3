"""The book recipe in a textbook's own code, with many seeds: is it the recipe, or our way of computing it?

    python benchmarks/repetition.py --train addition.train.tsv --test addition.test.tsv --model peeky --seeds 10

Nothing of `henkan` takes part: `textbook.py` has a layer object a time step, joined arrays and an Adam of its own;
symbols are numbered and filled with spaces here. `--not-followed` leaves out the gradient that comes back by a peek,
which a gradient check would find and a learning curve does not.
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

MODELS = {"plain": (False, False), "reversed": (False, True), "peeky": (True, False), "both": (True, True)}
SYMBOLS = "0123456789+_ "
D, H, BATCH = 16, 128, 128


def encoded(file: str, *, reverse: bool) -> tuple[np.ndarray, np.ndarray]:
    """Sources and targets as ids, filled with spaces; each target after the symbol that begins it."""
    rows = [line.split("\t") for line in Path(file).read_text().splitlines()]
    columns = [row[0] for row in rows], ["_" + row[1] for row in rows]
    sources, targets = (
        np.array([[SYMBOLS.index(symbol) for symbol in text.ljust(width)] for text in column])
        for column, width in zip(columns, (7, 5), strict=True)
    )
    return sources[:, ::-1] if reverse else sources, targets


def training(arguments: argparse.Namespace, seed: int) -> list[float]:
    """Exact match on the test part after each epoch."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from textbook import TextbookSeq2Seq

    peeky, reverse = MODELS[arguments.model]
    sources, targets = encoded(arguments.train, reverse=reverse)
    asked, wanted = encoded(arguments.test, reverse=reverse)
    followed = [way for way in ("input", "output") if way not in arguments.not_followed]
    model = TextbookSeq2Seq(len(SYMBOLS), D, H, peeky=peeky, followed=followed, seed=seed)
    generator, valid, found = np.random.default_rng([seed, 1]), np.ones((BATCH, 4), bool), []
    for _ in range(arguments.epochs):
        order = generator.permutation(len(sources))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            rows = order[start : start + BATCH]
            inputs, answers = targets[rows, :-1], targets[rows, 1:]
            model.update(sources[rows], inputs, answers, valid, rate=1e-3, beta2=0.999, decay=0.0, clip=5.0)
        answers = model.answers(asked, SYMBOLS.index("_"), 4)
        found.append(float((answers == wanted[:, 1:]).all(axis=1).mean()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--model", choices=MODELS, default="peeky")
    parser.add_argument("--not-followed", choices=("input", "output"), nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before a process of the pool loads NumPy
    with ProcessPoolExecutor(arguments.jobs, mp_context=get_context("spawn")) as pool:
        epochs = list(pool.map(training, [arguments] * arguments.seeds, range(arguments.seeds)))
    last = [100 * each[-1] for each in epochs]
    sd = statistics.stdev(last) if len(last) > 1 else 0.0
    print(f"{arguments.model}, not followed: {arguments.not_followed or 'none'}")
    print(f"{statistics.mean(last):.2f} ± {sd:.2f}, median {statistics.median(last):.2f}")
    print(*(f"{match:.1f}" for match in sorted(last)))
    if arguments.out is not None:
        arguments.out.write_text(json.dumps({**vars(arguments), "out": None, "exact_match": epochs}) + "\n")


if __name__ == "__main__":
    main()
