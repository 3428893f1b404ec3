"""Pronunciation lexicons: a word, whitespace, phones separated by whitespace."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from henkan.errors import Message
from henkan.text.lines import LineError

MAX_PROBABILITIES = 4
"""Kaldi and MFA have up to four numbers between the word and its phones: the probability of the pronunciation, and
three about silence before and after the word."""

COMMENT = re.compile(r"(?:^|[ \t])(?:#|;;;).*", re.DOTALL)
NUMBER = re.compile(r"[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?\.?")
VARIANT = re.compile(r"(?<=.)\([0-9]+\)$", re.DOTALL)


class LexiconFormat:
    """A pronunciation lexicon, as of CMUdict, Kaldi and the Montreal Forced Aligner (MFA).

    The first run of spaces and tabs ends the word; the rest are phones. `#` and `;;;` start a comment at the beginning
    of a line and after whitespace. A variant such as `WORD(2)` is an entry of `WORD`.

    Args:
        probabilities: number of columns of probabilities between word and phones, which are ignored.
    """

    def __init__(self, probabilities: int) -> None:
        self.description = "a lexicon: word, whitespace, phones"
        self._probabilities = probabilities
        self._comments = self._blank = self._variants = 0

    def records(self, lines: Iterator[bytes]) -> Iterable[tuple[int, bytes]]:
        """Yield each line with its number."""
        return enumerate(lines, start=1)

    def parse(self, text: str) -> tuple[str, str] | None:
        """Return word and phones of a line, or None for a blank line or a comment."""
        content = _without_comment(text)
        parts = _split(content)
        if len(parts) == 1:
            raise LineError("a word without phones", "fix_line_or_format")
        self._comments += content != text
        if not parts:
            self._blank += content == text
            return None
        word, phones = parts[0], parts[1 + min(self._probabilities, leading_numbers(parts)) :]
        if word.endswith(")"):
            word, variants = VARIANT.subn("", word)
            self._variants += variants
        return word, " ".join(phones)

    def notes(self) -> list[Message]:
        """Return what was skipped and ignored."""
        counts = [
            (self._comments, "{:,} comment{} skipped"),
            (self._blank, "{:,} blank line{} skipped"),
            (self._probabilities, "{} column{} of probabilities ignored"),
            (self._variants, "{:,} variant{} such as WORD(2) read as WORD"),
        ]
        return [Message(text.format(count, "s" if count > 1 else "")) for count, text in counts if count]


def entry(text: str) -> list[str]:
    """Return the word, the numbers and the phones of a line without its comment; empty if there are none."""
    return _split(_without_comment(text))


def _without_comment(text: str) -> str:
    return COMMENT.sub("", text, count=1) if "#" in text or ";;;" in text else text


def _split(text: str) -> list[str]:
    return [part for part in text.replace("\t", " ").split(" ") if part]


def leading_numbers(parts: list[str]) -> int:
    """Return how many numbers follow the word. The last string of a line is always a phone."""
    count = 0
    while count < min(MAX_PROBABILITIES, len(parts) - 2) and NUMBER.fullmatch(parts[count + 1]):
        count += 1
    return count


def probability_columns(entries: list[list[str]]) -> int:
    """Return the number of columns of probabilities in the first entries of a lexicon.

    Nine tenths of the entries have a number in each of these columns, one of which has a decimal point, so phones that
    are digits are not taken for probabilities. The first number is from 0 to 1.
    """
    found = 0
    for column in range(1, 1 + MAX_PROBABILITIES):
        having = [parts for parts in entries if leading_numbers(parts) >= column]
        if 10 * len(having) < 9 * len(entries) or not any("." in parts[column] for parts in having):
            break
        if column == 1 and any(float(parts[1]) > 1 for parts in having):
            break
        found = column
    return found
