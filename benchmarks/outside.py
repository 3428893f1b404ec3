"""Calibration error outside the training data: four-digit sums, longer words, unseen combinations of tags.

    python benchmarks/outside.py --sums
    python benchmarks/outside.py --words ice.train.tsv ice.dev.tsv ice.test.tsv
    python benchmarks/outside.py --tags spanish.1000.tsv spanish.dev.tsv spanish.test.tsv

--words trains on the words of up to the 60th percentile of the lengths, --tags on the rows of the first file without
35 % of the combinations of tags. All other rows of the files, as far as they are outside in this way, are the test.
For comparison, the error without the correction is printed too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from henkan import Seq2Seq
from henkan.inference.calibration import expected_calibration_error
from henkan.inference.conversion import Request
from henkan.inference.converter import Converter
from henkan.text.pairs import Columns, Pairs, hold_out
from henkan.text.reading import read_pairs
from henkan.text.tasks import TASKS
from henkan.text.tokenizer import TAG
from measuring import table, write

SUMS = 2000


def sums(seed: int) -> tuple[Pairs, Pairs, dict]:
    """The task's pairs; and sums of two numbers of four digits, or of one such number and a shorter one."""
    generator = np.random.default_rng(seed)
    first = generator.integers(1000, 10000, SUMS)
    second = np.concatenate([generator.integers(1000, 10000, SUMS // 2), generator.integers(0, 1000, SUMS // 2)])
    test = [(f"{a}+{b}", f"{a + b}") for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    return TASKS["addition"].generate(seed=seed), Pairs.of(test), {"recipe": "modern", **TASKS["addition"].settings}


def longer_words(files: Sequence[Path], seed: int) -> tuple[Pairs, Pairs, dict]:
    """Train on the shorter words, test on the others."""
    del seed  # nothing is drawn
    pairs = _read(files, Columns())
    limit = np.quantile([len(source) for source, _ in pairs], 0.6)
    train = Pairs.of(pair for pair in pairs if len(pair[0]) <= limit)
    return train, Pairs.of(pair for pair in pairs if len(pair[0]) > limit), {"target_symbols": " "}


def unseen_tags(files: Sequence[Path], seed: int) -> tuple[Pairs, Pairs, dict]:
    """Train on rows of the first file, test on unseen combinations of tags that each occur in training."""
    columns = Columns(0, 1, 2, 3)
    first, pairs = _read(files[:1], columns), _read(files, columns)
    combinations = sorted({_tags(source) for source, _ in pairs})
    drawn = np.random.default_rng(seed).random(len(combinations)) < 0.35
    unseen = {tags for tags, is_drawn in zip(combinations, drawn, strict=True) if is_drawn}
    train = [pair for pair in first if _tags(pair[0]) not in unseen]
    known = {tag for source, _ in train for tag in _tags(source).split(";")}
    test = [pair for pair in pairs if _tags(pair[0]) in unseen and set(_tags(pair[0]).split(";")) <= known]
    return Pairs.of(train), Pairs.of(test), {"features": True}


def _read(files: Sequence[Path], columns: Columns) -> list[tuple[str, str]]:
    read = [read_pairs(file, columns=columns) for file in files]
    return [pair for pairs in read for pair in zip(pairs.sources, pairs.targets, strict=True)]


def _tags(source: str) -> str:
    return source.partition(TAG)[2]


def measure(name: str, make: Callable[[int], tuple[Pairs, Pairs, dict]], seed: int) -> dict:
    """Train, and return the calibration errors."""
    pairs, test, settings = make(seed)
    train, dev = hold_out(pairs, seed)
    model = Seq2Seq(seed=seed, **settings)
    model.fit(train.sources, train.targets, dev=(dev.sources, dev.targets))
    converter = model._model().converter
    result = {"name": name, "seed": seed, "train": len(train), "dev": _errors(converter, dev)}
    result["outside"] = _errors(converter, test)
    converter.domain = None  # the confidence is then that of the temperature alone
    result["uncorrected"] = _errors(converter, test)
    return result


def _errors(converter: Converter, pairs: Pairs) -> dict[str, float]:
    conversions = converter.convert(pairs.sources, Request(confidence=True))
    right = [each.prediction == target for each, target in zip(conversions, pairs.targets, strict=True)]
    given = [
        (each.confidence, correct)
        for each, correct in zip(conversions, right, strict=True)
        if each.confidence is not None
    ]
    return {
        "sources": len(pairs),
        "exact_match": sum(right) / len(right),
        "with_confidence": len(given) / len(right),
        "calibration_error": expected_calibration_error(*zip(*given, strict=True)) if given else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sums", action="store_true")
    parser.add_argument("--words", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--tags", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.sums:
        result = measure("addition", sums, arguments.seed)
    elif arguments.words or arguments.tags:
        files, make = arguments.words or arguments.tags, longer_words if arguments.words else unseen_tags
        result = measure(files[0].name, partial(make, files), arguments.seed)
    else:
        parser.error("give --sums, --words or --tags")
    print(f"{result['name']}: {result['train']:,} training pairs")
    rows = []
    for part in ("dev", "outside", "uncorrected"):
        each = result[part]
        error = "" if each["calibration_error"] is None else f"{each['calibration_error']:.1%}"
        shares = f"{each['exact_match']:.1%}", f"{each['with_confidence']:.1%}"
        rows.append((part, f"{each['sources']:,}", *shares, error))
    table(("", "sources", "exact match", "with a confidence", "calibration error"), rows)
    write(arguments.out, **result)


if __name__ == "__main__":
    main()
