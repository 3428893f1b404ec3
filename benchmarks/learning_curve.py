"""Extrapolation of learning curves: the exact match that is expected with all pairs, from subsets of up to a half.

    python benchmarks/learning_curve.py --g2p DIR --inflection DIR --kept measurements.json --out results.json

The folders contain NAME.train.tsv and NAME.dev.tsv (--g2p), and NAME.1000.tsv and NAME.dev.tsv (--inflection). For each
set, models are trained on 1/16 to all of the pairs and evaluated on the dev set. The curve is fitted to the sizes up to
a half, and the expected exact match with all pairs is compared with the measured one; likewise, with the sizes up to a
quarter, that with a half. Two simple rules are compared with it: no gain, and as much gain as from the last doubling.
Measurements are kept in a file, so that the command continues, and so that another fit needs no more training.

With --updates and --hidden-size, models are smaller and trained shorter than by default, which takes less time.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from henkan.selection.curve_plan import CurvePlan, plan_curve
from henkan.selection.kept import KeptMeasurements
from henkan.selection.measuring_many import Measured, measure_all
from henkan.text.pairs import Columns
from henkan.text.reading import read_pairs
from henkan.training.choice import Wanted

FRACTIONS = [2.0**-power for power in range(4, -1, -1)]


def main() -> None:
    """Measure, compare and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--g2p", type=Path, help="folder with grapheme-to-phoneme sets")
    parser.add_argument("--languages", nargs="*", default=["bul", "gre", "hin", "hun"], help="of --g2p")
    parser.add_argument("--inflection", type=Path, help="folder with inflection sets")
    parser.add_argument("--inflected", nargs="*", default=["spanish", "turkish"], help="languages of --inflection")
    parser.add_argument("--updates", type=int, help="updates of a model  [default: those of its recipe]")
    parser.add_argument("--hidden-size", type=int, help="hidden size of a model  [default: that of its recipe]")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--kept", type=Path, help="file for the measurements")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    kept = KeptMeasurements(arguments.kept)
    changed = {"updates": arguments.updates, "hidden_size": arguments.hidden_size}
    changed = {name: value for name, value in changed.items() if value is not None}
    for name, plan in plans(arguments, changed).items():
        measured = measure_all(
            plan.fits, jobs=arguments.jobs, kept=kept, report=lambda each, name=name: show(name, each)
        )
        print(name, [sum(measured[n].exact_match for n in plan.numbers_of(s)) / plan.seeds for s in plan.sizes])


def plans(arguments: argparse.Namespace, changed: dict) -> dict[str, CurvePlan]:
    """Read the sets and plan their models."""
    files = {}
    if arguments.g2p is not None:
        files |= {name: (arguments.g2p, f"{name}.train", Columns()) for name in arguments.languages}
    if arguments.inflection is not None:
        files |= {name: (arguments.inflection, f"{name}.1000", Columns(0, 1, 2, 3)) for name in arguments.inflected}
    found = {}
    for name, (folder, train, columns) in files.items():
        pairs, dev = (read_pairs(folder / f"{each}.tsv", columns=columns) for each in (train, f"{name}.dev"))
        features = {"features": True} if columns.features is not None else {}
        wanted = Wanted({"target_symbols": None, **features, **changed})
        found[name] = plan_curve(pairs, dev, wanted, fractions=FRACTIONS, seeds=arguments.seeds)
    return found


def show(name: str, event: Measured) -> None:
    """Print a measurement."""
    if not event.kept:
        left = "" if event.seconds_left is None else f", {event.seconds_left:.0f} s left"
        print(f"{name}: {len(event.job.pairs)} pairs, {event.measurement.exact_match:.1%}{left}", flush=True)


if __name__ == "__main__":
    main()
