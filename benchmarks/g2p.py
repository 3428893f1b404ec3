"""Grapheme-to-phoneme conversion, compared with published results.

    python benchmarks/g2p.py --data DIR --work g2p --jobs 2 --out results.json

DIR contains LANGUAGE.train.tsv, LANGUAGE.dev.tsv and LANGUAGE.test.tsv: word, tab, phones separated by spaces. All
languages use henkan's default settings for a file of pairs; Korean sources are normalized to NFD.

The dev set selects the epoch, and the test set is evaluated once. DIR has ten languages with 3,600 training words (the
SIGMORPHON 2020 shared task) or, with --low, five languages with 800 words (SIGMORPHON 2021). There, dev and test set
have only 100 words each, so models are evaluated on both together. That is a little optimistic, because the dev set
selects the epoch.
"""

from __future__ import annotations

import argparse
import statistics
from math import sqrt
from pathlib import Path
from typing import Any

from defaults import Job, run
from measuring import machine, table, write

LANGUAGES = ("arm", "bul", "fre", "geo", "gre", "hin", "hun", "ice", "kor", "lit")
LOW = ("gre", "ice", "ita", "lav", "slv")
# Word error rates: Gorman et al. 2020 and Makarov & Clematide 2020, on the test sets, in the order of LANGUAGES.
PUBLISHED = {
    "n-gram baseline": (18.00, 41.33, 13.56, 37.78, 21.78, 12.67, 6.67, 17.56, 52.22, 23.11),
    "LSTM + attention, best of 36 settings a language": (
        14.67,
        31.11,
        6.22,
        26.44,
        18.89,
        6.67,
        5.33,
        10.00,
        46.89,
        19.11,
    ),
    "transformer, likewise": (14.22, 34.00, 6.89, 28.00, 18.89, 9.56, 5.33, 10.22, 43.78, 20.67),
    "CLUZH, single model, mean": (14.73, 30.81, 8.12, 29.11, 19.60, 7.13, 4.77, 10.00, 28.26, 21.54),
    "best submission of each language (ensembles)": (12.22, 22.22, 5.11, 24.89, 14.44, 5.11, 4.00, 9.11, 24.00, 18.67),
}
# Ashby et al. 2021, on the test sets, in the order of LOW.
PUBLISHED_LOW = {"ensemble of ten transducers (test set alone)": (21.0, 12.0, 19.0, 55.0, 49.0)}


def main() -> None:
    """Train missing models, evaluate and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder for the models")
    parser.add_argument("--low", action="store_true", help="five languages with 800 words")
    parser.add_argument("--languages", nargs="*")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ensemble", type=int, default=5, help="number of ensemble members; 0: no ensemble")
    parser.add_argument("--distil", action="store_true", help="distil the ensemble into one model")
    parser.add_argument("--jobs", type=int, default=1, help="number of models trained in parallel")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    languages = arguments.languages or list(LOW if arguments.low else LANGUAGES)
    kinds = [(f"seed{seed}", seed, 1) for seed in range(arguments.seeds)]
    if arguments.ensemble:
        kinds.append((f"ensemble of {arguments.ensemble}", 0, arguments.ensemble))
    if arguments.distil:
        kinds.append(("distilled", 0, 1))
    keys = [(language, kind) for kind in kinds for language in languages]
    jobs = [job(arguments.data, arguments.ensemble, arguments.low, *key) for key in keys]
    results = run(jobs, arguments.work, arguments.jobs)
    measured = {(language, name): each for (language, (name, *_)), each in zip(keys, results, strict=True)}
    print(f"{machine()}; {arguments.jobs} models in parallel\n")
    show(measured, languages, [name for name, *_ in kinds], 200 if arguments.low else 450)
    write(arguments.out, results=results, seeds=arguments.seeds, ensemble=arguments.ensemble)


def job(data: Path, members: int, low: bool, language: str, kind: tuple[str, int, int]) -> Job:
    """Return the job for a language."""
    name, seed, count = kind
    files = {part: data / f"{language}.{part}.tsv" for part in ("train", "dev", "test")}
    return Job(
        name=f"{language}-{name.replace(' ', '-')}",
        train=files["train"],
        dev=files["dev"],
        tests=(files["dev"], files["test"]) if low else (files["test"],),
        settings={"seed": seed, "target_symbols": " "} | ({"source_normalization": "NFD"} if language == "kor" else {}),
        members=count,
        teacher=f"{language}-ensemble-of-{members}" if name == "distilled" else None,
    )


def show(measured: dict[Any, dict[str, Any]], languages: list[str], kinds: list[str], words: int) -> None:
    """Print the word error rates, with standard errors for sets of so many words, together with published ones."""
    seeds = [kind for kind in kinds if kind.startswith("seed")]
    each = [[100 - measured[language, kind]["exact_match"] for kind in seeds] for language in languages]
    means = [statistics.fmean(values) for values in each]
    rows = [
        row(f"henkan, one model, mean of {len(seeds)} seeds", means),
        row("the same, standard deviation over seeds", [statistics.pstdev(values) for values in each]),
    ]
    rows += [
        row(f"henkan, {kind}", [100 - measured[language, kind]["exact_match"] for language in languages])
        for kind in kinds
        if kind not in seeds
    ]
    errors = [sqrt(rate * (100 - rate) / words) for rate in means]
    rows.append([*row("standard error from the number of words", errors)[:-1], f"{_root_mean(errors):.2f}"])
    single = [[measured[language, kind] for kind in seeds] for language in languages]
    rows += [
        row(
            "symbol error rate of one model",
            [statistics.fmean(run["symbol_error_rate"] for run in runs) for runs in single],
        ),
        row("training seconds of one model", [statistics.median(run["seconds"] for run in runs) for runs in single]),
    ]
    published = PUBLISHED if set(languages) <= set(LANGUAGES) and words == 450 else PUBLISHED_LOW
    order = LANGUAGES if published is PUBLISHED else LOW
    for name, values in published.items():
        rows.append(row(name, [dict(zip(order, values, strict=True))[language] for language in languages]))
    table(["word error rate, %", *languages, "mean"], rows)


def _root_mean(errors: list[float]) -> float:
    """Standard error of the mean over independent sets."""
    return sqrt(sum(error**2 for error in errors)) / len(errors)


def row(name: str, values: list[float]) -> list[str]:
    """A row of the table, with the mean."""
    return [name, *(f"{value:.2f}" for value in values), f"{statistics.fmean(values):.2f}"]


if __name__ == "__main__":
    main()
