"""Mixed ensembles: models of different architectures, directions or settings that predict together.

Such models do not share the steps of their outputs, so they cannot average probabilities at every step, as
`henkan.inference.ensemble` does. They combine strings instead: each proposes its best outputs, all score all proposals,
and the largest weighted mean of log-probabilities decides. If only one prediction is wanted, and the best outputs of
all models are the same, it is that one.

    score(y) = sum_m w_m log P_m(y | x) / sum_m w_m

A model that can neither write nor copy a symbol of a proposal has no probability for it; the mean is then that of the
others.

The confidence is the mean of the probabilities at the temperature T. It is meaningful even if one of the models is
poor: the mean of its log-probabilities could make any prediction improbable.

    confidence(y) = sum_m w_m P_{m,T}(y | x) / sum_m w_m
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from henkan.engine.base import Capabilities
from henkan.inference.constraint import Constraint
from henkan.inference.conversion import Answer, Conversion, Request
from henkan.inference.converter import DEFAULT, Converter
from henkan.inference.source_reader import SourceText
from henkan.text.arrays import Array

MIN_PROPOSALS = 4
"""Number of proposals of each model, unless a wider beam is requested."""


@dataclass
class _Proposals:
    """The proposals of all models for a text.

    Attributes:
        texts: the distinct proposals, as keys.
        cut_off: those that were cut off.
        out_of_memory: whether a model had not enough memory for the text.
    """

    texts: dict[str, None] = field(default_factory=dict)
    cut_off: set[str] = field(default_factory=set)
    out_of_memory: bool = False

    def add(self, conversion: Conversion) -> None:
        """Add the proposals of a model."""
        predictions = [answer.prediction for answer in conversion.nbest]
        if not predictions and conversion.prediction is not None:  # a single prediction has no list
            predictions = [conversion.prediction]
        self.texts |= dict.fromkeys(predictions)
        if conversion.cut_off and conversion.prediction is not None:
            self.cut_off.add(conversion.prediction)
        self.out_of_memory |= conversion.out_of_memory


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

    def warm_up(self) -> None:
        """See `Converter.warm_up`."""
        for converter in self.converters:
            converter.warm_up()

    def prepare(self, constraint: Constraint) -> None:
        """See `Converter.prepare`."""
        for converter in self.converters:
            converter.prepare(constraint)

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
        found = self._propose([texts[index] for index in sources.indices], request, among)
        repeated = [texts[index] for index, each in zip(sources.indices, found, strict=True) for _ in each.texts]
        own = [self.temperature or 1.0] if request.needs_confidence else []
        proposed = [text for each in found for text in each.texts]
        each_model = self.scores(repeated, proposed, [1.0, *own, *temperatures])
        scores = np.concatenate([self._means(each_model[:, :1]), self._pooled(each_model[:, 1:])])
        start = 0
        for row, index in enumerate(sources.indices):
            source, proposals = sources.source(row, texts), list(found[row].texts)
            part = slice(start, start + len(proposals))
            start = part.stop
            if not proposals and not found[row].out_of_memory:
                results[index] = self._disallowed(source)
                continue
            if not proposals or np.isnan(scores[:, part]).any() or found[row].out_of_memory:
                reason = f"not enough memory for {len(source.ids):,} symbols"
                results[index] = Conversion(source.text, None, None, reason, out_of_memory=True, unknown=source.unknown)
                continue
            order = np.argsort(-scores[0, part], kind="stable")
            ranked = [proposals[k] for k in order.tolist()]
            logs = scores[:, part][:, order]
            results[index] = self._mixed_conversion(source, ranked, logs, request, ranked[0] in found[row].cut_off)
            if temperatures:
                calibrated[:, index] = logs[1 + len(own) :, 0]
        return [result for result in results if result is not None], calibrated

    def proposals(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the distinct proposals of all models for each text; none for a text that cannot be read."""
        sources, _ = self.reader.read(texts, DEFAULT)
        found = self._of_width(MIN_PROPOSALS, [texts[index] for index in sources.indices], DEFAULT, None)
        by_text: list[list[str]] = [[] for _ in texts]
        for index, each in zip(sources.indices, found, strict=True):
            by_text[index] = list(each.texts)
        return by_text

    def scores(self, texts: Sequence[str], targets: Sequence[str], temperatures: Sequence[float] = (1.0,)) -> Array:
        """Return the log-probabilities of targets under each model, (models, temperatures, targets); see `score`."""
        return np.stack([converter.score(texts, targets, temperatures) for converter in self.converters])

    def _propose(self, texts: Sequence[str], request: Request, among: int | None) -> list[_Proposals]:
        """The proposals for each text. If the models agree, there is only one, unless more predictions are wanted."""
        if request.beam > 1 or request.nbest > 1:
            return self._of_width(max(request.beam, MIN_PROPOSALS), texts, request, among)
        found = self._of_width(1, texts, request, among)
        disputed = [row for row, each in enumerate(found) if len(each.texts) > 1]
        more = self._of_width(MIN_PROPOSALS, [texts[row] for row in disputed], request, among)
        for row, each in zip(disputed, more, strict=True):
            found[row] = each
        return found

    def _of_width(self, width: int, texts: Sequence[str], request: Request, among: int | None) -> list[_Proposals]:
        """The proposals of all models for each text, `width` of each model."""
        proposing = Request(unknown=request.unknown, beam=width, nbest=width, constraint=request.constraint)
        found = [_Proposals() for _ in texts]
        for converter in self.converters:
            for each, conversion in zip(found, converter.convert(texts, proposing, among=among), strict=True):
                each.add(conversion)
        return found

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
        return self._means(self.scores(texts, targets, temperatures))

    def log_confidence(self, text: str, target: str) -> float:
        """See `Converter.log_confidence`."""
        return float(self._pooled(self.scores([text], [target], [self.temperature or 1.0]))[0, 0])

    def _means(self, each: Array) -> Array:
        """(temperatures, targets): weighted means of log-probabilities (models, temperatures, targets)."""
        possible = (each > -np.inf) | np.isnan(each)  # nan: for a lack of memory
        weights = np.where(possible, self.weights[:, None, None], 0.0)
        totals = weights.sum(axis=0)
        sums = (np.where(possible, each, 0.0) * weights).sum(axis=0)
        means: Array = np.where(totals > 0, sums / np.where(totals > 0, totals, 1.0), -np.inf)
        return means

    def _pooled(self, each: Array) -> Array:
        """(temperatures, targets): logarithms of the weighted means of probabilities."""
        with np.errstate(divide="ignore"):  # a weight may be zero
            logs = np.log(self.weights / self.weights.sum())
        pooled: Array = np.logaddexp.reduce(logs[:, None, None] + each, axis=0)
        return pooled
