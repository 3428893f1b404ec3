"""A search for settings: read the pairs, search, train the model, and print the result."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGINT
from typing import Any

import click

from henkan.cli.selection_data import read_run, show_data
from henkan.cli.training_data import TrainingData
from henkan.cli.tune_command import train_command
from henkan.cli.tune_display import TuneDisplay
from henkan.cli.tune_report import changed_settings, result_of, show_result
from henkan.cli.tune_state import TuneState
from henkan.display.lines import StatusLines
from henkan.engine.numpy import NumpyEngines
from henkan.errors import HenkanError, Interrupted, ModelFolderError, SettingsError
from henkan.selection.processes import default_jobs
from henkan.selection.tuning.budget import Budget
from henkan.selection.tuning.space import Point, Space, space_for
from henkan.selection.tuning.splits import Examples
from henkan.selection.tuning.study import Study, import_optuna
from henkan.selection.tuning.trial import STEPS
from henkan.selection.tuning.tuning import Tuning, TuningResult
from henkan.storage.model_folder import TUNING, is_model
from henkan.storage.plots import learning_curve
from henkan.storage.save_model import check_destination
from henkan.text.counts import counted
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.training.fitted_model import FittedModel
from henkan.training.job import TrainingJob, Variant
from henkan.training.prepared import prepare
from henkan.training.signals import Interruption
from henkan.training.trainer import Trainer


@dataclass(frozen=True)
class TuneArguments:
    """Arguments of the command.

    Attributes:
        data: task or path of the pair file.
        folder: the model folder.
        minutes, trials: the budget; None: no limit.
        jobs: number of trials at the same time; None: the number of cores.
        force: start over.
        quiet: show no progress.
        as_json: print the result as JSON.
        given: the given options that `henkan train` has too.
        called_from: the working directory of the user, which --resume changes.
    """

    data: str
    folder: Path
    minutes: float | None
    trials: int | None
    jobs: int | None
    force: bool
    quiet: bool
    as_json: bool
    given: list[str]
    called_from: str


def run_tuning(arguments: TuneArguments, options: dict[str, Any]) -> None:
    """Run the command.

    Args:
        arguments: its arguments.
        options: values of the options for pairs and settings.
    """
    import_optuna()
    state = TuneState(arguments.folder)
    check_destination(arguments.folder, force=arguments.force or state.exists)
    # Without a validation set, all pairs are read; they are divided for each seed.
    run, data = read_run(arguments.data, options, quiet=arguments.quiet, hold_out=False)
    examples = Examples(data.pairs, data.validation, data.variants[0].model)
    assert run.wanted is not None
    wanted = replace(run.wanted, settings={name: each for name, each in run.wanted.settings.items() if name != "seed"})
    space = space_for(wanted, data.pairs, lexicon=data.form == "lexicon")
    seed = run.training.seed
    if not space.values:
        raise SettingsError("all settings are given, so there is nothing to search; omit some")
    if not arguments.quiet:
        show_data(run, data)
        _show_space(examples, space)
    with state.held(force=arguments.force):
        resumed = state.open(sys.argv[2:], _marks(data, examples, space, wanted.settings, seed))
        result = state.result()
        if result is None:
            if resumed and is_model(arguments.folder) and not state.has_own_model:
                raise ModelFolderError(
                    f"{arguments.folder}: the folder has a model; move the files of the model, not the subfolder "
                    f"{TUNING}, to another folder, and run the same command again"
                )
            interruption = Interruption()
            try:
                with interruption:
                    result = _search(arguments, state, examples, space, data, seed, resumed=resumed)
            except KeyboardInterrupt:
                raise Interrupted("the search was interrupted", interruption.signal or SIGINT, "run_again") from None
            state.write_result(result)
        elif not arguments.quiet:
            click.echo("this search is complete; start over with --force", err=True)
    here = arguments.called_from
    show_result(result, as_json=arguments.as_json, called_from=here, model_replaced=not state.has_own_model)


def _show_space(examples: Examples, space: Space) -> None:
    """Print what is searched."""
    names = ", ".join(name.replace("_", " ") for name in space.values)
    click.echo(f"settings to search: {names}", err=True)
    if examples.folds:
        click.echo(f"few pairs: cross-validation with {examples.folds} folds", err=True)


def _marks(data: TrainingData, examples: Examples, space: Space, settings: Any, seed: int) -> dict[str, Any]:
    """Return what must be the same if the search is resumed."""
    return {
        "pairs": data.pairs.digest(),
        "validation set": None if examples.validation is None else examples.validation.digest(),
        "settings": dict(settings),
        "recipe": space.choice.recipe,
        "seed": seed,
        "settings to search": {name: list(values) for name, values in space.values.items()},
    }


def _search(
    arguments: TuneArguments,
    state: TuneState,
    examples: Examples,
    space: Space,
    data: TrainingData,
    seed: int,
    *,
    resumed: bool,
) -> dict[str, Any]:
    """Search, train the model with the settings that were found, save it, and return the result."""
    jobs = arguments.jobs or default_jobs()
    warmup = 2 if examples.folds else STEPS // 2
    study = Study(state.trials, space, seed=seed, jobs=jobs, warmup=warmup)
    budget = Budget(arguments.minutes, arguments.trials, study.get("seconds", 0.0))
    with StatusLines(quiet=arguments.quiet) as lines:
        if resumed:
            lines.print(f"resuming a search with {counted(len(study.records()), 'trial')}")
        show, keep_seed = TuneDisplay(lines), data.form == "task"
        tuning = Tuning(space, examples, study, budget, seed=seed, jobs=jobs, show=show, keep_seed=keep_seed)
        try:
            found = tuning.run()
        except HenkanError:
            if not any(each.measured for each in study.records()):  # the defaults cannot be trained
                state.discard()
            raise
        lines.print("training the model ...")
        settings, fitted = _final_model(space, examples, data, found)
    picture = learning_curve(fitted.saved.metrics)
    fitted.save(arguments.folder, force=True, pictures={} if picture is None else {"learning_curve.png": picture})
    command = train_command(arguments.data, arguments.given, settings, found.seed, arguments.folder)
    return result_of(found, tuning, settings, fitted, command, arguments.folder)


def _final_model(
    space: Space, examples: Examples, data: TrainingData, found: TuningResult
) -> tuple[dict[str, Any], FittedModel]:
    """Train the model as `henkan train` does; return its settings that are not defaults, and the model."""
    pairs, validation = examples.split(found.seed)
    point, variant = dict(found.point), space.variant(found.point)
    if point.pop("updates", None) is not None:  # `henkan train` has an option for the number of epochs only
        epochs = _epochs(pairs, variant)
        variant = replace(variant, training=replace(variant.training, epochs=epochs, updates=_updates(space, point)))
        point["epochs"] = epochs
    variant = replace(variant, training=replace(variant.training, seed=found.seed))
    held_out = "file" if examples.validation is not None else "tenth"
    source = replace(data.source, held_out=held_out, seed=found.seed)
    fitted = Trainer(NumpyEngines()).fit(pairs, validation, TrainingJob([variant], source))
    return changed_settings(space, point), fitted


def _epochs(pairs: Any, variant: Variant) -> int:
    """Return the number of epochs of a training run."""
    variant = replace(variant, training=replace(variant.training, patience=None))  # which needs a validation set
    prepared = prepare(TokenizedPairs.of(pairs, variant.model), None, variant, None)
    return prepared.variant.training.epochs or 1


def _updates(space: Space, point: Point) -> int:
    """Return the value of a setting that has no option, with which a model of these settings is saved."""
    return space.variant(point).training.updates
