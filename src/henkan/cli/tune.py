"""`henkan tune`."""

from __future__ import annotations

import os
from contextlib import chdir
from pathlib import Path
from typing import Any

import click

from henkan.cli.data_arguments import task_or_file
from henkan.cli.options import PATH, layout_options, model_options, symbol_options
from henkan.cli.recipes import recipe_tables
from henkan.cli.run_options import options_given
from henkan.cli.selection_data import check_validation, jobs_option
from henkan.cli.task_names import unambiguous
from henkan.cli.training_data import data_name
from henkan.cli.training_options import recipe_option
from henkan.cli.tune_command import arguments_given

MINUTES = 20.0


class _Minutes(click.FloatRange):
    name = "number"
    """What messages call it, instead of a float range."""


@click.command(epilog=recipe_tables())
@click.argument("data", metavar="[TASK_OR_FILE]", required=False, callback=unambiguous)
@click.option(
    "--out",
    type=PATH,
    metavar="DIR",
    help="Folder for the best model, and for the trials in its subfolder tuning.  [default: models/NAME, named after "
    "the task or file]",
)
@click.option(
    "--dev",
    metavar="FILE",
    help="Validation set, on which settings are compared.  [default: a random tenth of the pairs; with fewer than 500 "
    "distinct sources, cross-validation with five folds]",
)
@click.option(
    "--minutes",
    type=_Minutes(0, min_open=True),
    metavar="M",
    help="Time for everything: trials, comparison and the training of the best model. A search that needs more says so "
    "after some seconds.  "
    f"[default: {MINUTES:g}, or no limit with --trials]",
)
@click.option("--trials", type=click.IntRange(1), metavar="N", help="Maximum number of trials.  [default: no limit]")
@jobs_option
@click.option(
    "--resume",
    type=PATH,
    metavar="DIR",
    help="Resume an interrupted search from its folder DIR. The same command without this option does so too.",
)
@click.option("--force", is_flag=True, help="Start over: delete the trials in the folder, and replace its model.")
@recipe_option
@model_options
@symbol_options
@layout_options
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option("--quiet", is_flag=True, help="Do not show progress; print only the result.")
def tune(
    data: str | None,
    out: Path | None,
    minutes: float | None,
    trials: int | None,
    jobs: int | None,
    resume: Path | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Search for settings that suit a task or a file of pairs better than the defaults, and train a model with them.

    \b
    henkan tune names.tsv --dev names.dev.tsv --out models/tuned
    henkan tune names.tsv --minutes 60 --jobs 4 --hidden-size 64 --out models/small
    henkan tune --resume models/tuned

    Settings that are given as options are fixed, the others are searched. The first trial has the defaults. Trials that
    fall behind on the validation set are stopped early. Then the best settings and the defaults are trained with three
    seeds each. If the best settings have no higher mean exact match, the defaults are kept. The model is saved in the
    folder, and the `henkan train` command that trains the same model is printed.

    The settings are chosen on the validation set, so what they gain on it is optimistic. Compare the model with one of
    the defaults on a test set: `henkan compare`.

    Ctrl-C stops the search; the same command resumes it. Requires henkan[tune].
    """
    from henkan.cli.tune_run import TuneArguments, run_tuning  # `henkan --help` imports all commands

    given = options_given()
    if resume is not None:
        _resume(resume, given)
        return
    if data is None:
        raise click.UsageError("name a task or a file of pairs, or resume an interrupted search with --resume DIR")
    check_validation(options["dev"])
    task_or_file(data)
    if minutes is None and trials is None:
        minutes = MINUTES
    folder = out or Path("models") / data_name(data)
    arguments = TuneArguments(
        data,
        folder,
        minutes,
        trials,
        jobs,
        force=force,
        quiet=quiet,
        as_json=as_json,
        given=arguments_given(given),
        called_from=click.get_current_context().obj or os.getcwd(),
    )
    run_tuning(arguments, options)


def _resume(folder: Path, given: set[str]) -> None:
    """Run the command of an interrupted search again, with the options that are given now."""
    from henkan.cli.tune_state import saved_arguments

    context = click.get_current_context()
    others = given - {"resume", "minutes", "trials", "jobs", "as_json", "quiet"}
    if others:
        name = "TASK_OR_FILE" if "data" in others else f"--{sorted(others)[0].replace('_', '-')}"
        kept = "which keeps the data and settings of the search"
        raise click.UsageError(f"{name} cannot be combined with --resume, {kept}; omit one of them")
    saved, place, here = saved_arguments(folder), folder.resolve(), os.getcwd()
    parameters = {name: context.params[name] for name in {*given, "as_json", "quiet"} - {"resume"}}
    with chdir(saved.folder), tune.make_context("tune", list(saved.arguments), parent=context.parent) as again:
        again.params |= {**parameters, "out": place, "resume": None, "force": False}
        again.obj = here
        tune.invoke(again)
