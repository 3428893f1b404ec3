"""`henkan score`."""

from __future__ import annotations

import json
from dataclasses import replace
from math import isfinite, isnan
from pathlib import Path
from typing import Any

import click

from henkan.cli.options import PATH, check_features, engine_options, layout_options, pop_engines, read_file
from henkan.display.durations import duration
from henkan.display.lines import StatusLines
from henkan.engine.base import Engines
from henkan.errors import DataError
from henkan.inference.converter import Converter
from henkan.text.escaping import escape
from henkan.text.pairs import Pairs
from henkan.text.tokenizer import tokenizers
from henkan.training.events import Epoch, Estimated, Event, Started
from henkan.training.fitted_model import FittedModel, load_model
from henkan.training.job import TrainingJob
from henkan.training.trainer import Trainer

FOLDS = 5


@click.command()
@click.argument("model", type=PATH)
@click.argument("data", metavar="FILE", type=PATH)
@click.option(
    "--suspicious",
    is_flag=True,
    help="Rank pairs by how likely their target is wrong. This trains --folds models with MODEL's settings, each "
    "on the pairs outside one fold.",
)
@click.option(
    "--folds",
    type=int,
    metavar="N",
    help=f"With --suspicious, number of cross-validation folds; one model is trained for each.  [default: {FOLDS}]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@layout_options
@engine_options
def score(model: Path, data: Path, suspicious: bool, folds: int | None, as_json: bool, **layout: Any) -> None:
    """Print the log-probability, source and target of each pair in a FILE, separated by tabs; with --suspicious, find
    the pairs whose target is likely wrong.

    \b
    henkan score models/names pairs.tsv
    henkan score models/names lexicon.tsv --suspicious | head -20

    The log-probability (natural logarithm) is that of the target given the source, including the end of the target.
    -inf: the model cannot write the target, because a symbol is not in the vocabulary and cannot be copied from the
    source. nan: there was not enough memory for the pair. The model itself is scored: a lexicon stored in MODEL is not
    used.

    Line breaks, tabs and backslashes are printed as \\n, \\r, \\t and \\\\, and any other character that ends a line
    as \\u and four hexadecimal digits. --json has the exact strings.

    --suspicious trains --folds models: each target is compared with the prediction of a model that was trained without
    this pair. The first column is then the log-probability of the target minus that of the prediction, and a fourth
    column has the prediction. The most suspicious pairs come first. Pairs whose source the model cannot read come last,
    with nan.
    """
    if folds is not None and not suspicious:
        raise click.UsageError("only the search for suspicious pairs has folds; omit --folds")
    engines = pop_engines(layout)
    fitted = load_model(model, engines)
    pairs = read_file(data, **layout).pairs
    check_features(fitted, layout["columns"])
    if suspicious:
        rows = _label_errors(fitted, pairs, FOLDS if folds is None else folds, engines)
    else:
        [scores] = fitted.converter.score(pairs.sources, pairs.targets).tolist()
        rows = [
            {"log_probability": value, "source": source, "target": target}
            for value, source, target in zip(scores, pairs.sources, pairs.targets, strict=True)
        ]
    click.echo("\n".join(_line(row, as_json=as_json) for row in rows))
    too_large = sum(isnan(row["log_probability"]) for row in rows)
    if too_large:
        raise DataError(f"not enough memory for {too_large:,} pairs, whose score is nan; shorten them or free memory")


def _label_errors(fitted: FittedModel, pairs: Pairs, folds: int, engines: Engines) -> list[dict[str, Any]]:
    from henkan.evaluation.label_errors import find_label_errors

    model = fitted.saved.first.model
    training = replace(fitted.saved.first.training, patience=None)  # there is no validation set

    def train(fold: int, others: Pairs) -> Converter:
        report = _FoldProgress(lines, fold, folds)
        return Trainer(engines, report=report).fit(others, None, TrainingJob.single(model, training)).converter

    source, _ = tokenizers(model)
    with StatusLines(quiet=False) as lines:
        errors = find_label_errors(pairs, train, folds=folds, seed=training.seed, normalize=source.normalize)
    return [
        {"margin": each.margin, "source": each.source, "target": each.target, "answer": each.answer}
        | {"log_probability": each.log_probability}
        for each in errors
    ]


class _FoldProgress:
    """Shows the progress of one of several training runs: its epochs on a terminal, otherwise a line at its end."""

    def __init__(self, lines: StatusLines, fold: int, folds: int) -> None:
        self.lines, self.fold, self.folds = lines, fold, folds
        self.epochs = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self.epochs = event.epochs
        elif isinstance(event, Estimated) and self.fold == 1:
            self.lines.print(f"training {self.folds} models will take about {duration(self.folds * event.seconds)}")
        elif isinstance(event, Epoch):
            text = f"model {self.fold} of {self.folds}: epoch {event.epoch}/{self.epochs}, loss {event.loss:.3g}"
            (self.lines.print if event.epoch == self.epochs else self.lines.status)(text)


def _line(row: dict[str, Any], *, as_json: bool) -> str:
    if as_json:  # JSON has neither infinity nor NaN
        return json.dumps({name: value if _is_finite(value) else None for name, value in row.items()})
    number = row.get("margin", row["log_probability"])
    rest = [escape(row[name]) for name in ("source", "target", "answer") if name in row]
    return "\t".join([f"{number:.4f}", *rest])


def _is_finite(value: Any) -> bool:
    return not isinstance(value, float) or isfinite(value)
