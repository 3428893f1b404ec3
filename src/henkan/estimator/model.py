"""`Seq2Seq`: the Python interface, with methods as in scikit-learn."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict
from inspect import isfunction
from typing import Any

from henkan.config import Device, EngineConfig, EngineName, Precision
from henkan.engine.choice import choose_engines, process_rank
from henkan.errors import SettingsError
from henkan.estimator.arguments import Validation, folder_of, validation_pairs
from henkan.estimator.fitting import Fitting
from henkan.estimator.parameters import with_settings
from henkan.estimator.prediction import Predicting
from henkan.estimator.scoring import Scoring
from henkan.recipes import restored_settings
from henkan.training.fitted_model import FittedModel, load_model


@with_settings
class Seq2Seq(Fitting, Predicting, Scoring):
    """A sequence-to-sequence model that converts strings to strings.

    >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])
    >>> model.predict(["ab"])
    ['AB']

    Wherever methods take sources or targets, they are a list of strings or any other ordered collection of strings: a
    tuple, an iterator, a one-dimensional array, or a column of a table, such as `df["word"]` of pandas or polars or
    `dataset["word"]` of Hugging Face. Sources and targets are paired by position. Tables, sets, dictionaries and
    missing values are refused.

    It is an estimator of scikit-learn: `clone`, `Pipeline`, `cross_val_score` and `GridSearchCV` accept it. Parameters
    are kept as they are given, as attributes of the same names, and `fit` checks them and raises a `SettingsError` for
    an invalid value or combination. Most are "auto" by default: the value is that of the recipe, or chosen by the
    pairs. None is a value where the parameter has a meaning for it.

    Args:
        recipe: the defaults of the settings: "words" (encoder-decoder with attention) or "edits" (transducer) for pairs
            of words, "modern" for small models of arithmetic and similar tasks, "quick" for the same in two epochs,
            "book" for the model of the book. "auto", or None: that of the architecture that the settings select;
            otherwise "edits" or "words", chosen by the pairs.
        ensemble: number of ensemble members. They are trained with consecutive seeds, and prediction averages their
            log-probabilities. "auto": one, or as many as the model that training starts from has.
        verbose: whether `fit` shows its progress: in a notebook as a table with a learning curve, elsewhere on standard
            error. "auto": in notebooks and in terminals only, and not in the worker processes of joblib.
    """

    def save(self, folder: str | os.PathLike[str], *, force: bool = False) -> None:
        """Save the model in a folder, and delete the checkpoint that `fit` has written.

        If torchrun has started several processes, only process 0 saves the model.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"]).save(folder)
        ...     load(folder).summary().pairs
        2

        Args:
            folder: the model folder; missing parents are created.
            force: whether to replace an existing model.

        Raises:
            ModelFolderError: if the folder has other files, or a model and `force` is False, or cannot be written.
            NotFittedError: if the model is not trained.
            SettingsError: if `folder` is not the name of a folder.
        """
        if process_rank() > 0:
            return
        self._model().save(folder_of(folder, "folder"), force=force)
        if self._checkpoints is not None:
            self._checkpoints.discard()

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle the model without its checkpoint, which `save` of the original deletes."""
        return self.__dict__ | {"_checkpoints": None}

    @classmethod
    def _of(cls, fitted: FittedModel, engine: EngineConfig) -> Seq2Seq:
        """Wrap a trained model. Its parameters are those that train such a model again on as many pairs."""
        saved, members = fitted.saved, len(fitted.saved.members)
        pairs, configs = saved.metrics.get("pairs", 0), [(each.model, each.training) for each in saved.variants]
        settings = restored_settings(configs, pairs) | ({"ensemble": members} if members > 1 else {})
        model = cls(**settings, **asdict(engine))
        model._fitted = fitted
        return model


for _base in Seq2Seq.__mro__[1:-1]:
    for _name, _method in vars(_base).items():
        if isfunction(_method) and not _name.startswith("_"):  # error messages and help name the class that users know
            _method.__qualname__, _method.__module__ = f"Seq2Seq.{_name}", Seq2Seq.__module__


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
        SettingsError: if `folder` is not the name of a folder, or the engine, the device or the precision is not
            available.
    """
    wanted = EngineConfig(engine=engine, device=device, precision=precision, deterministic=deterministic)
    return Seq2Seq._of(load_model(folder_of(folder, "folder"), choose_engines(wanted)), wanted)


def combine(models: Iterable[Seq2Seq], *, dev: Validation | None = None, fit_weights: bool = False) -> Seq2Seq:
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
    from henkan.training.combine import check_models
    from henkan.training.combine import combine as combine_models

    if not isinstance(models, Iterable):
        raise SettingsError(f"models must be a list of models, not {models!r}")
    models = list(models)
    for model in models:
        if not isinstance(model, Seq2Seq):
            raise SettingsError(f"models must be a list of models, not of {model!r}; pass models that `load` returns")
    check_models([id(model) for model in models])
    fitted = [model._model() for model in models]
    ensemble = combine_models(fitted, validation_pairs(dev), choose_engines(models[0]._engine()), weighted=fit_weights)
    return Seq2Seq._of(ensemble, models[0]._engine())
