"""Explanations of predictions: probabilities and attention or saliency at each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from henkan.batching.batch import source_batches
from henkan.engine.base import Encoded
from henkan.errors import SettingsError, UnanswerableError
from henkan.inference.conversion import Request
from henkan.inference.converter import Converter
from henkan.inference.outputs import SourceIds, find_outputs
from henkan.inference.search import TraceStep, trace
from henkan.inference.source_reader import SourceText
from henkan.nn import log_softmax
from henkan.text.vocabulary import FILLER

By = Literal["attention", "pointer", "saliency"]

END = ""
"""The symbol of a step that ends the prediction."""


@dataclass(frozen=True)
class Choice:
    """One step of a prediction.

    Attributes:
        symbol: the predicted symbol, or `END`.
        probability: probability of the symbol, from 0 to 1.
        runners_up: the most probable other symbols and their probabilities.
        weights: for each source symbol, in the order of the text, its share of the attention or of the saliency, or 1
            at the pointer. They sum to 1, or are all 0 if the total is 0.
        action: for a transducer, the kind of the action: "copy", "substitute", "insert", "delete" or "end". Then
            `symbol` is what it writes, empty for nothing, and the runners-up are named as in `label`.
    """

    symbol: str
    probability: float
    runners_up: Sequence[tuple[str, float]]
    weights: Sequence[float]
    action: str = ""


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
        choices: the steps, including the end symbol if there is one. A transducer may edit from the last symbol.
        by: kind of the weights.
        calibrated: whether the confidence is calibrated.
    """

    source: str
    answer: str
    confidence: float | None
    symbols: Sequence[str]
    unknown: Sequence[str]
    cut_off: bool
    choices: Sequence[Choice]
    by: By
    calibrated: bool = True

    def __str__(self) -> str:
        from henkan.inference.explanation_text import explanation_text

        return explanation_text(self)

    def _repr_html_(self) -> str:
        """Return the heat map that notebooks show."""
        from henkan.inference.explanation_html import explanation_html

        return explanation_html(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002
        """Print the text where IPython shows no HTML."""
        printer.text(str(self))


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

    Attention weights show which source symbols the decoder attended to, and the pointer of a transducer which symbol it
    edited. Saliency (`henkan.model.saliency`) measures how much the prediction changes with each source symbol. The
    prediction of a mixed ensemble is explained by its first model; the confidence is that of the ensemble.

    Args:
        converter: the model and its vocabularies.
        text: the source.
        answer: explain this target instead of the model's prediction.
        beam: beam width.
        runners_up: number of alternative symbols to return at each step.
        by: "attention", "pointer" or "saliency"; None: the first of these that the model has.

    Raises:
        SettingsError: if the model does not support the requested kind of explanation.
        UnanswerableError: if the model cannot read the text or produce the answer.
    """
    by = choose_weights(converter, by)
    if converter.mixed and answer is None:
        answer = converter.convert([text], Request(beam=beam))[0].prediction
    source = converter.reader.read_one(text)
    ids = source.ids
    reverse, symbols = converter.capabilities.reverse, len(converter.source_vocabulary)
    copy_ids = converter.pairs.copy_ids([text])
    [(_, sources)] = source_batches([ids], symbols, reverse=reverse, size=1, copy_ids=copy_ids)
    encoded = converter.model.encode(sources)  # shared by search and trace
    output, complete = _output(converter, encoded, source, answer, Request(beam=beam))
    steps = list(trace(converter.model, encoded, converter.codec, [output]))
    pointer = converter.codec.pointer(ids, output)
    shares = _shares(converter, source, output, steps, by)
    choices = [
        _choice(converter, source, step, weights[::-1] if reverse else weights, runners_up, at)
        for step, weights, at in zip(steps, shares, pointer or [0] * len(steps), strict=True)
    ]
    read = converter.source_vocabulary.tokenizer.tokenize(text)
    if converter.mixed and answer is not None:
        log = converter.log_confidence(text, answer)  # of all models
    else:
        log = _log_probability(steps, converter.temperature or 1.0)
    return Explanation(
        text,
        converter.decode(source, output) if answer is None else answer,
        converter.confidence(source, log),
        [*read, *[FILLER] * (len(ids) - len(read))],
        source.unknown,
        not complete,
        choices,
        by,
        converter.temperature is not None,
    )


def label(action: str, symbol: str) -> str:
    """Return an action with the symbol that it writes, such as "copy a"; the symbol alone if it is no action."""
    return f"{action} {symbol}" if action and symbol else action or symbol


def choose_weights(converter: Converter, by: By | None) -> By:
    """The kind of weights that shows where symbols come from; see `explain`.

    Raises:
        SettingsError: if the model does not have the requested kind.
    """
    capabilities = converter.capabilities
    if by is None:
        by = "pointer" if capabilities.pointer else "attention" if capabilities.attention else "saliency"
    if by == "attention" and not capabilities.attention:
        raise SettingsError("this model has no attention", "saliency")
    if by == "pointer" and not capabilities.pointer:
        raise SettingsError("this model has no pointer", "saliency")
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
    sources = SourceIds([source.ids], converter.pairs.codec_copy_ids([source.text], [source.ids]))
    [[best, *_]] = find_outputs(converter.model, encoded, converter.codec, sources, width=request.beam)
    return list(best.symbols), best.complete


def _log_probability(steps: Sequence[TraceStep], temperature: float) -> float:
    """Log-probability of the traced output in nats at a temperature."""
    total = 0.0
    for step in steps:
        logs = step.log_probabilities if temperature == 1 else log_softmax(step.log_probabilities / temperature)
        total += float(logs[0, step.symbols[0]])
    return total


def _choice(
    converter: Converter,
    source: SourceText,
    step: TraceStep,
    weights: Sequence[float],
    runners_up: int,
    position: int,
) -> Choice:
    probabilities, chosen = np.exp(step.log_probabilities[0]), int(step.symbols[0])
    ranked = np.argsort(-probabilities, kind="stable").tolist()
    others = [id for id in ranked if id != chosen and probabilities[id] > 0][:runners_up]
    named = {id: (converter.codec.action(id), written(converter, source, id, position)) for id in (chosen, *others)}
    action, symbol = named[chosen]
    return Choice(
        symbol,
        float(probabilities[chosen]),
        [(label(*named[id]), float(probabilities[id])) for id in others],
        weights,
        action,
    )


def _shares(
    converter: Converter, source: SourceText, output: Sequence[int], steps: Sequence[TraceStep], by: By
) -> list[list[float]]:
    """For each step, the weight of each source step, in the order in which the model reads them."""
    if by == "saliency":
        return saliency_shares(converter, source, output)
    if by == "pointer":
        pointer = converter.codec.pointer(source.ids, output) or ()
        return [[float(step == at) for step in range(len(source.ids))] for at in pointer]
    return [[] if step.attention is None else step.attention[0].tolist() for step in steps]


def saliency_shares(converter: Converter, source: SourceText, output: Sequence[int]) -> list[list[float]]:
    """For each step, the share of each source step in the saliency, in the order in which the model reads them."""
    pair = converter.pairs.of_ids([source.ids], [output], converter.pairs.copy_ids([source.text]))
    norms = converter.model.saliency(pair.batch(np.arange(1)))
    totals = norms.sum(axis=1, keepdims=True)
    shares: list[list[float]] = (norms / np.where(totals > 0, totals, 1)).tolist()
    return shares


def written(converter: Converter, source: SourceText, symbol: int, position: int) -> str:
    """What a symbol writes; for an edit action, at a position of the source."""
    written = converter.codec.written(source.ids, symbol, position)
    return "".join(converter.symbols_of(source.text, [written])) if written else END
