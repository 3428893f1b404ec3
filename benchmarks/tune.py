"""`henkan tune` on small data sets: do the settings that it finds beat the defaults on test sets?

    python benchmarks/tune.py --data DIR --work tune --minutes 20 --out docs/results/tune.json

DIR has inflection/LANGUAGE.SIZE.tsv with LANGUAGE.dev.tsv and LANGUAGE.test.tsv (lemma, tab, form, tab, feature tags;
CoNLL-SIGMORPHON 2017) and g2p/LANGUAGE.train.tsv, LANGUAGE.dev.tsv and LANGUAGE.test.tsv (word, tab, phones; SIGMORPHON
2020). The search sees the training and the dev set. Then models with the defaults and with the settings that were found
are trained with three seeds each; the dev set selects their epoch, and each is evaluated once on the test set.

With --minutes M, the budget of a search is time, as for a user. On a machine that others use, --trials N is fairer: the
number of trials of each set (one number, or one for each set) that fit into 20 minutes of two idle cores.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from measuring import machine, table, write

SETS = ("inflection/spanish.1000", "inflection/turkish.100", "inflection/turkish.1000", "g2p/bul", "g2p/gre", "g2p/hin")
SEEDS = 3
TAGS = "source,target,features"


def main() -> None:
    """Tune the sets that have no result yet, evaluate and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder for searches, models and results")
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--minutes", type=float, help="maximum time of a search")
    parser.add_argument("--trials", type=int, nargs="+", help="maximum number of trials of a search, or of each set")
    parser.add_argument("--jobs", type=int, default=2, help="number of models trained in parallel")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    results, trials = {}, arguments.trials or [0]
    numbers = trials * len(arguments.sets) if len(trials) == 1 else trials
    for name, number in zip(arguments.sets, numbers, strict=True):
        path = arguments.work / f"{name.replace('/', '-')}.json"
        if not path.exists():
            found = search(name, arguments, number)
            found["test"] = evaluated(name, arguments.data, found, arguments.jobs)
            path.write_text(json.dumps(found, indent=1) + "\n")
        results[name] = json.loads(path.read_text())
        show(results)
        write(arguments.out, sets=results, mean=means(results), versions={each: version(each) for each in ("optuna",)})


def files(name: str, data: Path) -> tuple[Path, Path, Path, str]:
    """Return the training, dev and test files of a set, and the names of their columns."""
    kind, _, part = name.partition("/")
    if kind == "inflection":
        language = part.partition(".")[0]
        return (
            data / kind / f"{part}.tsv",
            *(data / kind / f"{language}.{each}.tsv" for each in ("dev", "test")),
            TAGS,
        )
    return (*(data / kind / f"{part}.{each}.tsv" for each in ("train", "dev", "test")), "source,target")


def search(name: str, arguments: argparse.Namespace, trials: int) -> dict[str, Any]:
    """Run `henkan tune` on a set, or resume it; return its result and what it took."""
    data, work = arguments.data, arguments.work
    budget = [f"--minutes={arguments.minutes}"] * bool(arguments.minutes) + [f"--trials={trials}"] * bool(trials)
    train, dev, _, columns = files(name, data)
    out = work / name.replace("/", "-")
    command = [sys.executable, "-m", "henkan", "tune", str(train), "--dev", str(dev), "--columns", columns]
    command += ["--out", str(out), "--json", *budget, f"--jobs={arguments.jobs}"]
    variables = {key: value for key, value in os.environ.items() if key != "OPENBLAS_CORETYPE"}
    before, start = cpu_seconds(), time.monotonic()
    done = subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, text=True)
    took = {"wall_seconds": time.monotonic() - start, "cpu_seconds": cpu_seconds() - before}
    found = json.loads(done.stdout)
    return {each: found[each] for each in found if each not in ("folder", "command", "working_directory")} | took


def cpu_seconds() -> float:
    """Processor time of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def evaluated(name: str, data: Path, found: Mapping[str, Any], jobs: int) -> dict[str, Any]:
    """Train with the defaults and with the settings that were found, and evaluate each model once on the test set.

    Returns:
        "defaults" and "tuned" -> exact match on the test set for each seed, in percent.
    """
    from henkan.selection.processes import worker_processes

    kinds = {"defaults": {}} if found["defaults_kept"] else {"defaults": {}, "tuned": found["settings"]}
    calls = [(kind, seed) for seed in range(SEEDS) for kind in kinds]
    with worker_processes(jobs) as pool:
        tasks = [pool.submit(exact_match, name, data, kinds[kind], seed) for kind, seed in calls]
        values = [task.result() for task in tasks]
    matches = {kind: [value for (each, _), value in zip(calls, values, strict=True) if each == kind] for kind in kinds}
    return matches | {"tuned": matches.get("tuned", matches["defaults"])}


def exact_match(name: str, data: Path, settings: Mapping[str, Any], seed: int) -> float:
    """Train a model as `henkan train` does, and return its exact match on the test set in percent."""
    from henkan.cli.data_arguments import parse_columns
    from henkan.evaluation.error_rates import evaluate
    from henkan.selection.training_run import TrainingRun, train
    from henkan.text.layout import Layout
    from henkan.text.reading import read_pair_file
    from henkan.training.choice import Wanted

    *paths, columns = files(name, data)
    layout = Layout(columns=parse_columns(columns))
    pairs, dev, test = (read_pair_file(path, layout).pairs for path in paths)
    others = {each: value for each, value in settings.items() if each != "recipe"}
    others |= {"target_symbols": None} | ({"features": True} if columns == TAGS else {})
    variants = Wanted(others, settings.get("recipe")).choose(pairs).variants
    return 100 * evaluate(train(TrainingRun(pairs, dev, variants, seed)).converter, test).exact_match


def means(results: Mapping[str, Any]) -> dict[str, float]:
    """Return the mean exact match of all sets with the defaults and with the settings that were found."""
    return {
        kind: statistics.fmean(statistics.fmean(each["test"][kind]) for each in results.values())
        for kind in ("defaults", "tuned")
    }


def show(results: Mapping[str, Any]) -> None:
    """Print a table."""
    rows = []
    for name, each in results.items():
        test = [each["test"][kind] for kind in ("defaults", "tuned")]
        dev = each["comparison"]
        cells = [f"{statistics.fmean(values):.1f} ± {statistics.stdev(values):.1f}" for values in test]
        gains = [statistics.fmean(test[1]) - statistics.fmean(test[0]), 100 * dev["gain"] if dev else 0.0]
        settings = "kept" if each["defaults_kept"] else ", ".join(f"{k} {v}" for k, v in each["settings"].items())
        trials = f"{each['trials']['complete']} + {each['trials']['pruned']}"
        rows.append([name, *cells, *(f"{gain:+.1f}" for gain in gains), trials, f"{each['cpu_seconds']:.0f}", settings])
    total = means(results)
    rows.append(["mean", *(f"{each:.2f}" for each in total.values()), f"{total['tuned'] - total['defaults']:+.2f}"])
    rows[-1] += [""] * 4
    print(f"{machine()}\n")
    head = ["exact match on test, %", "defaults", "tuned", "gain", "gain on dev", "trials", "CPU s", "settings"]
    table(head, rows)
    print(flush=True)


if __name__ == "__main__":
    main()
