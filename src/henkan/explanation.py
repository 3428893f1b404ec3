"""Why a model answered what it did: symbol by symbol, what it found likely and where it looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from henkan.converter import Converter, Request
from henkan.decoding import trace
from henkan.errors import UnanswerableError
from henkan.text.batches import source_batches
from henkan.text.vocabulary import BOUNDARY

END = ""
"""What stands for the end of an answer among symbols."""


@dataclass(frozen=True)
class Choice:
    """One step of an answer.

    Attributes:
        symbol: what was written, or `END`.
        probability: that it was given, from 0 to 1.
        runners_up: the most probable other symbols and their probabilities.
        weights: how much attention went to each source symbol, in reading order; empty without attention.
    """

    symbol: str
    probability: float
    runners_up: Sequence[tuple[str, float]]
    weights: Sequence[float]


@dataclass(frozen=True)
class Explanation:
    """An answer, step by step.

    Attributes:
        source: the text. answer: the model's.
        confidence: how probable it is that the answer is right.
        symbols: what the source was read as, in reading order.
        unknown: its unknown symbols, named.
        choices: the steps, the end included where the model has one.
    """

    source: str
    answer: str
    confidence: float
    symbols: Sequence[str]
    unknown: Sequence[str]
    choices: Sequence[Choice]


def explain(
    converter: Converter, text: str, *, answer: str | None = None, beam: int = 1, runners_up: int = 3
) -> Explanation:
    """Take an answer apart.

    Args:
        converter: the model.
        text: the source.
        answer: any answer, whose steps are explained instead of the model's own; None: the model's.
        beam: see `henkan.converter.Request`.
        runners_up: how many other symbols to name at each step.

    Raises:
        UnanswerableError: if the model cannot read the text, or cannot write the answer.
    """
    [conversion] = converter.convert([text], Request(beam=beam, confidence=True))
    if conversion.prediction is None or conversion.confidence is None:
        raise UnanswerableError(text, 0, conversion.reason or "no answer")
    given = conversion.prediction if answer is None else answer
    vocabulary = converter.target_vocabulary
    ids, wanted = converter.source_vocabulary.encode(text, use_unknown=True), vocabulary.encode(given)
    [(_, sources)] = source_batches([ids], len(converter.source_vocabulary), reverse=converter.reverse, size=1)
    choices = []
    for _, symbols, log_probabilities, attention in trace(converter.engine, sources, [wanted], converter.bounds):
        probabilities = np.exp(log_probabilities[0])
        ranked = np.argsort(-probabilities, kind="stable").tolist()
        others = [(_name(converter, id), float(probabilities[id])) for id in ranked if id != symbols[0]][:runners_up]
        weights = [] if attention is None else attention[0].tolist()
        choices.append(
            Choice(
                _name(converter, int(symbols[0])),
                float(probabilities[symbols[0]]),
                others,
                weights[::-1] if converter.reverse else weights,
            )
        )
    return Explanation(
        text,
        given,
        conversion.confidence,
        converter.source_vocabulary.cutting.cut(text),
        conversion.unknown,
        choices,
    )


def _name(converter: Converter, id: int) -> str:
    return END if id == BOUNDARY else converter.target_vocabulary.symbols_of([id])[0]
