"""Mixed ensembles: models of different architectures, directions or settings that predict together.

Such models do not share the steps of their outputs, so they cannot average probabilities at every step, as
`henkan.inference.ensemble` does. They combine strings instead: each proposes its best outputs, all score all proposals,
and the largest weighted mean of log-probabilities decides.

    score(y) = sum_m w_m log P_m(y | x) / sum_m w_m

A model that can neither write nor copy a symbol of a proposal has no probability for it; the mean is then that of the
others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from henkan.engine.base import Capabilities
from henkan.inference.conversion import Answer, Conversion, Request
from henkan.inference.converter import DEFAULT, Converter
from henkan.inference.source_reader import SourceText
from henkan.text.arrays import Array

MIN_PROPOSALS = 4
"""Number of proposals of each model, unless a wider beam is requested."""


class Mixture(Converter):
    """Converts texts with several different models.

    Args:
        converters: the models, which may be ensembles of models with the same settings. The first reads the texts.
        weights: weight of each model in the mean.
    """

    mixed = True

    def __init__(self, converters: Sequence[Converter], weights: Sequence[float]) -> None:
        first = converters[0]
        super().__init__(
            first.model, first.source_vocabulary, first.target_vocabulary, first.codec, domain=first.domain
        )
        self.converters = converters
        self.weights = np.asarray(weights, float)

    @property
    def capabilities(self) -> Capabilities:
        """What the mixture can do: it copies if one of the models does."""
        each = [converter.capabilities for converter in self.converters]
        return replace(each[0], copying=any(its.copying for its in each))

    def convert_calibrated(
        self,
        texts: Sequence[str],
        request: Request = DEFAULT,
        temperatures: Sequence[float] = (),
        *,
        among: int | None = None,
    ) -> tuple[list[Conversion], Array]:
        """See `Converter.convert_calibrated`."""
        sources, failed = self.reader.read(texts, request)
        results: list[Conversion | None] = [failed.get(index) for index in range(len(texts))]
        calibrated = np.full((len(temperatures), len(texts)), -np.inf)
        found, cut_off, too_large = self._propose([texts[index] for index in sources.indices], request, among)
        repeated = [texts[index] for index, each in zip(sources.indices, found, strict=True) for _ in each]
        own = [self.temperature or 1.0] if request.needs_confidence else []
        scores = self.score(repeated, [text for each in found for text in each], [1.0, *own, *temperatures])
        start = 0
        for row, index in enumerate(sources.indices):
            source, proposals = sources.source(row, texts), found[row]
            part = slice(start, start + len(proposals))
            start = part.stop
            if not proposals or np.isnan(scores[:, part]).any() or row in too_large:
                reason = f"not enough memory for {len(source.ids):,} symbols"
                results[index] = Conversion(source.text, None, None, reason, out_of_memory=True, unknown=source.unknown)
                continue
            order = np.argsort(-scores[0, part], kind="stable")
            ranked = [proposals[k] for k in order.tolist()]
            logs = scores[:, part][:, order]
            results[index] = self._mixed_conversion(source, ranked, logs, request, ranked[0] in cut_off[row])
            if temperatures:
                calibrated[:, index] = logs[1 + len(own) :, 0]
        return [result for result in results if result is not None], calibrated

    def proposals(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the distinct proposals of all models for each text; none for a text that cannot be read."""
        sources, _ = self.reader.read(texts, DEFAULT)
        found, _, _ = self._propose([texts[index] for index in sources.indices], DEFAULT, None)
        by_text: list[list[str]] = [[] for _ in texts]
        for index, each in zip(sources.indices, found, strict=True):
            by_text[index] = each
        return by_text

    def scores(self, texts: Sequence[str], targets: Sequence[str], temperatures: Sequence[float] = (1.0,)) -> Array:
        """Return the log-probabilities of targets under each model, (models, temperatures, targets); see `score`."""
        return np.stack([converter.score(texts, targets, temperatures) for converter in self.converters])

    def _propose(
        self, texts: Sequence[str], request: Request, among: int | None
    ) -> tuple[list[list[str]], list[set[str]], set[int]]:
        """The distinct proposals for each text, those that were cut off, and the rows for which memory ran out."""
        width = max(request.beam, MIN_PROPOSALS)
        proposing = Request(unknown=request.unknown, beam=width, nbest=width)
        proposals: list[dict[str, None]] = [{} for _ in texts]
        cut_off: list[set[str]] = [set() for _ in texts]
        too_large = set()
        for converter in self.converters:
            for row, conversion in enumerate(converter.convert(texts, proposing, among=among)):
                proposals[row] |= dict.fromkeys(answer.prediction for answer in conversion.nbest)
                if conversion.cut_off and conversion.prediction is not None:
                    cut_off[row].add(conversion.prediction)
                if conversion.out_of_memory:
                    too_large.add(row)
        return [list(each) for each in proposals], cut_off, too_large

    def _mixed_conversion(
        self, source: SourceText, ranked: Sequence[str], logs: Array, request: Request, cut_off: bool
    ) -> Conversion:
        """Create the conversion of a text from its proposals, best first, and their scores (1 + own, proposals)."""
        confidence = self.confidence(source, float(logs[1, 0])) if request.needs_confidence else None
        reason = request.reason_to_abstain(confidence)
        abstained = reason is not None
        nbest: list[Answer] = []
        if request.nbest > 1 and not abstained:
            calibrated = logs[1].tolist() if request.needs_confidence else [0.0] * len(ranked)
            nbest = self._answers(source, zip(ranked, logs[0].tolist(), calibrated, strict=True), request)
        return Conversion(
            source.text,
            None if abstained else ranked[0],
            None if abstained else float(logs[0, 0]),
            reason,
            confidence,
            abstained,
            cut_off=cut_off,
            unknown=source.unknown,
            outside=[*source.outside],
            nbest=nbest,
        )

    def score(self, texts: Sequence[str], targets: Sequence[str], temperatures: Sequence[float] = (1.0,)) -> Array:
        """See `Converter.score`; weighted means over the models that can write the target."""
        each = self.scores(texts, targets, temperatures)
        possible = each[:, 0] > -np.inf  # also nan, for a lack of memory
        possible |= np.isnan(each[:, 0])
        weights = np.where(possible, self.weights[:, None], 0.0)
        totals = weights.sum(axis=0)
        sums = (np.where(possible[:, None], each, 0.0) * weights[:, None]).sum(axis=0)
        means: Array = np.where(totals > 0, sums / np.where(totals > 0, totals, 1.0), -np.inf)
        return means
