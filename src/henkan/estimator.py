"""`Seq2Seq`: the Python interface, with methods as in scikit-learn."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, Unpack, get_args

from henkan.config import Device, EngineConfig, EngineName, Precision, Settings, to_dict
from henkan.engine.choice import choose_engines, process_rank
from henkan.errors import DataError, Interrupted, NotFittedError, SettingsError
from henkan.evaluation.error_rates import evaluate
from henkan.inference.alignment import Alignment, align
from henkan.inference.constraint import constraint_of
from henkan.inference.conversion import Conversion, Fallback, Request, Unknown
from henkan.inference.explanation import By
from henkan.inference.lexicon import Lexicon, entries_to_pairs
from henkan.storage.lexicon_file import SavedLexicon
from henkan.text.data_source import DataSource
from henkan.text.pairs import Pairs
from henkan.text.string_lists import string_list
from henkan.training.checkpoint import SECONDS_BETWEEN, Checkpoints
from henkan.training.choice import Wanted
from henkan.training.combine import check_models
from henkan.training.combine import combine as combine_models
from henkan.training.events import Report
from henkan.training.fitted_model import FittedModel, load_model
from henkan.training.job import TrainingJob, Unlabelled, Variant
from henkan.training.labelling import generated_sources
from henkan.training.other_checkpoints import NoCheckpoints, ReadOnlyCheckpoints
from henkan.training.signals import Interruption
from henkan.training.state import MAX_ROLLBACKS
from henkan.training.stored_lexicon import Place, entries_of, merge
from henkan.training.trainer import Trainer

Entries = Mapping[str, str | Sequence[str]]
"""Known sources and the target or targets of each."""


class Seq2Seq:
    """A sequence-to-sequence model that converts strings to strings.

    >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
    >>> model.predict(["ab"])
    ['AB']

    Wherever methods take sources or targets, they are a list of strings or any other ordered collection of strings: a
    tuple, an iterator, a one-dimensional array, or a column of a table, such as `df["word"]` of pandas or polars.
    Sources and targets are paired by position. Tables, sets, dictionaries and missing values are refused.

    Args:
        recipe: the defaults of the settings: "words" (encoder-decoder with attention) or "edits" (transducer) for pairs
            of words, "modern" for small models of arithmetic and similar tasks, "quick" for the same in two epochs,
            "book" for the model of the book. None: that of the architecture that the settings select; otherwise "edits"
            or "words", chosen by the pairs.
        ensemble: number of ensemble members. They are trained with consecutive seeds, and prediction averages their
            log-probabilities.
        engine, device, precision, deterministic: compute engine; see `henkan.config.EngineConfig`.
        settings: any attributes of `henkan.config.ModelConfig` (such as attention, bidirectional, layers, hidden_size,
            target_symbols) and `henkan.config.TrainingConfig` (such as epochs, batch_size, learning_rate, dropout,
            seed).

    Raises:
        SettingsError: if a setting is unknown or has an invalid value.
    """

    def __init__(
        self,
        *,
        recipe: str | None = None,
        ensemble: int = 1,
        engine: EngineName = "auto",
        device: Device = "auto",
        precision: Precision = "float32",
        deterministic: bool = False,
        **settings: Unpack[Settings],
    ) -> None:
        self._engine = EngineConfig(engine=engine, device=device, precision=precision, deterministic=deterministic)
        self._wanted = Wanted(dict(settings), recipe, members=ensemble)
        self._fitted: FittedModel | None = None
        self._checkpoints: Checkpoints | NoCheckpoints | None = None

    def fit(
        self,
        sources: Iterable[str],
        targets: Iterable[str],
        *,
        dev: tuple[Iterable[str], Iterable[str]] | None = None,
        unlabelled: Iterable[str] | None = None,
        teacher: Seq2Seq | None = None,
        keep_lexicon: bool = False,
        callback: Report | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: float = SECONDS_BETWEEN,
    ) -> Seq2Seq:
        """Train the model on pairs, from new random weights.

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
            keep_lexicon: whether the model keeps the pairs as its lexicon; see `lexicon`. The pairs of `dev` and
                predicted targets are not kept. Training and validation do not use it.
            callback: function that receives the events of the run. For each model, these are first a `henkan.Started`,
                a `henkan.Preparing` and a `henkan.Estimated`, then a `henkan.Step` after each update and a
                `henkan.Epoch` after each epoch. A `henkan.Labelling` comes before the models that are trained with
                unlabelled sources, and a `henkan.Labelled` before and after each part of this work; the events before
                them are those of the ensemble that predicts the targets.
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
            SettingsError: if an argument, or a combination of settings, is invalid.
            KeyboardInterrupt: after Ctrl-C, or if `callback` raises it. Training stops after the current batch; a
                second Ctrl-C stops at once. The model then has the best weights so far and can be used and saved, but
                its confidence is not calibrated. Before the first update, the model stays as it was before the call.
                With a checkpoint folder, the next call resumes the run.

        Warns:
            RuntimeWarning: if training diverged (non-finite loss) repeatedly and was stopped. The model then has the
                last finite weights.
        """
        pairs = _pairs(sources, targets)
        validation = _validation(dev)
        engines, variants = choose_engines(self._engine, together=True), self._wanted.choose(pairs).variants
        held_out, seed = "none" if dev is None else "file", variants[0].training.seed
        job = TrainingJob(
            variants,
            DataSource(pairs=len(pairs), held_out=held_out, seed=seed),
            unlabelled=self._unlabelled(unlabelled, teacher, pairs, variants[0]),
            lexicon=SavedLexicon.of(zip(pairs.sources, pairs.targets, strict=True)) if keep_lexicon else None,
        )
        interruption = Interruption.of_caller()

        def stop() -> int | None:
            return engines.group.max(interruption.signal or 0) or None

        checkpoints: Checkpoints | NoCheckpoints = NoCheckpoints(stop)
        if checkpoint is not None:
            checkpoints_type = Checkpoints if engines.group.rank == 0 else ReadOnlyCheckpoints
            checkpoints = checkpoints_type(_folder(checkpoint, "checkpoint"), every=checkpoint_every, stop=stop)
        trainer = Trainer(engines, checkpoints=checkpoints, report=interruption.deferring(callback))
        with interruption, checkpoints.held():
            checkpoints.resume = bool(engines.group.broadcast(checkpoints.resumable))
            try:
                fitted = trainer.fit(pairs, validation, job)
            except (Interrupted, KeyboardInterrupt) as error:
                best = trainer.best_model(between_updates=isinstance(error, Interrupted))
                if best is not None:
                    self._fitted, self._checkpoints = best, None  # `save` keeps the checkpoint, to resume the run
                raise KeyboardInterrupt(str(error)) from None
        self._fitted, self._checkpoints = fitted, checkpoints
        if interruption.signal is not None:  # too late to stop anything
            raise KeyboardInterrupt
        metrics = fitted.saved.metrics
        if any(each.get("setbacks", 0) > MAX_ROLLBACKS for each in metrics.get("members", [metrics])):
            rate = variants[0].training.learning_rate
            warnings.warn(
                f"training diverged (non-finite loss) {MAX_ROLLBACKS + 1} times and was stopped; the model has the "
                f"last finite weights; train again with a learning rate below {rate:g}",
                RuntimeWarning,
                stacklevel=2,
            )
        return self

    def predict(
        self,
        sources: Iterable[str],
        *,
        unknown: Unknown = "use",
        beam: int = 1,
        abstain_below: float | None = None,
        abstain_outside: bool = False,
        fallback: Fallback | None = None,
        allow: Iterable[str] | None = None,
        pattern: str | None = None,
        symbols: str | None = None,
        lexicon: Entries | Literal["stored"] | None = "stored",
    ) -> list[str]:
        """Predict the targets of sources.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
        >>> model.predict(["ba", "ab"])
        ['BA', 'AB']
        >>> model.predict(["ba", "ab"], allow=["AB"])
        ['AB', 'AB']

        Args:
            sources: n strings.
            unknown: what to do with symbols that were not in the training data. "use": read them as the unknown symbol.
                "copy": also copy them to the prediction where attention selects them; a transducer, or a model with
                copying, does so by itself, also with "use". "error": raise an error. "skip":
                predict "". For a model without an unknown symbol, "use" means "error".
            beam: beam width, from 1 to 1000; 1 is greedy search.
            abstain_below: confidence, from 0 to 1, below which the prediction is "", or that of `fallback`. None: never
                abstain.
            abstain_outside: whether to abstain for sources outside the training data, such as longer ones; see
                `Conversion.outside`.
            fallback: function source -> prediction that is called if the model abstains or no prediction is allowed,
                for example a dictionary lookup or a larger model.
            allow: the allowed predictions; None: all. Several constraints hold at once.
            pattern: a regular expression that a prediction must match from the first character to the last, such as
                r"\\d{4}-\\d{2}-\\d{2}"; None: any. `\\d`, `\\w` and `\\s` stand for ASCII characters. Needs
                henkan[patterns].
            symbols: the symbols that a prediction may contain, as a text that is split like a target; None: all.
            lexicon: known sources and the target or targets of each, such as `{"ab": "AB"}`. They are looked up before
                the model predicts: the first target is the prediction. Targets need not fulfil the constraints. Other
                sources are looked up in the lexicon of the model; see `lexicon`. "stored": only look them up there.
                None: use no lexicon.

        Returns:
            n predictions, in the order of the sources. The prediction for a source of whitespace alone is "", unless
            the training data had such sources, and so is that of a source for which no prediction is allowed.

        Raises:
            UnanswerableError: at the first source that the model cannot read, or for which there is not enough memory,
                unless `unknown` is "skip".
            DataError: if `sources` are not strings, or have no order.
            NotFittedError: if the model is not trained.
            SettingsError: if an argument is invalid.
        """
        request = Request(
            unknown=unknown,
            beam=beam,
            abstain_below=abstain_below,
            abstain_outside=abstain_outside,
            constraint=constraint_of(allow, pattern, symbols),
            lexicon=self._lexicon(lexicon),
        )
        return self._model().converter.predict(string_list(sources, "sources"), request, fallback)

    def convert(
        self,
        sources: Iterable[str],
        *,
        unknown: Unknown = "use",
        beam: int = 1,
        nbest: int = 1,
        confidence: bool = False,
        abstain_below: float | None = None,
        abstain_outside: bool = False,
        mass: float | None = None,
        allow: Iterable[str] | None = None,
        pattern: str | None = None,
        symbols: str | None = None,
        lexicon: Entries | Literal["stored"] | None = "stored",
    ) -> list[Conversion]:
        """Predict the targets of sources, with log-probabilities and optionally confidences and n-best lists.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
        >>> [conversion] = model.convert(["ab"], beam=2, nbest=2)
        >>> conversion.prediction, len(conversion.nbest)
        ('AB', 2)

        Unlike `predict`, this does not raise an error for a source that the model cannot read: the `reason` of its
        conversion says why it has no prediction.

        Args:
            sources: n strings.
            unknown, beam, abstain_below, abstain_outside, allow, pattern, symbols, lexicon: as in `predict`.
                Probabilities and confidences are those of the model without constraints. A prediction from the lexicon
                has none, and all its targets are in `nbest`.
            nbest: number of predictions for each source, at most `beam`.
            confidence: whether to compute the confidence: the estimated probability, from 0 to 1, that the prediction
                is correct. It is None for a source outside the training data if nothing supports an estimate.
            mass: probability, from 0 to 1, at which to stop: of the `nbest` predictions, only the first are returned
                whose probabilities add up to it, and at least one. The probabilities are calibrated as the confidence.
                None: all are returned.

        Returns:
            n conversions, in the order of the sources.

        Raises:
            DataError: if `sources` are not strings, or have no order.
            NotFittedError: if the model is not trained.
            SettingsError: if an argument is invalid.
        """
        request = Request(
            unknown=unknown,
            beam=beam,
            nbest=nbest,
            confidence=confidence,
            abstain_below=abstain_below,
            abstain_outside=abstain_outside,
            mass=mass,
            constraint=constraint_of(allow, pattern, symbols),
            lexicon=self._lexicon(lexicon),
        )
        return self._model().converter.convert(string_list(sources, "sources"), request)

    def align(
        self, sources: Iterable[str], targets: Iterable[str] | None = None, *, beam: int = 1, by: By | None = None
    ) -> list[Alignment]:
        """Align predictions, or given targets, with their sources, symbol by symbol.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
        >>> [alignment] = model.align(["ab"])
        >>> [link.symbol for link in alignment.links]
        ['A', 'B']

        Args:
            sources: n strings.
            targets: align these n targets instead of the predictions; None: the predictions.
            beam: beam width, from 1 to 1000; 1 is greedy search.
            by: which source symbol a symbol comes from: the one under the "pointer" of a transducer, or the one with
                the largest "attention" weight or "saliency"; None: the first of these that the model has.

        Returns:
            n alignments, in the order of the sources. One without a prediction has a `reason`.

        Raises:
            DataError: if the sources or targets are not strings, have no order, or their numbers differ.
            NotFittedError: if the model is not trained.
            SettingsError: if an argument is invalid.
        """
        texts, request = string_list(sources, "sources"), Request(beam=beam)
        given = None if targets is None else _pairs(texts, targets).targets
        return align(self._model().converter, texts, given, request=request, by=by)

    def _lexicon(self, entries: Entries | Literal["stored"] | None) -> Lexicon | None:
        fitted = self._model()
        if entries is None or entries == "stored":
            return None if entries is None else fitted.lexicon
        return Lexicon(entries_to_pairs(entries), fitted.normalize, fitted.lexicon)

    @property
    def lexicon(self) -> dict[str, list[str]]:
        """The lexicon of the model: known sources with their targets, which `save` stores with it.

        Sources in it are looked up before the model predicts: in `predict`, `convert` and `score`, unless these get
        `lexicon=None`. They are compared as the model reads them, after Unicode normalization and conversion of case.
        `align` and `log_probability` are about the model alone. A model has no lexicon unless it was trained with
        `keep_lexicon=True` or entries were added. To change the lexicon, call `add_to_lexicon`, or assign another one;
        the dictionary is a copy.

        >>> model = Seq2Seq(epochs=2).fit(["ab", "ba"], ["AB", "BA"])
        >>> model.lexicon = {"ab": ["one", "two"]}
        >>> model.predict(["ab"])
        ['one']

        Raises:
            NotFittedError: if the model is not trained.
            ModelFolderError: if the lexicon that was loaded is damaged.
        """
        targets: dict[str, list[str]] = {}
        for source, target in entries_of(self._model()):
            targets.setdefault(source, []).append(target)
        return targets

    @lexicon.setter
    def lexicon(self, entries: Entries | None) -> None:
        pairs = [] if entries is None else entries_to_pairs(entries)
        self._set_lexicon(merge((), pairs, self._model().normalize).lexicon)

    def add_to_lexicon(self, sources: Iterable[str], targets: Iterable[str], *, place: Place = "last") -> Seq2Seq:
        """Add pairs to the lexicon of the model.

        >>> model = Seq2Seq(epochs=2).fit(["ab", "ba"], ["AB", "BA"], keep_lexicon=True)
        >>> model.add_to_lexicon(["ab", "xyz"], ["one", "two"], place="first").lexicon
        {'ab': ['one', 'AB'], 'ba': ['BA'], 'xyz': ['two']}

        Args:
            sources, targets: n sources and their n targets.
            place: where the new targets of a source go that is in the lexicon already: "last", after its other targets,
                so that its prediction stays; "first", so that the new target is the prediction; or "replace".

        Returns:
            self.

        Raises:
            DataError: if the numbers of sources and targets differ, or they are not strings in an order.
            NotFittedError: if the model is not trained.
            SettingsError: if `place` is invalid.
        """
        if place not in get_args(Place):
            raise SettingsError(f"place must be one of {', '.join(get_args(Place))}, not {place!r}", argument="place")
        fitted, pairs = self._model(), _pairs(sources, targets)
        new = zip(pairs.sources, pairs.targets, strict=True)
        self._set_lexicon(merge(entries_of(fitted), new, fitted.normalize, place).lexicon)
        return self

    def _set_lexicon(self, lexicon: SavedLexicon | None) -> None:
        fitted = self._model()
        self._fitted = replace(fitted, saved=replace(fitted.saved, lexicon=lexicon))

    def log_probability(self, sources: Iterable[str], targets: Iterable[str]) -> list[float]:
        """Compute the log-probability of each target given its source.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
        >>> right, wrong = model.log_probability(["ab", "ab"], ["AB", "BA"])
        >>> right > wrong
        True

        Args:
            sources, targets: n sources and their n targets.

        Returns:
            n log-probabilities in nats, including the end of the target. Minus infinity if the target has a symbol
            that was not in the training targets and that the model cannot copy from the source, or the model cannot
            read the source. nan if there is not enough memory for the pair.

        Raises:
            DataError: if the numbers of sources and targets differ, or they are not strings in an order.
            NotFittedError: if the model is not trained.
        """
        pairs = _pairs(sources, targets)
        scores: list[float] = self._model().converter.score(pairs.sources, pairs.targets)[0].tolist()
        return scores

    def warm_up(self) -> None:
        """Load the compiled kernels now, and use them for every prediction from now on.

        By default, they are loaded as soon as the predictions are so many that loading repays. A server calls this when
        it starts: a single prediction then takes about a third of the time. Loading takes about a second; the first
        time on a machine, the kernels are compiled, which takes about ten. Without numba (`henkan[fast]`), this has no
        effect.

        Raises:
            NotFittedError: if the model is not trained.
        """
        self._model().converter.warm_up()

    def score(
        self,
        sources: Iterable[str],
        targets: Iterable[str],
        *,
        lexicon: Entries | Literal["stored"] | None = "stored",
    ) -> float:
        """Compute the exact match: the fraction of distinct sources, from 0 to 1, that are predicted correctly.

        A prediction is correct if it equals the target. A source that occurs several times counts once, and any of its
        targets is correct. Sources are equal if they are equal after the Unicode normalization of the model. A source
        that the model cannot read counts as wrong. 1 minus the exact match is the word error rate. Sources in the
        lexicon of the model are predicted from it; to measure the model alone, pass `lexicon=None`.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
        >>> model.score(["ab", "ba"], ["AB", "AB"])
        0.5
        >>> model.score(["ab", "ab", "ba"], ["AB", "ab", "ba"])  # one of two sources
        0.5

        Args:
            sources, targets: n sources and their n targets.
            lexicon: as in `predict`.

        Raises:
            DataError: if the numbers of sources and targets differ, or they are not strings in an order.
            NotFittedError: if the model is not trained.
        """
        request = Request(lexicon=self._lexicon(lexicon))
        return evaluate(self._model().converter, _pairs(sources, targets), request).exact_match

    def save(self, folder: str | os.PathLike[str], *, force: bool = False) -> None:
        """Save the model in a folder, and delete the checkpoint that `fit` has written.

        If torchrun has started several processes, only process 0 saves the model.

        Args:
            folder: the model folder; missing parents are created.
            force: whether to replace an existing model.

        Raises:
            ModelFolderError: if the folder has other files, or a model and `force` is False, or cannot be written.
            NotFittedError: if the model is not trained.
        """
        if process_rank() > 0:
            return
        self._model().save(Path(folder), force=force)
        if self._checkpoints is not None:
            self._checkpoints.discard()

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle the model without its checkpoint, which `save` of the original deletes."""
        return self.__dict__ | {"_checkpoints": None}

    @classmethod
    def _of(cls, fitted: FittedModel, engine: EngineConfig) -> Seq2Seq:
        """Wrap a trained model."""
        first = fitted.saved.first
        settings = {**to_dict(first.model), **to_dict(first.training)}
        model = cls(ensemble=len(fitted.saved.members), **asdict(engine), **settings)
        model._fitted = fitted
        return model

    def _unlabelled(
        self, sources: Iterable[str] | None, teacher: Seq2Seq | None, pairs: Pairs, variant: Variant
    ) -> Unlabelled | None:
        if teacher is not None and not isinstance(teacher, Seq2Seq):
            raise SettingsError(f"teacher must be a trained Seq2Seq model, not {teacher!r}")
        given = None if sources is None else string_list(sources, "unlabelled")
        if teacher is None:
            return None if given is None else Unlabelled(given, None, self._wanted.teachers(pairs))
        fitted = teacher._model()
        if fitted.saved.first.model.features != variant.model.features:
            raise SettingsError("only one of the model and its teacher reads feature tags; choose another teacher")
        generated: Sequence[str] = []
        if given is None:
            generated = generated_sources(pairs, variant.model, variant.training.seed)
        return Unlabelled(generated if given is None else given, fitted, mark=fitted.digest())

    def _model(self) -> FittedModel:
        if self._fitted is None:
            raise NotFittedError("this model is not trained; call fit first")
        return self._fitted


