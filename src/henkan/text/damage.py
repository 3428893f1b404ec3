"""Find damage in pairs: what is wrong, in how many strings, an example, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from henkan.errors import Message
from henkan.text import damaged_pairs, damaged_strings
from henkan.text.sample import Column, Finding, Sample


class Check(NamedTuple):
    """A check of single strings.

    Attributes:
        find: column -> rows of the damaged strings in the sample.
        what: what is wrong with them, as a predicate.
        advice: what to do, or None if a remedy says it.
        characters: strings without any of these characters cannot have this damage; empty: any can.
        remedy: key of a remedy in `henkan.errors`, or None.
    """

    find: Callable[[Column], Sequence[int]]
    what: str
    advice: str | None
    characters: str = ""
    remedy: str | None = None


STRINGS = (
    Check(damaged_strings.empty, "are empty", "complete or delete these lines"),
    Check(damaged_strings.in_brackets, "have brackets", None, "([{<", "lexicon"),
    Check(damaged_strings.enclosed, "are in slashes or brackets, and others are not", "remove them", "/["),
    Check(damaged_strings.comments, "have comments", None, "#/;%<", "lexicon"),
    Check(damaged_strings.quoted, "are in quotation marks", None, '"', "csv"),
    Check(damaged_strings.entities, "have HTML entities", "decode them, for example with html.unescape of Python", "&"),
    Check(
        damaged_strings.replaced,
        "have the replacement character U+FFFD, which stands for a lost character",
        "correct these lines, or convert the original file to UTF-8 again",
        "\ufffd",
    ),
    Check(
        damaged_strings.mojibake,
        "are UTF-8 text that was decoded in another encoding",
        "convert the original file to UTF-8 again",
        "".join(map(chr, [*range(0x80, 0xA0), *range(0xC2, 0xF0)])),
    ),
    Check(damaged_strings.escapes, "have escape sequences", "replace them by the characters that they mean", "\\"),
    Check(damaged_strings.repeated_spaces, "have several spaces in a row", "replace them by one", " \u3000"),
    Check(damaged_strings.last_separators, "end with a separator", "remove it", ",;|"),
    Check(damaged_strings.listed_variants, "list several variants", "give each its own line with its source", ",;|/"),
    Check(
        damaged_strings.decimals,
        "have decimal numbers among their symbols",
        "remove them if they are probabilities",
        ".",
    ),
    Check(damaged_strings.placeholders, "are placeholders", "complete or delete these lines"),
    Check(damaged_pairs.other_script, "have letters of another script than all others", "check these lines"),
    Check(damaged_pairs.unsegmented, "have no separator between symbols", "correct or delete these lines"),
)
"""From the most to the least specific."""

PAIRS: Sequence[Callable[[Sample], Sequence[Finding]]] = (
    damaged_pairs.header,
    damaged_pairs.line_numbers,
    damaged_pairs.equal,
    damaged_pairs.other_side,
    damaged_pairs.mixed_case,
    damaged_pairs.spaced,
    damaged_pairs.tags,
)


def find_damage(sample: Sample) -> list[Message]:
    """Return one warning for each kind of damage; a row that has been explained is not reported again."""
    found = [finding for check in PAIRS for finding in check(sample)]
    explained = {row for finding in found for row in finding.rows}
    for check in STRINGS:
        finding = _find(sample, check, explained)
        if finding is not None:
            found.append(finding)
            explained.update(finding.rows)
    return [finding.warning for finding in found]


def _find(sample: Sample, check: Check, explained: set[int]) -> Finding | None:
    """Apply a check to both sides."""
    found = [
        (column, rows)
        for column in sample.columns
        if not check.characters or not column.characters.isdisjoint(check.characters)
        if (rows := [row for row in check.find(column) if row not in explained])
    ]
    if not found:
        return None
    column, rows = found[0]
    counts = " and ".join(sample.count(*each) for each in found)
    shown = [column.texts[rows[0]]]
    if not shown[0].strip():  # an empty string alone is no example
        shown = [each.texts[rows[0]] for each in sample.columns]
    problem = f"{counts} {check.what} ({sample.example(rows[0], *shown)})"
    all_rows = [row for _, rows in found for row in rows]
    advice, remedy = check.advice, check.remedy
    if remedy == "lexicon" and sample.columns[1].tokenizer.separator is None:  # the targets are not phones
        advice, remedy = "remove them", None
    return Finding(Message(problem if advice is None else f"{problem}; {advice}", remedy), all_rows)
