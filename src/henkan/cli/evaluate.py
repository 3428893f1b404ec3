"""`henkan evaluate`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from henkan.cli.data_arguments import task_or_file
from henkan.cli.display import show_examples, show_lines
from henkan.cli.options import PATH, check_features, engine_options, layout_options, pop_engines, read_file
from henkan.cli.prediction_options import note_unwritable, pop_constraint, prediction_options, with_lexicon
from henkan.cli.task_names import unambiguous
from henkan.errors import DataError
from henkan.evaluation.error_rates import evaluate as measure
from henkan.evaluation.evaluation_set import Prediction
from henkan.evaluation.report import detail_lines, summary_lines
from henkan.evaluation.task_pairs import task_pairs
from henkan.inference.conversion import Request
from henkan.text.counts import counted
from henkan.text.escaping import escape
from henkan.text.tasks import Task
from henkan.training.fitted_model import load_model


@click.command()
@click.argument("model", type=PATH)
@click.argument("data", metavar="FILE_OR_TASK", callback=unambiguous)
@click.option(
    "--errors",
    type=PATH,
    metavar="FILE",
    help="Write the wrong predictions to FILE, one per line: source TAB target TAB prediction. If the source has "
    "several targets, the nearest to the prediction is written.",
)
@click.option(
    "--details", is_flag=True, help="Also print exact match by source length and the most frequent symbol confusions."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, including the details.")
@click.option("--beam", type=int, metavar="N", default=1, show_default=True, help="Beam width; 1 is greedy search.")
@prediction_options
@layout_options
@engine_options
def evaluate(
    model: Path, data: str, errors: Path | None, details: bool, as_json: bool, beam: int, **layout: Any
) -> None:
    """Evaluate a saved MODEL on a file of pairs or on a task.

    \b
    henkan evaluate models/addition addition
    henkan evaluate models/names test.tsv --errors wrong.tsv

    For a task, the pairs are those of the validation set if the model was trained on this task with the default
    validation split; otherwise they are newly generated. If a file has the name of a task, as in addition, write
    ./addition for the file or task:addition for the task.

    --allow, --pattern, --symbols, --lexicon and --no-lexicon act as in `henkan predict`. If MODEL has a lexicon, the
    sources in it are answered from it, and their number is printed; --no-lexicon evaluates the model alone. In the
    coverage table, these answers count as certain.

    Each distinct source counts once, however many pairs it has. Exact match is the share of sources whose prediction
    equals a target: if a source has several targets, any of them is correct. The word error rate is 1 minus the exact
    match. A source that the model cannot read counts as wrong and is also counted separately.

    The symbol error rate is the number of inserted, deleted and replaced symbols divided by the number of target
    symbols; if a source has several targets, the one nearest to the prediction is used. The coverage table shows the
    exact match of only the most confident predictions (see `henkan predict --abstain-below`). The expected calibration
    error is the absolute difference between confidence and exact match, averaged over bins of confidence,
    weighted by their numbers of predictions.

    The 95 % intervals are bootstrap intervals over the sources (BCa): they say how much the numbers would vary with
    other sources of the same kind, not with another training run.

    Line breaks, tabs and backslashes in texts are printed as \\n, \\r, \\t and \\\\, and any other character that ends
    a line as \\u and four hexadecimal digits. --json has the exact strings.
    """
    lexicon, no_lexicon = layout.pop("lexicon"), layout.pop("no_lexicon")
    request = Request(beam=beam, confidence=True, constraint=pop_constraint(layout))
    fitted = load_model(model, pop_engines(layout))
    note_unwritable(fitted.converter, request.constraint)
    request = with_lexicon(request, fitted, lexicon, stored=not no_lexicon)
    found = task_or_file(data)
    if isinstance(found, Task):
        pairs = task_pairs(found, fitted.data)
        if not fitted.data.is_of(found) and not as_json:
            click.echo(
                f"note: this model was trained on {fitted.data.name}, not on the task {data}; "
                "its training data may contain some of these pairs",
                err=True,
            )
    else:
        pairs = read_file(found, **layout).pairs
        check_features(fitted, layout["columns"])
        if errors is not None and errors.exists() and errors.samefile(found):
            raise DataError(f"{errors}: --errors would overwrite the pairs to evaluate; choose another file")
    if errors is not None:
        _write_errors([], errors)  # fails before the evaluation if the file cannot be written
    result = measure(fitted.converter, pairs, request)
    if as_json:
        click.echo(json.dumps(result.to_dict() | {"model": str(model), "data": data}))
    else:
        show_examples(result.counts)
        if details:
            show_lines(detail_lines(result))
        note = ""
        if request.lexicon is not None:
            alone = " (evaluate the model alone with --no-lexicon)" if lexicon is None else ""
            count, total = result.counts.from_lexicon, result.counts.total
            note = f"{count:,} of {counted(total, 'source')} answered from the lexicon{alone}"
        show_lines(summary_lines(result, note))
    if errors is not None:
        _write_errors(result.predictions, errors)


def _write_errors(predictions: Sequence[Prediction], path: Path) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for each in predictions:
                conversion = each.conversion
                if not each.right:
                    predicted = f"({conversion.reason})" if conversion.prediction is None else conversion.prediction
                    file.write("\t".join(map(escape, (conversion.source, each.target, predicted))) + "\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error}); choose another --errors") from None
