"""`henkan predict`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import click

from henkan import fitting
from henkan.cli.options import PATH
from henkan.converter import Conversion, Converter
from henkan.errors import DataError, UnanswerableError
from henkan.text.pairs import decode_line

READ_AT_ONCE = 1 << 16


@click.command(short_help="Convert texts with a saved model.")
@click.argument("model", type=PATH)
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option("--json", "as_json", is_flag=True, help="Print an object a line: source, prediction, log_probability.")
@click.option(
    "--unknown",
    type=click.Choice(["error", "skip"]),
    default="error",
    show_default=True,
    help="A text with a symbol that the model never saw: stop there with an error, or skip it with an empty "
    "line (in JSON: a null and the reason).",
)
def predict(model: Path, texts: Sequence[str], as_json: bool, unknown: str) -> None:
    """Convert each TEXT with the saved MODEL, or each line of standard input if there is none.

    \b
    henkan predict models/addition 58+77 1+1
    henkan predict models/names < names.txt > converted.txt

    There is an answer a line, in the same order, and nothing else on standard output. On a terminal without
    a TEXT it asks for one, again and again, until Ctrl-D.
    """
    converter = fitting.load(model).converter
    if texts:
        _answer(converter, texts, as_json, unknown, "argument", 1)
    elif sys.stdin.isatty():
        _converse(converter, as_json, unknown)
    else:
        number = 1
        for lines in _arriving_lines(sys.stdin.buffer):
            known, error = _decode(lines, number)
            _answer(converter, known, as_json, unknown, "line", number)
            if error is not None:
                raise error
            number += len(lines)


def _answer(converter: Converter, texts: Sequence[str], as_json: bool, unknown: str, kind: str, first: int) -> None:
    """Print the answers, down to the first that cannot be given if `unknown` is "error"."""
    conversions = converter.convert(texts)
    stop = next((i for i, each in enumerate(conversions) if each.reason is not None), len(conversions))
    if unknown == "skip":
        stop = len(conversions)
    shown = "".join(_line(conversion, as_json) + "\n" for conversion in conversions[:stop])
    sys.stdout.buffer.write(shown.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()
    if stop < len(conversions):
        failed = conversions[stop]
        raise DataError(
            f"{kind} {first + stop}: {UnanswerableError(failed.source, stop, failed.reason or '')}; "
            "correct it, or go on past such texts with --unknown skip"
        )


def _line(conversion: Conversion, as_json: bool) -> str:
    if not as_json:
        return conversion.prediction or ""
    values = asdict(conversion)
    if conversion.reason is None:
        del values["reason"]
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


def _converse(converter: Converter, as_json: bool, unknown: str) -> None:
    with suppress(ImportError):
        import readline  # noqa: F401  (gives the prompt its line editing)
    click.echo("Type a text and press Enter; Ctrl-D ends.", err=True)
    while True:
        try:
            text = _ask()
        except EOFError:
            click.echo(err=True)
            return
        [conversion] = converter.convert([text])
        if conversion.reason is not None and unknown == "error":
            click.echo(f"henkan: {UnanswerableError(text, 0, conversion.reason)}", err=True)
        else:
            click.echo(_line(conversion, as_json))


def _ask() -> str:
    if sys.stdout.isatty():
        return input("> ")
    click.echo("> ", err=True, nl=False)  # standard output is for answers alone
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")
