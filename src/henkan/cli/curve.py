"""`henkan curve`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from signal import SIGINT
from typing import Any

import click

from henkan.cli.data_arguments import task_or_file
from henkan.cli.options import PATH
from henkan.cli.output_file import check_writable, write_output
from henkan.cli.recipes import recipe_tables
from henkan.cli.selection_data import read_selection_data, selection_options
from henkan.cli.task_names import unambiguous
from henkan.cli.training_data import data_name
from henkan.display.durations import duration
from henkan.errors import DataError, Interrupted, SettingsError
from henkan.selection.curve.kept import KeptMeasurements
from henkan.selection.curve.learning_curve import measured_curve
from henkan.selection.curve.measuring_many import Measured
from henkan.selection.curve.picture import can_draw, curve_picture
from henkan.selection.curve.plan import MIN_SOURCES, SEEDS, CurvePlan, plan_curve
from henkan.selection.curve.text import plot, sentences, table
from henkan.selection.processes import default_jobs
from henkan.training.signals import Interruption

PICTURES = ("png", "svg")
SIZES = "1/16,1/8,1/4,1/2,1"


@click.command(epilog=recipe_tables())
@click.argument("data", metavar="TASK_OR_FILE", callback=unambiguous)
@click.option(
    "--sizes",
    metavar="LIST",
    default=SIZES,
    show_default=True,
    callback=lambda _context, _option, value: parse_sizes(value),
    help=f"Sizes of the subsets, as fractions of the pairs. Sizes of fewer than {MIN_SOURCES} sources are left out.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    metavar="N",
    default=SEEDS,
    show_default=True,
    help="Number of models of each size, each trained on another subset and with another seed.",
)
@click.option(
    "--out",
    type=PATH,
    metavar="FILE",
    help="JSON file that keeps what was measured. The same command continues from it, and models with other pairs or "
    "settings are measured anew.  [default: curves/NAME.json, named after the task or file]",
)
@click.option("--picture", type=PATH, metavar="FILE", help="Also draw the curve to FILE (.png or .svg).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@selection_options
def curve(
    data: str,
    sizes: Sequence[float],
    seeds: int,
    out: Path | None,
    picture: Path | None,
    as_json: bool,
    jobs: int | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Train models on 1/16, 1/8, 1/4, 1/2 and all of the pairs, and estimate the exact match with twice as many.

    \b
    henkan curve names.tsv
    henkan curve names.tsv --dev names.dev.tsv --seeds 5 --picture curve.png
    henkan curve names.tsv --sizes 1/4,1/2,1

    For each size, the table has the mean exact match of several models on the validation set, its standard deviation
    (sd) between the models, its 95 % interval for other models and other validation sources, and the symbol error
    rate. The plot shows the means as o, their intervals as |, the fitted curve as dots, and what is expected from twice
    the data as x.

    Subsets are random, and larger ones contain the smaller ones. All pairs of a source are in the same subset. Every
    model has the settings that `henkan train` would choose for its number of pairs; only the recipe and how strings are
    split into symbols are chosen by all pairs.

    The curve is fitted to the error rate. It approaches a power law. It is not fitted if there are fewer than three
    sizes, if all predictions are right or all are wrong, or if exact match falls or does not grow; use more --seeds, or
    other --sizes. The interval for twice the data is that of the mean of as many models on the same validation set. It
    assumes that the new pairs are like the present ones.

    Ctrl-C stops the command; the same command continues. Progress is written to standard error, the result to standard
    output.
    """
    if picture is not None:
        _check_picture(picture)
    task_or_file(data)
    out = out or Path("curves") / f"{data_name(data)}.json"
    if out.is_dir():
        raise DataError(f"{out}: is a folder; choose another --out")
    kept = KeptMeasurements(out)
    kept.save()  # fails before the work is done if it cannot be written
    found = read_selection_data(data, options, quiet=quiet)
    plan = plan_curve(found.pairs, found.validation, found.wanted, lexicon=found.lexicon, fractions=sizes, seeds=seeds)
    jobs = default_jobs() if jobs is None else jobs
    if not quiet:
        _show_plan(plan, jobs)
    progress = Progress(quiet=quiet)
    try:
        with (interruption := Interruption()):
            result = measured_curve(plan, jobs=jobs, kept=kept, report=progress)
    except KeyboardInterrupt:
        remedy = None if progress.last is None else "run_again"
        raise Interrupted(progress.interrupted(out), interruption.signal or SIGINT, remedy) from None
    if as_json:
        click.echo(json.dumps(result.to_dict() | {"data": data, "measurements": str(out)}))
    else:
        parts = [table(result), plot(result), sentences(result)]
        click.echo("\n\n".join("\n".join(part) for part in parts if part))
    if picture is not None:
        write_output(picture, curve_picture(result, title=found.name, format=_format(picture)), "--picture")


def parse_sizes(text: str) -> list[float]:
    """Parse the value of `--sizes`: fractions such as 1/16 or 0.25, separated by commas.

    Raises:
        SettingsError: if it is invalid.
    """
    try:
        sizes = [float(Fraction(each.strip())) for each in text.split(",")]
    except (ValueError, ZeroDivisionError):
        sizes = []
    if not sizes or not all(0 < each <= 1 for each in sizes):
        raise SettingsError(f"--sizes must be fractions above 0 and at most 1, as in {SIZES}, not {text!r}")
    return sizes


class Progress:
    """Prints a line for every model.

    Args:
        quiet: print nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.last: Measured | None = None
        self.kept = 0
        self.sizes: Counter[int] = Counter()

    def __call__(self, event: Measured) -> None:
        """Print a line for a model that was measured."""
        self.last = event
        self.kept += event.kept
        self.sizes[len(event.run.pairs)] += 1
        if self.quiet:
            return
        if self.kept and (not event.kept or event.done == event.models):
            click.echo(f"{self.kept} of {event.models} models were measured before", err=True)
            self.kept = 0
        if event.kept:
            return
        left = f"; about {duration(event.seconds_left)} left" if event.done < event.models else ""
        click.echo(
            f"model {event.done} of {event.models}: {len(event.run.pairs):,} pairs, seed {event.run.seed}: exact match "
            f"{event.measurement.exact_match:.2%}, {event.measurement.seconds:.1f} s{left}",
            err=True,
        )

    def interrupted(self, out: Path) -> str:
        """Say what was done before an interruption."""
        if self.last is None:
            return "interrupted before a model was measured"
        done = ", ".join(f"{count} with {size:,} pairs" for size, count in sorted(self.sizes.items()))
        return f"interrupted; {self.last.done} of {self.last.models} models are measured ({done}) and kept in {out}"


def _show_plan(plan: CurvePlan, jobs: int) -> None:
    """Print which models will be trained."""
    if plan.left_out:
        click.echo(
            f"note: {plan.left_out} of the sizes have fewer than {MIN_SOURCES} sources and are left out", err=True
        )
    models, sizes = len(plan.runs), ", ".join(f"{size:,}" for size in plan.sizes)
    click.echo(
        f"training {models} models, {min(jobs, models)} at the same time: {plan.seeds} each with {sizes} sources",
        err=True,
    )


def _format(picture: Path) -> str:
    return picture.suffix.removeprefix(".").lower()


def _check_picture(picture: Path) -> None:
    """Check that a picture can be drawn, before the work is done.

    Raises:
        DataError: if not.
    """
    if _format(picture) not in PICTURES:
        raise DataError(f"{picture}: unknown image format; choose a file name that ends in .png or .svg")
    check_writable(picture, "--picture")
    if not can_draw():
        raise DataError("--picture needs matplotlib; pip install 'henkan[plot]'")
