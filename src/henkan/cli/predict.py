"""`henkan predict`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, get_args

import click

from henkan.cli.options import PATH, engine_options, pop_engines
from henkan.errors import DataError, UnanswerableError
from henkan.inference.conversion import Conversion, Request, Unknown
from henkan.inference.converter import Converter
from henkan.text.reading import MOST_BYTES, decode_line
from henkan.training.fitted_model import load_model

READ_AT_ONCE = 1 << 16


@click.command(short_help="Convert texts with a saved model.")
@click.argument("model", type=PATH)
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print an object a line: source, prediction, log_probability, confidence; where it applies also reason, "
    "unknown, cut_off, abstained, nbest.",
)
@click.option("--beam", type=int, default=1, show_default=True, help="Beginnings of answers to follow at every step.")
@click.option(
    "--nbest",
    type=int,
    default=1,
    show_default=True,
    help="Answers for each text, at most as many as --beam: a line each, text TAB answer TAB log-probability, in the "
    "order of their log-probability by symbol.",
)
@click.option(
    "--abstain-below",
    type=float,
    metavar="P",
    help="Leave the line empty where the model's confidence, from 0 to 1, is below P.",
)
@click.option(
    "--unknown",
    type=click.Choice(get_args(Unknown)),
    default="use",
    show_default=True,
    help="A text with a symbol that the model never saw: `use` the unknown symbol that it learned; `copy` the symbol "
    "itself to where attention looks at it; `skip` the text with an empty line (in JSON: a null and the reason); stop "
    "there with an `error`, as a model does that has learned no unknown symbol.",
)
@engine_options
def predict(model: Path, texts: Sequence[str], as_json: bool, **request: Any) -> None:
    """Convert each TEXT with the saved MODEL, or each line of standard input if there is none.

    \b
    henkan predict models/addition 58+77 1+1
    henkan predict models/names < names.txt > converted.txt
    henkan predict models/names --beam 5 --nbest 3 Tanaka

    There is an answer a line, in the same order, and nothing else on standard output. On a terminal without
    a TEXT it asks for one, again and again, until Ctrl-D.

    The confidence of an answer is its probability, fitted to the pairs that were held out in training.
    """
    engines = pop_engines(request)
    asked = Request(**request, confidence=as_json)
    converter = load_model(model, engines).converter
    if asked.abstain_below is not None and converter.temperature is None:
        click.echo("note: this model held no pairs out in training, so its confidences are not fitted to any", err=True)
    printer = Printer(converter, asked, as_json=as_json)
    if texts:
        printer.answer(texts, "argument", 1)
    elif sys.stdin.isatty():
        _converse(printer)
    else:
        number = 1
        for lines in _arriving_lines(sys.stdin.buffer):
            known, error = _decode(lines, number)
            printer.answer(known, "line", number)
            if error is not None:
                raise error
            number += len(lines)
    printer.end()


@dataclass
class Printer:
    """Answers texts on standard output.

    Attributes:
        converter: who answers. request: how. as_json: in which form.
        cut_off: answers so far that did not end. unknown: texts so far with symbols that were not in training.
    """

    converter: Converter
    request: Request
    as_json: bool
    cut_off: int = 0
    unknown: int = 0

    def answer(self, texts: Sequence[str], kind: str, first: int) -> None:
        """Print the answers, down to the first that cannot be given unless such are to be skipped."""
        conversions = self.converter.convert(texts, self.request)
        failed = (i for i, each in enumerate(conversions) if each.reason is not None and not each.abstained)
        stop = len(conversions) if self.request.unknown == "skip" else next(failed, len(conversions))
        self.cut_off += sum(each.cut_off for each in conversions[:stop])
        self.unknown += sum(len(each.unknown) > 0 for each in conversions[:stop])
        shown = "".join(self.line(conversion) + "\n" for conversion in conversions[:stop])
        try:
            sys.stdout.buffer.write(shown.encode("utf-8", "surrogateescape"))
        except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 cannot write
            sys.stdout.buffer.write(shown.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
        if stop < len(conversions):
            error = UnanswerableError(conversions[stop].source, stop, conversions[stop].reason or "")
            raise DataError(f"{kind} {first + stop}: {error}; correct it, or go on past such texts with --unknown skip")

    def end(self) -> None:
        """Say what a user should know of the answers."""
        if self.unknown and self.request.unknown != "skip":
            click.echo(
                f"note: texts with symbols that were not in training: {self.unknown:,} (see --unknown, and --json)",
                err=True,
            )
        if self.cut_off:
            click.echo(
                "note: answers that did not end within the length limit (twice the longest target of the training) and "
                f"were cut off there: {self.cut_off:,}",
                err=True,
            )

    def line(self, conversion: Conversion) -> str:
        """What is printed of one conversion."""
        if not self.as_json:
            if conversion.nbest and not conversion.abstained:
                source = conversion.source
                return "\n".join(f"{source}\t{a.prediction}\t{a.log_probability:.4f}" for a in conversion.nbest)
            return conversion.prediction or ""
        always = ("source", "prediction", "log_probability", "confidence")
        values = {name: value for name, value in asdict(conversion).items() if name in always or value}
        values.pop("ids", None)
        text = json.dumps(values, ensure_ascii=False)
        try:
            text.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which JSON can escape and UTF-8 cannot write
            text = json.dumps(values)
        return text


def _arriving_lines(file: BinaryIO) -> Iterator[list[bytes]]:
    """Lines as they come: all that one read gives, so that a fast pipe makes large batches and a slow one
    never waits for its answer.
    """
    read = getattr(file, "read1", file.read)
    begun: list[bytes] = []  # pieces of a line whose end has not come yet
    while data := read(READ_AT_ONCE):
        *lines, rest = data.split(b"\n")
        if lines:
            yield [b"".join([*begun, lines[0]]), *lines[1:]]
            begun = []
        begun.append(rest)
        if sum(map(len, begun)) > MOST_BYTES:
            break  # no text to be answered, and perhaps without end
    if last := b"".join(begun):
        yield [last]


def _decode(lines: Sequence[bytes], first: int) -> tuple[list[str], DataError | None]:
    """The lines' texts, down to the first that is not UTF-8, and the error there."""
    texts: list[str] = []
    for number, line in enumerate(lines, start=first):
        try:
            texts.append(decode_line(line, f"line {number}", first=number == 1))
        except DataError as error:
            return texts, error
    return texts, None


def _converse(printer: Printer) -> None:
    with suppress(ImportError):
        import readline  # noqa: F401  (gives the prompt its line editing)
    click.echo("Type a text and press Enter; Ctrl-D ends.", err=True)
    while True:
        try:
            text = _ask()
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


def _ask() -> str:
    if sys.stdout.isatty():
        return input("> ")
    click.echo("> ", err=True, nl=False)  # standard output is for answers alone
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")
