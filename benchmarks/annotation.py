"""How many labels `henkan next` saves: simulated annotation of pronunciations, compared with random choice.

    python benchmarks/annotation.py --data DIR --work annotation.jsonl --out annotation.json
    python benchmarks/annotation.py --data DIR --work annotation.jsonl --languages hun ice lit --part dev

DIR contains LANGUAGE.train.tsv, LANGUAGE.dev.tsv and LANGUAGE.test.tsv of the SIGMORPHON 2020 shared task: word, tab,
phones separated by spaces. Of the training words, 200 random ones are labelled at the start, the same for all
strategies, and the others are unlabelled. In every round, a strategy chooses some of these, their pronunciations are
revealed, and a model is trained from scratch on all labelled pairs with henkan's default settings and without a
validation set. The error rate is the share of wrong words of the test set (or with --part dev, of the dev set).

    next      the words that `henkan next MODEL WORDS --labelled PAIRS` chooses, with the model of the round before
    random    random words
    longest   the words with most letters, to see how much of the effect is their length

Each curve of error rates, averaged over the seeds, is made monotone (isotonic regression), and interpolated between the
logarithms of the numbers of labels. The ratio compares the labels that two strategies need for the same error rate:
those after the first 200, which both have, and all labels. The error rates are those that random choice has reached
after its rounds.

Every training run is written to the file WORK at once, with the words that are chosen next, and is not repeated if the
program is started again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from label_curves import RATIOS, START, Record, compare, means
from measuring import machine, share_cores, table, write

LANGUAGES = ("arm", "bul", "fre", "geo", "gre")
"""The first five languages of the shared task in alphabetical order; `henkan next` was developed on others."""

ROUNDS = {"random": (500, 1000), "next": (350, 650), "longest": (350, 650)}
"""Numbers of labelled words after each round. The strategies that need fewer labels are measured at smaller numbers."""

FURTHER = (1000,)
"""Further rounds of a strategy that has not reached the error rate of random choice after the last of its rounds."""


@dataclass(frozen=True)
class Simulation:
    """The annotation of one language by one strategy.

    Attributes:
        data: folder with the data.
        work: file with the records of the training runs.
        language, seed, strategy: what is simulated.
        part: the part that the error rate is measured on.
        updates: number of updates of a training run; None: the default.
    """

    data: Path
    work: Path
    language: str
    seed: int
    strategy: str
    part: str
    updates: int | None

    def run(self, *, further: bool = False) -> None:
        """Run the rounds that are not recorded yet."""
        targets = read_targets(self.data, self.language, "train")
        order = np.random.default_rng([self.seed, 7]).permutation(len(targets))
        words = [sorted(targets)[row] for row in order]
        labelled, pool = words[:START], words[START:]
        done = {each["labels"]: each for each in read_records(self.work) if self._is_mine(each)}
        rounds = [*ROUNDS[self.strategy], *(FURTHER if self.strategy == "next" else ())]
        chosen: Sequence[str] = []
        for size, following in zip([START, *rounds], [*rounds, None], strict=True):
            if size in FURTHER and self.strategy == "next" and not further:
                return
            labelled = [*labelled, *chosen]
            if size not in done and not (size == START and self.strategy != "next"):
                done[size] = self._round(labelled, pool, targets, following)
            if following is not None:
                chosen = done[size]["chosen"] if self.strategy == "next" else self._simple(labelled, pool, following)

    def _is_mine(self, record: Record) -> bool:
        return all(record[name] == getattr(self, name) for name in ("language", "seed", "strategy", "part", "updates"))

    def misses_random_choice(self) -> bool:
        """Whether the mean over the seeds does not reach the error rates of random choice after the ordinary rounds."""
        records = [
            each
            for each in read_records(self.work)
            if replace(self, strategy=each["strategy"], seed=each["seed"])._is_mine(each)
            and (each["strategy"] == "random" or each["labels"] not in FURTHER)
        ]
        return any(each["labels"] is None for each in compare(records, self.strategy))

    def _simple(self, labelled: Sequence[str], pool: Sequence[str], size: int) -> list[str]:
        """Choose words without a model. The pool is in random order."""
        known = set(labelled)
        left = [word for word in pool if word not in known]
        if self.strategy == "longest":
            left.sort(key=len, reverse=True)
        return left[: size - len(labelled)]

    def _round(
        self, labelled: Sequence[str], pool: Sequence[str], targets: dict[str, str], following: int | None
    ) -> Record:
        """Train a model and measure it; choose the words of the next round."""
        from henkan.evaluation.error_rates import evaluate
        from henkan.selection.annotation.ranking import rank
        from henkan.selection.training_run import TrainingRun, train
        from henkan.text.pairs import Pairs
        from henkan.training.choice import Wanted

        pairs = Pairs(labelled, [targets[word] for word in labelled])
        variants = Wanted({"target_symbols": " "}).choose(pairs).variants
        if self.updates is not None:
            variants = [replace(each, training=replace(each.training, updates=self.updates)) for each in variants]
        clock = time.perf_counter()
        fitted = train(TrainingRun(pairs, None, variants, self.seed))
        trained = time.perf_counter()
        test = read_targets(self.data, self.language, self.part)
        measured = evaluate(fitted.converter, Pairs(list(test), list(test.values())))
        record = {name: getattr(self, name) for name in ("language", "seed", "strategy", "part", "updates")} | {
            "labels": len(labelled),
            "letters": sum(map(len, labelled)),
            "error": 100 * (1 - measured.exact_match),
            "symbol_error": 100 * measured.symbol_error_rate,
            "seconds": trained - clock,
        }
        if self.strategy == "next" and following is not None:
            clock = time.perf_counter()
            ranking = rank(fitted, pool, following - len(labelled), labelled)
            record |= {"rank_seconds": time.perf_counter() - clock}
            record |= {"chosen": [each.source for each in ranking.proposals]}
        with self.work.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
        return record


def run(simulation: Simulation) -> Simulation:
    """Run a simulation in a worker process."""
    simulation.run()
    return simulation


def read_targets(data: Path, language: str, part: str) -> dict[str, str]:
    """Read words and their first pronunciation."""
    from henkan.text.reading import read_pairs

    pairs = read_pairs(data / f"{language}.{part}.tsv")
    targets: dict[str, str] = {}
    for source, target in zip(pairs.sources, pairs.targets, strict=True):
        targets.setdefault(source, target)
    return targets


def read_records(work: Path) -> Iterator[Record]:
    """Read the records of earlier training runs; the last line may be incomplete."""
    for line in work.read_text(encoding="utf-8").splitlines() if work.exists() else ():
        if line.endswith("}"):
            yield json.loads(line)


def main() -> None:
    """Simulate what is missing, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="file with the records of the training runs")
    parser.add_argument("--languages", nargs="*", default=LANGUAGES)
    parser.add_argument("--strategies", nargs="*", default=["next", "random"], choices=list(ROUNDS))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--part", choices=("dev", "test"), default="test")
    parser.add_argument("--updates", type=int, help="number of updates of each training run, for a quick trial")
    parser.add_argument("--jobs", type=int, default=1, help="number of models trained in parallel")
    parser.add_argument("--show", action="store_true", help="only print what is recorded")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    simulations = [
        Simulation(arguments.data, arguments.work, language, seed, strategy, arguments.part, arguments.updates)
        for seed in range(arguments.seeds)
        for language in arguments.languages
        for strategy in arguments.strategies
    ]
    if not arguments.show:
        simulate(simulations, arguments.jobs)
    records = [each for each in read_records(arguments.work) if any(one._is_mine(each) for one in simulations)]
    by_language = {name: [each for each in records if each["language"] == name] for name in arguments.languages}
    print(f"{machine()}; {arguments.jobs} models in parallel\n")
    found = {
        strategy: {name: compare(each, strategy) for name, each in by_language.items() if each}
        for strategy in arguments.strategies
        if strategy != "random"
    }
    show(by_language, found)
    kept = [{name: value for name, value in each.items() if name != "chosen"} for each in records]
    write(arguments.out, start=START, seeds=arguments.seeds, comparisons=found, means=means(found), records=kept)


