"""Sums that are longer than those in the training set: how a model fails, and whether its confidence shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np

from henkan.inference.conversion import Request
from henkan.inference.converter import Converter
from henkan_experiments.sums import Sums, partners

TRAINED_DIGITS = 3  # of the longest number in the training set
CONFIDENT = 0.9
EXAMPLES = 3  # wrong answers in the report, for each model and length


def longer_sums(model: Converter, sums: Sums) -> dict[str, Any]:
    """Accuracy and confidence of a model on sums of any length.

    Returns:
        n: number of sums. refused: how many of them are too long for a model with padded sources; these count as wrong.
        exact_match, right_length, first_symbol, last_symbol: shares of the sums whose answer is correct, or has the
            correct length, first or last symbol.
        lengths, true_lengths: histograms of the lengths of answers and targets; keys are strings, as in JSON.
        digit_left_out: the share of sums whose answer is wrong, but correct after deleting one digit from each operand
            with more than three; digit_left_out_by_chance: the same if each sum is paired with the answer to another
            sum that has the same length and the same first and last symbol.
        confidence, log_probability: means over the answers; None if there are none.
        wrong: number of wrong answers; sure_of_wrong: number of these with a confidence of at least 0.9.
        examples: the first wrong answers, each with source, target, answer and confidence.
    """
    conversions = model.convert(sums.sources, Request(confidence=True))
    answered = [each for each in conversions if each.prediction is not None]
    answers, targets = [each.prediction or "" for each in conversions], sums.targets
    pairs = list(zip(answers, targets, strict=True))
    wrong = [(each, target) for each, target in zip(conversions, targets, strict=True) if each.prediction != target]
    confidences = [each.confidence or 0.0 for each, _ in wrong if each.prediction is not None]
    shorter = [_without_a_digit(*pair) for pair in zip(sums.left.tolist(), sums.right.tolist(), strict=True)]

    others = partners([(len(answer), answer[:1], answer[-1:]) for answer in answers])

    def left_out(answers: Sequence[str]) -> float:
        return _share(
            a != target and a in accepted for a, target, accepted in zip(answers, targets, shorter, strict=True)
        )

    return {
        "n": len(sums),
        "refused": len(sums) - len(answered),
        "exact_match": _share(answer == target for answer, target in pairs),
        "right_length": _share(len(answer) == len(target) for answer, target in pairs),
        "first_symbol": _share(answer[:1] == target[:1] for answer, target in pairs),
        "last_symbol": _share(answer[-1:] == target[-1:] for answer, target in pairs),
        "lengths": _lengths([each.prediction or "" for each in answered]),
        "true_lengths": _lengths(targets),
        "digit_left_out": left_out(answers),
        "digit_left_out_by_chance": left_out([answers[row] for row in others]),
        "confidence": _mean_or_none([each.confidence or 0.0 for each in answered]),
        "log_probability": _mean_or_none([each.log_probability or 0.0 for each in answered]),
        "sure_of_wrong": sum(confidence >= CONFIDENT for confidence in confidences),
        "wrong": len(confidences),
        "examples": [
            {"source": each.source, "target": target, "answer": each.prediction, "confidence": each.confidence}
            for each, target in wrong[:EXAMPLES]
        ],
    }


def _without_a_digit(left: int, right: int) -> set[str]:
    """All sums of two numbers after deleting one digit from each number that has more than three."""

    def shorter(number: int) -> list[int]:
        text = str(number)
        return [int(text[:k] + text[k + 1 :]) for k in range(len(text))] if len(text) > TRAINED_DIGITS else [number]

    return {str(a + b) for a, b in product(shorter(left), shorter(right))}


def _share(conditions: Iterable[bool]) -> float:
    return float(np.mean(list(conditions)))


def _lengths(answers: Sequence[str]) -> dict[str, int]:
    return {str(length): count for length, count in sorted(Counter(map(len, answers)).items())}


def _mean_or_none(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
