"""`henkan reproduce`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shlex import quote
from signal import SIGINT
from typing import TYPE_CHECKING, Any

import click

from henkan.cli.options import PATH, layout_options, read_file
from henkan.engine.workers import available_cores
from henkan.errors import Interrupted
from henkan.training.signals import Interruption

if TYPE_CHECKING:
    from rich.progress import TaskID

    from henkan_experiments.reproduce import ExperimentProgress


@click.command("reproduce")
@click.option(
    "--seeds", type=int, metavar="N", default=10, show_default=True, help="Number of seeds per addition model."
)
@click.option("--train", type=PATH, metavar="FILE", help="Training set of sums; requires --test.  [default: generated]")
@click.option("--test", type=PATH, metavar="FILE", help="Test set of sums; requires --train.")
@click.option(
    "--out", type=PATH, metavar="DIR", default="reproduction", show_default=True, help="Folder for the report."
)
@click.option("--quick", is_flag=True, help="Run a small trial: all models, at most two seeds, fewer pairs and epochs.")
@click.option(
    "--jobs", type=int, metavar="N", help="Number of parallel training runs, one thread each.  [default: all cores]"
)
@layout_options
def reproduce_command(
    seeds: int, train: Path | None, test: Path | None, out: Path, quick: bool, jobs: int | None, **layout: Any
) -> None:
    """Repeat the article's experiment with several seeds and write a report to DIR/report.html.

    The article trains models that add numbers, as in chapter 7 of Koki Saito's book "Deep Learning from Scratch 2". Its
    four models (plain, reversed, Peeky, reversed + Peeky) and one with attention are trained with the recipes modern
    and book, on addition and on dates (dates with at most three seeds).

    \b
    henkan reproduce --quick
    henkan reproduce --train addition.train.tsv --test addition.test.tsv --out reproduction

    The report compares the exact match of each model, mean and spread over seeds, with the article and with an
    independent repetition of it. It shows learning curves, which sums are difficult, what wrong answers have in common,
    and three small analyses of why reversed sources and Peeky decoders help. DIR also contains report.md, results.json
    and the figures.

    The command can be interrupted at any time; run it again to resume. The full experiment takes hours on one core.
    """
    # Imported here because no other command should wait for it.
    from henkan_experiments.plan import TASK_NAMES, Plan, Split
    from henkan_experiments.reproduce import reproduce
    from henkan_experiments.sums import checked_sums

    if (train is None) != (test is None):
        raise click.UsageError("--train and --test must be given together")
    if jobs is not None and jobs < 1:
        raise click.UsageError("--jobs must be a whole number of at least 1")
    files = () if train is None or test is None else (train.name, test.name)
    plan = Plan(seeds=seeds, quick=quick, files=files)
    splits = {task: plan.split(task) for task in TASK_NAMES if task != "addition" or not files}
    if train is not None and test is not None:
        splits["addition"] = Split(
            *(checked_sums(read_file(file, **layout).pairs, str(file)) for file in (train, test))
        )
    interruption = Interruption()
    try:
        with interruption, ProgressDisplay() as display:
            report = reproduce(
                plan, splits, out, jobs=jobs or available_cores(), command=_command(), on_progress=display
            )
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted; completed training runs are kept in {out}; run the same command again to resume",
            interruption.signal or SIGINT,
        ) from None
    click.echo(f"report written to {report}")


class ProgressDisplay:
    """Shows the progress on stderr: a progress bar on a terminal, and a line for each completed training run."""

    def __enter__(self) -> ProgressDisplay:
        from rich import progress as rich_progress
        from rich.console import Console

        self.console = Console(file=sys.stderr, highlight=False)
        self.bars = rich_progress.Progress(
            rich_progress.TextColumn("{task.description}"),
            rich_progress.BarColumn(),
            rich_progress.MofNCompleteColumn(),
            rich_progress.TimeElapsedColumn(),
            rich_progress.TextColumn("remaining:"),
            rich_progress.TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.training_bar = self.bars.add_task("training runs", total=None)
        self.analysis_bar: TaskID | None = None
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def __call__(self, progress: ExperimentProgress) -> None:
        """Show the current progress."""
        if progress.models:
            if self.analysis_bar is None:
                self.analysis_bar = self.bars.add_task("models analysed", total=progress.models)
            self.bars.update(self.analysis_bar, completed=progress.analysed)
            return
        self.bars.update(self.training_bar, completed=progress.done, total=progress.runs)
        if progress.last is not None:
            self.console.print(
                f"{progress.done:>{len(str(progress.runs))}}/{progress.runs}  {progress.last.name:<28}"
                f" exact match {progress.exact_match:8.3%}"
            )
        elif progress.done:
            self.console.print(f"resuming: {progress.done} of {progress.runs} training runs are already complete")


def _command() -> str:
    """The command line for the report, with file names instead of full paths."""

    def shown(word: str) -> str:
        option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
        return f"{option}{equals}{Path(value).name if os.sep in value and Path(value).exists() else value}"

    return " ".join(["henkan", *(quote(shown(word)) for word in sys.argv[1:])])
