"""What `henkan train` prints before and after training."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from shutil import which

import click

from henkan.cli.display import show_exact_match, show_examples
from henkan.cli.run_options import RunOptions
from henkan.config import EngineConfig
from henkan.engine.base import Engines
from henkan.errors import SettingsError
from henkan.evaluation.report import exact_match_line
from henkan.storage.lexicon_file import entries
from henkan.text.escaping import escape
from henkan.training.fitted_model import FittedModel
from henkan.training.state import MAX_ROLLBACKS


def show_engine(run: RunOptions, engines: Engines, pairs: int) -> None:
    """Print the engine if it is not the default, and the batch size if several processes divide each batch."""
    if run.options["engine"] != asdict(EngineConfig()) or engines.group.size > 1:
        click.echo(engines.describe(), err=True)
    if engines.group.size > 1:
        sized = run.training.sized(pairs)
        click.echo(
            f"{engines.group.size} processes divide each batch of {sized.batch_size}; learning rate "
            f"{sized.learning_rate:g}, as with one process",
            err=True,
        )


def show_result(fitted: FittedModel, folder: Path, example: str, *, pictured: bool, quiet: bool) -> None:
    """Print the result of a training run, and how to use the model.

    Raises:
        SettingsError: if training diverged, after the model is saved.
    """
    metrics = fitted.saved.metrics
    histories = metrics.get("members", [metrics])
    if fitted.held_out is not None and quiet:
        click.echo(exact_match_line(fitted.held_out))
    elif fitted.held_out is not None:
        show_examples(fitted.held_out)
        show_exact_match(fitted.held_out)
    if not quiet:
        seconds = sum(epoch["seconds"] for each in histories for epoch in each["epochs"])
        what = "final model trained" if metrics.get("labelled") else "trained"
        kept = "" if fitted.saved.lexicon is None else f"; its lexicon has {entries(len(fitted.saved.lexicon))}"
        click.echo(f"{what} in {seconds:.1f} s; model saved in {folder}{kept}")
        if not pictured:
            click.echo(
                "note: no learning curve was drawn, because matplotlib is missing; pip install 'henkan[plot]'", err=True
            )
        end_of_options = "-- " * example.startswith("-")
        click.echo(f"try it:  {_program()} predict {quote(str(folder))} {end_of_options}{_quoted(example)}")
    if any(each.get("setbacks", 0) > MAX_ROLLBACKS for each in histories):
        rate = fitted.saved.first.training.learning_rate
        raise SettingsError(
            f"training diverged (non-finite loss) {MAX_ROLLBACKS + 1} times and was stopped; the last finite weights "
            f"are saved in {folder}; train again with a learning rate below {rate:g}"
        )


def _quoted(text: str) -> str:
    """Quote a text for a shell, on one line."""
    without_backslashes = text.replace("\\", "")  # quotes are enough for these
    if escape(without_backslashes) == without_backslashes:
        return quote(text)
    escaped = escape(text).replace("'", "\\'")
    return f"$'{escaped}'"


def _program() -> str:
    """Return the command that runs this program: `henkan` if that is on the PATH, otherwise as it was called."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return "python -m henkan"
    found = which("henkan")
    return "henkan" if found is not None and called.exists() and called.samefile(found) else quote(str(called))