def load(
    folder: str | os.PathLike[str],
    *,
    engine: EngineName = "auto",
    device: Device = "auto",
    precision: Precision = "float32",
    deterministic: bool = False,
) -> Seq2Seq:
    """Load a saved model.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"]).save(folder)
    ...     load(folder).predict(["ab"])
    ['AB']

    Args:
        folder: the model folder.
        engine, device, precision, deterministic: compute engine, which may differ from that of the training run; see
            `henkan.config.EngineConfig`.

    Raises:
        ModelFolderError: if the folder is not a model, is damaged, or has a newer format.
        SettingsError: if the engine, the device or the precision is not available.
    """
    wanted = EngineConfig(engine=engine, device=device, precision=precision, deterministic=deterministic)
    return Seq2Seq._of(load_model(Path(folder), choose_engines(wanted)), wanted)


def combine(
    models: Sequence[Seq2Seq], *, dev: tuple[Iterable[str], Iterable[str]] | None = None, fit_weights: bool = False
) -> Seq2Seq:
    """Combine models into an ensemble.

    Models with the same settings and vocabularies, for example trained on the same pairs with different seeds, average
    their log-probabilities at every step. If models differ, as in architecture or direction, each proposes outputs, and
    the mean of the log-probabilities of all decides. The lexicons of the models are joined, in this order.

    >>> pair = [Seq2Seq(epochs=1, seed=seed).fit(["ab"], ["AB"]) for seed in (0, 1)]
    >>> len(combine(pair).predict(["ab", "ba"]))
    2

    Args:
        models: two or more different models; of an ensemble, all members are included.
        dev: sources and targets of a validation set, on which the confidence of the ensemble is calibrated. None: the
            confidence is not calibrated.
        fit_weights: whether to fit the weights of different models to `dev`.

    Raises:
        NotFittedError: if a model is not trained.
        SettingsError: if weights are to be fitted without `dev` or to models that are alike, there are fewer than two
            models, a model is given twice, or only some read feature tags.
    """
    for model in models:
        if not isinstance(model, Seq2Seq):
            raise SettingsError(f"models must be a list of models, not of {model!r}; pass models that `load` returns")
    check_models([id(model) for model in models])
    fitted = [model._model() for model in models]
    ensemble = combine_models(fitted, _validation(dev), choose_engines(models[0]._engine), weighted=fit_weights)
    return Seq2Seq._of(ensemble, models[0]._engine)


def _folder(name: str | os.PathLike[str], argument: str) -> Path:
    if not isinstance(name, str | os.PathLike) or not isinstance(os.fspath(name), str) or "\0" in os.fspath(name):
        raise SettingsError(f"{argument} must be the name of a folder, not {name!r}")
    return Path(name)


def _validation(dev: tuple[Iterable[str], Iterable[str]] | None) -> Pairs | None:
    if dev is None:
        return None
    if not isinstance(dev, tuple | list) or len(dev) != 2:
        raise DataError("dev must be two lists: sources and targets")
    return _pairs(*dev, names=("dev[0]", "dev[1]"))


def _pairs(sources: Iterable[str], targets: Iterable[str], names: Sequence[str] = ("sources", "targets")) -> Pairs:
    return Pairs(string_list(sources, names[0]), string_list(targets, names[1]))
