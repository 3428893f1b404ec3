"""Time to load a model with a stored lexicon, and of its first look-up.

    python benchmarks/stored_lexicon.py models/names

The model is copied, and random words with random targets are stored in the copy. Medians of five rounds.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import time
from pathlib import Path

from measuring import machine, spread, table

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--entries", type=int, nargs="*", default=[0, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    import henkan

    draw, rows = random.Random(0), []
    for entries in arguments.entries:
        words = ["".join(draw.choices(LETTERS, k=10)) for _ in range(entries)]
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(shutil.copytree(arguments.model, Path(temporary) / "model"))
            model = henkan.load(folder)
            if words:
                model.add_to_lexicon(words, words[::-1]).save(folder, force=True)
            loading, looking = [], []
            for _ in range(arguments.rounds):
                clock = time.perf_counter()
                model = henkan.load(folder)
                loading.append(time.perf_counter() - clock)
                clock = time.perf_counter()
                model.predict(words[:1])
                looking.append(time.perf_counter() - clock)
            size = (folder / "lexicon.jsonl").stat().st_size / 1e6 if words else 0
        rows.append([f"{entries:,}", f"{size:.1f}", spread(loading, 3), spread(looking, 3)])
    print(machine())
    table(["entries", "MB", "load, s", "first prediction, s"], rows)


if __name__ == "__main__":
    main()
