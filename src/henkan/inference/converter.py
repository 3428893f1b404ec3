"""A loaded model: text to text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp

import numpy as np

from henkan.batching.batch import Sources, source_batches
from henkan.batching.encoded_pairs import EncodedPairs
from henkan.engine.base import Capabilities, Execution, Predictor
from henkan.errors import SettingsError, UnanswerableError
from henkan.inference.conversion import Answer, Conversion, Fallback, Request
from henkan.inference.search import Hypothesis, beam, greedy, score
from henkan.model.codec import TargetCodec
from henkan.text.arrays import Array
from henkan.text.tokenizer import Sequences
from henkan.text.vocabulary import UNKNOWN, Vocabulary

BATCH_SIZE = 256
WORTH_KERNELS = 300_000  # source symbols; below, compiled kernels take longer to load than they save
WORTH_THREADS = 4 * BATCH_SIZE  # strings; below, threads take longer to start than they save
DEFAULT = Request()


@dataclass(frozen=True)
class _Source:
    """A text that the model can read: its place among the texts, its ids, and its unknown symbols, named."""

    place: int
    text: str
    ids: list[int]
    unknown: Sequence[str] = ()


class Converter:
    """Converts strings with a model and its vocabularies.

    Args:
        model: predicts symbols.
        source_vocabulary, target_vocabulary: its symbols.
        codec: its target codec.
        temperature: what calibrates its probabilities, fitted to a validation set; None if there was none.
    """

    def __init__(
        self,
        model: Predictor,
        source_vocabulary: Vocabulary,
        target_vocabulary: Vocabulary,
        codec: TargetCodec,
        temperature: float | None = None,
    ) -> None:
        self.model = model
        self.source_vocabulary = source_vocabulary
        self.target_vocabulary = target_vocabulary
        self.codec = codec
        self.temperature = temperature

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do."""
        return self.model.capabilities

    def convert(
        self, texts: Sequence[str], request: Request = DEFAULT, *, among: int | None = None
    ) -> list[Conversion]:
        """Convert each text, in the order given; a text that cannot be converted carries the reason.

        Args:
            texts: sources.
            request: how.
            among: number of texts that these are a part of, which decides how they are computed; None: these are all.

        Raises:
            SettingsError: if the model cannot do what is asked.
        """
        return self.convert_calibrated(texts, request, among=among)[0]

    def convert_calibrated(
        self,
        texts: Sequence[str],
        request: Request = DEFAULT,
        temperatures: Sequence[float] = (),
        *,
        among: int | None = None,
    ) -> tuple[list[Conversion], Array]:
        """The same, and the log-probability of each prediction at some temperatures.

        Args:
            texts, request, among: as in `convert`.
            temperatures: K of them; see `henkan.inference.search.score`.

        Returns:
            conversions, and log-probabilities (K, texts); minus infinity where there is no prediction.
        """
        if request.unknown == "copy" and not self.capabilities.attention:
            raise SettingsError("unknown symbols can be copied only by a model with attention", "other_unknown")
        sources, failed = self._read(texts, request)
        results: list[Conversion | None] = [failed.get(place) for place in range(len(texts))]
        scores = np.full((len(temperatures), len(texts)), -np.inf)
        own = [self.temperature or 1.0] if request.needs_confidence else []
        execution = choose_execution(sources, share=len(texts) / (among or len(texts)) if texts else 1.0)

        def decode(batch: tuple[Array, Sources]) -> list[tuple[_Source, list[Hypothesis]]]:
            rows, padded = batch
            found = self._search(padded, request, [*own, *temperatures], execution)
            return [(sources[row], each) for row, each in zip(rows.tolist(), found, strict=True)]

        with self.model.session(execution):
            for done in self.model.map(decode, self._batches(sources, max(1, BATCH_SIZE // request.beam))):
                for source, hypotheses in done:
                    results[source.place] = self._conversion(source, hypotheses, request)
                    scores[:, source.place] = hypotheses[0].calibrated[len(own) :]
        return [result for result in results if result is not None], scores

    def predict(self, texts: Sequence[str], request: Request = DEFAULT, fallback: Fallback | None = None) -> list[str]:
        """The predictions alone, in the order of the texts; "" where there is none.

        Args:
            texts: sources.
            request: how.
            fallback: source -> prediction, called where the model abstains.

        Raises:
            UnanswerableError: at the first source that cannot be converted, unless `request.unknown` is "skip".
        """
        conversions = self.convert(texts, request)
        if request.unknown != "skip":
            for index, conversion in enumerate(conversions):
                if conversion.reason is not None and not conversion.abstained:
                    raise UnanswerableError(conversion.source, index, conversion.reason)
        return [
            fallback(conversion.source)
            if conversion.abstained and fallback is not None
            else conversion.prediction or ""
            for conversion in conversions
        ]

    def score(self, texts: Sequence[str], targets: Sequence[str], temperatures: Sequence[float] = (1.0,)) -> Array:
        """The log-probabilities of given targets; minus infinity for a target that the model cannot write.

        Args:
            texts: sources; unknown symbols are read as such.
            targets: one for each.
            temperatures: K of them; see `henkan.inference.search.score`.

        Returns:
            (K, texts) in nats.
        """
        totals = np.full((len(temperatures), len(texts)), -np.inf)
        sources, outputs = [], []
        for place, (text, target) in enumerate(zip(texts, targets, strict=True)):
            try:
                source = _Source(place, text, self.source_vocabulary.encode(text, place, use_unknown=True))
                outputs.append(self.encode_target(source.ids, target))
            except UnanswerableError:
                continue
            sources.append(source)
        execution = choose_execution(sources)

        def rate(batch: tuple[Array, Sources]) -> tuple[Array, Array]:
            rows, padded = batch
            wanted = [outputs[row] for row in rows.tolist()]
            encoded = self.model.encode(padded, execution)
            return rows, score(self.model, encoded, self.codec, wanted, temperatures=temperatures)

        with self.model.session(execution):
            for rows, scores in self.model.map(rate, self._batches(sources, BATCH_SIZE)):
                totals[:, [sources[row].place for row in rows.tolist()]] = scores
        return totals

    def encode_target(self, source: Sequence[int], target: str) -> list[int]:
        """The symbols that the model would have to predict.

        Args:
            source: ids of the source. target: the text.

        Raises:
            UnanswerableError: if the model cannot write the target.
        """
        ids = Sequences.of([self.target_vocabulary.encode(target)], len(self.target_vocabulary))
        symbols = self.codec.encode(Sequences.of([source], len(self.source_vocabulary)), ids)
        found: list[int] = symbols.flat.tolist()
        return found

    def encode_pairs(self, sources: Sequence[str], targets: Sequence[str]) -> EncodedPairs:
        """Pairs as the model is trained on them.

        Raises:
            UnanswerableError: if the model cannot read a source or write a target.
        """
        ids = [self.source_vocabulary.encode(source) for source in sources]
        outputs = [self.encode_target(source, target) for source, target in zip(ids, targets, strict=True)]
        return self.pairs_of_ids(ids, outputs)

    def pairs_of_ids(self, sources: Sequence[Sequence[int]], outputs: Sequence[Sequence[int]]) -> EncodedPairs:
        """Pairs of ids: those of the sources, and the symbols to predict."""
        sizes = len(self.source_vocabulary), self.codec.size
        return EncodedPairs.of(sources, outputs, sizes, start=self.codec.start, reverse=self.capabilities.reverse)

    def _read(self, texts: Sequence[str], request: Request) -> tuple[list[_Source], dict[int, Conversion]]:
        """The texts that the model can read, and what becomes of the others, by place."""
        sources, failed, vocabulary = [], {}, self.source_vocabulary
        for place, text in enumerate(texts):
            try:
                ids = vocabulary.encode(text, place, use_unknown=request.unknown in ("use", "copy"))
            except UnanswerableError as error:
                failed[place] = Conversion(text, None, None, error.reason, unknown=vocabulary.unknown_symbols(text))
                continue
            unknown = vocabulary.unknown_symbols(text) if vocabulary.unknown and UNKNOWN in ids else ()
            sources.append(_Source(place, text, ids, unknown))
        return sources, failed

    def _batches(self, sources: Sequence[_Source], size: int) -> Iterator[tuple[Array, Sources]]:
        ids = [source.ids for source in sources]
        return source_batches(ids, len(self.source_vocabulary), reverse=self.capabilities.reverse, size=size)

    def _search(
        self, sources: Sources, request: Request, temperatures: Sequence[float], execution: Execution
    ) -> list[list[Hypothesis]]:
        encoded = self.model.encode(sources, execution)
        if request.beam == 1:
            return [[each] for each in greedy(self.model, encoded, self.codec, temperatures=temperatures)]
        return beam(self.model, encoded, self.codec, width=request.beam, temperatures=temperatures)

    def _conversion(self, source: _Source, hypotheses: Sequence[Hypothesis], request: Request) -> Conversion:
        best, copies = hypotheses[0], request.unknown == "copy" and len(source.unknown) > 0
        confidence = exp(min(best.calibrated[0], 0.0)) if request.needs_confidence else None
        several: dict[str, Answer] = {}
        for each in hypotheses:  # copies may make two of them the same
            text = self._with_copies(each, source) if copies else self.decode(source.ids, each.symbols)
            if len(several) < request.nbest:
                several.setdefault(text, Answer(text, each.log_probability))
        conversion = Conversion(
            source.text,
            next(iter(several)),
            best.log_probability,
            confidence=confidence,
            cut_off=not best.complete,
            unknown=source.unknown,
            nbest=list(several.values()) if request.nbest > 1 else (),
            ids=self.codec.decode(source.ids, best.symbols),
        )
        if request.abstain_below is not None and confidence is not None and confidence < request.abstain_below:
            reason = f"its confidence {confidence:.3f} is below {request.abstain_below:g}"
            return replace(
                conversion, prediction=None, log_probability=None, reason=reason, abstained=True, nbest=(), ids=()
            )
        return conversion

    def decode(self, source: Sequence[int], symbols: Sequence[int]) -> str:
        """The text of predicted symbols.

        Args:
            source: ids of the source. symbols: that were predicted.
        """
        return self.target_vocabulary.decode(self.codec.decode(source, symbols))

    def _with_copies(self, hypothesis: Hypothesis, source: _Source) -> str:
        """The prediction with unknown symbols of the source, each copied once to where attention looks at it."""
        read = self.source_vocabulary.tokenizer.tokenize(source.text)
        symbols, copied = [], set()
        written = self.target_vocabulary.symbols_of(self.codec.decode(source.ids, hypothesis.symbols))
        for symbol, step in zip(written, hypothesis.attended, strict=False):  # the end has attention, too
            place = len(read) - 1 - step if self.capabilities.reverse else step
            if self.source_vocabulary.knows(read[place]) or self.source_vocabulary.tokenizer.is_tag(read[place]):
                symbols.append(symbol)
            elif place not in copied:
                copied.add(place)
                symbols.append(read[place])
        return self.target_vocabulary.join(symbols)


def choose_execution(sources: Sequence[_Source], *, share: float = 1.0) -> Execution:
    """Threads and compiled kernels where they save more time than they take to start.

    Args:
        sources: what is to be computed in one call.
        share: of a larger number of texts that is computed call by call, how much this is.
    """
    symbols = sum(len(source.ids) for source in sources)
    return Execution(threads=len(sources) >= WORTH_THREADS, compiled=symbols >= WORTH_KERNELS * share)
