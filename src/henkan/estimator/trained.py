"""The trained model behind an estimator, and what it knows about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from henkan.config import to_dict
from henkan.errors import NotFittedError
from henkan.estimator.parameters import Parameters
from henkan.text.counts import counted

if TYPE_CHECKING:
    from henkan.storage.model_summary import ModelSummary
    from henkan.training.checkpoint import Checkpoints
    from henkan.training.fitted_model import FittedModel
    from henkan.training.other_checkpoints import NoCheckpoints


class Trained(Parameters):
    """A model that may be trained.

    It keeps its settings when parameters change, until the next `fit`. Attributes that end in an underscore exist only
    if the model is trained, as in scikit-learn.
    """

    _fitted: FittedModel | None = None
    _checkpoints: Checkpoints | NoCheckpoints | None = None

    def __sklearn_is_fitted__(self) -> bool:
        return self._fitted is not None

    def __repr__(self) -> str:
        shown = super().__repr__()
        if self._fitted is None:
            return shown
        pairs = self._fitted.saved.metrics.get("pairs")
        return f"<{shown} trained>" if pairs is None else f"<{shown} trained on {counted(pairs, 'pair')}>"

    def _repr_html_(self) -> str:
        """Return a table of the model with its learning curve, which notebooks show."""
        from henkan.display.model_html import model_html

        return model_html(repr(self), self._fitted, self._changed())

    @property
    def history_(self) -> list[dict[str, Any]]:
        """The training run: a dictionary for each epoch of each ensemble member, as a table's rows.

        Each has the number of the `member` and of the `epoch`, from 1; the mean training `loss` in nats per symbol;
        `exact_match`, the share of the validation set that was predicted correctly, and `dev_loss`, the mean loss on
        it (both None without a validation set, and `dev_loss` also where it was not needed); the `learning_rate` of
        the last update; and the `seconds` that the updates took. A loaded model has its history too.

        >>> model = Seq2Seq(epochs=2).fit(["ab", "ba"], ["AB", "BA"], dev=(["aa"], ["AA"]))
        >>> [(row["member"], row["epoch"], row["exact_match"]) for row in model.history_]
        [(1, 1, 0.0), (1, 2, 0.0)]

        `pandas.DataFrame(model.history_)` and `polars.DataFrame(model.history_)` make a table of it.
        """
        metrics = self._model().saved.metrics
        names = ("epoch", "loss", "exact_match", "dev_loss", "learning_rate", "seconds")
        return [
            {"member": member, **{name: epoch.get(name) for name in names}}
            for member, history in enumerate(metrics.get("members", [metrics]), start=1)
            for epoch in history.get("epochs", [])
        ]

    @property
    def settings_(self) -> dict[str, Any]:
        """The settings that the model was trained with, including those that were chosen by the pairs.

        In an ensemble of several kinds of models, those of the first kind; `summary` has all.

        >>> model = Seq2Seq(epochs=2).fit(["ab", "ba"], ["AB", "BA"])
        >>> model.settings_["epochs"], model.settings_["target_symbols"]
        (2, 'characters')
        """
        first = self._model().saved.first
        return {**to_dict(first.model), **to_dict(first.training)}

    @property
    def exact_match_(self) -> float | None:
        """Exact match on the validation set, from 0 to 1; None without a validation set.

        >>> model = Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"], dev=(["ab"], ["AB"]))
        >>> model.exact_match_
        1.0
        """
        found: float | None = self._model().saved.metrics.get("exact_match")
        return found

    @property
    def source_vocabulary_(self) -> list[str]:
        """The symbols of the training sources, without the unknown symbol.

        >>> Seq2Seq(epochs=2).fit(["ab", "ba"], ["AB", "BA"]).source_vocabulary_
        ['a', 'b']
        """
        return list(self._model().saved.first.source_vocabulary.symbols)

    @property
    def target_vocabulary_(self) -> list[str]:
        """The symbols of the training targets.

        >>> Seq2Seq(epochs=2).fit(["ab", "ba"], ["AB", "BA"]).target_vocabulary_
        ['A', 'B']
        """
        return list(self._model().saved.first.target_vocabulary.symbols)

    @property
    def temperature_(self) -> float | None:
        """The temperature that calibrates the confidence; None if the model was trained without a validation set.

        >>> print(Seq2Seq(epochs=2).fit(["ab", "ba"], ["AB", "BA"]).temperature_)
        None
        """
        return self._model().saved.temperature

    def summary(self) -> ModelSummary:
        """Describe the trained model: its kind, size, training data, symbols, accuracy and settings.

        >>> model = Seq2Seq(epochs=2).fit(["ab", "ba"], ["AB", "BA"])
        >>> summary = model.summary()
        >>> summary.pairs, summary.settings[0]["epochs"]
        (2, 2)
        >>> print(str(summary).splitlines()[2])
        2 source symbols, 2 target symbols; other source symbols are read as unknown

        Returns:
            a summary with attributes; `print` shows it, and `to_dict` converts it to JSON values.

        Raises:
            NotFittedError: if the model is not trained.
        """
        from henkan.storage.model_summary import ModelSummary

        return ModelSummary.of(self._model().saved)

    def _model(self) -> FittedModel:
        if self._fitted is None:
            raise NotFittedError("this model is not trained; call fit first")
        return self._fitted
