"""Training of models: all members of an ensemble, one after another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace

import numpy as np

from henkan._version import __version__
from henkan.batching.encoded_pairs import EncodedPairs
from henkan.config import TrainingConfig, to_dict
from henkan.engine.base import Engine, Engines, Execution, ProcessGroup
from henkan.errors import Interrupted, SettingsError
from henkan.inference.converter import Converter
from henkan.text.pairs import Pairs
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.training.checkpoint import Checkpoints
from henkan.training.events import Calibrating, Ended, Estimated, Labelled, Labelling, Preparing, Report, Started
from henkan.training.fitted_model import FittedModel
from henkan.training.job import TrainingJob, Unlabelled
from henkan.training.labelling import label, usable_sources
from henkan.training.loop import train
from henkan.training.other_checkpoints import NoCheckpoints
from henkan.training.prepared import PreparedData, fingerprints, prepare, training_domain
from henkan.training.progress import Progress
from henkan.training.result import UnfinishedRun, history, joined_converter, trained_model
from henkan.training.state import TrainingState
from henkan.training.validation import Validator, evaluate_and_calibrate


class Trainer:
    """Trains models.

    In a process group, all processes call the same methods, but only the result of process 0 is evaluated on the
    validation set.

    Args:
        engines: factory for the engines.
        checkpoints: the checkpoint folder, locked by the caller; None: write no checkpoints.
        report: called with every event.
    """

    def __init__(
        self,
        engines: Engines,
        *,
        checkpoints: Checkpoints | NoCheckpoints | None = None,
        report: Report | None = None,
    ) -> None:
        self.engines, self.group = engines, engines.group
        self.checkpoints = checkpoints or NoCheckpoints()
        self.report: Report = report if report is not None else lambda _: None
        self._run: UnfinishedRun | None = None

    def fit(self, pairs: Pairs | TokenizedPairs, validation: Pairs | None, job: TrainingJob) -> FittedModel:
        """Train a model.

        With a validation set, each member has the weights of its best epoch (the highest exact match, and the lowest
        loss in case of a tie), and the confidences are calibrated on the validation set.

        Args:
            pairs: the training pairs, as strings, or tokenized according to `job.model`. For strings, settings that are
                None are detected; see `henkan.text.detected_settings`.
            validation: the validation pairs, or None.
            job: what to train.

        Raises:
            DataError: if there are no pairs, or no unlabelled source can be used.
            SettingsError: if the settings do not match the data, each other or the start model.
            CheckpointError, Interrupted: see `henkan.training.checkpoint`.
        """
        if isinstance(pairs, Pairs):
            from henkan.text.detected_settings import with_detected_settings  # loading a model does not need it

            variants = [replace(each, model=with_detected_settings(each.model, pairs)) for each in job.variants]
            job = replace(job, variants=variants)
            pairs = TokenizedPairs.of(pairs, variants[0].model)
        labelled = None if job.unlabelled is None else self._label(pairs, validation, job, job.unlabelled)
        data = self._data(pairs, validation, job, labelled)
        del pairs  # free memory: only the ids are needed from here
        return self._fit(data, job, labelled)

    def _label(
        self, pairs: TokenizedPairs, validation: Pairs | None, job: TrainingJob, unlabelled: Unlabelled
    ) -> Pairs:
        """Predict the targets of the unlabelled sources, or read them from the checkpoint of an interrupted run."""
        check_one_process(self.group)
        kept = self.checkpoints.labelled(has_teacher=unlabelled.teacher is not None)
        if kept is not None:
            return kept
        teacher, own = unlabelled.teacher, replace(job, variants=unlabelled.variants or job.variants)
        data = [] if teacher is not None else self._data(pairs, validation, own, None)
        vocabulary = data[0].source_vocabulary if teacher is None else teacher.converter.source_vocabulary
        used = (source for each in (pairs.pairs, validation) if each is not None for source in each.sources)
        usable = usable_sources(unlabelled.sources, used, vocabulary)
        if teacher is None:
            teacher = self._fit(data, own, None, teacher=True)
        run = self._run

        def report(done: int, used: int) -> None:
            self.report(Labelled(done, used, len(usable.sources)))
            if run is not None:
                self.checkpoints.pause(lambda: run.progress)
            elif self.checkpoints.stop() is not None:
                raise KeyboardInterrupt  # there is nothing to save

        with self._reporting_failure(job.members, "" if run is None else self.checkpoints.run_id, teacher=False):
            self.report(Labelling(len(usable.sources), usable.left_out))
            labelled = label(teacher.converter, usable.sources, report)
        self.checkpoints.resume, self._run = False, None  # the run of the teacher is complete
        return labelled

    @staticmethod
    def _data(
        pairs: TokenizedPairs, validation: Pairs | None, job: TrainingJob, labelled: Pairs | None
    ) -> list[PreparedData]:
        """Prepare the data of each variant."""
        start = [None] * len(job.variants) if job.start is None else job.start.saved.variants
        return [prepare(pairs, validation, *each, labelled) for each in zip(job.variants, start, strict=True)]

    def _fit(
        self,
        data: Sequence[PreparedData],
        job: TrainingJob,
        labelled: Pairs | None,
        *,
        teacher: bool = False,
    ) -> FittedModel:
        """Train a model; see `fit`.

        Args:
            data: the data of each variant.
            job: what to train.
            labelled: the unlabelled sources with their predicted targets, or None.
            teacher: whether the model only predicts such targets.
        """
        progress = self._open(data, job, labelled)
        self._run = UnfinishedRun(data, job, progress, 0 if teacher else self._probe_updates(data[0], job), teacher)
        run_id = self.checkpoints.run_id
        with self._reporting_failure(job.members, run_id, teacher=teacher):
            fitted = self._train_all(self._run)
        self.report(Ended("finished", fitted.saved.metrics["exact_match"], job.members, run_id, teacher))
        return fitted

    @contextmanager
    def _reporting_failure(self, members: int, run_id: str, *, teacher: bool) -> Iterator[None]:
        """Report the end of the run if an exception ends it."""
        try:
            yield
        except BaseException as error:
            interrupted = isinstance(error, Interrupted | KeyboardInterrupt)
            with suppress(Exception, KeyboardInterrupt):  # of the callback, which would hide the first error
                self.report(Ended("interrupted" if interrupted else "failed", None, members, run_id, teacher))
            raise

    def _train_all(self, run: UnfinishedRun) -> FittedModel:
        """Train all members of a run, evaluate them and calibrate their confidence."""
        data, job, progress = run.data, run.job, run.progress
        trained = [self._member(number, run) for number in range(job.members)]
        converter, counts = joined_converter(data, trained, training_domain(data[0], job.start)), None
        validation_set = data[0].validation
        if validation_set is not None:
            pause = self._pause(lambda: progress)
            counts = evaluate_and_calibrate(converter, validation_set, self.group, pause)
            if not run.teacher:
                self._calibrate_outside(converter, data[0], job, pause)
        members = [engine.weights for engine in trained]
        return trained_model(run, converter, members, progress.histories, counts)

    def best_model(self, *, between_updates: bool) -> FittedModel | None:
        """Return the best model so far of an interrupted `fit`; see `UnfinishedRun.best_model`."""
        return None if self._run is None else self._run.best_model(self.engines, between_updates=between_updates)

    def _calibrate_outside(
        self, converter: Converter, data: PreparedData, job: TrainingJob, pause: Callable[[], None]
    ) -> None:
        """Estimate the confidence of sources outside the training data. In a process group, only process 0 does so.

        A model that continues from another keeps its corrections: the new pairs may be too few to train a probe. The
        probes of a mixed ensemble are of its first variant.
        """
        if converter.domain is None or not data.variant.training.calibrate_outside or self.group.rank > 0:
            return
        if job.start is not None and job.start.converter.domain is not None:
            corrections = job.start.converter.domain.corrections
        else:
            from henkan.training.probe import estimate_corrections

            self.report(Calibrating())
            corrections = estimate_corrections(data, self.engines, pause)
        converter.domain = replace(converter.domain, corrections=corrections)

    @staticmethod
    def _probe_updates(data: PreparedData, job: TrainingJob) -> int:
        """Return the number of updates of the probes that `_calibrate_outside` trains."""
        if data.validation is None or job.start is not None or not data.variant.training.calibrate_outside:
            return 0
        from henkan.training.probe import count_updates

        return count_updates(data)

    def _open(self, data: Sequence[PreparedData], job: TrainingJob, labelled: Pairs | None) -> Progress:
        """Start or resume the run."""
        plan = {
            "model": to_dict(data[0].variant.model),
            "training": to_dict(data[0].variant.training),
            "ensemble": job.members,
            "other variants": [each.variant.to_dict() for each in data[1:]],
            "started from a model": job.start is not None,
            "data": asdict(job.data),
            "marks": fingerprints(data, job.unlabelled, labelled),
            "versions": versions(self.engines),
        }
        self.checkpoints.clear()
        if job.start is not None:
            self.checkpoints.keep_start(job.start.save)
        if labelled is not None:
            self.checkpoints.keep_labelled(labelled)
        progress = self.checkpoints.open(plan)
        self.group.broadcast(0)  # barrier: no process writes before all have read
        return progress

    def _member(self, number: int, run: UnfinishedRun) -> Engine:
        """Train or resume a member, or restore its weights if it was finished before the run was interrupted."""
        data, in_variant = run.data_of(number)
        progress, variant = run.progress, data.variant
        training = replace(variant.training, seed=variant.training.seed + number)
        engine = self.engines.make(variant.model, data.sizes, training=training)
        if number < len(progress.done):
            self.checkpoints.check_fits(progress.done[number], engine.weights)
            engine.set_weights(progress.done[number])
            return engine
        converter = data.converter([engine])
        self.report(self._started(number, run, converter, training))
        if progress.state is None:
            engine.set_weights(data.initial_weights(in_variant, training.seed))
            progress.state = TrainingState(np.random.default_rng([training.seed, 3]))
        else:
            self._check_fits(progress, engine)
            engine.restore(progress.snapshot)
        run.engine = engine
        self._train(engine, converter, data, training, run)
        return engine

    def _started(self, number: int, run: UnfinishedRun, converter: Converter, training: TrainingConfig) -> Started:
        """Describe a member that is about to be trained.

        Args:
            number: number of the member, from 0.
            run: the run.
            converter: converts texts with the member.
            training: its settings.
        """
        data, state = run.data_of(number)[0], run.progress.state
        return Started(
            converter,
            pairs=len(data.pairs),
            held_out=len(data.validation_pairs or ()),
            epochs=training.epochs or 0,
            weights=data.weights,
            member=number + 1,
            members=run.job.members,
            target_symbols=data.target_vocabulary.tokenizer.unit,
            synthetic=training.augment or 0,
            labelled=data.labelled,
            settings={**to_dict(data.variant.model), **to_dict(training.sized(len(data.epoch_pairs)))},
            engine=self.engines.describe(),
            run=self.checkpoints.run_id,
            teacher=run.teacher,
            steps_done=0 if state is None else state.step,
            epochs_done=() if state is None else tuple(state.records),
        )

    def _train(
        self, engine: Engine, converter: Converter, data: PreparedData, training: TrainingConfig, run: UnfinishedRun
    ) -> None:
        """Train a member, restore its best weights, and add it to the progress."""
        progress = run.progress
        state = progress.state
        assert state is not None

        def now() -> Progress:
            progress.snapshot = engine.snapshot()
            return progress

        self.checkpoints.keep(now())
        validator = None
        if data.validation is not None:
            validator = Validator(engine, converter, data.validation, self.group, self._pause(now))
        self.report(Preparing())
        with engine.session(Execution(threads=True)):
            update = self._prepare(engine, data.epoch_pairs, training)
            evaluation = 0.0 if validator is None else validator.estimated_seconds()
            self.report(_estimated(training, len(data.epoch_pairs), run, update, evaluation))
            self.checkpoints.pause(now)
            for event in train(engine, data.epoch_pairs, training, state, validator):
                self.report(event)
                self.checkpoints.after(event, now)
        engine.end_training()
        if state.best is not None:
            engine.set_weights(state.best.weights)
        progress.done.append({name: array.copy() for name, array in engine.weights.items()})
        progress.histories.append(history(training, state))
        progress.state = None
        self.checkpoints.keep(progress)

    def _prepare(self, engine: Engine, pairs: EncodedPairs, training: TrainingConfig) -> float:
        """Prepare the engine, and return how many seconds an update takes, measured on one batch."""
        size, seconds = training.batch_size or 1, []
        by_length = np.argsort(pairs.sources.lengths(), kind="stable")
        middle = max(0, (len(pairs) - size) // 2)
        batch = pairs.parts(by_length[middle : middle + size])[-1]
        engine.prepare(batch)
        for _ in range(3):
            start = time.perf_counter()
            engine.prepare(batch)
            seconds.append(time.perf_counter() - start)
        return min(seconds)

    def _pause(self, progress: Callable[[], Progress]) -> Callable[[], None]:
        """Return the function to call between two parts of a long evaluation, where the run may be interrupted."""
        return lambda: self.checkpoints.pause(progress)

    def _check_fits(self, progress: Progress, engine: Engine) -> None:
        """Check that the arrays of a checkpoint fit the engine of the current member."""
        state = progress.state
        self.checkpoints.check_fits(progress.snapshot, engine.snapshot())
        if state is not None and state.rollback_point is not None:
            self.checkpoints.check_fits(state.rollback_point.snapshot, progress.snapshot)
        if state is not None and state.best is not None:
            self.checkpoints.check_fits(state.best.weights, engine.weights)


def _estimated(training: TrainingConfig, pairs: int, run: UnfinishedRun, update: float, evaluation: float) -> Estimated:
    """Estimate how long the current model of a run takes, and what follows.

    Args:
        training: settings of the model.
        pairs: number of pairs of an epoch.
        run: the run.
        update, evaluation: seconds for one of each.
    """
    state, epochs, updates = run.progress.state, training.epochs or 0, training.total_updates(pairs)
    assert state is not None
    left = (updates - state.step) * update + (epochs - len(state.records)) * evaluation
    models = run.job.members - len(run.progress.done) - 1
    return Estimated(left, models * (updates * update + epochs * evaluation) + run.probe_updates * update)


def check_one_process(group: ProcessGroup) -> None:
    """Check that there is one process, as a run with unlabelled sources needs.

    Raises:
        SettingsError: if it has several.
    """
    if group.size > 1:
        raise SettingsError("several processes cannot use unlabelled sources; train with one process")


def versions(engines: Engines) -> dict[str, str]:
    """Versions that the last bits of a model may depend on."""
    return {"henkan": __version__, "engine": engines.describe()}
