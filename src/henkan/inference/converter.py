"""A loaded model: text to text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from math import exp
from typing import Literal, get_args

import numpy as np

from henkan.batching.batch import Sources
from henkan.batching.encoded_pairs import source_batches
from henkan.engine.base import Predictor
from henkan.errors import SettingsError, UnanswerableError
from henkan.inference.search import Bounds, Hypothesis, beam, greedy, score
from henkan.text.arrays import Array
from henkan.text.vocabulary import BOUNDARY, UNKNOWN, Vocabulary

Unknown = Literal["use", "copy", "skip", "error"]
Fallback = Callable[[str], str]

BATCH_SIZE = 256
WORTH_KERNELS = 300_000  # source symbols; below, faster kernels take longer to load than they save
WORTH_THREADS = 4 * BATCH_SIZE  # strings; below, threads take longer to start than they save
MOST_BEAMS = 1000


@dataclass(frozen=True)
class Request:
    """How texts are to be converted.

    Attributes:
        unknown: what becomes of a text with symbols that were not in training. "use": the model reads them as the
            unknown symbol, which training has shown it. "copy": also, where attention looks at one, the symbol itself
            goes into the answer. "skip" and "error": it is not answered.
        beam: beginnings that are followed; 1 takes the most probable symbol at every step.
        nbest: answers for each text, at most as many as `beam`.
        confidence: whether to say how probable it is that the answer is right; see `Conversion`.
        abstain_below: the confidence below which no answer is given, or None.

    Raises:
        SettingsError: if that cannot be.
    """

    unknown: Unknown = "use"
    beam: int = 1
    nbest: int = 1
    confidence: bool = False
    abstain_below: float | None = None

    def __post_init__(self) -> None:
        if self.unknown not in get_args(Unknown):
            raise SettingsError(f"unknown must be one of {', '.join(get_args(Unknown))}, not {self.unknown!r}")
        for name, value, most in (("beam", self.beam, MOST_BEAMS), ("nbest", self.nbest, self.beam)):
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or not 1 <= value <= most:
                if name == "nbest":
                    raise SettingsError(
                        f"nbest must be a whole number from 1 to the beam, which is {most}, not {value!r}; widen "
                        "the beam"
                    )
                raise SettingsError(f"beam must be a whole number from 1 to {most}, not {value!r}")
        below = self.abstain_below
        if below is not None and (isinstance(below, bool) or not isinstance(below, int | float) or not 0 <= below <= 1):
            raise SettingsError(f"abstain below must be a probability from 0 to 1, not {below!r}")


@dataclass(frozen=True)
class Answer:
    """One of several answers.

    Attributes:
        prediction: the text.
        log_probability: in nats.
    """

    prediction: str
    log_probability: float


@dataclass(frozen=True)
class Conversion:
    """What became of one source.

    Attributes:
        source: as it was given.
        prediction: the model's answer, or None if there is none.
        log_probability: of the answer, in nats, or None likewise.
        reason: why there is no answer, or None if there is one.
        confidence: how probable it is that the answer is right: its probability at the temperature that fitted the
            held-out pairs of the training; None if it was not asked for.
        abstained: whether there is no answer because the confidence was too low.
        cut_off: whether the answer did not end within the length bound.
        unknown: the source's unknown symbols, named.
        nbest: several different answers, the best first, where they were asked for.
        ids: the answer's symbols, as the target vocabulary numbers them.

    Where symbols were copied, all probabilities are those of the answer before that.
    """

    source: str
    prediction: str | None
    log_probability: float | None
    reason: str | None = None
    confidence: float | None = None
    abstained: bool = False
    cut_off: bool = False
    unknown: Sequence[str] = ()
    nbest: Sequence[Answer] = ()
    ids: Sequence[int] = field(default=(), repr=False)


class Converter:
    """Converts strings with an engine and two vocabularies.

    Args:
        engine: the model's arithmetic.
        source_vocabulary, target_vocabulary: its symbols.
        reverse: whether its encoder reads the source backwards.
        attention: whether its decoder looks back at the source.
        temperature: what makes its probabilities fit held-out pairs, or None if that is not known.
    """

    def __init__(
        self,
        engine: Predictor,
        source_vocabulary: Vocabulary,
        target_vocabulary: Vocabulary,
        *,
        reverse: bool,
        attention: bool = False,
        temperature: float | None = None,
    ) -> None:
        self.engine = engine
        self.source_vocabulary = source_vocabulary
        self.target_vocabulary = target_vocabulary
        self.reverse = reverse
        self.attention = attention
        self.temperature = temperature

    @property
    def bounds(self) -> Bounds:
        """An answer is cut off after twice the steps of the longest target of the training, its end included.

        A filled model always writes its width.
        """
        width = self.target_vocabulary.width
        longest = 2 * (self.target_vocabulary.longest + 1) if width is None else width
        return Bounds(BOUNDARY, width is None, longest)

    def convert(
        self, texts: Sequence[str], request: Request = Request(), *, among: int | None = None
    ) -> list[Conversion]:
        """Answer each text, in the order given; one that cannot be answered carries the reason.

        Args:
            texts: sources.
            request: how.
            among: of how many texts these are a part, which decides what is worth loading; None: these are all.

        Raises:
            SettingsError: if the model cannot do what is asked.
        """
        if request.unknown == "copy" and not self.attention:
            raise SettingsError("unknown symbols can be copied only by a model with attention", "other_unknown")
        results: list[Conversion | None] = [None] * len(texts)
        places: list[int] = []
        ids: list[list[int]] = []
        strange: dict[int, Sequence[str]] = {}
        for place, text in enumerate(texts):
            try:
                encoded = self.source_vocabulary.encode(text, place, use_unknown=request.unknown in ("use", "copy"))
            except UnanswerableError as error:
                names = self.source_vocabulary.unknown_symbols(text)
                results[place] = Conversion(text, None, None, error.reason, unknown=names)
                continue
            if self.source_vocabulary.unknown and UNKNOWN in encoded:
                strange[place] = self.source_vocabulary.unknown_symbols(text)
            places.append(place)
            ids.append(encoded)

        def decode(batch: tuple[Array, Sources]) -> list[tuple[int, Conversion]]:
            rows, sources = batch
            answers = self._search(sources, request, many=very_many)
            confidences = self._confidences(sources, answers) if wants_confidence else [None] * len(rows)
            kept = [places[row] for row in rows.tolist()]
            return [
                (place, self._conversion(texts[place], strange.get(place, ()), each, confidence, request))
                for place, each, confidence in zip(kept, answers, confidences, strict=True)
            ]

        wants_confidence = request.confidence or request.abstain_below is not None
        size = max(1, BATCH_SIZE // request.beam)
        batches = source_batches(ids, len(self.source_vocabulary), reverse=self.reverse, size=size)
        share = len(texts) / (among or len(texts)) if texts else 1.0
        many, very_many = len(ids) >= WORTH_THREADS, sum(map(len, ids)) >= WORTH_KERNELS * share
        with self.engine.at_work(many=very_many) if many else nullcontext():
            for done in self.engine.map(decode, batches):
                for place, conversion in done:
                    results[place] = conversion
        return [result for result in results if result is not None]

    def predict(
        self,
        texts: Sequence[str],
        request: Request = Request(),
        fallback: Fallback | None = None,
    ) -> list[str]:
        """The answers alone, in the order of the texts; "" where there is none.

        Args:
            texts: sources.
            request: how.
            fallback: asked for an answer where the model abstains.

        Raises:
            UnanswerableError: at the first source that cannot be answered, unless `request.unknown` is "skip".
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

    def score(self, texts: Sequence[str], answers: Sequence[str], temperatures: Sequence[float] = (1.0,)) -> Array:
        """The log-probabilities, in nats, of given answers; minus infinity for one that the model cannot write.

        Args:
            texts: sources; unknown symbols are read as such.
            answers: one to each.
            temperatures: see `henkan.inference.search.score`.

        Returns:
            (temperatures, texts).
        """
        totals = np.full((len(temperatures), len(texts)), -np.inf)
        places: list[int] = []
        ids: list[tuple[list[int], list[int]]] = []
        for place, (text, answer) in enumerate(zip(texts, answers, strict=True)):
            try:
                both = (
                    self.source_vocabulary.encode(text, place, use_unknown=True),
                    self.target_vocabulary.encode(answer),
                )
            except UnanswerableError:
                continue
            places.append(place)
            ids.append(both)

        def rate(batch: tuple[Array, Sources]) -> tuple[Array, Array]:
            rows, sources = batch
            wanted = [ids[row][1] for row in rows.tolist()]
            return rows, score(self.engine, sources, wanted, self.bounds, temperatures=temperatures)

        batches = source_batches(
            [source for source, _ in ids], len(self.source_vocabulary), reverse=self.reverse, size=BATCH_SIZE
        )
        with self.engine.at_work() if len(ids) >= WORTH_THREADS else nullcontext():
            for rows, scores in self.engine.map(rate, batches):
                totals[:, [places[row] for row in rows.tolist()]] = scores
        return totals

    def _search(self, sources: Sources, request: Request, *, many: bool) -> list[list[Hypothesis]]:
        if request.beam == 1:
            return [[answer] for answer in greedy(self.engine, sources, self.bounds, many=many)]
        return beam(self.engine, sources, self.bounds, width=request.beam, many=many)

    def _confidences(self, sources: Sources, answers: Sequence[Sequence[Hypothesis]]) -> list[float]:
        best = [each[0].ids for each in answers]
        [scores] = score(self.engine, sources, best, self.bounds, temperatures=[self.temperature or 1.0])
        return [exp(min(each, 0.0)) for each in scores.tolist()]

    def _conversion(
        self,
        text: str,
        unknown: Sequence[str],
        answers: Sequence[Hypothesis],
        confidence: float | None,
        request: Request,
    ) -> Conversion:
        best, copies = answers[0], request.unknown == "copy" and len(unknown) > 0
        several: dict[str, Answer] = {}
        for each in answers:  # copies may make two of them the same
            text_of = self._with_copies(each, text) if copies else self.target_vocabulary.decode(each.ids)
            if len(several) < request.nbest:
                several.setdefault(text_of, Answer(text_of, each.log_probability))
        conversion = Conversion(
            text,
            next(iter(several)),
            best.log_probability,
            confidence=confidence,
            cut_off=not best.ended,
            unknown=unknown,
            nbest=list(several.values()) if request.nbest > 1 else (),
            ids=best.ids,
        )
        if request.abstain_below is not None and confidence is not None and confidence < request.abstain_below:
            reason = f"its confidence {confidence:.3f} is below {request.abstain_below:g}"
            return replace(
                conversion, prediction=None, log_probability=None, reason=reason, abstained=True, nbest=(), ids=()
            )
        return conversion

    def _with_copies(self, answer: Hypothesis, text: str) -> str:
        """The answer, with an unknown symbol of the source itself where attention looks at it, once each."""
        read = self.source_vocabulary.cutting.cut(text)
        symbols, copied = [], set()
        for symbol, step in zip(self.target_vocabulary.symbols_of(answer.ids), answer.looked_at, strict=True):
            place = len(read) - 1 - step if self.reverse else step
            if self.source_vocabulary.knows(read[place]) or self.source_vocabulary.cutting.is_tag(read[place]):
                symbols.append(symbol)
            elif place not in copied:
                copied.add(place)
                symbols.append(read[place])
        return self.target_vocabulary.join(symbols)
