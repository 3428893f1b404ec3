"""Training of a model from Python."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Self

from henkan.display.progress import progress_display
from henkan.engine.choice import choose_engines
from henkan.errors import Interrupted, SettingsError
from henkan.estimator.arguments import Validation, folder_of, pairs_of, validation_pairs
from henkan.estimator.trained import Trained
from henkan.storage.lexicon_file import SavedLexicon
from henkan.text.data_source import DataSource
from henkan.text.pairs import Pairs
from henkan.text.string_lists import string_list
from henkan.training.checkpoint import SECONDS_BETWEEN, Checkpoints
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


class Fitting(Trained):
    """A model that can be trained."""

    def fit(
        self,
        sources: Iterable[str],
        targets: Iterable[str],
        *,
        dev: Validation | None = None,
        unlabelled: Iterable[str] | None = None,
        teacher: Trained | None = None,
        start: Trained | None = None,
        keep_lexicon: bool = False,
        callback: Report | list[Report] | tuple[Report, ...] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: float = SECONDS_BETWEEN,
    ) -> Self:
        """Train the model on pairs, from new random weights or from those of another model.

        >>> model = Seq2Seq(epochs=2)
        >>> model = model.fit(["ab", "ba"], ["AB", "BA"], dev=(["aa"], ["AA"]))

        If torchrun has started several processes, each of them must call `fit` with the same pairs. They train one
        model together, and each of them has it afterwards.

        Args:
            sources, targets: n sources and their n targets. If the setting `target_symbols` is None, as in the recipe
                "words", targets that clearly are symbols separated by spaces, such as phones, are split at spaces, and
                others into characters. The event `henkan.Started` has what was chosen.
            dev: sources and targets of a validation set. The model is evaluated on it after every epoch, keeps the
                weights of the epoch with the highest exact match, and calibrates its confidence on it. None: no
                validation, the weights of the last epoch are kept, and confidence is not calibrated.
            unlabelled: more sources, without targets. Their targets are predicted by `teacher` or, without one, by an
                ensemble of four that is trained on the pairs first (self-training); the model is trained on all.
                Sources of pairs, and with symbols that the pairs do not have, are not used. Never give sources of a
                test set.
            teacher: a trained model, usually an ensemble, that predicts the targets of unlabelled sources, so that the
                model learns to predict as the teacher does (distillation). If `unlabelled` is None, sources that
                resemble those of the pairs are generated.
            start: a trained model to continue from, with new pairs: the weights start from its weights, and its symbols
                are kept, to which those of the pairs are added. Its model settings are kept too, so parameters that
                contradict them are an error; leave those "auto". The learning rate and other settings of the training
                run are those of this model. `start` itself does not change, and may be this model.
            keep_lexicon: whether the model keeps the pairs as its lexicon, and then the lexicon of `start`; see
                `lexicon`. The pairs of `dev` and predicted targets are not kept. Training and validation do not use it.
            callback: function that receives the events of the run, or a list of functions. For each model, these events
                are first a `henkan.Started`, a `henkan.Preparing` and a `henkan.Estimated`, then a `henkan.Step` after
                each update and a `henkan.Epoch` after each epoch. A `henkan.Labelling` comes before the models that are
                trained with unlabelled sources, and a `henkan.Labelled` before and after each part of this work; the
                events before them are those of the ensemble that predicts the targets.
            checkpoint: folder for checkpoints. If it has an interrupted run with the same pairs and settings, `fit`
                resumes it, and the weights are the same, bit for bit, as without the interruption. If that run is
                complete, `fit` returns its model without training. `save` deletes the checkpoint; before that, the
                folder cannot be used for other pairs or settings. None: no checkpoints are written.
            checkpoint_every: seconds between checkpoints within an epoch. A checkpoint is also written after every
                epoch.

        Returns:
            self.

        Raises:
            DataError: if there are no pairs, the numbers of sources and targets differ, or they are not strings in
                an order.
            CheckpointError: if the folder has a run with other pairs or settings, or cannot be written.
            NotFittedError: if `teacher` or `start` is not trained.
            SettingsError: if a parameter of the model, an argument or a combination of them is invalid.
            KeyboardInterrupt: after Ctrl-C, or if `callback` raises it. Training stops after the current batch; a
                second Ctrl-C stops at once. The model then has the best weights so far and can be used and saved, but
                its confidence is not calibrated. Before the first update, the model stays as it was before the call.
                With a checkpoint folder, the next call resumes the run.

        Warns:
            RuntimeWarning: if training diverged (non-finite loss) repeatedly and was stopped. The model then has the
                last finite weights.
        """
        wanted, engine = self._wanted(), self._engine()
        pairs, validation = pairs_of(sources, targets), validation_pairs(dev)
        display = progress_display(validation, verbose=self.verbose)
        first = None if start is None else _trained(start, "start")
        variants = wanted.choose(pairs).variants if first is None else self._continued(first)
        job = TrainingJob(
            variants,
            DataSource(pairs=len(pairs), held_out="none" if dev is None else "file", seed=variants[0].training.seed),
            first,
            _unlabelled(unlabelled, teacher, pairs, variants, wanted if first is None else None),
            _kept_lexicon(pairs, first) if keep_lexicon else None,
        )
        engines, interruption = choose_engines(engine, together=True), Interruption.of_caller()

        def stop() -> int | None:
            return engines.group.max(interruption.signal or 0) or None

        checkpoints: Checkpoints | NoCheckpoints = NoCheckpoints(stop)
        if checkpoint is not None:
            checkpoints_type = Checkpoints if engines.group.rank == 0 else ReadOnlyCheckpoints
            checkpoints = checkpoints_type(folder_of(checkpoint, "checkpoint"), every=checkpoint_every, stop=stop)
        trainer = Trainer(engines, checkpoints=checkpoints, report=interruption.deferring(_report(display, callback)))
        with interruption, checkpoints.held(), display:
            checkpoints.resume = bool(engines.group.broadcast(checkpoints.resumable))
            try:
                fitted = trainer.fit(pairs, validation, _resumed(job, checkpoints))
            except (Interrupted, KeyboardInterrupt) as error:
                best = trainer.best_model(between_updates=isinstance(error, Interrupted))
                if best is not None:
                    self._fitted, self._checkpoints = best, None  # `save` keeps the checkpoint, to resume the run
                raise KeyboardInterrupt(str(error)) from None
        self._fitted, self._checkpoints = fitted, checkpoints
        if interruption.signal is not None:  # too late to stop anything
            raise KeyboardInterrupt
        _warn_if_diverged(fitted, variants[0].training.learning_rate)
        return self

    def _continued(self, start: FittedModel) -> list[Variant]:
        """Return the settings of a model that continues from another.

        Raises:
            SettingsError: if they contradict those of the other model.
        """
        given = self._given()
        by_data = [each for each in ("target_symbols", "tag_separator") if each in given and given[each] is None]
        settings = {name: value for name, value in given.items() if name not in by_data}  # the other model has chosen
        return start_variants(start, settings, self._recipe(), self._members())


def _report(display: Report, callback: Report | list[Report] | tuple[Report, ...] | None) -> Report:
    """Return the function that shows an event and passes it to the callbacks.

    Raises:
        SettingsError: if one cannot be called.
    """
    functions = [] if callback is None else [*callback] if isinstance(callback, list | tuple) else [callback]
    for each in functions:
        if not callable(each):
            raise SettingsError(f"callback must be a function, or a list of functions, not {each!r}")

    def report(event: Event) -> None:
        for each in (display, *functions):
            each(event)

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
            stacklevel=3,
        )
