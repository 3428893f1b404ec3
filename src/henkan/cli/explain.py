"""`henkan explain`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import click

from henkan.cli.alignments import print_alignments
from henkan.cli.options import PATH
from henkan.cli.text_arguments import TEXT
from henkan.errors import DataError
from henkan.inference.conversion import Request
from henkan.inference.explanation import By, Explanation
from henkan.inference.explanation import explain as make_explanation
from henkan.inference.explanation_text import choice_text
from henkan.text.side_statistics import show_symbol
from henkan.training.fitted_model import load_model

FORMATS = ("png", "svg")


@click.command()
@click.argument("model", type=PATH)
@click.argument("text", type=TEXT, required=False)
@click.option("--answer", type=TEXT, metavar="TEXT", help="Explain this target instead of the model's prediction.")
@click.option("--beam", type=int, metavar="N", default=1, show_default=True, help="Beam width; 1 is greedy search.")
@click.option(
    "--by",
    type=click.Choice(get_args(By)),
    help="Weights to show: attention, pointer or saliency.  [default: the pointer of a transducer, attention if the "
    "model has it, otherwise saliency]",
)
@click.option(
    "--picture",
    type=PATH,
    metavar="FILE",
    help="Also draw the explanation to FILE (.png or .svg). Requires henkan[plot].",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, or with --file one per text.")
@click.option(
    "--file",
    type=PATH,
    metavar="FILE",
    help="Instead of a TEXT, align every line of FILE with its prediction, and print one line per symbol.",
)
@click.option(
    "--pairs",
    is_flag=True,
    help="With --file: FILE has pairs (source, target and, if MODEL reads feature tags, features); align their targets "
    "instead of predictions.",
)
def explain(
    model: Path,
    text: str | None,
    answer: str | None,
    beam: int,
    by: By | None,
    picture: Path | None,
    as_json: bool,
    file: Path | None,
    pairs: bool,
) -> None:
    """Explain what the saved MODEL predicts for a TEXT, or for every line of a file.

    \b
    henkan explain models/names "Tanaka"
    henkan explain models/names "Tanaka" --picture tanaka.svg
    henkan explain models/names --file names.txt > alignments.tsv

    For each symbol of the prediction, print its probability, the most probable alternatives, and the weight of each
    source symbol in percent. The weights are attention weights, the pointer of a transducer, or saliency. A transducer
    is explained action by action. Saliency is the norm of the gradient of the symbol's log-probability with respect to
    the embedding of the source symbol, scaled so that the norms add up to 100 percent; it also works for models without
    attention.

    The model itself is explained: a lexicon stored in MODEL is not used.

    The confidence is the probability of the complete prediction, calibrated on the validation set; without a validation
    set, it is not calibrated. The probabilities of the symbols are never calibrated.

    With --file, each line after the header has one symbol of a prediction, in tab-separated columns: number of the
    text, source, prediction, symbol, start and end of the source symbols that it comes from (counted from 0, without
    the end), these symbols, and the probability of the step. A symbol comes from the source symbol with the largest
    weight. Where a transducer inserts a symbol, the span is empty; where it deletes one, the symbol is empty. --json
    prints one object per text, with a list of links.

    In the first line, and with --file in every line, line breaks, tabs and backslashes are printed as \\n, \\r, \\t
    and \\\\. --json has the exact strings.
    """
    if (text is None) == (file is None):
        raise DataError("give a TEXT or --file, not both" if text is not None else "give a TEXT, or a --file of texts")
    if file is None and pairs:
        raise DataError("--pairs needs --file with a file of pairs")
    if file is not None and (answer, picture) != (None, None):
        raise DataError("--answer and --picture explain a single TEXT; omit --file")
    if picture is not None and picture.suffix.removeprefix(".").lower() not in FORMATS:
        raise DataError(f"{picture}: unknown image format; choose a file name that ends in .png or .svg")
    fitted = load_model(model)
    if fitted.converter.mixed:
        kinds = [each.model.kind for each in fitted.saved.variants]
        click.echo(f"note: of {len(kinds)} kinds of models, the first ({kinds[0]}) is explained", err=True)
    if file is not None:
        request = Request(beam=beam)
        print_alignments(fitted.converter, file, pairs=pairs, request=request, by=by, as_json=as_json)
        return
    explanation = make_explanation(fitted.converter, text or "", answer=answer, beam=beam, by=by)
    if picture is not None:
        _draw(explanation, picture)
    if as_json:
        click.echo(json.dumps(asdict(explanation)))
    else:
        click.echo(str(explanation))


def _draw(explanation: Explanation, path: Path) -> None:
    from henkan.storage.plots import explanation_picture

    drawn = explanation_picture(
        [show_symbol(symbol) for symbol in explanation.symbols],
        [choice_text(choice) for choice in explanation.choices],
        [choice.probability for choice in explanation.choices],
        [choice.weights for choice in explanation.choices],
        by=explanation.by,
        format=path.suffix.removeprefix(".").lower(),
    )
    if drawn is None:
        raise DataError("--picture needs matplotlib; pip install 'henkan[plot]'")
    content, notes = drawn
    for note in notes:
        click.echo(f"note: {note}", err=True)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error}); choose another --picture") from None
