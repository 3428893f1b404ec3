"""Evaluation results as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from henkan.drawing.tables import aligned
from henkan.evaluation.error_rates import NOTHING, Evaluation
from henkan.evaluation.evaluation_set import EXAMPLES_SHOWN, Counts, Prediction
from henkan.evaluation.intervals import Interval
from henkan.text.counts import counted
from henkan.text.escaping import escape
from henkan.text.side_statistics import show_symbol

EXAMPLE_HEADER = ("", "source", "target", "prediction")


def summary_lines(result: Evaluation, note: str = "") -> Iterator[str]:
    """Yield coverage, calibration error, symbol error rate and exact match.

    Args:
        result: the evaluation.
        note: another line to put before exact match; empty: none.
    """
    yield from _coverage_lines(result)
    rate = result.symbol_error_rate
    yield f"symbol error rate {rate:.3%}, 95 % interval {percent_interval(result.intervals.symbol_error_rate)}"
    if len(result.references) > result.counts.total:
        yield f"{len(result.references):,} pairs, {counted(result.counts.total, 'distinct source')}; each counts once"
    yield from count_lines(result.counts)
    if note:
        yield note
    interval = percent_interval(result.intervals.exact_match)
    yield f"{exact_match_line(result.counts)}, 95 % interval {interval}"


def percent_interval(interval: Interval, digits: int = 2) -> str:
    """Return an interval in percent, as in `97.21% to 98.95%`."""
    return f"{interval.low:.{digits}%} to {interval.high:.{digits}%}"


def count_lines(result: Counts) -> Iterator[str]:
    """Yield the numbers of sources that are unlike the training data or were not predicted, if there are any."""
    if result.unknown:
        yield f"{counted(result.unknown, 'source has', 'sources have')} symbols that were not in the training data"
    if result.outside:
        yield f"{counted(result.outside, 'source is', 'sources are')} outside the training data, such as longer ones"
    if result.cut_off:
        yield f"{counted(result.cut_off, 'prediction was', 'predictions were')} cut off at the length limit"
    if result.unanswerable:
        yield (
            f"{counted(result.unanswerable, 'source')} could not be converted (blank, unknown symbols, too long, or "
            "not enough memory), counted as wrong"
        )


def exact_match_line(result: Counts) -> str:
    """Return the line `exact match NN.NNN% (k of n)`."""
    return f"exact match {result.exact_match:.3%} ({result.correct} of {result.total})"


def example_cells(prediction: Prediction) -> tuple[str, str, str, str]:
    """Return O (correct) or X (wrong), the source, the nearest target and the prediction; see `EXAMPLE_HEADER`."""
    conversion = prediction.conversion
    return "OX"[not prediction.right], conversion.source, prediction.target, conversion.prediction or ""


def example_lines(result: Counts) -> list[str]:
    """Return a header and one line for each of the first sources."""
    return aligned([EXAMPLE_HEADER, *(tuple(map(escape, example_cells(each))) for each in result.first)])


def detail_lines(result: Evaluation) -> Iterator[str]:
    """Yield exact match by source length, and the most frequent symbol confusions."""
    rows = [("source symbols", "exact match", "sources")]
    for length, (right, total) in result.by_length().items():
        rows.append((str(length), f"{right / total:.1%}", f"{total:,}"))
    yield ""
    yield from aligned(rows, right=(0, 1, 2))
    yield ""
    confusions = result.confusions()
    if not confusions:
        return
    yield "most frequent confusions:"
    for true, predicted, count in confusions[:EXAMPLES_SHOWN]:
        if NOTHING in (true, predicted):
            what = f"omitted {show_symbol(true)}" if true else f"inserted {show_symbol(predicted)}"
        else:
            what = f"predicted {show_symbol(predicted)} instead of {show_symbol(true)}"
        yield f"{count:>6,}  {what}"
    yield ""


def _coverage_lines(result: Evaluation) -> Iterator[str]:
    """Yield exact match by coverage, most confident predictions first."""
    rows = [("coverage", "min confidence", "exact match")]
    shown = ((f"{share:.0%}", f"{threshold:.3f}", f"{match:.2%}") for share, threshold, match in result.coverage())
    rows += dict.fromkeys(shown)  # of few predictions, different shares are the same
    yield ""
    yield from aligned(rows, right=(0, 1, 2))
    yield f"expected calibration error {result.expected_calibration_error:.2%}"
    if not result.calibrated:
        yield "the confidence is not calibrated: the model was trained without a validation set"
    yield ""
