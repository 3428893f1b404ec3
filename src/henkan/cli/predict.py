"""`henkan predict`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import click

from henkan.cli.input_lines import check_encoding, decoded_lines, read_text
from henkan.cli.options import PATH, engine_options, pop_engines
from henkan.cli.prediction_options import note_unwritable, pop_constraint, prediction_options, with_lexicon
from henkan.cli.prediction_printer import Printer
from henkan.cli.text_arguments import TEXT
from henkan.errors import DataError, UnanswerableError
from henkan.inference.conversion import Request, Unknown
from henkan.training.fitted_model import load_model


@click.command()
@click.argument("model", type=PATH)
@click.argument("texts", nargs=-1, type=TEXT, metavar="[TEXT]...")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object per text: source, prediction, log_probability and confidence, and where they apply "
    "reason (why there is no prediction), outside (in which ways the text is outside the training data: longer, a "
    "longer number, unknown symbols or tags, another combination of tags, or no tags), unknown (the source symbols "
    "that were not in the training data), cut_off (the prediction reached the length limit), abstained (because of "
    "--abstain-below or --abstain-outside), disallowed (no prediction is allowed), blank (the text has only "
    "whitespace), origin (if there is a lexicon: lexicon or model) and nbest (the list of predictions).",
)
@click.option("--beam", type=int, metavar="N", default=1, show_default=True, help="Beam width; 1 is greedy search.")
@click.option(
    "--nbest",
    type=int,
    metavar="N",
    default=1,
    show_default=True,
    help="Number of predictions per text, at most --beam. If above 1, print one line per prediction: text TAB "
    "prediction TAB log-probability. The order is by log-probability per symbol, so the printed log-probabilities may "
    "not be sorted.",
)
@click.option(
    "--mass",
    type=float,
    metavar="P",
    help="With --nbest, stop as soon as the probabilities of the text's predictions add up to P, from 0 to 1. The "
    "probabilities are calibrated as the confidence. For a text outside the training data, all are printed.  [default: "
    "print all]",
)
@click.option(
    "--abstain-below",
    type=float,
    metavar="P",
    help="Print an empty line instead of a prediction whose confidence, from 0 to 1, is below P or cannot be "
    "estimated. With --nbest, one empty line replaces all predictions of the text.",
)
@click.option(
    "--abstain-outside",
    is_flag=True,
    help="Print an empty line for a text outside the training data, such as a longer one; see outside in --json.",
)
@click.option(
    "--unknown",
    type=click.Choice(get_args(Unknown)),
    default="use",
    show_default=True,
    help="Choose how to treat symbols that were not in the training data. use: read them as the unknown symbol. copy: "
    "also copy them to the prediction where attention selects them; a transducer, or a model with copying, does so by "
    "itself, also with use. skip: print an empty line (in JSON, null and the "
    "reason). error: stop with an error. If the model has no unknown symbol, use acts like error.",
)
@click.option(
    "--encoding",
    metavar="NAME",
    default="utf-8",
    show_default=True,
    callback=check_encoding,
    help="Encoding of standard input, such as utf-16 or shift_jis. The output is always UTF-8.",
)
@prediction_options
@engine_options
def predict(model: Path, texts: Sequence[str], as_json: bool, encoding: str, **options: Any) -> None:
    """Convert each TEXT with the saved MODEL. Without TEXT, convert each line of standard input.

    \b
    henkan predict models/addition 58+77 1+1
    henkan predict models/names < names.txt > converted.txt
    henkan predict models/names --beam 5 --nbest 3 Tanaka
    henkan predict models/dates --pattern '\\d{4}-\\d{2}-\\d{2}' 'august 3, 1987'

    By default, standard output has one prediction per line, in input order, and nothing else. Without TEXT on a
    terminal, texts are read interactively until Ctrl-D.

    Line breaks, tabs and backslashes are printed as \\n, \\r, \\t and \\\\, and any other character that ends a line
    as \\u and four hexadecimal digits. --json has the exact strings.

    The confidence of a prediction is its probability, calibrated on the validation set; without a validation set, it is
    not calibrated. For a text outside the training data, it is estimated by a model that was trained on a part of the
    pairs, and null if nothing supports an estimate.

    A text of whitespace alone gets an empty line, unless the training data had such sources.

    --allow, --pattern and --symbols constrain the predictions; several of them hold at once. Probabilities and
    confidences are those of the model without them. A text for which no prediction is allowed within the model's length
    limit gets an empty line. A prediction from a lexicon, be it --lexicon or the one stored in MODEL, has no
    log-probability and no confidence.
    """
    engines, lexicon, no_lexicon = pop_engines(options), options.pop("lexicon"), options.pop("no_lexicon")
    constraint = pop_constraint(options)
    request = Request(**options, constraint=constraint, confidence=as_json)
    fitted = load_model(model, engines)
    converter = fitted.converter
    note_unwritable(converter, constraint)
    request = with_lexicon(request, fitted, lexicon, stored=not no_lexicon)
    if (request.abstain_below, request.mass) != (None, None) and converter.temperature is None:
        click.echo(
            "note: confidence is not calibrated, because this model was trained without a validation set, or its "
            "training was interrupted",
            err=True,
        )
    printer = Printer(converter, request, as_json=as_json)
    if texts:
        printer.convert(texts, "argument", 1)
    elif sys.stdin.isatty():
        _convert_interactively(printer)
    else:
        number = 1
        for lines in decoded_lines(sys.stdin.buffer, encoding):
            printer.convert(lines, "line", number)
            number += len(lines)
    printer.end()


def _convert_interactively(printer: Printer) -> None:
    if sys.stdin.encoding != "ascii":  # readline would take the bytes of UTF-8 for commands
        with suppress(ImportError):
            import readline  # noqa: F401  (enables line editing at the prompt)
    click.echo("Type a text and press Enter. Press Ctrl-D to exit.", err=True)
    while True:
        try:
            text = read_text()
        except EOFError:
            click.echo(err=True)
            return
        except DataError as error:
            click.echo(f"henkan: {error}", err=True)
            continue
        [conversion] = printer.converter.convert([text], printer.request)
        if conversion.abstained or conversion.disallowed or (conversion.failed and printer.request.unknown != "skip"):
            click.echo(f"henkan: {UnanswerableError(text, 0, conversion.reason or '')}", err=True)
        else:
            if conversion.unknown:
                click.echo(f"(unknown: {', '.join(conversion.unknown)})", err=True)
            click.echo(printer.line(conversion))
