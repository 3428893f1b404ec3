"""What constraints cost: predictions of random words without one, with a list of 100,000 words, and with a pattern.

    python benchmarks/constraints.py

Models of both recipes for files are trained on 2,000 words in upper and lower case. The three are measured alternately,
with compiled kernels. Also prints how many predictions are in the list, and how many are right.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

from measuring import machine, ratios, spread, table, write

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", type=int, default=100_000, help="length of the list")
    parser.add_argument("--texts", type=int, default=40_000, help="number of predictions")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    from henkan import Seq2Seq

    draw = random.Random(0)

    def words(count: int) -> list[str]:
        return ["".join(draw.choices(LETTERS, k=draw.randrange(4, 13))) for _ in range(count)]

    known, names = words(2000), words(arguments.names)
    wanted = draw.choices(names, k=arguments.texts)
    texts, rows, results = [name.upper() for name in wanted], [], {}
    ways = {"free": {}, "list": {"allow": names}, "pattern": {"pattern": "[a-z]{4,12}"}}
    for recipe in ("words", "edits"):
        model = Seq2Seq(recipe=recipe, epochs=3, augment=0).fit([word.upper() for word in known], known)
        model.warm_up()
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        found: dict[str, list[str]] = {}
        for _ in range(arguments.rounds):
            for way, options in ways.items():
                clock = time.perf_counter()
                found[way] = model.predict(texts, **options)
                seconds[way].append(time.perf_counter() - clock)
        for way in ways:
            ratio = ratios(seconds[way], seconds["free"])
            listed = sum(map({*names}.__contains__, found[way])) / len(texts)
            right = sum(map(str.__eq__, found[way], wanted)) / len(texts)
            rows.append([recipe, way, spread(seconds[way]), ratio, f"{listed:.1%}", f"{right:.1%}"])
        results[recipe] = seconds
    print(machine())
    table(["recipe", "constraint", "seconds", "time relative to free", "in the list", "right"], rows)
    write(arguments.out, results=results)


if __name__ == "__main__":
    main()
