"""Sums that are longer than those of the training: how a model fails, and whether it says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np

from henkan.inference.conversion import Request
from henkan.inference.converter import Converter
from henkan_experiments.sums import Sums, partners

LONGEST = 3  # digits of a number in training
SURE = 0.9  # the confidence from which on an answer counts as given without doubt
EXAMPLES = 3  # wrong answers that are shown, for each model and length


def longer_sums(model: Converter, sums: Sums) -> dict[str, Any]:
    """How a model answers, and how sure it is.

    Returns:
        n: sums. refused: how many of them the model cannot read, a filled one being too narrow; these count as wrong.
        exact_match, right_length, first_symbol, last_symbol: shares of the sums whose answer is right, or is right in
            that.
        lengths: how many answers have so many symbols, and true_lengths, likewise; keys are text, as in JSON.
        digit_left_out: the share of sums whose answer is wrong, but right for what remains when one digit is left out
            of each number with more than three; digit_left_out_by_chance: the same if each sum had the answer to
            another one that is as long, and the same at both ends.
        confidence, log_probability: means over the answers; None if there are none.
        wrong: how many answers are wrong; sure_of_wrong: how many of these have a confidence of at least 0.9.
        examples: the first few wrong ones, each with source, target, answer and confidence.
    """
    conversions = model.convert(sums.sources, Request(confidence=True))
    answered = [each for each in conversions if each.prediction is not None]
    answers, targets = [each.prediction or "" for each in conversions], sums.targets
    both = list(zip(answers, targets, strict=True))
    wrong = [(each, target) for each, target in zip(conversions, targets, strict=True) if each.prediction != target]
    doubts = [each.confidence or 0.0 for each, _ in wrong if each.prediction is not None]
    shorter = [_with_a_digit_left_out(*pair) for pair in zip(sums.left.tolist(), sums.right.tolist(), strict=True)]

    others = partners([(len(answer), answer[:1], answer[-1:]) for answer in answers])

    def left_out(answers: Sequence[str]) -> float:
        return _share(a != target and a in right for a, target, right in zip(answers, targets, shorter, strict=True))

    return {
        "n": len(sums),
        "refused": len(sums) - len(answered),
        "exact_match": _share(answer == target for answer, target in both),
        "right_length": _share(len(answer) == len(target) for answer, target in both),
        "first_symbol": _share(answer[:1] == target[:1] for answer, target in both),
        "last_symbol": _share(answer[-1:] == target[-1:] for answer, target in both),
        "lengths": _lengths([each.prediction or "" for each in answered]),
        "true_lengths": _lengths(targets),
        "digit_left_out": left_out(answers),
        "digit_left_out_by_chance": left_out([answers[row] for row in others]),
        "confidence": _mean_or_none([each.confidence or 0.0 for each in answered]),
        "log_probability": _mean_or_none([each.log_probability or 0.0 for each in answered]),
        "sure_of_wrong": sum(doubt >= SURE for doubt in doubts),
        "wrong": len(doubts),
        "examples": [
            {"source": each.source, "target": target, "answer": each.prediction, "confidence": each.confidence}
            for each, target in wrong[:EXAMPLES]
        ],
    }


def _with_a_digit_left_out(left: int, right: int) -> set[str]:
    """The sums of what remains of two numbers, one digit being left out of each that has more than three."""

    def shorter(number: int) -> list[int]:
        text = str(number)
        return [int(text[:k] + text[k + 1 :]) for k in range(len(text))] if len(text) > LONGEST else [number]

    return {str(a + b) for a, b in product(shorter(left), shorter(right))}


def _share(holds: Iterable[bool]) -> float:
    return float(np.mean(list(holds)))


def _lengths(answers: Sequence[str]) -> dict[str, int]:
    return {str(length): count for length, count in sorted(Counter(map(len, answers)).items())}


def _mean_or_none(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
