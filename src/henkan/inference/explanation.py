"""Explanations of predictions: probabilities and attention or saliency at each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from henkan.batching.batch import source_batches
from henkan.engine.base import Encoded
from henkan.errors import SettingsError, UnanswerableError
from henkan.inference.conversion import Request
from henkan.inference.converter import Converter
from henkan.inference.outputs import find_outputs
from henkan.inference.search import TraceStep, trace
from henkan.inference.source_reader import SourceText
from henkan.nn import log_softmax
from henkan.text.vocabulary import FILLER

By = Literal["attention", "saliency"]

END = ""
"""The symbol of a step that ends the prediction."""


@dataclass(frozen=True)
class Choice:
    """One step of a prediction.

    Attributes:
        symbol: the predicted symbol, or `END`.
        probability: probability of the symbol, from 0 to 1.
        runners_up: the most probable other symbols and their probabilities.
        weights: for each source symbol, in the order of the text, its share of the attention or of the saliency. They
            sum to 1, or are all 0 if the total is 0.
    """

    symbol: str
    probability: float
    runners_up: Sequence[tuple[str, float]]
    weights: Sequence[float]


@dataclass(frozen=True)
class Explanation:
    """An explained prediction.

    Attributes:
        source: the source text.
        answer: the model's prediction, or the target that was explained instead.
        confidence: estimated probability that the prediction is correct, from 0 to 1; None if nothing supports an
            estimate for a source outside the training data.
        symbols: symbols of the source in the order of the text, including padding with spaces.
        unknown: names of the unknown symbols in the source.
        cut_off: whether the prediction reached the length limit before it ended.
        choices: the steps, including the end symbol if there is one.
        by: kind of the weights, "attention" or "saliency".
    """

    source: str
    answer: str
    confidence: float | None
    symbols: Sequence[str]
    unknown: Sequence[str]
    cut_off: bool
    choices: Sequence[Choice]
    by: By


def explain(
    converter: Converter,
    text: str,
    *,
    answer: str | None = None,
    beam: int = 1,
    runners_up: int = 3,
    by: By | None = None,
) -> Explanation:
    """Explain a prediction.

    Attention weights show which source symbols the decoder attended to. Saliency (`henkan.model.saliency`) measures how
    much the prediction changes with each source symbol.

    Args:
        converter: the model and its vocabularies.
        text: the source.
        answer: explain this target instead of the model's prediction.
        beam: beam width.
        runners_up: number of alternative symbols to return at each step.
        by: "attention" or "saliency"; None: attention if the model has it, else saliency.

    Raises:
        SettingsError: if the model does not support the requested kind of explanation.
        UnanswerableError: if the model cannot read the text or produce the answer.
    """
    by = _choose(converter, by)
    source = converter.reader.read_one(text)
    ids = source.ids
    reverse, symbols = converter.capabilities.reverse, len(converter.source_vocabulary)
    copy_ids = converter.pairs.copy_ids([text])
    [(_, sources)] = source_batches([ids], symbols, reverse=reverse, size=1, copy_ids=copy_ids)
    encoded = converter.model.encode(sources)  # shared by search and trace
    output, complete = _output(converter, encoded, source, answer, Request(beam=beam))
    steps = list(trace(converter.model, encoded, converter.codec, [output]))
    shares = _saliency_shares(converter, source, output) if by == "saliency" else _attention_shares(steps)
    choices = [
        _choice(converter, source, step, weights[::-1] if reverse else weights, runners_up)
        for step, weights in zip(steps, shares, strict=True)
    ]
    read = converter.source_vocabulary.tokenizer.tokenize(text)
    return Explanation(
        text,
        converter.decode(source, output) if answer is None else answer,
        converter.confidence(source, _log_probability(steps, converter.temperature or 1.0)),
        [*read, *[FILLER] * (len(ids) - len(read))],
        source.unknown,
        not complete,
        choices,
        by,
    )


def _choose(converter: Converter, by: By | None) -> By:
    capabilities = converter.capabilities
    by = by or ("attention" if capabilities.attention else "saliency")
    if by == "attention" and not capabilities.attention:
        raise SettingsError("this model has no attention", "saliency")
    if by == "saliency" and not capabilities.saliency:
        raise SettingsError("saliency is not available for this model's architecture, and it has no attention")
    return by


def _output(
    converter: Converter, encoded: Encoded, source: SourceText, answer: str | None, request: Request
) -> tuple[list[int], bool]:
    """Return the symbols of the answer, or of the model's prediction, and whether they are complete."""
    if answer is not None:
        unknown = converter.target_vocabulary.unknown_symbols(answer, converter.pairs.copies_of(source.text))
        if unknown:
            raise UnanswerableError(answer, 0, f"the model cannot predict {unknown[0]}", "training_targets")
        return converter.pairs.encode_target(source, answer), True
    [[best, *_]] = find_outputs(converter.model, encoded, converter.codec, [source.ids], width=request.beam)
    return list(best.symbols), best.complete


def _log_probability(steps: Sequence[TraceStep], temperature: float) -> float:
    """Log-probability of the traced output in nats at a temperature."""
    total = 0.0
    for step in steps:
        logs = step.log_probabilities if temperature == 1 else log_softmax(step.log_probabilities / temperature)
        total += float(logs[0, step.symbols[0]])
    return total


def _choice(
    converter: Converter, source: SourceText, step: TraceStep, weights: Sequence[float], runners_up: int
) -> Choice:
    probabilities, chosen = np.exp(step.log_probabilities[0]), int(step.symbols[0])
    ranked = np.argsort(-probabilities, kind="stable").tolist()
    others = [id for id in ranked if id != chosen and probabilities[id] > 0][:runners_up]
    return Choice(
        _name(converter, source, chosen),
        float(probabilities[chosen]),
        [(_name(converter, source, id), float(probabilities[id])) for id in others],
        weights,
    )


def _attention_shares(steps: Sequence[TraceStep]) -> list[list[float]]:
    return [[] if step.attention is None else step.attention[0].tolist() for step in steps]


def _saliency_shares(converter: Converter, source: SourceText, output: Sequence[int]) -> list[list[float]]:
    """For each step, the share of each source step in the saliency, in the order in which the model reads them."""
    pair = converter.pairs.of_ids([source.ids], [output], converter.pairs.copy_ids([source.text]))
    norms = converter.model.saliency(pair.batch(np.arange(1)))
    totals = norms.sum(axis=1, keepdims=True)
    shares: list[list[float]] = (norms / np.where(totals > 0, totals, 1)).tolist()
    return shares


def _name(converter: Converter, source: SourceText, symbol: int) -> str:
    written = converter.codec.decode(source.ids, [symbol])
    return "".join(converter.symbols_of(source.text, written)) if written else END
