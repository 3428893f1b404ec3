"""Compares an exported file with the model that it was made from, on pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from henkan.evaluation.references import References
from henkan.inference.conversion import Request
from henkan.inference.converter import Converter
from henkan.text.pairs import Pairs


@dataclass(frozen=True)
class Comparison:
    """The predictions of a model and of its exported file.

    Attributes:
        sources: number of distinct sources.
        model, exported: how many of them each predicts correctly.
        different: for how many of them the predictions differ.
    """

    sources: int
    model: int
    exported: int
    different: int

    @property
    def loss(self) -> float:
        """Exact match of the model minus that of the file, from -1 to 1."""
        return (self.model - self.exported) / self.sources


def compare(
    converter: Converter, predict: Callable[[Sequence[str]], Sequence[str | None]], pairs: Pairs, *, beam: int = 1
) -> Comparison:
    """Compare predictions on the distinct sources of some pairs.

    Args:
        converter: the model.
        predict: sources -> predictions of the exported file; None for a source that it cannot read.
        pairs: the pairs, at least one.
        beam: beam width.
    """
    references = References.of(pairs, converter.source_vocabulary, converter.target_vocabulary)
    sources = [pairs.sources[row] for row in references.rows.tolist()]
    own = [each.prediction for each in converter.convert(sources, Request(beam=beam))]
    found = predict(sources)
    correct = [
        sum(prediction in references.targets_of(source) for source, prediction in zip(sources, each, strict=True))
        for each in (own, found)
    ]
    different = sum(a != b for a, b in zip(own, found, strict=True))
    return Comparison(len(sources), correct[0], correct[1], different)
