"""`henkan predict`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, get_args

import click

from henkan.cli.options import PATH, engine_options, pop_engines
from henkan.errors import DataError, UnanswerableError
from henkan.inference.conversion import Conversion, Request, Unknown
from henkan.inference.converter import Converter
from henkan.text.reading import MAX_LINE_BYTES, decode_line
from henkan.training.fitted_model import load_model

READ_SIZE = 1 << 16


@click.command(short_help="Convert strings with a saved model.")
@click.argument("model", type=PATH)
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object per text: source, prediction, log_probability and confidence, and where they apply "
    "reason (why there is no prediction), unknown (the source symbols that were not in the training data), cut_off "
    "(the prediction reached the length limit), abstained (the confidence is below --abstain-below) and nbest (the "
    "list of predictions).",
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
    "--abstain-below",
    type=float,
    metavar="P",
    help="Print an empty line instead of a prediction whose confidence, from 0 to 1, is below P. With --nbest, one "
    "empty line replaces all predictions of the text.",
)
@click.option(
    "--unknown",
    type=click.Choice(get_args(Unknown)),
    default="use",
    show_default=True,
    help="Choose how to treat symbols that were not in the training data. use: read them as the unknown symbol. copy: "
    "also copy them to the prediction where attention selects them. skip: print an empty line (in JSON, null and the "
    "reason). error: stop with an error. If the model has no unknown symbol, use acts like error.",
)
@engine_options
def predict(model: Path, texts: Sequence[str], as_json: bool, **options: Any) -> None:
    """Convert each TEXT with the saved MODEL. Without TEXT, convert each line of standard input.

    \b
    henkan predict models/addition 58+77 1+1
    henkan predict models/names < names.txt > converted.txt
    henkan predict models/names --beam 5 --nbest 3 Tanaka

    By default, standard output has one prediction per line, in input order, and nothing else. Without TEXT on a
    terminal, texts are read interactively until Ctrl-D.

    The confidence of a prediction is its probability, calibrated on the validation set; without a validation set, it is
    not calibrated.
    """
    engines = pop_engines(options)
    request = Request(**options, confidence=as_json)
    converter = load_model(model, engines).converter
    if request.abstain_below is not None and converter.temperature is None:
        click.echo(
            "note: confidence is not calibrated, because this model was trained without a validation set", err=True
        )
    printer = Printer(converter, request, as_json=as_json)
    if texts:
        printer.convert(texts, "argument", 1)
    elif sys.stdin.isatty():
        _convert_interactively(printer)
    else:
        number = 1
        for lines in _line_batches(sys.stdin.buffer):
            known, error = _decode(lines, number)
            printer.convert(known, "line", number)
            if error is not None:
                raise error
            number += len(lines)
    printer.end()


@dataclass
class Printer:
    """Converts texts and prints the predictions to standard output.

    Attributes:
        converter: the model.
        request: options of the conversion.
        as_json: whether to print JSON.
        cut_off: number of predictions so far that reached the length limit.
        unknown: number of texts so far with symbols that were not in the training data.
        too_large: descriptions of the texts so far for which there was not enough memory.
    """

    converter: Converter
    request: Request
    as_json: bool
    cut_off: int = 0
    unknown: int = 0
    too_large: list[str] = field(default_factory=list)

    def convert(self, texts: Sequence[str], kind: str, first: int) -> None:
        """Convert texts and print the predictions.

        Args:
            texts: the texts.
            kind: what a text is called in the error message, "argument" or "line".
            first: number of the first text.

        Raises:
            DataError: at the first text that cannot be converted, unless such texts are skipped.
        """
        conversions = self.converter.convert(texts, self.request)
        failed = (i for i, each in enumerate(conversions) if each.reason is not None and not _is_skipped(each))
        stop = len(conversions) if self.request.unknown == "skip" else next(failed, len(conversions))
        self.cut_off += sum(each.cut_off for each in conversions[:stop])
        self.unknown += sum(len(each.unknown) > 0 for each in conversions[:stop])
        self.too_large += [
            f"{kind} {number}: {each.reason}"
            for number, each in enumerate(conversions[:stop], first)
            if each.out_of_memory
        ]
        shown = "".join(self.line(conversion) + "\n" for conversion in conversions[:stop])
        try:
            sys.stdout.buffer.write(shown.encode("utf-8", "surrogateescape"))
        except UnicodeEncodeError:  # an unpaired surrogate, which UTF-8 cannot encode
            sys.stdout.buffer.write(shown.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
        if stop < len(conversions):
            error = UnanswerableError(conversions[stop].source, stop, conversions[stop].reason or "")
            raise DataError(f"{kind} {first + stop}: {error}; correct it, or skip such texts with --unknown skip")

    def end(self) -> None:
        """Print notes about the predictions to standard error.

        Raises:
            DataError: if there was not enough memory for a text.
        """
        if self.unknown and self.request.unknown != "skip":
            click.echo(
                "note: texts with symbols that were not in the training data: "
                f"{self.unknown:,} (see --unknown and --json)",
                err=True,
            )
        if self.cut_off:
            click.echo(
                f"note: predictions cut off at the length limit (twice the longest training target): {self.cut_off:,}",
                err=True,
            )
        if self.too_large:
            others = f" (and for {len(self.too_large) - 1:,} more)" if len(self.too_large) > 1 else ""
            raise DataError(f"{self.too_large[0]}{others}; shorten it or free memory")

    def line(self, conversion: Conversion) -> str:
        """Format one conversion."""
        if not self.as_json:
            if conversion.nbest and not conversion.abstained:
                source = conversion.source
                return "\n".join(
                    f"{source}\t{each.prediction}\t{each.log_probability:.4f}" for each in conversion.nbest
                )
            return conversion.prediction or ""
        always = ("source", "prediction", "log_probability", "confidence")
        values = {name: value for name, value in asdict(conversion).items() if name in always or value}
        values.pop("ids", None)
        text = json.dumps(values, ensure_ascii=False)
        try:
            text.encode()
        except UnicodeEncodeError:  # an unpaired surrogate: JSON can escape it, UTF-8 cannot encode it
            text = json.dumps(values)
        return text


def _is_skipped(conversion: Conversion) -> bool:
    """Whether the other texts are printed although this one has no prediction."""
    return conversion.abstained or conversion.out_of_memory


def _line_batches(file: BinaryIO) -> Iterator[list[bytes]]:
    """Yield the lines of a file in batches, as soon as they arrive.

    All lines of one read form a batch: a fast pipe is read in large batches, and a slow one gets its predictions at
    once.
    """
    read = getattr(file, "read1", file.read)
    pieces: list[bytes] = []  # of an incomplete line
    while data := read(READ_SIZE):
        *lines, rest = data.split(b"\n")
        if lines:
            yield [b"".join([*pieces, lines[0]]), *lines[1:]]
            pieces = []
        pieces.append(rest)
        if sum(map(len, pieces)) > MAX_LINE_BYTES:
            break  # the line is too long, and the input may never end
    if last := b"".join(pieces):
        yield [last]


def _decode(lines: Sequence[bytes], first: int) -> tuple[list[str], DataError | None]:
    """Decode lines up to the first that is not UTF-8, and return its error."""
    texts: list[str] = []
    for number, line in enumerate(lines, start=first):
        try:
            texts.append(decode_line(line, f"line {number}", first=number == 1))
        except DataError as error:
            return texts, error
    return texts, None


def _convert_interactively(printer: Printer) -> None:
    with suppress(ImportError):
        import readline  # noqa: F401  (enables line editing at the prompt)
    click.echo("Type a text and press Enter. Press Ctrl-D to exit.", err=True)
    while True:
        try:
            text = _read_text()
        except EOFError:
            click.echo(err=True)
            return
        [conversion] = printer.converter.convert([text], printer.request)
        if conversion.reason is not None and (conversion.abstained or printer.request.unknown != "skip"):
            click.echo(f"henkan: {UnanswerableError(text, 0, conversion.reason)}", err=True)
        else:
            if conversion.unknown:
                click.echo(f"(unknown: {', '.join(conversion.unknown)})", err=True)
            click.echo(printer.line(conversion))


def _read_text() -> str:
    if sys.stdout.isatty():
        return input("> ")
    click.echo("> ", err=True, nl=False)  # standard output has only predictions
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")
