"""Predictions for the first pairs of a set, with O (correct) or X (wrong)."""

from __future__ import annotations

from henkan.drawing.tables import aligned
from henkan.evaluation.evaluation_set import Counts, Prediction
from henkan.text.escaping import escape

HEADER = ("", "source", "target", "prediction")


def example_cells(prediction: Prediction) -> tuple[str, str, str, str]:
    """Return O or X, the source, the nearest target and the prediction."""
    conversion = prediction.conversion
    return "OX"[not prediction.right], conversion.source, prediction.target, conversion.prediction or ""


def example_rows(result: Counts) -> list[str]:
    """Return a header and one line for each of the first sources: O or X, source, target, prediction."""
    return aligned([HEADER, *(tuple(map(escape, example_cells(each))) for each in result.first)])
