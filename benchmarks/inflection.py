"""Morphological inflection in four languages with 100 and 1,000 training pairs, compared with published results.

    python benchmarks/inflection.py --data DIR --work inflection --jobs 2 --out results.json

DIR contains LANGUAGE.100.tsv and LANGUAGE.1000.tsv (training sets), LANGUAGE.dev.tsv and LANGUAGE.test.tsv of the
CoNLL-SIGMORPHON 2017 shared task: lemma, tab, form, tab, feature tags. All use henkan's default settings for a file of
pairs with tags. The dev set selects the epoch; the test set is evaluated once.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

from defaults import Job, run
from measuring import machine, table, write

LANGUAGES = ("spanish", "turkish", "finnish", "russian")
SIZES = (100, 1000)
# Exact match on the test sets, in the order of LANGUAGES; None: not published.
RULES = {100: (57.1, 14.1, 9.5, 45.6), 1000: (84.7, 32.9, 43.7, 75.9)}
YOYODYNE = {
    "yoyodyne 0.5.27, attention": (None, 84.1, None, None),
    "yoyodyne 0.5.27, pointer-generator": (None, 86.3, None, None),
    "yoyodyne 0.5.27, pointer-generator, rotary transformer": (None, 89.4, None, None),
}


def main() -> None:
    """Train missing models, evaluate and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder for the models")
    parser.add_argument("--languages", nargs="*", default=list(LANGUAGES))
    parser.add_argument("--sizes", nargs="*", type=int, default=list(SIZES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ensemble", type=int, default=5, help="number of ensemble members; 0: no ensemble")
    parser.add_argument("--jobs", type=int, default=1, help="number of models trained in parallel")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    kinds = [(f"seed{seed}", seed, 1) for seed in range(arguments.seeds)]
    if arguments.ensemble:
        kinds.append((f"ensemble{arguments.ensemble}", 0, arguments.ensemble))
    keys = [(size, language, kind) for kind in kinds for size in arguments.sizes for language in arguments.languages]
    results = run((job(arguments.data, *key) for key in keys), arguments.work, arguments.jobs)
    measured = {
        (size, language, name): result for (size, language, (name, *_)), result in zip(keys, results, strict=True)
    }
    print(f"{machine()}; {arguments.jobs} models in parallel\n")
    for size in arguments.sizes:
        show(measured, size, arguments.languages, [name for name, *_ in kinds])
    write(arguments.out, results=results, seeds=arguments.seeds, ensemble=arguments.ensemble)


def job(data: Path, size: int, language: str, kind: tuple[str, int, int]) -> Job:
    """Return the job for a training set."""
    name, seed, members = kind
    return Job(
        name=f"{language}.{size}-{name}",
        train=data / f"{language}.{size}.tsv",
        dev=data / f"{language}.dev.tsv",
        tests=(data / f"{language}.test.tsv",),
        settings={"seed": seed, "features": True},
        members=members,
        columns="source,target,features",
    )


def show(measured: dict[Any, dict[str, Any]], size: int, languages: list[str], kinds: list[str]) -> None:
    """Print the exact match for training sets of one size, together with published results."""
    seeds = [kind for kind in kinds if kind.startswith("seed")]
    each = [[measured[size, language, kind]["exact_match"] for kind in seeds] for language in languages]
    rows: list[list[str]] = [
        row(f"henkan, one model, mean of {len(seeds)} seeds", [statistics.fmean(values) for values in each]),
        row("the same, standard deviation", [statistics.pstdev(values) for values in each]),
    ]
    ensembles = [kind for kind in kinds if kind not in seeds]
    rows += [
        row(f"henkan, {kind}", [measured[size, language, kind]["exact_match"] for language in languages])
        for kind in ensembles
    ]
    seconds = [statistics.median(measured[size, language, kind]["seconds"] for kind in seeds) for language in languages]
    rows.append(row("training seconds", seconds))
    rows.append(row("shared task, rules", [of_language(RULES.get(size, ()), language) for language in languages]))
    if size == 1000:
        for name, published in YOYODYNE.items():
            rows.append(row(name, [of_language(published, language) for language in languages]))
    table([f"exact match, %, {size} pairs", *languages, "mean"], rows)
    print()


def of_language(published: tuple[float | None, ...], language: str) -> float | None:
    """Return the published figure of a language, or None."""
    return dict(zip(LANGUAGES, published, strict=False)).get(language)


def row(name: str, values: list[float | None]) -> list[str]:
    """A row of a table, with the mean if all values are known."""
    known = [value for value in values if value is not None]
    mean = f"{statistics.fmean(known):.1f}" if known and len(known) == len(values) else ""
    return [name, *("" if value is None else f"{value:.1f}" for value in values), mean]


if __name__ == "__main__":
    main()
