"""`Seq2Seq`: the model as a Python object, in the manner of scikit-learn."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Unpack

from henkan.config import Device, EngineConfig, EngineName, Precision, Settings, make_configs
from henkan.engine.choice import choose_engines, process_rank
from henkan.errors import DataError, NotFittedError, SettingsError
from henkan.evaluation.error_rates import evaluate
from henkan.inference.conversion import Conversion, Fallback, Request, Unknown
from henkan.text.data_source import DataSource
from henkan.text.pairs import Pairs
from henkan.training.checkpoint import SECONDS_BETWEEN, Checkpoints
from henkan.training.combine import combine as combine_models
from henkan.training.events import Report
from henkan.training.fitted_model import FittedModel, load_model
from henkan.training.other_checkpoints import ReadOnlyCheckpoints
from henkan.training.prepared import TrainingJob
from henkan.training.state import MAX_ROLLBACKS
from henkan.training.trainer import Trainer


class Seq2Seq:
    """A sequence-to-sequence model that turns strings into strings.

    >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
    >>> model.predict(["ab"])
    ['AB']

    Args:
        recipe: "words", "modern" or "book", where the settings not given come from: "words" is for people's own pairs,
            "modern" for the article's model.
        ensemble: how many models to train, with the seed and those that follow it, which answer together.
        engine, device, precision, deterministic: who does the arithmetic; see `henkan.config.EngineConfig`.
        settings: by name, any of `henkan.config.ModelConfig` (such as reverse, peeky, attention, bidirectional, layers,
            hidden_size, target_symbols) and `henkan.config.TrainingConfig` (such as epochs, batch_size,
            learning_rate, dropout, seed).

    Raises:
        SettingsError: for an unknown setting or an impossible value.
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
        """Train on pairs, from fresh weights.

        Where torchrun has started several processes, all of them must call this, with the same pairs: they train one
        model together, which each has in the end.

        Args:
            sources, targets: strings, as many of the one as of the other.
            dev: sources and targets to measure exact match on after every epoch. The best epoch is kept, and they
                calibrate the confidences.
            callback: called with a `henkan.Started`, a `henkan.Preparing`, then a `henkan.Step` for each update
                and a `henkan.Epoch` for each epoch.
            checkpoint: a folder that keeps what it takes to go on: where a training of the same pairs and settings was
                stopped or killed, it goes on from there, to the same bits as if it never had been. Where it had come to
                its end, `fit` returns at once with the same model. What is kept there is deleted by `save`, wherever
                that puts the model; until then a training of other pairs or settings is refused the folder.
            checkpoint_every: seconds between two checkpoints within an epoch; there is one after every epoch.

        Returns:
            self.

        Raises:
            DataError: if there are no pairs, or not as many sources as targets.
            CheckpointError: if something else was being trained in the folder, or it cannot be written.
            SettingsError: for an impossible name or number.
        """
        pairs = _pairs(sources, targets)
        held_out = _validation(dev)
        seed = self._training_config.seed
        source = DataSource(pairs=len(pairs), held_out="none" if dev is None else "file", seed=seed)
        engines = choose_engines(self._engine, together=True)
        checkpoints = None
        if checkpoint is not None:
            kind = Checkpoints if engines.group.rank == 0 else ReadOnlyCheckpoints
            checkpoints = kind(_folder(checkpoint, "checkpoint"), every=checkpoint_every)
        with nullcontext() if checkpoints is None else checkpoints.held():
            if checkpoints is not None:
                checkpoints.resume = bool(engines.group.broadcast(checkpoints.resumable))
            job = TrainingJob(self._model_config, self._training_config, source, self._ensemble)
            self._fitted = Trainer(engines, checkpoints=checkpoints, report=callback).fit(pairs, held_out, job)
        self._checkpoints = checkpoints
        metrics = self._fitted.saved.metrics
        if any(each.get("setbacks", 0) > MAX_ROLLBACKS for each in metrics.get("members", [metrics])):
            rate = self._training_config.learning_rate
            warnings.warn(
                f"training diverged (non-finite loss) {MAX_ROLLBACKS + 1} times and was stopped; the model is the last "
                f"finite one; train again with a learning rate below {rate:g}",
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
        """The model's answers, in the order of the sources.

        Args:
            sources: strings.
            unknown: what to do with symbols that were not in training: "use" reads them as the unknown symbol, "copy"
                also puts them into the answer where attention looks at them, "error" raises, "skip" gives "".
            beam: beginnings of answers that are followed at every step.
            abstain_below: the confidence below which the answer is "", or the fallback's.
            fallback: source -> answer, such as a calculator, a dictionary or a larger model.

        Raises:
            UnanswerableError: at the first source that cannot be read.
            NotFittedError: before `fit`.
            SettingsError: for what is impossible.
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
        """The answers with their log-probabilities; a source that cannot be answered carries the reason.

        Args:
            sources: strings.
            unknown, beam, abstain_below: as in `predict`.
            nbest: answers for each source, at most `beam`.
            confidence: whether to say how probable it is that each answer is right.

        Raises:
            NotFittedError: before `fit`.
            SettingsError: for what is impossible.
        """
        request = Request(unknown=unknown, beam=beam, nbest=nbest, confidence=confidence, abstain_below=abstain_below)
        return self._model().converter.convert(_strings(sources, "sources"), request)

    def log_probability(self, sources: Sequence[str], targets: Sequence[str]) -> list[float]:
        """How probable the model finds each target of its source, in nats; minus infinity where it cannot write it.

        Raises:
            NotFittedError: before `fit`.
            DataError: if there are not as many sources as targets.
        """
        pairs = _pairs(sources, targets)
        scores: list[float] = self._model().converter.score(pairs.sources, pairs.targets)[0].tolist()
        return scores

    def score(self, sources: Sequence[str], targets: Sequence[str]) -> float:
        """Exact match: the share of sources, from 0 to 1, whose answer is the target.

        Raises:
            NotFittedError: before `fit`.
            DataError: if there are not as many sources as targets.
        """
        return evaluate(self._model().converter, _pairs(sources, targets)).exact_match

    def save(self, folder: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the model as a folder; `force` replaces a model that stands there.

        The checkpoint that `fit` may have kept of it is deleted then. Of the processes that torchrun has started, the
        first alone writes.

        Raises:
            NotFittedError: before `fit`.
            ModelFolderError: if it cannot be written there.
        """
        if process_rank() > 0:
            return
        self._model().save(Path(folder), force=force)
        if self._checkpoints is not None:
            self._checkpoints.discard()

    @classmethod
    def _of(cls, fitted: FittedModel, engine: EngineConfig) -> Seq2Seq:
        """A trained model as an object."""
        model = cls(ensemble=len(fitted.saved.members), **asdict(engine))
        model._model_config, model._training_config = fitted.saved.model, fitted.saved.training
        model._fitted = fitted
        return model

    def _model(self) -> FittedModel:
        if self._fitted is None:
            raise NotFittedError("this model has not been trained; call fit first")
        return self._fitted


def load(
    folder: str | os.PathLike[str],
    *,
    engine: EngineName = "auto",
    device: Device = "auto",
    precision: Precision = "float32",
    deterministic: bool = False,
) -> Seq2Seq:
    """A saved model, ready to predict.

    Args:
        folder: where it is.
        engine, device, precision, deterministic: who does the arithmetic, whoever has trained it; see
            `henkan.config.EngineConfig`.

    Raises:
        ModelFolderError: if the folder is no model, damaged, or of a newer format.
        SettingsError: if the engine cannot be had here.
    """
    wanted = EngineConfig(engine=engine, device=device, precision=precision, deterministic=deterministic)
    return Seq2Seq._of(load_model(Path(folder), choose_engines(wanted)), wanted)


def combine(models: Sequence[Seq2Seq], *, dev: tuple[Sequence[str], Sequence[str]] | None = None) -> Seq2Seq:
    """Combine models of the same settings and symbols, as trained with different seeds, into one ensemble.

    >>> pair = [Seq2Seq(epochs=1, seed=seed).fit(["ab"], ["AB"]) for seed in (0, 1)]
    >>> len(combine(pair).predict(["ab", "ba"]))
    2

    Args:
        models: at least one; an ensemble contributes all its members.
        dev: sources and targets of a validation set, which calibrates the confidence of the ensemble.

    Raises:
        NotFittedError: if one of them is not trained.
        SettingsError: if they do not fit together.
    """
    if not models:
        raise SettingsError("there are no models to combine; name at least one")
    fitted = [model._model() for model in models]
    ensemble = combine_models(fitted, _validation(dev), choose_engines(models[0]._engine))
    return Seq2Seq._of(ensemble, models[0]._engine)


def _folder(name: str | os.PathLike[str], what: str) -> Path:
    if not isinstance(name, str | os.PathLike) or not isinstance(os.fspath(name), str) or "\0" in os.fspath(name):
        raise SettingsError(f"{what} must be the name of a folder, not {name!r}")
    return Path(name)


def _validation(dev: tuple[Sequence[str], Sequence[str]] | None) -> Pairs | None:
    if dev is None:
        return None
    if not isinstance(dev, tuple | list) or len(dev) != 2:
        raise DataError("dev must be two lists, the sources and the targets")
    return _pairs(*dev)


def _pairs(sources: Sequence[str], targets: Sequence[str]) -> Pairs:
    return Pairs(_strings(sources, "sources"), _strings(targets, "targets"))


def _strings(strings: Sequence[str], name: str) -> list[str]:
    if isinstance(strings, str) or not isinstance(strings, Iterable):
        raise DataError(f"{name} is {strings!r:.80}; give a list of strings")
    listed = list(strings)
    for place, string in enumerate(listed):
        if not isinstance(string, str):
            raise DataError(f"{name}[{place}] is {string!r}, not a string")
    return listed
