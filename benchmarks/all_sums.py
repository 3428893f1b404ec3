"""How many of the 1,000,000 sums from 0+0 to 999+999 a trained model answers correctly.

    python benchmarks/all_sums.py --train addition.train.tsv --test addition.test.tsv --jobs 2

Reversed + Peeky with the modern recipe, trained on all pairs of --train without a validation set. The model is
evaluated on --test and on all sums after the last epoch. Every run is a process of its own; --jobs runs are parallel
and share the cores. `henkan reproduce` compares models and recipes.
"""

from __future__ import annotations

import argparse
import statistics
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from measuring import machine, share_cores, table, write


def train_and_evaluate(train: Path, test: Path, epochs: int, seed: int) -> dict[str, float]:
    """Exact match on the test set, correct answers among all sums, and seconds of training."""
    from henkan import Epoch, Seq2Seq
    from henkan.text.reading import read_pairs

    training_set, test_set = read_pairs(train), read_pairs(test)
    seconds: list[float] = []
    model = Seq2Seq(recipe="modern", epochs=epochs, reverse=True, peeky=True, seed=seed)
    model.fit(
        training_set.sources,
        training_set.targets,
        callback=lambda event: seconds.append(event.seconds) if isinstance(event, Epoch) else None,
    )
    correct = 0
    for a in range(1000):  # in blocks of a thousand, to limit memory
        answers = model.predict([f"{a}+{b}" for b in range(1000)])
        correct += sum(answer == str(a + b) for b, answer in enumerate(answers))
    return {
        "epochs": epochs,
        "seed": seed,
        "exact_match": model.score(test_set.sources, test_set.targets),
        "all_sums": correct,
        "seconds": sum(seconds),
    }


def main() -> None:
    """Train, evaluate and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="training set")
    parser.add_argument("--test", type=Path, required=True, help="test set")
    parser.add_argument("--epochs", type=int, nargs="+", default=[5, 25], help="numbers of epochs to compare")
    parser.add_argument("--seeds", type=int, default=5, help="number of runs for each number of epochs")
    parser.add_argument("--jobs", type=int, default=1, help="number of parallel runs")
    parser.add_argument("--out", type=Path, help="write the results to this JSON file")
    arguments = parser.parse_args()
    threads = share_cores(arguments.jobs)
    runs = [(arguments.train, arguments.test, epochs, seed)
            for epochs in arguments.epochs for seed in range(arguments.seeds)]  # fmt: skip
    with ProcessPoolExecutor(arguments.jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
        results = list(pool.map(train_and_evaluate, *zip(*runs, strict=True)))
    print(f"{machine()}; {arguments.jobs} parallel runs, {threads} threads each")
    rows = []
    for epochs in arguments.epochs:
        group = [result for result in results if result["epochs"] == epochs]
        matches, sums, seconds = ([result[key] for result in group] for key in ("exact_match", "all_sums", "seconds"))
        row = [f"{epochs} epochs, {len(group)} seeds"]
        row += [f"{pick(matches):.2%}" for pick in (min, statistics.median, max)]
        row += [f"{pick(sums):,.0f}" for pick in (min, statistics.median, max)]
        rows.append([*row, f"{statistics.median(seconds):.1f}"])
    header = ["run", "exact match: min", "median", "max", "of 1,000,000 sums: min", "median", "max"]
    table([*header, "training seconds, median"], rows)
    write(arguments.out, results=results)


if __name__ == "__main__":
    main()
