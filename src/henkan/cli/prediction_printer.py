"""Print predictions, and notes about them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import click

from henkan.errors import DataError, UnanswerableError
from henkan.inference.conversion import Conversion, Request, json_fields
from henkan.inference.converter import Converter
from henkan.text.escaping import escape, json_line
from henkan.text.training_range import UNKNOWN_KINDS


@dataclass
class Printer:
    """Converts texts and prints the predictions to standard output.

    Attributes:
        converter: the model.
        request: options of the conversion.
        as_json: whether to print JSON.
        counts: what the notes count -> number of texts so far.
        outside: way of being outside the training data -> number of texts so far.
        too_large: descriptions of the texts so far for which there was not enough memory.
    """

    converter: Converter
    request: Request
    as_json: bool
    counts: Counter[str] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)
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
        failed = (i for i, each in enumerate(conversions) if each.failed and not each.out_of_memory)
        stop = len(conversions) if self.request.unknown == "skip" else next(failed, len(conversions))
        for number, each in enumerate(conversions[:stop], first):
            self._count(each, f"{kind} {number}")
        shown = "".join(self.line(conversion) + "\n" for conversion in conversions[:stop])
        sys.stdout.buffer.write(shown.encode())
        sys.stdout.buffer.flush()
        if stop < len(conversions):
            error = UnanswerableError(conversions[stop].source, stop, conversions[stop].reason or "")
            raise DataError(f"{kind} {first + stop}: {error}; correct it, or skip such texts with --unknown skip")

    def _count(self, conversion: Conversion, place: str) -> None:
        self.counts["cut_off"] += conversion.cut_off
        self.counts["blank"] += conversion.blank
        self.counts["disallowed"] += conversion.disallowed
        self.counts["unknown"] += len(conversion.unknown) > 0
        kinds = [kind for kind in conversion.outside if kind not in UNKNOWN_KINDS]  # they have their own note
        self.counts["outside"] += len(kinds) > 0
        self.outside.update(kinds)
        if conversion.out_of_memory:
            self.too_large.append(f"{place}: {conversion.reason}")

    def end(self) -> None:
        """Print notes about the predictions to standard error.

        Raises:
            DataError: if there was not enough memory for a text.
        """
        counts = self.counts
        if counts["unknown"] and self.request.unknown != "skip":
            _note(
                "texts with symbols that were not in the training data", counts["unknown"], "(see --unknown and --json)"
            )
        if counts["outside"]:
            kinds = ", ".join(f"{kind} {count:,}" for kind, count in self.outside.most_common())
            advice = (
                "" if self.request.abstain_outside else "; predictions are often wrong there (see --abstain-outside)"
            )
            _note("texts outside the training data", counts["outside"], f"({kinds}){advice}")
        if counts["blank"]:
            _note("blank texts, which get an empty line", counts["blank"])
        if counts["disallowed"]:
            _note("texts without an allowed prediction, which get an empty line", counts["disallowed"])
        if counts["cut_off"]:
            _note("predictions cut off at the length limit", counts["cut_off"])
        if self.too_large:
            others = f" (and for {len(self.too_large) - 1:,} more)" if len(self.too_large) > 1 else ""
            raise DataError(f"{self.too_large[0]}{others}; shorten it or free memory")

    def line(self, conversion: Conversion) -> str:
        """Format one conversion."""
        if self.as_json:
            return json_line(json_fields(conversion))
        if not conversion.nbest:
            return escape(conversion.prediction or "")
        source = escape(conversion.source)
        return "\n".join(
            f"{source}\t{escape(each.prediction)}\t"
            + ("" if each.log_probability is None else f"{each.log_probability:.4f}")
            for each in conversion.nbest
        )


def _note(what: str, count: int, more: str = "") -> None:
    click.echo(f"note: {what}: {count:,} {more}".rstrip(), err=True)
