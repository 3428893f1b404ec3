"""Exact match on the book's dates, separately for test sources that are also in the training set.

    python benchmarks/dates.py --train date.train.tsv --test date.test.tsv --epochs 10

In the book's date.txt more than a quarter of the test sources are also in the training set. The model has the default
settings for a file of pairs and is trained on all pairs of --train without a validation set.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from measuring import machine, table, write


def main() -> None:
    """Train, evaluate and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="training set")
    parser.add_argument("--test", type=Path, required=True, help="test set")
    parser.add_argument("--epochs", type=int, default=10, help="number of epochs")
    parser.add_argument("--seeds", type=int, default=1, help="number of runs")
    parser.add_argument("--out", type=Path, help="write the results to this JSON file")
    arguments = parser.parse_args()
    os.environ.pop("OPENBLAS_CORETYPE", None)
    from henkan import Epoch, Seq2Seq
    from henkan.text.reading import read_pairs

    training_set, test_set = (read_pairs(path, strip=True) for path in (arguments.train, arguments.test))
    known = set(training_set.sources)
    parts = {
        "not in the training set": [k for k, source in enumerate(test_set.sources) if source not in known],
        "also in the training set": [k for k, source in enumerate(test_set.sources) if source in known],
    }
    rows = []
    for seed in range(arguments.seeds):
        seconds: list[float] = []
        model = Seq2Seq(epochs=arguments.epochs, seed=seed)
        model.fit(
            training_set.sources,
            training_set.targets,
            callback=lambda event, seconds=seconds: seconds.append(event.seconds) if isinstance(event, Epoch) else None,
        )
        for name, indices in parts.items():
            pairs = test_set.take(indices)
            exact_match = model.score(pairs.sources, pairs.targets) if len(pairs) else 0.0
            rows.append([str(seed), name, f"{len(pairs):,}", f"{exact_match:.3%}", f"{sum(seconds):.0f}"])
    print(machine())
    table(["seed", "test sources", "number", "exact match", "training seconds"], rows)
    write(arguments.out, rows=rows)


if __name__ == "__main__":
    main()
