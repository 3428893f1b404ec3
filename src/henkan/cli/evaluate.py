"""`henkan evaluate`, and how questions and results are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from henkan import fitting
from henkan.cli.options import PATH, check_features, engine_options, layout_options, pop_engines
from henkan.cli.tables import aligned
from henkan.converter import Request
from henkan.errors import DataError
from henkan.evaluation import NOTHING, SHOWN, Evaluation, Tally
from henkan.evaluation import evaluate as measure
from henkan.text.audit import show_symbol
from henkan.text.reading import read_pairs
from henkan.text.tasks import Task, task_or_file


@click.command(short_help="Measure a saved model.")
@click.argument("model", type=PATH)
@click.argument("data", metavar="FILE_OR_TASK")
@click.option("--errors", type=PATH, metavar="FILE", help="Write every wrong answer: source, target, answer.")
@click.option("--details", is_flag=True, help="Also exact match by length, and the commonest confusions of symbols.")
@click.option("--json", "as_json", is_flag=True, help="Print one object instead, with the details.")
@click.option("--beam", type=int, default=1, show_default=True, help="Beginnings of answers to follow at every step.")
@layout_options
@engine_options
def evaluate(
    model: Path, data: str, errors: Path | None, details: bool, as_json: bool, beam: int, **layout: Any
) -> None:
    """Measure a saved MODEL on a file of pairs, or on questions of a task that it was not trained on.

    \b
    henkan evaluate models/addition addition
    henkan evaluate models/names test.tsv --errors wrong.tsv

    An answer is right if it is the target, symbol for symbol; a source that stands there with several targets
    accepts each. A source that the model cannot read counts as wrong, and is counted apart.

    The symbol error rate is the symbols to insert, delete or replace, by the symbols of the targets. The table says
    how right the model would be if it gave only its surest answers (predict --abstain-below); the expected
    calibration error is how far its confidence is from the share of right answers, on average.
    """
    request = Request(beam=beam, confidence=True)
    fitted = fitting.load(model, pop_engines(layout))
    found = task_or_file(data)
    if isinstance(found, Task):
        pairs = fitting.task_questions(found, fitted.data)
        if not fitted.data.is_of(found) and not as_json:
            click.echo(
                f"note: this model was trained on {fitted.data.name}, not on the task {data}; "
                "some of these questions may have been among its pairs",
                err=True,
            )
    else:
        pairs = read_pairs(found, **layout)
        check_features(fitted, layout["columns"])
        if errors is not None and errors.exists() and errors.samefile(found):
            raise DataError(f"{errors}: these are the pairs themselves; choose another --errors")
    if errors is not None:
        _write_errors(Evaluation([], []), errors)  # whether it can be written is known before the work
    result = measure(fitted.converter, pairs, request)
    by_length, tally = result.by_length(), result.tally
    if as_json:
        values = {
            "exact_match": result.exact_match,
            "word_error_rate": result.word_error_rate,
            "symbol_error_rate": result.symbol_error_rate,
            "correct": tally.correct,
            "total": tally.total,
            "unanswerable": tally.unanswerable,
            "unknown": tally.unknown,
            "cut_off": tally.cut_off,
            "expected_calibration_error": result.expected_calibration_error,
            "coverage": result.coverage(),
            "model": str(model),
            "data": data,
            "by_length": by_length,
            "confusions": result.confusions(),
        }
        click.echo(json.dumps(values))
    else:
        show_questions(tally)
        if details:
            _show_details(by_length, result.confusions())
        _show_coverage(result)
        click.echo(f"symbol error rate {result.symbol_error_rate:.3%}")
        show_exact_match(tally)
    if errors is not None:
        _write_errors(result, errors)


def show_questions(result: Tally) -> None:
    """Print the first questions with O or X."""
    click.echo("\n".join(question_rows(result)))


def show_exact_match(result: Tally) -> None:
    """Print how many answers are right, and before it how many questions had none."""
    if result.unknown:
        click.echo(f"{result.unknown} hold symbols that were not in training")
    if result.cut_off:
        click.echo(f"{result.cut_off} answers did not end within the length bound")
    if result.unanswerable:
        click.echo(f"{result.unanswerable} could not be answered (unknown symbols, or too long) and count as wrong")
    click.echo(exact_match_line(result))


def _show_coverage(result: Evaluation) -> None:
    rows = [("answered", "confidence from", "exact match")]
    rows += [(f"{share:.0%}", f"{least:.3f}", f"{right:.2%}") for share, least, right in result.coverage()]
    click.echo("\n" + "\n".join(aligned(rows, right=(0, 1, 2))))
    click.echo(f"expected calibration error {result.expected_calibration_error:.2%}\n")


def _show_details(by_length: Mapping[int, tuple[int, int]], confusions: Sequence[tuple[str, str, int]]) -> None:
    rows = [("source symbols", "exact match", "pairs")]
    rows += [(str(length), f"{right / pairs:.1%}", f"{pairs:,}") for length, (right, pairs) in by_length.items()]
    click.echo("\n" + "\n".join(aligned(rows, right=(0, 1, 2))))
    click.echo()
    if not confusions:
        return
    click.echo("confusions, the commonest first:")
    for true, given, count in confusions[:SHOWN]:
        if NOTHING in (true, given):
            what = f"left out {show_symbol(true)}" if true else f"put in {show_symbol(given)}"
        else:
            what = f"wrote {show_symbol(given)} for {show_symbol(true)}"
        click.echo(f"{count:>6,}  {what}")
    click.echo()


def exact_match_line(result: Tally) -> str:
    """Exact match NN.NNN% (k of n)"""
    return f"exact match {result.exact_match:.3%} ({result.correct} of {result.total})"


def question_rows(result: Tally) -> list[str]:
    """A heading and a line for each of the first questions: O or X, the question, the true answer, the model's."""
    rows = [("", "question", "true answer", "model")]
    for each in result.first:
        conversion = each.conversion
        rows.append(("OX"[not each.right], conversion.source, each.target, conversion.prediction or ""))
    return aligned(rows)


def _write_errors(result: Evaluation, path: Path) -> None:
    try:
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            for conversion, target in zip(result.conversions, result.targets, strict=True):
                if not result.is_correct(conversion):
                    answer = conversion.prediction if conversion.reason is None else f"({conversion.reason})"
                    file.write(f"{conversion.source}\t{target}\t{answer}\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error}); choose another --errors") from None
