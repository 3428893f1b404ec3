"""Speed of training in a browser: how long a worker in Chromium takes to learn sums.

    python benchmarks/browser_training.py --seeds 5

Needs selenium, Chromium and its driver. For two and three digits, with WebAssembly and with plain JavaScript, prints
the seconds from the start of the worker (its data and weights included) until the exact match on all held-out pairs
reaches the target, the exact match after the last update, and the updates per second. Held-out pairs are predicted
every `--every` updates; the seconds include that.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measuring import machine, spread, table, write

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
TARGETS = {2: 0.99, 3: 0.9828}
HELD_OUT = {2: 1000, 3: 5000}
WORKER = """
import { Trainer } from "/runtime/trainer.js";
import { ADDITION_SETTINGS, ADDITION_SYMBOLS, additionPairs } from "/runtime/tasks.js";

self.onmessage = ({ data: { digits, products, seed, held, target, every } }) => {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const { pairs: count, hidden_size, ...training } = ADDITION_SETTINGS[digits];
  const pairs = additionPairs({ digits, count: count + held, seed });
  const trainer = new Trainer({
    pairs: { training: pairs.slice(held), validation: pairs.slice(0, held) },
    symbols: ADDITION_SYMBOLS, model: { hidden_size }, training, seed, products,
  });
  const begun = seconds();
  let [reached, tests] = [null, 0];
  // The first pairs tell whether it is worthwhile to predict all.
  const reaches = () => [held / 10, held].every((limit) => trainer.evaluate(limit).exactMatch >= target);
  while (!trainer.finished) {
    trainer.step();
    if (reached !== null || (trainer.update % every && !trainer.finished)) continue;
    const before = seconds();
    if (reaches()) reached = seconds();
    tests += seconds() - before;
  }
  const rate = trainer.update / (seconds() - begun - tests);
  postMessage({ reached, rate, exact: trainer.evaluate().exactMatch, updates: trainer.update });
};
"""
SCRIPT = """
window.result = null;
const worker = new Worker("/worker.js", { type: "module" });
worker.onmessage = ({ data }) => { worker.terminate(); window.result = data; };
worker.onerror = ({ message }) => { window.result = { error: message }; };
worker.postMessage(arguments[0]);
"""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--digits", type=int, nargs="+", default=[2, 3], choices=sorted(TARGETS))
    parser.add_argument("--products", nargs="+", default=["wasm", "plain"], choices=["wasm", "plain"])
    parser.add_argument("--every", type=int, default=50, help="number of updates between two predictions")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    results, rows = [], []
    version, found = measure(arguments)
    for (digits, products), runs in found.items():
        reached = [run["reached"] for run in runs if run["reached"] is not None]
        results.append({"digits": digits, "products": products, "target": TARGETS[digits], "runs": runs})
        rows.append(
            [
                str(digits),
                products,
                f"{100 * TARGETS[digits]:g} %",
                spread(reached, 1) if reached else "",
                f"{len(reached)} of {len(runs)}",
                spread([100 * run["exact"] for run in runs]),
                spread([run["rate"] for run in runs], 1),
            ]
        )
    print(f"Chromium {version}; {machine()}")
    table(["digits", "products", "target", "seconds to it", "reached", "exact match, %", "updates/s"], rows)
    write(arguments.out, chromium=version, results=results)


def measure(arguments: argparse.Namespace) -> tuple[str, dict[tuple[int, str], list[dict[str, Any]]]]:
    """Run all cases; returns the version of Chromium, and the runs of each number of digits and kind of products."""
    from browser import chromium, served

    cases = [(digits, products) for digits in arguments.digits for products in arguments.products]
    found: dict[tuple[int, str], list[dict[str, Any]]] = {case: [] for case in cases}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "runtime").symlink_to(ROOT / "src/henkan/web/runtime")
        (folder / "index.html").write_text("<!doctype html><title>Training</title>", encoding="utf-8")
        (folder / "worker.js").write_text(WORKER, encoding="utf-8")
        with served(folder) as address, chromium() as driver:
            driver.get(address)
            for seed in range(arguments.seeds):
                for digits, products in cases:
                    run = {"digits": digits, "products": products, "seed": seed, "target": TARGETS[digits]}
                    run |= {"held": HELD_OUT[digits], "every": arguments.every}
                    driver.execute_script(SCRIPT, run)
                    while (result := driver.execute_script("return window.result")) is None:
                        time.sleep(1)
                    if "error" in result:
                        sys.exit(f"the worker failed: {result['error']}")
                    found[digits, products].append(result)
                    print(f"{digits} digits, {products}, seed {seed}: {result}", file=sys.stderr, flush=True)
            return driver.capabilities["browserVersion"], found


if __name__ == "__main__":
    main()
