"""The lexicon of a trained model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, Self, get_args

from henkan.errors import SettingsError
from henkan.estimator.arguments import Entries, pairs_of
from henkan.estimator.trained import Trained
from henkan.inference.lexicon import Lexicon, entries_to_pairs
from henkan.storage.lexicon_file import SavedLexicon
from henkan.training.stored_lexicon import Place, entries_of, merge


class WithLexicon(Trained):
    """A model with known sources, which it looks up before it predicts."""

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

    def add_to_lexicon(self, sources: Iterable[str], targets: Iterable[str], *, place: Place = "last") -> Self:
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
        fitted, pairs = self._model(), pairs_of(sources, targets)
        new = zip(pairs.sources, pairs.targets, strict=True)
        self._set_lexicon(merge(entries_of(fitted), new, fitted.normalize, place).lexicon)
        return self

    def _set_lexicon(self, lexicon: SavedLexicon | None) -> None:
        fitted = self._model()
        self._fitted = replace(fitted, saved=replace(fitted.saved, lexicon=lexicon))
