"""The playground as a reader has it: first paint from disk, time to the target, and how long the page is busy.

    python benchmarks/playground.py --seeds 3

Needs selenium, Chromium and its driver. The page is opened as a file and trains with its default settings, with
WebAssembly and with plain JavaScript. Prints the time until something is painted, the seconds from the click on "Train"
until the page shows an exact match of at least the target on its 250 held-out sums, and the longest and the 95th
percentile of the times between two frames during training.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from henkan.export.html.playground import build_playground
from measuring import machine, spread, table, write

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
TARGETS = {2: 99.0, 3: 98.28}
PAINT = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
RUN = """
const [target, done] = arguments;
const frames = [];
const start = performance.now();
let [last, reached] = [start, null];
document.getElementById("train").click();
function frame(now) {
  frames.push(now - last);
  last = now;
  const shown = [...document.querySelectorAll(".figure-head .values > *")];
  const match = shown.map((each) => each.textContent.match(/^([\\d.]+)\\s*%$/)).find(Boolean);
  if (match && Number(match[1]) >= target) {
    document.getElementById("train").click();
    done({ reached: (now - start) / 1000, frames });
  } else {
    requestAnimationFrame(frame);
  }
}
requestAnimationFrame(frame);
"""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--digits", type=int, nargs="+", default=[2, 3], choices=sorted(TARGETS))
    parser.add_argument("--products", nargs="+", default=["auto", "plain"], choices=["auto", "plain"])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    version, paints, runs = measure(arguments)
    rows = []
    for (digits, products), found in runs.items():
        frames = [sorted(run["frames"]) for run in found]
        rows.append(
            [
                str(digits),
                {"auto": "WebAssembly", "plain": "plain"}[products],
                f"{TARGETS[digits]:g} %",
                spread([run["reached"] for run in found], 1),
                spread([times[int(0.95 * len(times))] for times in frames], 0),
                spread([times[-1] for times in frames], 0),
            ]
        )
    print(f"Chromium {version}; {machine()}")
    print(f"first paint {spread(paints, 0)} ms after the start of {len(paints)} loads")
    table(["digits", "products", "target", "seconds to it", "95 % of frames within, ms", "longest frame, ms"], rows)
    results = [
        {"digits": digits, "products": products, "reached": [run["reached"] for run in found],
         "frames_median": [statistics.median(run["frames"]) for run in found]}
        for (digits, products), found in runs.items()
    ]  # fmt: skip
    write(arguments.out, chromium=version, paints=paints, results=results)


def measure(arguments: argparse.Namespace) -> tuple[str, list[float], dict[tuple[int, str], list[dict[str, Any]]]]:
    """Open and train; returns the version of Chromium, first paints in ms, and the runs of each case."""
    from browser import chromium

    paints: list[float] = []
    runs: dict[tuple[int, str], list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_bytes(build_playground())
        for seed in range(1, arguments.seeds + 1):
            for digits in arguments.digits:
                for products in arguments.products:
                    with chromium("--window-size=1400,1000") as driver:
                        driver.set_script_timeout(3600)
                        driver.get(f"{page.as_uri()}?digits={digits}&seed={seed}&products={products}")
                        while (paint := driver.execute_script(PAINT)) is None:
                            pass
                        paints.append(paint)
                        run = driver.execute_async_script(RUN, TARGETS[digits])
                        runs.setdefault((digits, products), []).append(run)
                        seconds = run["reached"]
                        print(f"{digits} digits, {products}, seed {seed}: {seconds:.1f} s", file=sys.stderr, flush=True)
                        version = driver.capabilities["browserVersion"]
    return version, paints, runs


if __name__ == "__main__":
    main()
