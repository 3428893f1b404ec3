"""Extrapolation of learning curves: the exact match that is expected with twice the data, and the measured one.

    python benchmarks/learning_curve.py --tasks dates reversal --epochs 15 --hidden-size 64 --kept kept.json
    python benchmarks/learning_curve.py --g2p DIR --inflection DIR --updates 800 --hidden-size 96 --kept kept.json \\
        --out results.json

The folders contain NAME.train.tsv and NAME.dev.tsv (--g2p), and NAME.1000.tsv and NAME.dev.tsv (--inflection). Of a
task, 3,200 pairs are generated, and a tenth is the dev set. For each set, models are trained on 1/32 to all of the
pairs and evaluated on the dev set. The curve is fitted to the sizes up to a half, and the expected exact match with all
pairs is compared with the measured one; likewise, with the sizes up to a quarter, that with a half. Two simple rules
are compared with it: no gain, and as much gain as from the last doubling. Measurements are kept in a file, so that the
command continues, and so that another fit needs no more training.

With --updates, --epochs and --hidden-size, models are smaller and trained shorter than by default, which takes less
time. With --measured, no models are trained, and sizes that are not measured with all seeds are left out.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path

from henkan.selection.curve.kept import KeptMeasurements
from henkan.selection.curve.learning_curve import Point, curve_of
from henkan.selection.curve.measuring import fingerprint
from henkan.selection.curve.measuring_many import Measured, measure_all
from henkan.selection.curve.plan import CurvePlan, plan_curve
from henkan.text.pairs import Columns, Pairs, hold_out
from henkan.text.reading import read_pairs
from henkan.text.tasks import TASKS
from henkan.training.choice import Wanted
from measuring import machine, table, write

FRACTIONS = [2.0**-power for power in range(5, -1, -1)]
TASK_PAIRS = 3200


def main() -> None:
    """Measure, compare and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="*", default=[], choices=sorted(TASKS))
    parser.add_argument("--g2p", type=Path, help="folder with grapheme-to-phoneme sets")
    parser.add_argument("--languages", nargs="*", default=["bul", "gre", "hin", "hun"], help="of --g2p")
    parser.add_argument("--inflection", type=Path, help="folder with inflection sets")
    parser.add_argument("--inflected", nargs="*", default=["spanish", "turkish"], help="languages of --inflection")
    parser.add_argument("--updates", type=int, help="updates of a model  [default: those of its recipe]")
    parser.add_argument("--epochs", type=int, help="epochs of a model  [default: by the updates]")
    parser.add_argument("--hidden-size", type=int, help="hidden size of a model  [default: that of its recipe]")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--kept", type=Path, help="file for the measurements")
    parser.add_argument("--measured", action="store_true", help="train nothing; compare what was measured")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    kept = KeptMeasurements(arguments.kept)
    changed = {name: getattr(arguments, name) for name in ("updates", "epochs", "hidden_size")}
    changed = {name: value for name, value in changed.items() if value is not None}
    curves, results = {}, []
    for name, planned in plans(arguments, changed).items():
        if not arguments.measured:
            measure_all(planned.runs, jobs=arguments.jobs, kept=kept, report=lambda event, name=name: show(name, event))
        points = measured_points(planned, kept)
        curves[name] = [vars(each) for each in points[0]]
        results += compare(name, planned, kept, points[1])
    print(f"{machine()}\n")
    summary = show_results(results) if results else {}
    settings = {**changed, "seeds": arguments.seeds}
    write(arguments.out, settings=settings, summary=summary, extrapolations=results, curves=curves)


def measured_points(plan: CurvePlan, kept: KeptMeasurements) -> tuple[Sequence[Point], list[int]]:
    """Return the sizes that were measured with all seeds: their points and their numbers of sources."""
    found = {number: known for number, run in enumerate(plan.runs) if (known := kept.get(fingerprint(run))) is not None}
    sizes = [size for size in plan.sizes if set(plan.numbers_of(size)) <= set(found)]
    return curve_of(plan, {number: found[number] for size in sizes for number in plan.numbers_of(size)}).points, sizes


