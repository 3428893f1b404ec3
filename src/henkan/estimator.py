"""`Seq2Seq`: the model as a Python object, in the manner of scikit-learn."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Unpack

from henkan.config import Device, EngineConfig, EngineName, Precision, Settings, make_configs
from henkan.engine.choice import choose_engines, member_of_a_team
from henkan.errors import DataError, NotFittedError, SettingsError
from henkan.evaluation.error_rates import evaluate
from henkan.inference.conversion import Conversion, Fallback, Request, Unknown
from henkan.text.data_source import DataSource
from henkan.text.pairs import Pairs
from henkan.training.checkpoint import SECONDS_BETWEEN, Checkpoints, Onlooker
from henkan.training.events import Report
from henkan.training.fit import fit
from henkan.training.fitted_model import FittedModel, load_model
from henkan.training.state import MOST_SETBACKS


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
        if dev is not None and (not isinstance(dev, tuple | list) or len(dev) != 2):
            raise DataError("dev must be two lists, the sources and the targets")
        held_out = None if dev is None else _pairs(*dev)
        seed = self._training_config.seed
        source = DataSource(pairs=len(pairs), held_out="none" if dev is None else "file", seed=seed)
        engines = choose_engines(self._engine, together=True)
        checkpoints = None
        if checkpoint is not None:
            kind = Checkpoints if engines.group.rank == 0 else Onlooker
            checkpoints = kind(_folder(checkpoint, "checkpoint"), every=checkpoint_every)
        with nullcontext() if checkpoints is None else checkpoints.held():
            if checkpoints is not None:
                checkpoints.resume = bool(engines.group.broadcast(checkpoints.begun))
            self._fitted = fit(
                pairs,
                held_out,
                self._model_config,
                self._training_config,
                data=source,
                members=self._ensemble,
                report=callback,
                checkpoints=checkpoints,
                engines=engines,
            )
        self._checkpoints = checkpoints
        metrics = self._fitted.artefact.metrics
        if any(each.get("setbacks", 0) > MOST_SETBACKS for each in metrics.get("members", [metrics])):
            rate = self._training_config.learning_rate
            warnings.warn(
                f"training went astray {MOST_SETBACKS + 1} times and was ended; the model is that of its last good "
                f"state: train again with a smaller learning rate than {rate:g}",
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
        if member_of_a_team() > 0:
            return
        self._model().save(Path(folder), force=force)
        if self._checkpoints is not None:
            self._checkpoints.discard()

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
    model = Seq2Seq(engine=engine, device=device, precision=precision, deterministic=deterministic)
    fitted = load_model(Path(folder), choose_engines(model._engine))
    model._model_config, model._training_config = fitted.artefact.model, fitted.artefact.training
    model._ensemble = len(fitted.artefact.members)
    model._fitted = fitted
    return model


def _folder(name: str | os.PathLike[str], what: str) -> Path:
    if not isinstance(name, str | os.PathLike) or not isinstance(os.fspath(name), str) or "\0" in os.fspath(name):
        raise SettingsError(f"{what} must be the name of a folder, not {name!r}")
    return Path(name)


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
