"""References for several models, by which all of them are judged alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from henkan.evaluation.references import References
from henkan.inference.conversion import Conversion
from henkan.text.pairs import Pairs
from henkan.text.tokenizer import Tokenizer
from henkan.text.vocabulary import FILLER, Vocabulary


class CommonReferences:
    """Distinct sources and their correct targets for models that may normalise and split strings differently.

    - Two rows have the same source if any of the models reads them alike. So no source counts twice for any model.
      Every model predicts the spelling of the first row, and the targets of all the rows are correct.
    - Targets and predictions are compared after the target normalisations of all models. So if one
      model writes decomposed letters, none is judged by how they are composed.
    - Symbols are those of the models if they agree, otherwise characters.

    With models that normalise and split alike, all this is as in `henkan.evaluation.error_rates.evaluate`.

    Args:
        pairs: sources and targets.
        vocabularies: source and target vocabulary of each model.

    Attributes:
        sources: the distinct sources, in the order of their first occurrence.
        references: their correct targets.
        same_symbols: whether the models split targets into the same kind of symbols.
    """

    def __init__(self, pairs: Pairs, vocabularies: Sequence[tuple[Vocabulary, Vocabulary]]) -> None:
        sides: list[set[Tokenizer]] = [{side.tokenizer for side in each} for each in zip(*vocabularies, strict=True)]
        source_tokenizers, target_tokenizers = (sorted(each, key=repr) for each in sides)
        self._target_tokenizers = target_tokenizers
        self._filled = any(target.width is not None for _, target in vocabularies)
        self.same_symbols = len({each.unit for each in target_tokenizers}) == 1
        first = _first_rows(pairs.sources, source_tokenizers)
        self.sources = [pairs.sources[row] for row in dict.fromkeys(first)]
        self.references = References(
            [pairs.sources[row] for row in first],
            [self.comparable(target) for target in pairs.targets],
            _common(source_tokenizers),
            _common(target_tokenizers),
        )

    def comparable(self, text: str) -> str:
        """Convert a target or a prediction to the form in which they are compared."""
        for tokenizer in self._target_tokenizers:
            text = tokenizer.normalize(text)
        return text.rstrip(FILLER) if self._filled else text

    def comparable_conversions(self, conversions: Iterable[Conversion]) -> list[Conversion]:
        """Convert predictions to the form in which they are compared."""
        return [
            each if each.prediction is None else replace(each, prediction=self.comparable(each.prediction))
            for each in conversions
        ]


def _common(tokenizers: Sequence[Tokenizer]) -> Tokenizer:
    """Return the only tokenizer, or one that splits strings without normalisation as all of them do."""
    if len(tokenizers) == 1:
        return tokenizers[0]
    units = {each.unit for each in tokenizers}
    return Tokenizer(
        units.pop() if len(units) == 1 else "characters",
        features=tokenizers[0].features,
        tag_separator=tokenizers[0].tag_separator,
    )


def _first_rows(sources: Sequence[str], tokenizers: Sequence[Tokenizer]) -> list[int]:
    """Return for each row the first row with the same source: one that any tokenizer normalises alike (union-find)."""
    parents = list(range(len(sources)))

    def root(row: int) -> int:
        while parents[row] != row:
            parents[row] = row = parents[parents[row]]
        return row

    for tokenizer in tokenizers:
        seen: dict[str, int] = {}
        for row, source in enumerate(sources):
            one, other = sorted((root(seen.setdefault(tokenizer.normalize(source), row)), root(row)))
            parents[other] = one
    return [root(row) for row in range(len(sources))]
