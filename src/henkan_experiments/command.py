"""`henkan reproduce`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shlex import quote
from signal import SIGINT
from typing import TYPE_CHECKING, Any

import click

from henkan.cli.options import PATH, layout_options
from henkan.engine.workers import available_cores
from henkan.errors import Interrupted
from henkan.text.reading import read_pairs
from henkan.training.signals import Interruption

if TYPE_CHECKING:
    from rich.progress import TaskID

    from henkan_experiments.reproduce import Progress


@click.command("reproduce", short_help="Repeat the article's experiment, and write a report of it.")
@click.option("--seeds", type=int, default=10, show_default=True, help="Trainings of each model of addition.")
@click.option("--train", type=PATH, metavar="FILE", help="Sums to learn from.  [default: they are generated]")
@click.option("--test", type=PATH, metavar="FILE", help="Sums to ask; goes with --train.")
@click.option(
    "--out", type=PATH, metavar="DIR", default="reproduction", show_default=True, help="Where all of it goes."
)
@click.option("--quick", is_flag=True, help="Everything small: every model, two seeds, fewer pairs and epochs.")
@click.option("--jobs", type=int, metavar="K", help="Trainings at a time, each on one thread.  [default: the cores]")
@layout_options
def reproduce_command(
    seeds: int, train: Path | None, test: Path | None, out: Path, quick: bool, jobs: int | None, **layout: Any
) -> None:
    """Train the article's models and one with attention, each with several seeds, by the modern recipe and by the
    book's, on addition and (with up to three seeds) on dates; and write DIR/report.html of what came out.

    \b
    henkan reproduce --quick
    henkan reproduce --train addition.train.tsv --test addition.test.tsv --out reproduction

    It has the exact match of every model with its spread, beside the article's figures and those of a repetition of it;
    learning curves; which sums are hard; what the wrong answers have in common; and three small experiments on why
    reversing and peeking help. DIR also gets report.md, results.json and the pictures.

    It may be stopped at any time: the same command goes on where it was. In full it takes hours of one core.
    """
    from henkan_experiments.plan import TASK_NAMES, Plan  # which no other command should have to wait for
    from henkan_experiments.reproduce import reproduce
    from henkan_experiments.sums import checked_sums

    if (train is None) != (test is None):
        raise click.UsageError("--train and --test go together: the sums to learn from, and those to be asked")
    if jobs is not None and jobs < 1:
        raise click.UsageError("--jobs must be a whole number of at least 1")
    files = () if train is None or test is None else (train.name, test.name)
    plan = Plan(seeds=seeds, quick=quick, files=files)
    parts = {task: plan.pairs(task) for task in TASK_NAMES if task != "addition" or not files}
    if train is not None and test is not None:
        learnt, asked = (checked_sums(read_pairs(file, **layout), str(file)) for file in (train, test))
        parts["addition"] = learnt, asked
    interruption = Interruption()
    try:
        with interruption, Bar() as bar:
            report = reproduce(plan, parts, out, jobs=jobs or available_cores(), command=_command(), tell=bar)
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped; {out} keeps what is done, and the same command goes on with it", interruption.signal or SIGINT
        ) from None
    click.echo(f"the report is {report}")


class Bar:
    """Shows how many trainings are done: a bar on a terminal, else a line for each."""

    def __enter__(self) -> Bar:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self.console = Console(file=sys.stderr, highlight=False)
        self.shown = RichProgress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("left:"), TimeRemainingColumn(), console=self.console, disable=not self.console.is_terminal,
        )  # fmt: skip
        self.task = self.shown.add_task("trainings", total=None)
        self.asking: TaskID | None = None
        self.shown.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shown.stop()

    def __call__(self, progress: Progress) -> None:
        """Show it."""
        if progress.models:
            if self.asking is None:
                self.asking = self.shown.add_task("models asked", total=progress.models)
            self.shown.update(self.asking, completed=progress.asked)
            return
        self.shown.update(self.task, completed=progress.done, total=progress.runs)
        if progress.last is not None:
            self.console.print(
                f"{progress.done:>{len(str(progress.runs))}}/{progress.runs}  {progress.last.name:<28}"
                f" exact match {progress.exact_match:8.3%}"
            )
        elif progress.done:
            self.console.print(f"{progress.done} of {progress.runs} trainings were done before")


def _command() -> str:
    """How this was called, without the folders of files."""

    def shown(word: str) -> str:
        option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
        return f"{option}{equals}{Path(value).name if os.sep in value and Path(value).exists() else value}"

    return " ".join(["henkan", *(quote(shown(word)) for word in sys.argv[1:])])
