"""`Seq2Seq`: the Python interface, with methods as in scikit-learn."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, Unpack

from henkan.config import Device, EngineConfig, EngineName, Precision, Settings, make_configs
from henkan.engine.choice import choose_engines, process_rank
from henkan.errors import DataError, NotFittedError, SettingsError
from henkan.evaluation.error_rates import evaluate
from henkan.inference.conversion import Conversion, Fallback, Request, Unknown
from henkan.text.data_source import DataSource
from henkan.text.pairs import Pairs
from henkan.training.checkpoint import SECONDS_BETWEEN, Checkpoints
from henkan.training.combine import check_models
from henkan.training.combine import combine as combine_models
from henkan.training.events import Report
from henkan.training.fitted_model import FittedModel, load_model
from henkan.training.other_checkpoints import ReadOnlyCheckpoints
from henkan.training.prepared import TrainingJob
from henkan.training.state import MAX_ROLLBACKS
from henkan.training.trainer import Trainer


class Seq2Seq:
    """A sequence-to-sequence model that converts strings to strings.

    >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
    >>> model.predict(["ab"])
    ['AB']

    Args:
        recipe: the defaults of the settings: "words" for pairs of words, "modern" for small models of arithmetic and
            similar tasks, "book" for the model of the book.
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
        recipe: str = "words",
        ensemble: int = 1,
        engine: EngineName = "auto",
        device: Device = "auto",
        precision: Precision = "float32",
        deterministic: bool = False,
        **settings: Unpack[Settings],
    ) -> None:
        self._ensemble = ensemble
        self._engine = EngineConfig(engine=engine, device=device, precision=precision, deterministic=deterministic)
        self._model_config, self._training_config = make_configs(settings, recipe=recipe)
        self._fitted: FittedModel | None = None
        self._checkpoints: Checkpoints | None = None

    def fit(
        self,
        sources: Sequence[str],
        targets: Sequence[str],
        *,
        dev: tuple[Sequence[str], Sequence[str]] | None = None,
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
            sources, targets: n sources and their n targets.
            dev: sources and targets of a validation set. The model is evaluated on it after every epoch, keeps the
                weights of the epoch with the highest exact match, and calibrates its confidence on it. None: no
                validation, the weights of the last epoch are kept, and confidence is not calibrated.
            callback: function that receives the events of the run: first a `henkan.Started` and a `henkan.Preparing`,
                then a `henkan.Step` after each update and a `henkan.Epoch` after each epoch.
            checkpoint: folder for checkpoints. If it has an interrupted run with the same pairs and settings, `fit`
                resumes it, and the weights are the same, bit for bit, as without the interruption. If that run is
                complete, `fit` returns its model without training. `save` deletes the checkpoint; before that, the
                folder cannot be used for other pairs or settings. None: no checkpoints are written.
            checkpoint_every: seconds between checkpoints within an epoch. A checkpoint is also written after every
                epoch.

        Returns:
            self.

        Raises:
            DataError: if there are no pairs, the numbers of sources and targets differ, or an element is not a string.
            CheckpointError: if the folder has a run with other pairs or settings, or cannot be written.
            SettingsError: if an argument, or a combination of settings, is invalid.

        Warns:
            RuntimeWarning: if training diverged (non-finite loss) repeatedly and was stopped. The model then has the
                last finite weights.
        """
        pairs = _pairs(sources, targets)
        validation = _validation(dev)
        seed = self._training_config.seed
        source = DataSource(pairs=len(pairs), held_out="none" if dev is None else "file", seed=seed)
        engines = choose_engines(self._engine, together=True)
        checkpoints = None
        if checkpoint is not None:
            checkpoints_type = Checkpoints if engines.group.rank == 0 else ReadOnlyCheckpoints
            checkpoints = checkpoints_type(_folder(checkpoint, "checkpoint"), every=checkpoint_every)
        with nullcontext() if checkpoints is None else checkpoints.held():
            if checkpoints is not None:
                checkpoints.resume = bool(engines.group.broadcast(checkpoints.resumable))
            job = TrainingJob(self._model_config, self._training_config, source, self._ensemble)
            self._fitted = Trainer(engines, checkpoints=checkpoints, report=callback).fit(pairs, validation, job)
        self._checkpoints = checkpoints
        metrics = self._fitted.saved.metrics
        if any(each.get("setbacks", 0) > MAX_ROLLBACKS for each in metrics.get("members", [metrics])):
            rate = self._training_config.learning_rate
            warnings.warn(
                f"training diverged (non-finite loss) {MAX_ROLLBACKS + 1} times and was stopped; the model has the "
                f"last finite weights; train again with a learning rate below {rate:g}",
                RuntimeWarning,
                stacklevel=2,
            )
        return self

    def predict(
        self,
        sources: Sequence[str],
        *,
        unknown: Unknown = "use",
        beam: int = 1,
        abstain_below: float | None = None,
        fallback: Fallback | None = None,
    ) -> list[str]:
        """Predict the targets of sources.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
        >>> model.predict(["ba", "ab"])
        ['BA', 'AB']

        Args:
            sources: n strings.
            unknown: what to do with symbols that were not in the training data. "use": read them as the unknown symbol.
                "copy": also copy them to the prediction where attention selects them. "error": raise an error. "skip":
                predict "". For a model without an unknown symbol, "use" means "error".
            beam: beam width, from 1 to 1000; 1 is greedy search.
            abstain_below: confidence, from 0 to 1, below which the prediction is "", or that of `fallback`. None: never
                abstain.
            fallback: function source -> prediction that is called if the model abstains, for example a dictionary
                lookup or a larger model.

        Returns:
            n predictions, in the order of the sources.

        Raises:
            UnanswerableError: at the first source that the model cannot read, or for which there is not enough memory,
                unless `unknown` is "skip".
            DataError: if `sources` is not a list of strings.
            NotFittedError: if the model is not trained.
            SettingsError: if an argument is invalid.
        """
        request = Request(unknown=unknown, beam=beam, abstain_below=abstain_below)
        return self._model().converter.predict(_strings(sources, "sources"), request, fallback)

    def convert(
        self,
        sources: Sequence[str],
        *,
        unknown: Unknown = "use",
        beam: int = 1,
        nbest: int = 1,
        confidence: bool = False,
        abstain_below: float | None = None,
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
            unknown, beam, abstain_below: as in `predict`.
            nbest: number of predictions for each source, at most `beam`.
            confidence: whether to compute the confidence: the estimated probability, from 0 to 1, that the prediction
                is correct.

        Returns:
            n conversions, in the order of the sources.

        Raises:
            DataError: if `sources` is not a list of strings.
            NotFittedError: if the model is not trained.
            SettingsError: if an argument is invalid.
        """
        request = Request(unknown=unknown, beam=beam, nbest=nbest, confidence=confidence, abstain_below=abstain_below)
        return self._model().converter.convert(_strings(sources, "sources"), request)

    def log_probability(self, sources: Sequence[str], targets: Sequence[str]) -> list[float]:
        """Compute the log-probability of each target given its source.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
        >>> right, wrong = model.log_probability(["ab", "ab"], ["AB", "BA"])
        >>> right > wrong
        True

        Args:
            sources, targets: n sources and their n targets.

        Returns:
            n log-probabilities in nats, including the end of the target. Minus infinity if the target has a symbol
            that was not in the training targets, or the model cannot read the source. nan if there is not enough
            memory for the pair.

        Raises:
            DataError: if the numbers of sources and targets differ, or an element is not a string.
            NotFittedError: if the model is not trained.
        """
        pairs = _pairs(sources, targets)
        scores: list[float] = self._model().converter.score(pairs.sources, pairs.targets)[0].tolist()
        return scores

    def score(self, sources: Sequence[str], targets: Sequence[str]) -> float:
        """Compute the exact match: the fraction of sources, from 0 to 1, that are predicted correctly.

        A prediction is correct if it equals the target; if the source occurs with several targets, any of them is
        correct. A source that the model cannot read counts as wrong.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
        >>> model.score(["ab", "ba"], ["AB", "AB"])
        0.5

        Args:
            sources, targets: n sources and their n targets.

        Raises:
            DataError: if the numbers of sources and targets differ, or an element is not a string.
            NotFittedError: if the model is not trained.
        """
        return evaluate(self._model().converter, _pairs(sources, targets)).exact_match

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
        model = cls(ensemble=len(fitted.saved.members), **asdict(engine))
        model._model_config, model._training_config = fitted.saved.model, fitted.saved.training
        model._fitted = fitted
        return model

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


def combine(models: Sequence[Seq2Seq], *, dev: tuple[Sequence[str], Sequence[str]] | None = None) -> Seq2Seq:
    """Combine models into an ensemble, which averages the log-probabilities of its members.

    The models must have the same settings and vocabularies, for example because they were trained on the same pairs
    with different seeds.

    >>> pair = [Seq2Seq(epochs=1, seed=seed).fit(["ab"], ["AB"]) for seed in (0, 1)]
    >>> len(combine(pair).predict(["ab", "ba"]))
    2

    Args:
        models: two or more different models; of an ensemble, all members are included.
        dev: sources and targets of a validation set, on which the confidence of the ensemble is calibrated. None: the
            confidence is not calibrated.

    Raises:
        NotFittedError: if a model is not trained.
        SettingsError: if there are fewer than two models, a model is given twice, or the settings or vocabularies
            differ.
    """
    check_models([id(model) for model in models])
    fitted = [model._model() for model in models]
    ensemble = combine_models(fitted, _validation(dev), choose_engines(models[0]._engine))
    return Seq2Seq._of(ensemble, models[0]._engine)


def _folder(name: str | os.PathLike[str], argument: str) -> Path:
    if not isinstance(name, str | os.PathLike) or not isinstance(os.fspath(name), str) or "\0" in os.fspath(name):
        raise SettingsError(f"{argument} must be the name of a folder, not {name!r}")
    return Path(name)


def _validation(dev: tuple[Sequence[str], Sequence[str]] | None) -> Pairs | None:
    if dev is None:
        return None
    if not isinstance(dev, tuple | list) or len(dev) != 2:
        raise DataError("dev must be two lists: sources and targets")
    return _pairs(*dev)


def _pairs(sources: Sequence[str], targets: Sequence[str]) -> Pairs:
    return Pairs(_strings(sources, "sources"), _strings(targets, "targets"))


def _strings(strings: Sequence[str], name: str) -> list[str]:
    if isinstance(strings, str) or not isinstance(strings, Iterable):
        raise DataError(f"{name} is {strings!r:.80}; give a list of strings")
    listed = list(strings)
    for index, string in enumerate(listed):
        if not isinstance(string, str):
            raise DataError(f"{name}[{index}] is {string!r}, not a string")
    return listed
