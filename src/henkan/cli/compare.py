"""`henkan compare`."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from henkan.cli.data_arguments import task_or_file
from henkan.cli.options import PATH, check_features, engine_options, layout_options, pop_engines, read_file
from henkan.cli.output_file import check_writable, write_output
from henkan.cli.prediction_options import note_unwritable, pop_constraint, prediction_options, with_lexicon
from henkan.cli.task_names import unambiguous
from henkan.errors import DataError, SettingsError
from henkan.evaluation.comparison import ComparedModel, Comparison
from henkan.evaluation.comparison import compare as measure
from henkan.evaluation.task_pairs import task_pairs
from henkan.inference.conversion import Request
from henkan.text.escaping import escape
from henkan.text.pairs import Pairs
from henkan.text.tasks import Task
from henkan.training.fitted_model import FittedModel, load_model


@click.command()
@click.argument("models", type=PATH, nargs=-1, required=True, metavar="MODEL MODEL [MODEL...]")
@click.argument("data", metavar="FILE_OR_TASK", callback=unambiguous)
@click.option("--html", type=PATH, metavar="FILE", help="Write a report as one HTML file, which needs no other files.")
@click.option(
    "--differences",
    type=PATH,
    metavar="FILE",
    help="Write the sources for which the predictions differ to FILE, with a header and tabs: source, target, and for "
    "each model its prediction, O (correct) or X (wrong), and its confidence.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--beam", type=int, metavar="N", default=1, show_default=True, help="Beam width; 1 is greedy search.")
@prediction_options
@layout_options
@engine_options
def compare(
    models: Sequence[Path],
    data: str,
    html: Path | None,
    differences: Path | None,
    as_json: bool,
    beam: int,
    **layout: Any,
) -> None:
    """Compare two or more saved MODELs on a file of pairs or on a task.

    \b
    henkan compare models/words models/edits test.tsv
    henkan compare models/words models/edits test.tsv --html report.html

    Prints exact match and symbol error rate of each model and their differences, with 95 % intervals by the bootstrap
    over the sources; whether the differences are more than chance (McNemar's exact test for exact match, a paired
    randomization test for the symbol error rate, Holm's correction with more than two models); exact match by source
    length, by rarest symbol and by confidence; and sources that only some of the models get right. The last lines are
    the conclusion.

    The intervals and tests are about the choice of sources, not about training with another seed.

    Each distinct source counts once, and all its targets are correct, as in `henkan evaluate`. If models normalize
    texts differently, two sources that one of them reads alike are one source for all, and predictions are compared
    with targets in a form that all of them can write.

    For a task, the pairs are those of `henkan evaluate` for the first model. --allow, --pattern, --symbols, --lexicon
    and --no-lexicon act as in `henkan predict`, for all models; each model uses the lexicon stored in it.
    """
    names = _names(models)
    lexicon, no_lexicon = layout.pop("lexicon"), layout.pop("no_lexicon")
    request = Request(beam=beam, confidence=True, constraint=pop_constraint(layout))
    engines = pop_engines(layout)
    fitted = [load_model(each, engines) for each in models]
    pairs = _read(data, fitted, names, layout, quiet=as_json)
    outputs = {"--html": html, "--differences": differences}
    _check_outputs({option: path for option, path in outputs.items() if path is not None}, data)
    compared = []
    for name, each in zip(names, fitted, strict=True):
        note_unwritable(each.converter, request.constraint)
        own = with_lexicon(request, each, lexicon, stored=not no_lexicon)
        compared.append(ComparedModel(name, each.converter, own))
    result = measure(compared, pairs, data)
    if as_json:
        click.echo(json.dumps(result.to_dict() | {"folders": list(map(str, models)), "data": data}))
    else:
        click.echo(str(result))
    if html is not None:
        from henkan.evaluation.comparison_html import page

        write_output(html, page(result).encode("utf-8", "backslashreplace"), "--html")
    if differences is not None:
        write_output(differences, _table(result).encode("utf-8", "backslashreplace"), "--differences")


def _names(models: Sequence[Path]) -> list[str]:
    """Return a name for each folder: the last part of its path if no other has the same, otherwise the path as given.

    Raises:
        SettingsError: if there are fewer than two folders, or one twice.
    """
    if len(models) < 2:
        raise SettingsError("give two or more models, and then a file or task to compare them on")
    paths = [Path(os.path.realpath(each)) for each in models]
    for row, path in enumerate(paths):
        if path in paths[:row]:
            raise SettingsError(f"{models[row]}: this model is given twice; give two different models")
    last = [each.name for each in paths]
    return [str(given) if last.count(name) > 1 else name for given, name in zip(models, last, strict=True)]


def _read(
    data: str, fitted: Sequence[FittedModel], names: Sequence[str], layout: dict[str, Any], *, quiet: bool
) -> Pairs:
    """Return the pairs to compare on.

    Raises:
        DataError: if they cannot be read, or one of the models cannot read their features.
    """
    found = task_or_file(data)
    if isinstance(found, Task):
        others = [name for name, each in zip(names, fitted, strict=True) if _may_know(each, fitted[0], found)]
        if others and not quiet:
            click.echo(
                f"note: the training data of {' and '.join(others)} may contain some of these pairs; train all models "
                f"on the task {data} with the same validation split, or compare them on a file of other pairs",
                err=True,
            )
        return task_pairs(found, fitted[0].data)
    for name, each in zip(names, fitted, strict=True):
        try:
            check_features(each, layout["columns"])
        except DataError as error:
            raise DataError(f"{name}: {error}") from None
    return read_file(found, **layout).pairs


def _may_know(fitted: FittedModel, first: FittedModel, task: Task) -> bool:
    """Whether the training data of a model may contain pairs of the task that the first model was not trained on."""
    data, other = fitted.data, first.data
    if not data.is_of(task):
        return True
    if other.is_of(task):
        return (data.pairs, data.seed, data.held_out) != (other.pairs, other.seed, other.held_out)
    exhausted = task.available <= task.count
    return data.seed != 0 or data.pairs > task.count or (exhausted and data.held_out != "tenth")  # see `task_pairs`


def _check_outputs(outputs: dict[str, Path], data: str) -> None:
    """Check that files can be written, before the work is done.

    Raises:
        DataError: if not.
    """
    for option, path in outputs.items():
        if path.exists() and os.path.exists(data) and path.samefile(data):
            raise DataError(f"{path}: {option} would overwrite the pairs to compare on; choose another file")
        check_writable(path, option)
    if len({os.path.realpath(path) for path in outputs.values()}) < len(outputs):
        raise DataError("--html and --differences name the same file; choose two files")


def _table(result: Comparison) -> str:
    """Return the sources for which the predictions differ as tab-separated values."""
    header = ["source", "target"]
    for name in result.names:
        header += [name, f"{name} correct", f"{name} confidence"]
    rows = [header]
    for each in result.disagreements:
        best = each.predictions[each.right.index(True) if any(each.right) else 0]
        row = [each.source, best.target]
        for prediction in each.predictions:
            conversion = prediction.conversion
            confidence = "" if conversion.confidence is None else f"{conversion.confidence:.4f}"
            text = f"({conversion.reason})" if conversion.prediction is None else conversion.prediction
            row += [text, "OX"[not prediction.right], confidence]
        rows.append(row)
    return "".join("\t".join(map(escape, row)) + "\n" for row in rows)
