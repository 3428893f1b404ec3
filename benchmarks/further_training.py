"""Does a model forget its earlier pairs if it is trained further on new ones alone?

    python benchmarks/further_training.py --data DIR --out further_training.json

DIR is that of `annotation.py`. A model is trained on 200 random words. `henkan next` chooses 100 more, whose
pronunciations are added. Then models are trained on the new words alone, starting from the first model
(`henkan train --from`); on all words, starting from it; and on all words from scratch. Each is measured on the dev set
and on the first 200 words.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from annotation import START, read_targets
from measuring import machine, share_cores, table, write

LANGUAGES = ("hun", "ice", "lit")
NEW = 100


def main() -> None:
    """Train the models, and print their error rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--languages", nargs="*", default=LANGUAGES)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    share_cores(1)
    print(f"{machine()}\n")
    results = [row for language in arguments.languages for row in measure(arguments.data, language)]
    shown = [[row["language"], row["model"], *(f"{row[name]:.1f}" for name in ("dev", "earlier"))] for row in results]
    table(["language", "trained on", "wrong words of the dev set, %", "of the first 200 words, %"], shown)
    write(arguments.out, results=results)


def measure(data: Path, language: str) -> list[dict[str, Any]]:
    """Train and measure the models of one language."""
    from dataclasses import replace

    from henkan.engine.numpy import NumpyEngines
    from henkan.evaluation.error_rates import evaluate
    from henkan.selection.annotation.ranking import rank
    from henkan.text.pairs import Pairs
    from henkan.training.choice import Wanted
    from henkan.training.fitted_model import FittedModel
    from henkan.training.job import TrainingJob
    from henkan.training.trainer import Trainer

    targets, dev = (read_targets(data, language, part) for part in ("train", "dev"))
    words = [sorted(targets)[row] for row in np.random.default_rng(0).permutation(len(targets))]
    first, pool = words[:START], words[START:]

    def train(chosen: list[str], start: FittedModel | None = None) -> FittedModel:
        pairs = Pairs(chosen, [targets[word] for word in chosen])
        variants = [
            replace(each, training=replace(each.training, calibrate_outside=False))
            for each in Wanted({"target_symbols": " "}).choose(pairs).variants
        ]
        if start is not None:  # a model to start from keeps its settings
            variants = [replace(each, model=start.saved.first.model) for each in variants]
        return Trainer(NumpyEngines()).fit(pairs, None, TrainingJob(variants, start=start))

    def errors(fitted: FittedModel, pairs: Pairs) -> float:
        return 100 * (1 - evaluate(fitted.converter, pairs).exact_match)

    model = train(first)
    new = [each.source for each in rank(model, pool, NEW, first).proposals]
    models = {
        "the first words": model,
        "the new words, from the first model": train(new, model),
        "all words, from the first model": train([*first, *new], model),
        "all words, from scratch": train([*first, *new]),
    }
    return [
        {
            "language": language,
            "model": name,
            "dev": errors(fitted, Pairs(list(dev), list(dev.values()))),
            "earlier": errors(fitted, Pairs(first, [targets[word] for word in first])),
        }
        for name, fitted in models.items()
    ]


if __name__ == "__main__":
    main()
