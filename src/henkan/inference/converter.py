"""A loaded model: text to text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import exp
from typing import NamedTuple

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


class _Source(NamedTuple):
    """A text, its ids and its unknown symbols, named."""

    text: str
    ids: list[int]
    unknown: Sequence[str]


@dataclass
class _Sources:
    """The texts that the model can read. Lists of numbers spare the garbage collector an object for each text.

    Attributes:
        places: of each among all texts. ids: of each.
        unknown: place -> unknown symbols, named, where there are any.
    """

    places: list[int] = field(default_factory=list)
    ids: list[list[int]] = field(default_factory=list)
    unknown: dict[int, Sequence[str]] = field(default_factory=dict)

    def add(self, place: int, ids: list[int]) -> None:
        """Add a text."""
        self.places.append(place)
        self.ids.append(ids)

    def __len__(self) -> int:
        return len(self.places)


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

        def decode(batch: tuple[Array, Sources]) -> list[tuple[int, Conversion, Sequence[float]]]:
            """All of it runs on a thread of the session, so that Python and kernels overlap."""
            rows, padded = batch
            found = self._search(padded, request, [*own, *temperatures], execution)
            done = []
            for row, hypotheses in zip(rows.tolist(), found, strict=True):
                place, ids = sources.places[row], sources.ids[row]
                source = _Source(texts[place], ids, sources.unknown.get(place, ()))
                done.append((place, self._conversion(source, hypotheses, request), hypotheses[0].calibrated))
            return done

        with self.model.session(execution):
            for done in self.model.map(decode, self._batches(sources, max(1, BATCH_SIZE // request.beam))):
                for place, conversion, calibrated in done:
                    results[place] = conversion
                    if temperatures:
                        scores[:, place] = calibrated[len(own) :]
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
        sources, target_ids = _Sources(), []
        for place, (text, target) in enumerate(zip(texts, targets, strict=True)):
            try:
                ids = self.source_vocabulary.encode(text, place, use_unknown=True)
                target_ids.append(self.target_vocabulary.encode(target))
            except UnanswerableError:
                continue
            sources.add(place, ids)
        outputs, execution = self._outputs(sources.ids, target_ids), choose_execution(sources)

        def rate(batch: tuple[Array, Sources]) -> tuple[Array, Array]:
            rows, padded = batch
            wanted = [outputs[row] for row in rows.tolist()]
            encoded = self.model.encode(padded, execution)
            return rows, score(self.model, encoded, self.codec, wanted, temperatures=temperatures)

        with self.model.session(execution):
            for rows, scores in self.model.map(rate, self._batches(sources, BATCH_SIZE)):
                totals[:, [sources.places[row] for row in rows.tolist()]] = scores
        return totals

    def encode_target(self, source: Sequence[int], target: str) -> list[int]:
        """The symbols that the model would have to predict.

        Args:
            source: ids of the source. target: the text.

        Raises:
            UnanswerableError: if the model cannot write the target.
        """
        [output] = self._outputs([source], [self.target_vocabulary.encode(target)])
        return output

    def _outputs(self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> list[list[int]]:
        """The symbols to predict for pairs of ids."""
        encoded = self.codec.encode(
            Sequences.of(sources, len(self.source_vocabulary)), Sequences.of(targets, len(self.target_vocabulary))
        )
        flat, ends = encoded.flat.tolist(), encoded.offsets.tolist()
        return [flat[start:end] for start, end in pairwise(ends)]

    def encode_pairs(self, sources: Sequence[str], targets: Sequence[str]) -> EncodedPairs:
        """Pairs as the model is trained on them.

        Raises:
            UnanswerableError: if the model cannot read a source or write a target.
        """
        ids = [self.source_vocabulary.encode(source) for source in sources]
        return self.pairs_of_ids(ids, self._outputs(ids, [self.target_vocabulary.encode(target) for target in targets]))

    def pairs_of_ids(self, sources: Sequence[Sequence[int]], outputs: Sequence[Sequence[int]]) -> EncodedPairs:
        """Pairs of ids: those of the sources, and the symbols to predict."""
        sizes = len(self.source_vocabulary), self.codec.size
        return EncodedPairs.of(sources, outputs, sizes, start=self.codec.start, reverse=self.capabilities.reverse)

    def _read(self, texts: Sequence[str], request: Request) -> tuple[_Sources, dict[int, Conversion]]:
        """The texts that the model can read, and what becomes of the others, by place."""
        sources, failed, vocabulary = _Sources(), {}, self.source_vocabulary
        for place, text in enumerate(texts):
            try:
                ids = vocabulary.encode(text, place, use_unknown=request.unknown in ("use", "copy"))
            except UnanswerableError as error:
                failed[place] = Conversion(text, None, None, error.reason, unknown=vocabulary.unknown_symbols(text))
                continue
            if vocabulary.unknown and UNKNOWN in ids:
                sources.unknown[place] = vocabulary.unknown_symbols(text)
            sources.add(place, ids)
        return sources, failed

    def _batches(self, sources: _Sources, size: int) -> Iterator[tuple[Array, Sources]]:
        return source_batches(sources.ids, len(self.source_vocabulary), reverse=self.capabilities.reverse, size=size)

    def _search(
        self, sources: Sources, request: Request, temperatures: Sequence[float], execution: Execution
    ) -> Iterable[Sequence[Hypothesis]]:
        encoded = self.model.encode(sources, execution)
        if request.beam == 1:
            return ((each,) for each in greedy(self.model, encoded, self.codec, temperatures=temperatures))
        return beam(self.model, encoded, self.codec, width=request.beam, temperatures=temperatures)

    def _conversion(self, source: _Source, hypotheses: Sequence[Hypothesis], request: Request) -> Conversion:
        best, copies = hypotheses[0], request.unknown == "copy" and len(source.unknown) > 0
        confidence = exp(min(best.calibrated[0], 0.0)) if request.needs_confidence else None
        ids = self.codec.decode(source.ids, best.symbols)
        text = self._with_copies(best, source) if copies else self.target_vocabulary.decode(ids)
        conversion = Conversion(
            source.text,
            text,
            best.log_probability,
            confidence=confidence,
            cut_off=not best.complete,
            unknown=source.unknown,
            nbest=self._nbest(source, hypotheses, request, copies=copies) if request.nbest > 1 else (),
            ids=ids,
        )
        if request.abstain_below is not None and confidence is not None and confidence < request.abstain_below:
            reason = f"its confidence {confidence:.3f} is below {request.abstain_below:g}"
            return replace(
                conversion, prediction=None, log_probability=None, reason=reason, abstained=True, nbest=(), ids=()
            )
        return conversion

    def _nbest(
        self, source: _Source, hypotheses: Sequence[Hypothesis], request: Request, *, copies: bool
    ) -> list[Answer]:
        """The best different predictions; copies may make two hypotheses the same."""
        several: dict[str, Answer] = {}
        for each in hypotheses:
            text = self._with_copies(each, source) if copies else self.decode(source.ids, each.symbols)
            several.setdefault(text, Answer(text, each.log_probability))
        return list(several.values())[: request.nbest]

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


def choose_execution(sources: _Sources, *, share: float = 1.0) -> Execution:
    """Threads and compiled kernels where they save more time than they take to start.

    Args:
        sources: what is to be computed in one call.
        share: of a larger number of texts that is computed call by call, how much this is.
    """
    symbols = sum(map(len, sources.ids))
    return Execution(threads=len(sources) >= WORTH_THREADS, compiled=symbols >= WORTH_KERNELS * share)
