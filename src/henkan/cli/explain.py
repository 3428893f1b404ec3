"""`henkan explain`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import click

from henkan.cli.options import PATH
from henkan.cli.tables import aligned
from henkan.errors import DataError
from henkan.inference.explanation import END, By, Explanation
from henkan.inference.explanation import explain as take_apart
from henkan.text.audit import show_symbol
from henkan.training.fitted_model import load_model

FORMATS = ("png", "svg")


@click.command(short_help="Show symbol by symbol why a model answers what it does.")
@click.argument("model", type=PATH)
@click.argument("text")
@click.option("--answer", metavar="TEXT", help="Explain this answer instead of the model's own.")
@click.option("--beam", type=int, default=1, show_default=True, help="Beginnings of answers to follow at every step.")
@click.option(
    "--by",
    type=click.Choice(get_args(By)),
    help="What to measure the part of each source symbol by; see below.  [default: attention if the model has it]",
)
@click.option("--picture", type=PATH, metavar="FILE", help="Also draw it, as FILE.png or FILE.svg.")
@click.option("--json", "as_json", is_flag=True, help="Print one object instead.")
def explain(
    model: Path, text: str, answer: str | None, beam: int, by: By | None, picture: Path | None, as_json: bool
) -> None:
    """Take the answer of the saved MODEL to a TEXT apart.

    \b
    henkan explain models/names "Tanaka"
    henkan explain models/names "Tanaka" --picture tanaka.svg

    For each symbol of the answer: its probability, the symbols that the model would have written else, and the part
    of each source symbol in it, in percent. By attention that is where the model looked. By saliency it is how fast
    the symbol's log-probability would change with the embedding of the source symbol (the norm of the gradient), as a
    share of all: for models without attention, and for what attention does not see. The confidence is the probability
    of the whole answer, fitted to held-out pairs; those of the symbols are the model's own.
    """
    if picture is not None and picture.suffix.removeprefix(".").lower() not in FORMATS:
        raise DataError(f"{picture}: a picture is written as .png or .svg; choose such a name")
    explanation = take_apart(load_model(model).converter, text, answer=answer, beam=beam, by=by)
    if picture is not None:
        _draw(explanation, picture)
    if as_json:
        click.echo(json.dumps(asdict(explanation)))
    else:
        click.echo("\n".join(_lines(explanation)))


def _lines(explanation: Explanation) -> list[str]:
    lines = [
        f"{explanation.source} -> {explanation.answer}   confidence {explanation.confidence:.3f}   "
        f"parts by {explanation.by}"
    ]
    if explanation.unknown:
        lines.append(f"read as unknown: {', '.join(explanation.unknown)}")
    if explanation.cut_off:
        lines.append("it did not end within the length bound, and was cut off")
    looks = explanation.symbols
    rows = [["symbol", "probability", "else", *map(show_symbol, looks)]]
    for choice in explanation.choices:
        others = ", ".join(f"{_shown(symbol)} {probability:.3f}" for symbol, probability in choice.runners_up)
        weights = [f"{100 * weight:.0f}" for weight in choice.weights]
        rows.append([_shown(choice.symbol), f"{choice.probability:.3f}", others, *weights])
    return [*lines, "", *aligned(rows, right=[1, *range(3, 3 + len(looks))])]


def _shown(symbol: str) -> str:
    return "(end)" if symbol == END else show_symbol(symbol)


def _draw(explanation: Explanation, path: Path) -> None:
    from henkan.storage.plots import attention_picture

    drawn = attention_picture(
        [show_symbol(symbol) for symbol in explanation.symbols],
        [_shown(choice.symbol) for choice in explanation.choices],
        [choice.probability for choice in explanation.choices],
        [choice.weights for choice in explanation.choices],
        by=explanation.by,
        format=path.suffix.removeprefix(".").lower(),
    )
    if drawn is None:
        raise DataError("a picture needs matplotlib; install henkan[plot]")
    content, notes = drawn
    for note in notes:
        click.echo(f"note: {note}", err=True)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error}); choose another --picture") from None