def simulate(simulations: Sequence[Simulation], jobs: int) -> None:
    """Run all simulations, then the further rounds of those that need them."""
    from henkan.selection.processes import worker_processes

    share_cores(jobs)
    with worker_processes(jobs) as pool:
        tasks = [pool.submit(run, each) for each in simulations]
        for number, task in enumerate(as_completed(tasks), start=1):
            one = task.result()
            print(f"{number} of {len(tasks)}: {one.language}, seed {one.seed}, {one.strategy}", flush=True)
    wanted = [one for one in simulations if one.strategy == "next" and one.misses_random_choice()]
    for one in wanted:  # with all seeds of a language, whatever the first of them finds
        one.run(further=True)


def show(by_language: dict[str, list[Record]], found: dict[str, dict[str, list[Record]]]) -> None:
    """Print the error rates and the ratios as tables."""
    rows = []
    for language, records in by_language.items():
        for strategy, labels in sorted({(each["strategy"], each["labels"]) for each in records}):
            same = [each for each in records if (each["strategy"], each["labels"]) == (strategy, labels)]
            errors = [each["error"] for each in same]
            letters = statistics.fmean(each["letters"] for each in same)
            spread = f"{statistics.fmean(errors):.1f} ({', '.join(f'{error:.1f}' for error in errors)})"
            rows.append([language, strategy, str(labels), spread, f"{letters:,.0f}"])
    table(["language", "strategy", "labels", "word error rate, % (each seed)", "letters labelled"], rows)
    print()
    for strategy, languages in found.items():
        rows = [
            [language, str(each["random_labels"]), f"{each['error']:.1f}", *map(_shown, (each["labels"],)), *ratios]
            for language, compared in languages.items()
            for each in compared
            for ratios in [[_shown(each[name], 2) for name in RATIOS]]
        ]
        ratios = ["ratio of new labels", "of all labels", "of new letters"]
        table(["language", "labels, random", "error rate, %", f"labels, {strategy}", *ratios], rows)
        print()
    for strategy, values in means(found).items():
        print(f"{strategy}: mean over languages {json.dumps(values)}")


def _shown(value: float | None, digits: int = 0) -> str:
    return "not reached" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    main()
