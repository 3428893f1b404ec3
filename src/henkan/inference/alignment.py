"""Alignments of many predictions: for each symbol, where it comes from in the source, and its probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from henkan.batching.batch import Sources
from henkan.engine.base import Encoded
from henkan.errors import UnanswerableError
from henkan.inference.conversion import Request
from henkan.inference.converter import DEFAULT, Converter
from henkan.inference.explanation import By, choose_weights, saliency_shares, written
from henkan.inference.low_memory import compute_batches
from henkan.inference.outputs import SourceIds, find_outputs
from henkan.inference.search import trace
from henkan.inference.source_reader import ReadableTexts, SourceText
from henkan.text.arrays import Array


class Link(NamedTuple):
    """A symbol of a prediction and the source symbols that it comes from.

    Attributes:
        symbol: the symbol; "" for source symbols that a transducer deletes.
        start, end: the source symbols, from `start` up to but not including `end`; the same where a transducer inserts.
        probability: probability of this step, from 0 to 1.
    """

    symbol: str
    start: int
    end: int
    probability: float


@dataclass(frozen=True)
class Alignment:
    """The alignment of a prediction with its source.

    Attributes:
        source: the source.
        prediction: the model's prediction, or the target that was given; None if there is none.
        symbols: the symbols of the source, with feature tags first.
        links: one for each symbol, in the order of the prediction, without the end symbol.
        reason: why there is no alignment, or None.
    """

    source: str
    prediction: str | None
    symbols: Sequence[str] = ()
    links: Sequence[Link] = ()
    reason: str | None = None

    def __str__(self) -> str:
        from henkan.inference.explanation_text import alignment_text

        return alignment_text(self)

    def _repr_html_(self) -> str:
        """Return the table that notebooks show."""
        from henkan.inference.explanation_html import alignment_html

        return alignment_html(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002
        """Print the text where IPython shows no HTML."""
        printer.text(str(self))


def align(
    converter: Converter,
    texts: Sequence[str],
    targets: Sequence[str] | None = None,
    *,
    request: Request = DEFAULT,
    by: By | None = None,
) -> list[Alignment]:
    """Align predictions, or given targets, with their sources.

    A symbol comes from the source symbol under the pointer of a transducer, from the one with the largest attention
    weight, or from the one with the largest saliency, which is computed one text at a time. The predictions of a mixed
    ensemble are aligned by its first model.

    Args:
        converter: the model and its vocabularies.
        texts: the sources.
        targets: align these, one for each source, instead of the predictions.
        request: how to predict.
        by: "attention", "pointer" or "saliency"; None: the first of these that the model has.

    Returns:
        one alignment for each text, in the same order.

    Raises:
        SettingsError: if the model does not support the request.
    """
    by, failed = choose_weights(converter, by), dict[int, str | None]()
    if converter.mixed and targets is None:
        conversions = converter.convert(texts, request)
        failed = {index: each.reason for index, each in enumerate(conversions) if each.prediction is None}
        targets = [each.prediction or "" for each in conversions]
    read, others = converter.reader.read(texts, request)
    reasons = {index: each.reason for index, each in others.items()} | failed
    sources, given = (read, None) if targets is None else _with_targets(converter, read, texts, targets, reasons)
    found: dict[int, Alignment] = {}
    execution = sources.execution()

    def compute(rows: Array, padded: Sources) -> None:
        chosen = [sources.source(row, texts) for row in rows.tolist()]
        encoded = converter.model.encode(padded, execution)
        outputs = _predicted(converter, encoded, chosen, request) if given is None else [given[row] for row in rows]
        steps = _steps(converter, encoded, outputs)
        for row, source, output, each in zip(rows.tolist(), chosen, outputs, steps, strict=True):
            links = _links(converter, source, output, each, by)
            index = sources.indices[row]
            prediction = converter.decode(source, output) if targets is None else targets[index]
            read_symbols = converter.source_vocabulary.tokenizer.tokenize(source.text)
            found[index] = Alignment(source.text, prediction, [*read_symbols], links)

    with converter.model.session(execution):
        too_large = compute_batches(converter.model, compute, converter.batches(sources, texts, request.beam))
    for row in too_large:
        reasons[sources.indices[row]] = f"not enough memory for {len(sources.ids[row]):,} symbols"
    return [found.get(index) or Alignment(text, None, reason=reasons.get(index)) for index, text in enumerate(texts)]


def _with_targets(
    converter: Converter,
    read: ReadableTexts,
    texts: Sequence[str],
    targets: Sequence[str],
    reasons: dict[int, str | None],
) -> tuple[ReadableTexts, list[list[int]]]:
    """The sources whose targets the model can write, and the outputs for these; reasons are added for the others."""
    kept, ids = ReadableTexts(unknown=read.unknown, outside=read.outside), []
    for index, source in zip(read.indices, read.ids, strict=True):
        if index in reasons:
            continue
        try:
            ids.append(converter.pairs.target_ids(texts[index], targets[index]))
        except UnanswerableError as error:
            reasons[index] = f"the model cannot write {targets[index]!r:.80}: {error.reason}"
            continue
        kept.add(index, source)
    copy_ids = converter.pairs.codec_copy_ids([texts[index] for index in kept.indices], kept.ids)
    outputs = converter.pairs.outputs(kept.ids, ids, copy_ids)
    possible = ReadableTexts(unknown=read.unknown, outside=read.outside)
    for index, source, output in zip(kept.indices, kept.ids, outputs, strict=True):
        if output is None:
            reasons[index] = "symbols that can only be copied are not in the order of the source"
        else:
            possible.add(index, source)
    return possible, [output for output in outputs if output is not None]


def _predicted(
    converter: Converter, encoded: Encoded, sources: Sequence[SourceText], request: Request
) -> list[list[int]]:
    """The symbols of the best output for each source."""
    ids = [source.ids for source in sources]
    given = SourceIds(ids, converter.pairs.codec_copy_ids([source.text for source in sources], ids))
    found = find_outputs(converter.model, encoded, converter.codec, given, width=request.beam)
    return [list(hypotheses[0].symbols) for hypotheses in found]


def _steps(converter: Converter, encoded: Encoded, outputs: Sequence[Sequence[int]]) -> list[list[tuple[float, int]]]:
    """For each step of each output, its probability, and the source step with the largest attention weight or 0."""
    steps: list[list[tuple[float, int]]] = [[] for _ in outputs]
    for step in trace(converter.model, encoded, converter.codec, outputs):
        logs = step.log_probabilities[np.arange(len(step.rows)), step.symbols]
        weights = step.attention
        attends = weights is not None and weights.shape[1] > 0  # to a source that is not empty
        nearest = weights.argmax(axis=1) if attends and weights is not None else np.zeros(len(logs), int)
        for row, probability, at in zip(step.rows.tolist(), np.exp(logs).tolist(), nearest.tolist(), strict=True):
            steps[row].append((probability, at))
    return steps


def _links(
    converter: Converter, source: SourceText, output: Sequence[int], steps: Sequence[tuple[float, int]], by: By
) -> list[Link]:
    """The links of an output, in the order of the text."""
    codec, last = converter.codec, len(source.ids) - 1
    pointer = codec.pointer(source.ids, output)
    at = [nearest for _, nearest in steps] if pointer is None else list(pointer)
    if by == "saliency":
        at = [int(np.argmax(each)) if each else 0 for each in saliency_shares(converter, source, output)]
    if pointer is None and converter.capabilities.reverse:
        at = [last - step for step in at]
    places = [0] * len(output) if pointer is None else pointer
    links = []
    for symbol, place, here, (probability, _) in zip(output, places, at, steps, strict=True):
        if symbol == codec.end:
            continue
        inserts = codec.moves is not None and not codec.moves[symbol]
        end = here if inserts or last < 0 else here + 1
        links.append(Link(written(converter, source, symbol, place), here, end, probability))
    return links[::-1] if codec.reverse else links
