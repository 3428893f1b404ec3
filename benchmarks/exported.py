"""Size, speed and accuracy of saved models, and of the ONNX files that `henkan export` makes from them.

    python benchmarks/exported.py models/names test.tsv [models/other other-test.tsv ...]

Needs henkan[onnx]. The three (folder, ONNX, ONNX with int8 weights) predict the sources of each file alternately, in
batches and one at a time; times are divided by those of the folder. All use one thread. Also prints the time from the
start of a process to its first prediction.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring import environment, machine, ratios, spread, table, write

WEIGHTS = ("manifest.json", "config.json", "vocabulary.json", "weights.safetensors")
START = {
    "folder": "import sys, henkan; print(henkan.load(sys.argv[1]).predict([sys.argv[2]])[0])",
    "onnx": "import sys; from henkan.export.onnx.runtime import OnnxModel; "
    "print(OnnxModel(sys.argv[1], 1).predict([sys.argv[2]])[0])",
}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arguments", nargs="+", metavar="MODEL TEST", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--single", type=int, default=200, help="number of texts that are predicted one at a time")
    parser.add_argument("--texts", type=int, default=5000, help="number of texts in the batches; sources are repeated")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if "HENKAN_THREADS" not in os.environ:  # before NumPy is loaded
        sys.exit(subprocess.call([sys.executable, *sys.argv], env=environment(1)))
    results, rows = {}, []
    for model, test in zip(arguments.arguments[::2], arguments.arguments[1::2], strict=True):
        results[model.name] = found = measure(model, test, arguments)
        for way, numbers in found.items():
            rows.append([model.name if way == "folder" else "", way, *_cells(numbers, found["folder"])])
    print(machine())
    head = ["model", "form", "MB", "size", "exact match", "texts/s", "time, batches", "ms, one text", "time, one text"]
    table([*head, "start, s"], rows)
    write(arguments.out, machine=machine(), results=results)


def measure(folder: Path, test: Path, arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Measure the three forms of a model: form -> numbers."""
    from henkan.evaluation.references import References
    from henkan.export.onnx.build import build
    from henkan.export.onnx.runtime import OnnxModel
    from henkan.text.reading import read_pairs
    from henkan.training.fitted_model import load_model

    fitted = load_model(folder)
    pairs = read_pairs(test)
    references = References.of(pairs, fitted.converter.source_vocabulary, fitted.converter.target_vocabulary)
    sources = [pairs.sources[row] for row in references.rows.tolist()]
    fitted.converter.warm_up()
    files = {way: build(fitted.saved, int8=way.endswith("int8")) for way in ("onnx", "onnx int8")}
    ways: dict[str, Callable[[list[str]], list[Any]]] = {"folder": fitted.converter.predict}
    ways |= {way: OnnxModel(content, 1).predict for way, content in files.items()}
    sizes = {"folder": sum((folder / name).stat().st_size for name in WEIGHTS)}
    sizes |= {way: len(content) for way, content in files.items()}
    many = (sources * (arguments.texts // len(sources) + 1))[: arguments.texts]
    found = {way: {"bytes": sizes[way], "batches": [], "single": [], "start": []} for way in ways}
    with tempfile.TemporaryDirectory() as temporary:
        paths = {"folder": folder} | {way: Path(temporary) / f"{way}.onnx" for way in files}
        for way, content in files.items():
            paths[way].write_bytes(content)
        for _ in range(arguments.rounds):
            for way, predict in ways.items():
                found[way]["batches"].append(len(many) / _seconds(lambda p=predict: p(many)))
                one_by_one = [_seconds(lambda p=predict, s=source: p([s])) for source in many[: arguments.single]]
                found[way]["single"].append(1000 * statistics.median(one_by_one))
                script = START["folder" if way == "folder" else "onnx"]
                found[way]["start"].append(
                    _seconds(
                        lambda s=script, w=way: subprocess.check_output([sys.executable, "-c", s, paths[w], many[0]])
                    )
                )
    for way, predict in ways.items():
        right = sum(p in references.targets_of(s) for s, p in zip(sources, predict(sources), strict=True))
        found[way] |= {"sources": len(sources), "right": right}
    return found


def _seconds(call: Callable[[], object]) -> float:
    clock = time.perf_counter()
    call()
    return time.perf_counter() - clock


def _cells(numbers: dict[str, Any], folder: dict[str, Any]) -> list[str]:
    """The cells of a row of the table."""
    rates, others = [1 / rate for rate in numbers["batches"]], [1 / rate for rate in folder["batches"]]
    return [
        f"{numbers['bytes'] / 1e6:.2f}",
        f"{numbers['bytes'] / folder['bytes']:.2f}",
        f"{100 * numbers['right'] / numbers['sources']:.2f} %",
        f"{statistics.median(numbers['batches']):,.0f}",
        ratios(rates, others),
        spread(numbers["single"]),
        ratios(numbers["single"], folder["single"]),
        spread(numbers["start"]),
    ]


if __name__ == "__main__":
    main()
