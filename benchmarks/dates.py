"""Dates in forty layouts to one, apart for sources that stand in training and those that do not.

    python benchmarks/dates.py --train date.train.tsv --test date.test.tsv --epochs 10

The book's date.txt has the same source in both parts in more than a quarter of its test rows.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from measuring import machine, table, write


def main() -> None:
    """Train with a file's defaults on all of --train, and ask the test part once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    os.environ.pop("OPENBLAS_CORETYPE", None)
    from henkan import Epoch, Seq2Seq
    from henkan.text.reading import read_pairs

    training, testing = (read_pairs(path, strip=True) for path in (arguments.train, arguments.test))
    known = set(training.sources)
    parts = {
        "not in training": testing.take(k for k, source in enumerate(testing.sources) if source not in known),
        "in training too": testing.take(k for k, source in enumerate(testing.sources) if source in known),
    }
    rows = []
    for seed in range(arguments.seeds):
        epochs: list[float] = []
        model = Seq2Seq(epochs=arguments.epochs, seed=seed)
        model.fit(
            training.sources,
            training.targets,
            callback=lambda event, epochs=epochs: epochs.append(event.seconds) if isinstance(event, Epoch) else None,
        )
        for name, pairs in parts.items():
            right = model.score(pairs.sources, pairs.targets) if len(pairs) else 0.0
            rows.append([str(seed), name, f"{len(pairs):,}", f"{right:.3%}", f"{sum(epochs):.0f}"])
    print(machine())
    table(["seed", "test rows", "count", "exact match", "seconds of training"], rows)
    write(arguments.out, rows=rows)


if __name__ == "__main__":
    main()
