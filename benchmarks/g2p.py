"""Grapheme-to-phoneme conversion in ten languages, compared with published results.

    python benchmarks/g2p.py --data DIR --work g2p --jobs 2 --out results.json

DIR contains LANGUAGE.train.tsv, LANGUAGE.dev.tsv and LANGUAGE.test.tsv of the SIGMORPHON 2020 shared task on
multilingual grapheme-to-phoneme conversion: word, tab, phones separated by spaces. All languages use henkan's default
settings for a file of pairs; Korean sources are normalized to NFD. The dev set selects the epoch; the test set is
evaluated once.

Models are saved in the folder --work as soon as they are trained, so that an interrupted run can be resumed. The
ensemble combines all seeds of a language.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from measuring import machine, share_cores, table, write

LANGUAGES = ("arm", "bul", "fre", "geo", "gre", "hin", "hun", "ice", "kor", "lit")
# Test word error rates: Gorman et al. 2020 and Makarov & Clematide 2020, in the order of LANGUAGES.
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


def settings(language: str) -> dict[str, str]:
    """Settings that the data of a language needs."""
    return {"target_symbols": " "} | ({"source_normalization": "NFD"} if language == "kor" else {})


def train(data: Path, work: Path, language: str, seed: int) -> Path:
    """Train a model unless it already exists, and return its folder."""
    from henkan.engine.numpy import NumpyEngines
    from henkan.recipes import make_configs
    from henkan.text.data_source import DataSource
    from henkan.text.reading import read_pairs
    from henkan.training.job import TrainingJob
    from henkan.training.trainer import Trainer

    folder = work / f"{language}-{seed}"
    if not (folder / "manifest.json").exists():
        pairs, dev = (read_pairs(data / f"{language}.{part}.tsv") for part in ("train", "dev"))
        configs = make_configs(settings(language) | {"seed": seed})
        source = DataSource(language, pairs=len(pairs), held_out="file", seed=seed)
        Trainer(NumpyEngines()).fit(pairs, dev, TrainingJob.single(*configs, data=source)).save(folder)
    return folder


def measure(data: Path, work: Path, language: str, seeds: int, beam: int) -> dict[str, object]:
    """Test error rates in percent: for each seed, greedy and with beam search, and for the ensemble."""
    from henkan.evaluation.error_rates import evaluate
    from henkan.inference.conversion import Request
    from henkan.text.reading import read_pairs
    from henkan.training.combine import combine
    from henkan.training.fitted_model import load_model

    dev, test = (read_pairs(data / f"{language}.{part}.tsv") for part in ("dev", "test"))
    models = [load_model(work / f"{language}-{seed}") for seed in range(seeds)]
    ensemble = combine(models, dev)
    greedy = [evaluate(model.converter, test) for model in models]
    request = Request(beam=beam, confidence=True)
    with_beam = [evaluate(model.converter, test, request) for model in [*models, ensemble]]
    epochs = [model.saved.metrics["epochs"] for model in models]
    return {
        "language": language,
        "word_error_rate": [100 * each.word_error_rate for each in greedy],
        "with_beam": [100 * each.word_error_rate for each in with_beam[:-1]],
        "symbol_error_rate": [100 * each.symbol_error_rate for each in with_beam[:-1]],
        "calibration_error": [100 * each.expected_calibration_error for each in with_beam[:-1]],
        "ensemble": 100 * evaluate(ensemble.converter, test).word_error_rate,
        "ensemble_with_beam": 100 * with_beam[-1].word_error_rate,
        "ensemble_symbol_error_rate": 100 * with_beam[-1].symbol_error_rate,
        "ensemble_calibration_error": 100 * with_beam[-1].expected_calibration_error,
        "dev": [100 * (1 - max(epoch["exact_match"] for epoch in each)) for each in epochs],
        "seconds": [sum(epoch["seconds"] for epoch in each) for each in epochs],
    }


def main() -> None:
    """Train missing models, evaluate and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder for the models")
    parser.add_argument("--languages", nargs="*", default=list(LANGUAGES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--single", type=int, default=3, help="number of seeds in the rows of the single model")
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument(
        "--jobs", type=int, default=1, help="number of models trained in parallel, which share the cores"
    )
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    threads = share_cores(arguments.jobs)
    arguments.work.mkdir(parents=True, exist_ok=True)
    folders = arguments.data, arguments.work
    with ProcessPoolExecutor(arguments.jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
        tasks = [
            pool.submit(train, *folders, language, seed)
            for seed in range(arguments.seeds)
            for language in arguments.languages
        ]
        for number, task in enumerate(as_completed(tasks), start=1):
            print(f"{number} of {len(tasks)}: {task.result().name}", file=sys.stderr, flush=True)
        measured = list(
            pool.map(
                measure,
                *zip(
                    *[(*folders, language, arguments.seeds, arguments.beam) for language in arguments.languages],
                    strict=True,
                ),
            )
        )
    print(f"{machine()}; {arguments.jobs} models in parallel, {threads} threads each\n")
    show(measured, arguments.single)
    write(arguments.out, results=measured, seeds=arguments.seeds, single=arguments.single, beam=arguments.beam)


def show(measured: list[dict], single: int) -> None:
    """Print the word error rates together with published ones."""
    languages = [each["language"] for each in measured]
    seeds = len(measured[0]["dev"])
    henkan_rows = {
        f"henkan, one model, mean of {single} seeds": [
            statistics.fmean(each["word_error_rate"][:single]) for each in measured
        ],
        "the same, standard deviation": [statistics.pstdev(each["word_error_rate"][:single]) for each in measured],
        "the same with a beam": [statistics.fmean(each["with_beam"][:single]) for each in measured],
        f"henkan, ensemble of {seeds}": [each["ensemble"] for each in measured],
        f"henkan, ensemble of {seeds}, with a beam": [each["ensemble_with_beam"] for each in measured],
        "symbol error rate of one model": [statistics.fmean(each["symbol_error_rate"][:single]) for each in measured],
        "training seconds": [statistics.median(each["seconds"]) for each in measured],
    }
    rows = []
    for name, values in henkan_rows.items():
        rows.append([name, *(f"{value:.2f}" for value in values), *means(languages, values)])
    for name, published in PUBLISHED.items():
        values = [
            dict(zip(LANGUAGES, published, strict=True))[language] for language in languages if language in LANGUAGES
        ]
        if len(values) == len(languages):
            rows.append([name, *(f"{value:.2f}" for value in values), *means(languages, values)])
    table(["word error rate, %", *languages, "mean", "mean without kor"], rows)


def means(languages: list[str], values: list[float]) -> list[str]:
    """Means over all languages, and over all but Korean."""
    others = [value for language, value in zip(languages, values, strict=True) if language != "kor"]
    return [f"{statistics.fmean(values):.2f}", f"{statistics.fmean(others):.2f}"]


if __name__ == "__main__":
    main()
