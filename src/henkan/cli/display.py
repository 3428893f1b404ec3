"""Print evaluation results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from henkan.cli.tables import aligned
from henkan.evaluation.error_rates import NOTHING, Evaluation
from henkan.evaluation.evaluation_set import EXAMPLES_SHOWN, Counts
from henkan.text.escaping import escape
from henkan.text.side_statistics import show_symbol


def show_examples(result: Counts) -> None:
    """Print the first sources with O (correct) or X (wrong)."""
    click.echo("\n".join(example_rows(result)))


def show_exact_match(result: Counts, note: str = "") -> None:
    """Print exact match, preceded by the numbers of sources that are unlike the training data or were not predicted.

    Args:
        result: the counts.
        note: another line to print before exact match; empty: none.
    """
    if result.unknown:
        click.echo(f"{result.unknown} sources have symbols that were not in the training data")
    if result.outside:
        click.echo(f"{result.outside} sources are outside the training data, such as longer ones")
    if result.cut_off:
        click.echo(f"{result.cut_off} predictions reached the length limit and were cut off")
    if result.unanswerable:
        click.echo(
            f"{result.unanswerable} sources could not be converted (blank, unknown symbols, too long, or not enough "
            "memory) and count as wrong"
        )
    if note:
        click.echo(note)
    click.echo(exact_match_line(result))


def show_coverage(result: Evaluation) -> None:
    """Print exact match by coverage, most confident predictions first."""
    rows = [("coverage", "min confidence", "exact match")]
    rows += [
        (f"{share:.0%}", f"{threshold:.3f}", f"{accuracy:.2%}") for share, threshold, accuracy in result.coverage()
    ]
    click.echo("\n" + "\n".join(aligned(rows, right=(0, 1, 2))))
    click.echo(f"expected calibration error {result.expected_calibration_error:.2%}\n")


def show_details(by_length: Mapping[int, tuple[int, int]], confusions: Sequence[tuple[str, str, int]]) -> None:
    """Print exact match by source length, and the most frequent symbol confusions."""
    rows = [("source symbols", "exact match", "sources")]
    rows += [(str(length), f"{right / total:.1%}", f"{total:,}") for length, (right, total) in by_length.items()]
    click.echo("\n" + "\n".join(aligned(rows, right=(0, 1, 2))))
    click.echo()
    if not confusions:
        return
    click.echo("most frequent confusions:")
    for true, predicted, count in confusions[:EXAMPLES_SHOWN]:
        if NOTHING in (true, predicted):
            what = f"omitted {show_symbol(true)}" if true else f"inserted {show_symbol(predicted)}"
        else:
            what = f"predicted {show_symbol(predicted)} instead of {show_symbol(true)}"
        click.echo(f"{count:>6,}  {what}")
    click.echo()


def exact_match_line(result: Counts) -> str:
    """Return the line `exact match NN.NNN% (k of n)`."""
    return f"exact match {result.exact_match:.3%} ({result.correct} of {result.total})"


def example_rows(result: Counts) -> list[str]:
    """Return a header and one line for each of the first sources: O or X, source, target, prediction."""
    rows: list[tuple[str, ...]] = [("", "source", "target", "prediction")]
    for each in result.first:
        conversion = each.conversion
        texts = conversion.source, each.target, conversion.prediction or ""
        rows.append(("OX"[not each.right], *map(escape, texts)))
    return aligned(rows)
