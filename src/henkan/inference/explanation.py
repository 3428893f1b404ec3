"""Why a model answered what it did: symbol by symbol, what it found likely and where it looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Literal

import numpy as np

from henkan.batching.encoded_pairs import EncodedPairs, source_batches
from henkan.errors import SettingsError
from henkan.inference.converter import Converter, Request
from henkan.inference.search import trace
from henkan.text.vocabulary import BOUNDARY, FILLER

By = Literal["attention", "saliency"]

END = ""
"""What stands for the end of an answer among symbols."""


@dataclass(frozen=True)
class Choice:
    """One step of an answer.

    Attributes:
        symbol: what was written, or `END`.
        probability: that it was given, from 0 to 1.
        runners_up: the most probable other symbols and their probabilities.
        weights: for each source symbol, in reading order, its share of what the step was made of: of attention, or of
            saliency. They add up to 1, or are all 0 where no symbol has any part in it.
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
        symbols: what the source was read as, in reading order, filling included.
        unknown: its unknown symbols, named.
        cut_off: whether the answer did not end within the length bound.
        choices: the steps, the end included where the model has one.
        by: what their weights are of, "attention" or "saliency".
    """

    source: str
    answer: str
    confidence: float
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
    """Take an answer apart.

    Attention says where a model looked; saliency (`henkan.model.saliency`) how fast the answer would change with each
    source symbol, by whatever way that reaches it.

    Args:
        converter: the model.
        text: the source.
        answer: any answer, whose steps are explained instead of the model's own; None: the model's.
        beam: see `henkan.inference.converter.Request`.
        runners_up: how many other symbols to name at each step.
        by: "attention" or "saliency"; None: attention where the model has it.

    Raises:
        SettingsError: if attention is asked for and the model has none.
        UnanswerableError: if the model cannot read the text, or cannot write the answer.
    """
    by = by or ("attention" if converter.attention else "saliency")
    if by == "attention" and not converter.attention:
        raise SettingsError("this model has no attention to explain by", "saliency")
    vocabulary = converter.target_vocabulary
    ids = converter.source_vocabulary.encode(text, use_unknown=True)
    if answer is None:
        [conversion] = converter.convert([text], Request(beam=beam, confidence=True))
        given, wanted, cut_off = conversion.prediction or "", conversion.ids, conversion.cut_off
        confidence = conversion.confidence or 0.0
    else:
        given, wanted, cut_off = answer, vocabulary.encode(answer), False
        scores = converter.score([text], [answer], [converter.temperature or 1.0])
        confidence = exp(min(float(scores[0, 0]), 0.0))
    [(_, sources)] = source_batches([ids], len(converter.source_vocabulary), reverse=converter.reverse, size=1)
    choices, shares = [], _shares_of_saliency(converter, ids, wanted) if by == "saliency" else []
    steps = trace(converter.engine, sources, [wanted], converter.bounds)
    for step, (_, symbols, log_probabilities, attention) in enumerate(steps):
        probabilities = np.exp(log_probabilities[0])
        ranked = np.argsort(-probabilities, kind="stable").tolist()
        if cut_off and int(symbols[0]) == BOUNDARY:
            break  # an end that the model did not write
        others = [
            (_name(converter, id), float(probabilities[id]))
            for id in ranked
            if id != symbols[0] and probabilities[id] > 0
        ][:runners_up]
        weights = attention[0].tolist() if by == "attention" and attention is not None else shares[step]
        choices.append(
            Choice(
                _name(converter, int(symbols[0])),
                float(probabilities[symbols[0]]),
                others,
                weights[::-1] if converter.reverse else weights,
            )
        )
    read = converter.source_vocabulary.cutting.cut(text)
    return Explanation(
        text,
        given,
        confidence,
        [*read, *[FILLER] * (len(ids) - len(read))],
        converter.source_vocabulary.unknown_symbols(text),
        cut_off,
        choices,
        by,
    )


def _shares_of_saliency(converter: Converter, ids: Sequence[int], wanted: Sequence[int]) -> list[list[float]]:
    """For each step of an answer, each source step's share of the saliency, as the encoder reads them."""
    vocabularies = converter.source_vocabulary, converter.target_vocabulary
    pair = EncodedPairs([ids], [wanted], *vocabularies, reverse=converter.reverse)
    norms = converter.engine.saliency(pair.batch(np.arange(1)))
    totals = norms.sum(axis=1, keepdims=True)
    shares: list[list[float]] = (norms / np.where(totals > 0, totals, 1)).tolist()
    return shares


def _name(converter: Converter, id: int) -> str:
    return END if id == BOUNDARY else converter.target_vocabulary.symbols_of([id])[0]