def compare(name: str, plan: CurvePlan, kept: KeptMeasurements, sizes: list[int]) -> list[dict]:
    """Continue the curve of all smaller sizes to each of the two largest, and compare it with what was measured."""
    found = []
    points = {each.sources: each for each in measured_points(plan, kept)[0]}
    for target in sizes[-2:]:
        smaller = [size for size in sizes if size < target]
        if len(smaller) < 3 or abs(2 * smaller[-1] - target) > 1:
            continue
        numbers = [number for size in smaller for number in plan.numbers_of(size)]
        curve = curve_of(plan, {number: kept.get(fingerprint(plan.runs[number])) for number in numbers})
        measured = points[target].exact_match
        before, last = (points[size].exact_match for size in smaller[-2:])
        result = {"set": name, "sizes": smaller, "target": target, "measured": measured, "no_gain": last}
        result |= {"same_gain": min(1.0, 2 * last - before), "reason": curve.reason}
        if curve.expected is not None:
            expected = curve.fit.expected(target)
            result |= {"expected": expected.exact_match, "low": expected.low, "high": expected.high}
            result["inside"] = expected.low <= measured <= expected.high
        found.append(result)
    return found


def show_results(results: list[dict]) -> dict:
    """Print the comparison, and return its summary."""
    rows = []
    for each in results:
        interval = f"{each['expected']:.1%} ({each['low']:.1%} to {each['high']:.1%})" if "expected" in each else "-"
        row = [each["set"], f"{each['target']:,}", f"{each['no_gain']:.1%}", interval, f"{each['measured']:.1%}"]
        rows.append([*row, each["reason"] or ("yes" if each["inside"] else "no")])
    table(["set", "pairs", "with a half", "expected", "measured", "inside"], rows)
    said = [each for each in results if "expected" in each]
    summary = {"extrapolations": len(results), "without_a_curve": len(results) - len(said)}
    for rule in ("expected", "no_gain", "same_gain"):
        errors = [each[rule] - each["measured"] for each in said]
        if errors:
            summary[rule] = {"mean_error": statistics.fmean(errors), "mean_absolute_error": mean_size(errors)}
    if said:
        summary["coverage"] = statistics.fmean(each["inside"] for each in said)
        summary["mean_width"] = statistics.fmean(each["high"] - each["low"] for each in said)
    print(summary)
    return summary


def mean_size(errors: Sequence[float]) -> float:
    """Return the mean absolute error."""
    return statistics.fmean(map(abs, errors))


def plans(arguments: argparse.Namespace, changed: dict) -> dict[str, CurvePlan]:
    """Read the sets and plan their models."""
    files = {}
    if arguments.g2p is not None:
        files |= {name: (arguments.g2p, f"{name}.train", Columns()) for name in arguments.languages}
    if arguments.inflection is not None:
        files |= {name: (arguments.inflection, f"{name}.1000", Columns(0, 1, 2, 3)) for name in arguments.inflected}
    found = {}
    for name in arguments.tasks:
        pairs, dev = hold_out(TASKS[name].generate(TASK_PAIRS), 0)
        found[name] = plan(pairs, dev, {"target_symbols": None, **changed}, arguments.seeds)
    for name, (folder, train, columns) in files.items():
        pairs, dev = (read_pairs(folder / f"{each}.tsv", columns=columns) for each in (train, f"{name}.dev"))
        features = {"features": True} if columns.features is not None else {}
        found[name] = plan(pairs, dev, {"target_symbols": None, **features, **changed}, arguments.seeds)
    return found


def plan(pairs: Pairs, dev: Pairs, settings: dict, seeds: int) -> CurvePlan:
    """Plan the models of a set."""
    return plan_curve(pairs, dev, Wanted(settings), fractions=FRACTIONS, seeds=seeds)


def show(name: str, event: Measured) -> None:
    """Print a measurement."""
    if not event.kept:
        left = "" if event.seconds_left is None else f", {event.seconds_left:.0f} s left"
        print(f"{name}: {len(event.run.pairs)} pairs, {event.measurement.exact_match:.1%}{left}", flush=True)


if __name__ == "__main__":
    main()
