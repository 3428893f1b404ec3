"""A training run of a model: its job, and the display, checkpoints and signals around it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain

from henkan.display.progress import progress_display
from henkan.engine.base import Engines
from henkan.engine.choice import choose_engines
from henkan.errors import Interrupted, SettingsError
from henkan.estimator.arguments import folder_of
from henkan.estimator.trained import Trained
from henkan.storage.lexicon_file import SavedLexicon
from henkan.text.data_source import DataSource
from henkan.text.pairs import Pairs
from henkan.text.string_lists import string_list
from henkan.training.checkpoint import Checkpoints
from henkan.training.choice import Wanted
from henkan.training.events import Event, Report
from henkan.training.fitted_model import FittedModel
from henkan.training.job import TrainingJob, Unlabelled, Variant
from henkan.training.labelling import generated_sources
from henkan.training.other_checkpoints import NoCheckpoints, ReadOnlyCheckpoints
from henkan.training.signals import Interruption
from henkan.training.start import load_start, start_variants
from henkan.training.state import MAX_ROLLBACKS
from henkan.training.stored_lexicon import entries_of
from henkan.training.trainer import Trainer

Callbacks = Report | list[Report] | tuple[Report, ...] | None


def job_of(
    model: Trained,
    pairs: Pairs,
    *,
    held_out: str,
    unlabelled: Iterable[str] | None,
    teacher: Trained | None,
    start: Trained | None,
    keep_lexicon: bool,
) -> TrainingJob:
    """Return what to train, from the parameters of the model and the arguments of `fit`.

    Args:
        model: the model to train.
        pairs: the training pairs.
        held_out: origin of the validation set; see `DataSource`.
        unlabelled, teacher, start, keep_lexicon: as for `fit`.

    Raises:
        DataError, NotFittedError, SettingsError: see `fit`.
    """
    first = None if start is None else _trained(start, "start")
    wanted = model._wanted() if first is None else None  # the other settings are those of the model to start from
    variants = _continued(model, first) if first is not None else model._wanted().choose(pairs).variants
    return TrainingJob(
        variants,
        DataSource(pairs=len(pairs), held_out=held_out, seed=variants[0].training.seed),
        first,
        _unlabelled(unlabelled, teacher, pairs, variants, wanted),
        _kept_lexicon(pairs, first) if keep_lexicon else None,
    )


def train(
    model: Trained,
    pairs: Pairs,
    validation: Pairs | None,
    job: TrainingJob,
    *,
    callback: Callbacks,
    checkpoint: str | os.PathLike[str] | None,
    checkpoint_every: float,
) -> None:
    """Train a model, which then has the result, also after an interruption.

    Args:
        model: the model.
        pairs: the training pairs.
        validation: the validation set, or None.
        job: what to train.
        callback, checkpoint, checkpoint_every: as for `fit`.

    Raises:
        CheckpointError, SettingsError, KeyboardInterrupt: see `fit`.
    """
    display = progress_display(validation, verbose=model.verbose)
    engines, interruption = choose_engines(model._engine(), together=True), Interruption.of_caller()
    checkpoints = _checkpoints(engines, interruption, checkpoint, checkpoint_every)
    trainer = Trainer(engines, checkpoints=checkpoints, report=interruption.deferring(_report(display, callback)))
    with interruption, checkpoints.held(), display:
        checkpoints.resume = bool(engines.group.broadcast(checkpoints.resumable))
        try:
            fitted = trainer.fit(pairs, validation, _resumed(job, checkpoints))
        except (Interrupted, KeyboardInterrupt) as error:
            best = trainer.best_model(between_updates=isinstance(error, Interrupted))
            if best is not None:
                model._fitted, model._checkpoints = best, None  # `save` keeps the checkpoint, to resume the run
            raise KeyboardInterrupt(str(error)) from None
    model._fitted, model._checkpoints = fitted, checkpoints
    if interruption.signal is not None:  # too late to stop anything
        raise KeyboardInterrupt
    _warn_if_diverged(fitted, job.variants[0].training.learning_rate)


def _checkpoints(
    engines: Engines, interruption: Interruption, folder: str | os.PathLike[str] | None, every: float
) -> Checkpoints | NoCheckpoints:
    """Return the checkpoints of this process, which also tell the training run of a signal."""

    def stop() -> int | None:
        return engines.group.max(interruption.signal or 0) or None

    if folder is None:
        return NoCheckpoints(stop)
    kind = Checkpoints if engines.group.rank == 0 else ReadOnlyCheckpoints
    return kind(folder_of(folder, "checkpoint"), every=every, stop=stop)


def _continued(model: Trained, start: FittedModel) -> list[Variant]:
    """Return the settings of a model that continues from another.

    Raises:
        SettingsError: if its parameters contradict the settings of the other model.
    """
    given = model._given()
    by_data = [each for each in ("target_symbols", "tag_separator") if each in given and given[each] is None]
    settings = {name: value for name, value in given.items() if name not in by_data}  # the other model has chosen
    return start_variants(start, settings, model._recipe(), model._members())


def _report(display: Report, callback: Callbacks) -> Report:
    """Return the function that shows an event and passes it to all callbacks, also if one of them raises an error.

    Raises:
        SettingsError: if one cannot be called.
    """
    functions = [] if callback is None else [*callback] if isinstance(callback, list | tuple) else [callback]
    for each in functions:
        if not callable(each):
            raise SettingsError(f"callback must be a function, or a list of functions, not {each!r}")

    def report(event: Event) -> None:
        display(event)
        with ExitStack() as calls:
            for each in reversed(functions):
                calls.callback(each, event)

    return report


def _trained(model: object, argument: str) -> FittedModel:
    """Return the trained model that is given as an argument.

    Raises:
        NotFittedError: if it is not trained.
        SettingsError: if it is no model.
    """
    if not isinstance(model, Trained):
        raise SettingsError(f"{argument} must be a trained Seq2Seq model, not {model!r}")
    return model._model()


def _unlabelled(
    sources: Iterable[str] | None,
    teacher: Trained | None,
    pairs: Pairs,
    variants: Sequence[Variant],
    wanted: Wanted | None,
) -> Unlabelled | None:
    """Return the unlabelled sources of a run; None if it uses none.

    Args:
        sources, teacher: the arguments of `fit`.
        pairs: the training pairs.
        variants: the models to train.
        wanted: what is given, if others are chosen by the pairs; None: the teachers have the same settings.
    """
    fitted = None if teacher is None else _trained(teacher, "teacher")
    given = None if sources is None else string_list(sources, "unlabelled")
    if fitted is None:
        return None if given is None else Unlabelled(given, None, None if wanted is None else wanted.teachers(pairs))
    model = variants[0].model
    if fitted.saved.first.model.features != model.features:
        raise SettingsError("only one of the model and its teacher reads feature tags; choose another teacher")
    generated: Sequence[str] = []
    if given is None:
        generated = generated_sources(pairs, model, variants[0].training.seed)
    return Unlabelled(generated if given is None else given, fitted, mark=fitted.digest())


def _kept_lexicon(pairs: Pairs, start: FittedModel | None) -> SavedLexicon | None:
    """Return the lexicon to keep: the pairs, then the lexicon of the model to start from."""
    own = zip(pairs.sources, pairs.targets, strict=True)
    return SavedLexicon.of(chain(own, () if start is None else entries_of(start)))


def _resumed(job: TrainingJob, checkpoints: Checkpoints | NoCheckpoints) -> TrainingJob:
    """If an interrupted run is resumed, start from the model that it started from; the one given may have changed."""
    if job.start is None or isinstance(checkpoints, NoCheckpoints) or not checkpoints.resume:
        return job
    if not checkpoints.plan().get("started from a model"):
        return job  # the trainer reports that this is another run
    return replace(job, start=load_start(checkpoints))


def _warn_if_diverged(fitted: FittedModel, rate: float) -> None:
    metrics = fitted.saved.metrics
    if any(each.get("setbacks", 0) > MAX_ROLLBACKS for each in metrics.get("members", [metrics])):
        warnings.warn(
            f"training diverged (non-finite loss) {MAX_ROLLBACKS + 1} times and was stopped; the model has the "
            f"last finite weights; train again with a learning rate below {rate:g}",
            RuntimeWarning,
            stacklevel=4,
        )
