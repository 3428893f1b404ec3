"""Converts texts with a trained model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from math import exp

import numpy as np

from henkan.batching.batch import Sources, source_batches
from henkan.engine.base import Capabilities, Execution, GreedyOutputs, Predictor
from henkan.errors import SettingsError, UnanswerableError
from henkan.inference.constrained import Constrained
from henkan.inference.constraint import Constraint
from henkan.inference.conversion import Answer, Conversion, Fallback, Request, of_lexicon
from henkan.inference.copying import with_copies
from henkan.inference.lexicon import FROM_MODEL
from henkan.inference.low_memory import compute_batches
from henkan.inference.outputs import SourceIds, find_outputs
from henkan.inference.outside import TrainingDomain
from henkan.inference.pair_encoder import PairEncoder
from henkan.inference.search import Hypothesis, greedy_outputs, score
from henkan.inference.source_reader import MIN_SYMBOLS_FOR_KERNELS, ReadableTexts, SourceReader, SourceText
from henkan.model.codec import TargetCodec
from henkan.model.rules import OutputRules
from henkan.text.arrays import Array
from henkan.text.vocabulary import Vocabulary

BATCH_SIZE = 256
DEFAULT = Request()


class Converter:
    """Converts texts with a model and its vocabularies.

    Args:
        model: the model, or an ensemble.
        source_vocabulary, target_vocabulary: the vocabularies of the model.
        codec: the target codec of the model.
        temperature: calibration temperature, fitted to a validation set; None if there was none.
        domain: what the model was trained on; None if unknown, for a model of an earlier version.

    Attributes:
        pairs: encodes pairs with the vocabularies.
        constrained: turns constraints into rules for the search.
        reader: reads the texts.
    """

    mixed = False
    """Whether several different models predict together; see `henkan.inference.mixture`."""

    def __init__(
        self,
        model: Predictor,
        source_vocabulary: Vocabulary,
        target_vocabulary: Vocabulary,
        codec: TargetCodec,
        temperature: float | None = None,
        domain: TrainingDomain | None = None,
    ) -> None:
        self.model = model
        self.source_vocabulary = source_vocabulary
        self.target_vocabulary = target_vocabulary
        self.codec = codec
        self.temperature = temperature
        self.domain = domain
        self.pairs = PairEncoder(source_vocabulary, target_vocabulary, codec, model.capabilities)
        self.constrained = Constrained(self.pairs)
        self.reader = SourceReader(source_vocabulary, None if domain is None else domain.training_range)
        self._symbols_read = 0  # in all calls; see `_execution`

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do."""
        return self.model.capabilities

    def warm_up(self) -> None:
        """Load the compiled kernels now, and use them from now on, also for a single text."""
        self._symbols_read = MIN_SYMBOLS_FOR_KERNELS
        self.convert([self.source_vocabulary.join(self.source_vocabulary.symbols[:1])])

    def prepare(self, constraint: Constraint) -> None:
        """Compile a constraint now, so that the first prediction with it need not wait.

        Raises:
            SettingsError: if it cannot be compiled, or allows nothing that the model can write.
        """
        self.constrained.prepare(constraint)

    def _execution(self, sources: ReadableTexts, share: float = 1.0) -> Execution:
        """Choose threads and kernels. Kernels remain in use once the symbols of all calls have repaid their loading."""
        return sources.execution(share, self._symbols_read)

    def _count(self, sources: ReadableTexts, too_large: Sequence[int]) -> None:
        """Count the symbols of a call, without those for which there was no memory: kernels need even more."""
        self._symbols_read += sources.symbols - sum(len(sources.ids[row]) for row in too_large)

    def convert(
        self, texts: Sequence[str], request: Request = DEFAULT, *, among: int | None = None
    ) -> list[Conversion]:
        """Convert texts. The result of a text that cannot be converted gives the reason.

        Args:
            texts: the sources.
            request: how to convert them.
            among: total number of texts, if they are converted in several calls; used to choose threads and kernels.
                None: these are all.

        Returns:
            one conversion for each text, in the same order.

        Raises:
            SettingsError: if the model does not support the request.
        """
        if request.lexicon is None:
            return self.convert_calibrated(texts, request, among=among)[0]
        found = [request.lexicon.targets(text) for text in texts]
        others = [text for text, targets in zip(texts, found, strict=True) if not targets]
        converted = iter(self.convert_calibrated(others, request, among=among)[0])
        return [
            of_lexicon(text, targets, request) if targets else replace(next(converted), origin=FROM_MODEL)
            for text, targets in zip(texts, found, strict=True)
        ]

    def convert_calibrated(
        self,
        texts: Sequence[str],
        request: Request = DEFAULT,
        temperatures: Sequence[float] = (),
        *,
        among: int | None = None,
    ) -> tuple[list[Conversion], Array]:
        """Convert texts, and compute the log-probability of each prediction at several temperatures.

        Args:
            texts, request, among: as in `convert`.
            temperatures: K temperatures; see `henkan.inference.search.score`.

        Returns:
            the conversions, and log-probabilities (K, texts) in nats; minus infinity if there is no prediction.
        """
        results, scores = self._convert(texts, request, temperatures, among)
        return [result for result in results if isinstance(result, Conversion)], scores

    def _convert(
        self,
        texts: Sequence[str],
        request: Request,
        temperatures: Sequence[float] = (),
        among: int | None = None,
        *,
        bare: bool = False,
    ) -> tuple[list[Conversion | str], Array]:
        """See `convert_calibrated`. If `bare` is true, most conversions that have a prediction are replaced by it."""
        if request.unknown == "copy" and not (self.capabilities.attention or self.capabilities.copying):
            raise SettingsError("unknown symbols can be copied only by a model with attention", "other_unknown")
        sources, failed = self.reader.read(texts, request)
        results: list[Conversion | str | None] = [failed.get(index) for index in range(len(texts))]
        scores = np.full((len(temperatures), len(texts)), -np.inf)
        own = [self.temperature or 1.0] if request.needs_confidence else []
        bare = bare and not own and self._symbols_are_written and request.unknown != "copy" and request.beam == 1
        rules = self._rules(request, [texts[index] for index in sources.indices])
        execution = self._execution(sources, len(texts) / (among or len(texts)) if texts else 1.0)
        copy_ids = self.pairs.codec_copy_ids((texts[index] for index in sources.indices), sources.ids)

        def decode(rows: Array, padded: Sources) -> None:
            """Fill in the results of a batch. It runs on a thread of the session: Python and kernels overlap."""
            if bare:
                encoded = self.model.encode(padded, execution)
                found = greedy_outputs(self.model, encoded, self.codec, rules=rules and rules(rows))
                for row, prediction in zip(rows.tolist(), self._predictions(found), strict=True):
                    results[sources.indices[row]] = prediction
                for k in np.flatnonzero(np.isneginf(found.log_probabilities[:, 0])).tolist():
                    results[sources.indices[rows[k]]] = self._disallowed(sources.source(int(rows[k]), texts))
                return
            ids = SourceIds([sources.ids[row] for row in rows.tolist()], copy_ids and copy_ids.take(rows))
            encoded, at = self.model.encode(padded, execution), [*own, *temperatures]
            outputs = find_outputs(
                self.model,
                encoded,
                self.codec,
                ids,
                width=request.beam,
                temperatures=at,
                rules=rules and rules(rows),
            )
            for row, hypotheses in zip(rows.tolist(), outputs, strict=True):
                index = sources.indices[row]
                results[index] = self._conversion(sources.source(row, texts), hypotheses, request)
                if temperatures:
                    scores[:, index] = hypotheses[0].calibrated[len(own) :]

        with self.model.session(execution):
            too_large = compute_batches(self.model, decode, self.batches(sources, texts, request.beam))
        self._count(sources, too_large)
        for row in too_large:
            index, reason = sources.indices[row], f"not enough memory for {len(sources.ids[row]):,} symbols"
            unknown = sources.unknown.get(index, ())
            results[index] = Conversion(texts[index], None, None, reason, out_of_memory=True, unknown=unknown)
        return [result for result in results if result is not None], scores

    def _rules(self, request: Request, texts: Sequence[str]) -> Callable[[Array], OutputRules] | None:
        """What the outputs for given rows of texts may write; None without a constraint."""
        if request.constraint is None:
            return None
        if request.unknown == "copy" and not self.capabilities.copying:
            raise SettingsError(
                "symbols that are copied where attention selects them cannot be constrained", "other_unknown"
            )
        return self.constrained.rules(request.constraint, texts)

    @property
    def _symbols_are_written(self) -> bool:
        """Whether the predicted symbols are those of the target, up to the end symbol."""
        return not self.codec.ambiguous and not self.capabilities.copying

    def _predictions(self, found: GreedyOutputs) -> list[str]:
        """The strings of outputs whose symbols are written; see `_symbols_are_written`."""
        names, step = self.target_vocabulary.symbols_by_id, -1 if self.codec.reverse else 1
        lengths = found.lengths - (found.complete if self.codec.end is not None else 0)
        rows = zip(found.symbols[:, : lengths.max(initial=0)].tolist(), lengths.tolist(), strict=True)
        return self.target_vocabulary.join_all([names[id] for id in row[:length]][::step] for row, length in rows)

    def predict(self, texts: Sequence[str], request: Request = DEFAULT, fallback: Fallback | None = None) -> list[str]:
        """Convert texts, and return only the predictions.

        Args:
            texts: the sources.
            request: how to convert them.
            fallback: source -> prediction, called if the model abstains.

        Returns:
            one prediction for each text, in the same order; "" if there is none.

        Raises:
            UnanswerableError: if a source cannot be converted, unless `request.unknown` is "skip".
        """
        whole = self.mixed or request.lexicon is not None
        results = self.convert(texts, request) if whole else self._convert(texts, request, bare=True)[0]
        others = {index: result for index, result in enumerate(results) if isinstance(result, Conversion)}
        for index, conversion in others.items():  # before any call of the fallback
            if conversion.failed and request.unknown != "skip":
                raise UnanswerableError(conversion.source, index, conversion.reason or "")
        predictions = [result if isinstance(result, str) else result.prediction or "" for result in results]
        for index, conversion in others.items():
            if (conversion.abstained or conversion.disallowed) and fallback is not None:
                predictions[index] = fallback(conversion.source)
        return predictions

    def score(self, texts: Sequence[str], targets: Sequence[str], temperatures: Sequence[float] = (1.0,)) -> Array:
        """Compute the log-probabilities of given targets.

        Args:
            texts: the sources. Symbols that were not in training are replaced by the unknown symbol.
            targets: one target for each source.
            temperatures: K temperatures; see `henkan.inference.search.score`.

        Returns:
            (K, texts) in nats; minus infinity if the model cannot read the source or produce the target, and nan if
            there is not enough memory.
        """
        totals = np.full((len(temperatures), len(texts)), -np.inf)
        sources, target_ids = ReadableTexts(), []
        for index, (text, target) in enumerate(zip(texts, targets, strict=True)):
            try:
                ids = self.source_vocabulary.encode(text, index, use_unknown=True)
                target_ids.append(self.pairs.target_ids(text, target))
            except UnanswerableError:
                continue
            sources.add(index, ids)
        copy_ids = self.pairs.codec_copy_ids((texts[index] for index in sources.indices), sources.ids)
        outputs, execution = self.pairs.outputs(sources.ids, target_ids, copy_ids), self._execution(sources)

        def rate(rows: Array, padded: Sources) -> None:
            given = [outputs[row] or () for row in rows.tolist()]
            encoded = self.model.encode(padded, execution)
            scores = score(self.model, encoded, self.codec, given, temperatures=temperatures)
            totals[:, [sources.indices[row] for row in rows.tolist()]] = scores

        with self.model.session(execution):
            too_large = compute_batches(self.model, rate, self.batches(sources, texts))
        self._count(sources, too_large)
        totals[:, [sources.indices[row] for row in too_large]] = np.nan
        totals[:, [index for index, output in zip(sources.indices, outputs, strict=True) if output is None]] = -np.inf
        return totals

    def log_confidence(self, text: str, target: str) -> float:
        """The logarithm of the probability of a target at the model's temperature, in nats."""
        return float(self.score([text], [target], [self.temperature or 1.0])[0, 0])

    def batches(self, sources: ReadableTexts, texts: Sequence[str], beam: int = 1) -> Iterator[tuple[Array, Sources]]:
        """Yield the rows and the padded ids of each batch of readable texts; `beam` copies must fit into memory."""
        symbols, reverse, size = len(self.source_vocabulary), self.capabilities.reverse, max(1, BATCH_SIZE // beam)
        copy_ids = self.pairs.copy_ids(texts[index] for index in sources.indices)
        return source_batches(sources.ids, symbols, reverse=reverse, size=size, copies=beam, copy_ids=copy_ids)

    def _conversion(self, source: SourceText, hypotheses: Sequence[Hypothesis], request: Request) -> Conversion:
        best = hypotheses[0]
        if best.log_probability == -np.inf:
            return self._disallowed(source)
        copies = request.unknown == "copy" and len(source.unknown) > 0 and not self.capabilities.copying
        confidence = self.confidence(source, best.calibrated[0]) if request.needs_confidence else None
        reason = request.reason_to_abstain(confidence)
        abstained = reason is not None
        ids: Sequence[int] = () if abstained else self.codec.decode(source.ids, best.symbols)
        text = self._with_copies(best, source) if copies else self._text(source.text, ids)
        several = request.nbest > 1 and not abstained
        return Conversion(  # in one call: `dataclasses.replace` would take longer than the rest
            source.text,
            None if abstained else text,
            None if abstained else best.log_probability,
            reason,
            confidence,
            abstained,
            cut_off=not best.complete,
            unknown=source.unknown,
            outside=[*source.outside],
            nbest=self._nbest(source, hypotheses, request, copies=copies) if several else (),
            ids=ids,
        )

    def _disallowed(self, source: SourceText) -> Conversion:
        reason = "the constraints allow no prediction that the model can write within its length limit"
        return Conversion(
            source.text, None, None, reason, disallowed=True, unknown=source.unknown, outside=[*source.outside]
        )

    def confidence(self, source: SourceText, log_probability: float) -> float | None:
        """Return the confidence of a prediction; None if nothing supports an estimate.

        Args:
            source: the source.
            log_probability: log-probability of the prediction in nats at the calibration temperature.
        """
        confidence = exp(min(log_probability, 0.0))
        if self.domain is None or not source.outside:
            return confidence
        return self.domain.confidence(confidence, source.outside)

    def _nbest(
        self, source: SourceText, hypotheses: Sequence[Hypothesis], request: Request, *, copies: bool
    ) -> list[Answer]:
        found = []
        for each in hypotheses:
            text = self._with_copies(each, source) if copies else self.decode(source, each.symbols)
            found.append((text, each.log_probability, each.calibrated[0] if each.calibrated else 0.0))
        return self._answers(source, found, request)

    def _answers(
        self, source: SourceText, ranked: Iterable[tuple[str, float, float]], request: Request
    ) -> list[Answer]:
        """The best different predictions; copies may make two hypotheses the same.

        Args:
            source: the source.
            ranked: prediction, log-probability, and log-probability at the calibration temperature, best first.
            request: how many predictions to return.
        """
        several: dict[str, Answer] = {}
        mass = 0.0
        for text, log_probability, calibrated in ranked:
            if len(several) == request.nbest and text not in several:
                break
            several.setdefault(text, Answer(text, log_probability))
            if request.mass is not None and not source.outside:  # outside, the probabilities are too high
                mass += exp(min(calibrated, 0.0))
                if mass >= request.mass:
                    break
        return list(several.values())

    def decode(self, source: SourceText, symbols: Sequence[int]) -> str:
        """Decode predicted symbols to text.

        Args:
            source: the source.
            symbols: the predicted symbols.
        """
        return self._text(source.text, self.codec.decode(source.ids, symbols))

    def _text(self, source: str, ids: Sequence[int]) -> str:
        return self.target_vocabulary.join(self.symbols_of(source, ids))

    def symbols_of(self, source: str, ids: Sequence[int]) -> list[str]:
        """Symbols of ids in the target vocabulary, and of copies of source symbols; see `TargetCodec.decode`.

        An unknown feature tag may be read as a symbol of the text, but it is never written, nor is a separator.
        """
        vocabulary, V = self.target_vocabulary, len(self.target_vocabulary)
        if not any(id >= V for id in ids):
            return vocabulary.symbols_of(ids)
        tokenizer, symbols = self.source_vocabulary.tokenizer, vocabulary.symbols_by_id
        separator = vocabulary.tokenizer.separator
        read = ["" if tokenizer.is_tag(each) or each == separator else each for each in tokenizer.tokenize(source)]
        written = (read[id - V] if id >= V else symbols[id] for id in ids)
        return [symbol for symbol in written if symbol]

    def _with_copies(self, hypothesis: Hypothesis, source: SourceText) -> str:
        written = self.target_vocabulary.symbols_of(self.codec.decode(source.ids, hypothesis.symbols))
        attended = hypothesis.attended[: len(written)]
        attended = attended[::-1] if self.codec.reverse else attended
        symbols = with_copies(written, attended, source.text, self.source_vocabulary, reverse=self.capabilities.reverse)
        return self.target_vocabulary.join(symbols)
