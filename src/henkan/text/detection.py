"""Detect the format of a pair file from its name and its first lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from contextlib import suppress

from henkan.text.csv_format import CsvFormat
from henkan.text.formats import DelimitedFormat, JsonFormat, PairFormat, has_delimiter
from henkan.text.layout import TAB, Layout, is_csv_delimiter
from henkan.text.lexicon import NUMBER, LexiconFormat, entry, leading_numbers, probability_columns
from henkan.text.pairs import TWO_COLUMNS
from henkan.text.target_symbols import are_symbols

CSV_DELIMITERS = (",", ";", TAB)
QUOTED = '"[^"]*(?:""[^"]*)*"'


def make_format(name: str, prefix: Sequence[bytes], layout: Layout) -> tuple[str, PairFormat]:
    """Create the format of a file.

    Args:
        name: the file's name.
        prefix: its first lines.
        layout: its layout; the format may be "auto".

    Returns:
        the name of the format, and the format.
    """
    texts = [raw.decode("utf-8", "replace").rstrip("\r\n") for raw in prefix]
    texts[:1] = [text.removeprefix("\ufeff") for text in texts[:1]]
    found = detect(name, texts, layout) if layout.format == "auto" else layout.format
    if found == "lexicon":
        return found, LexiconFormat(probability_columns([parts for text in texts if (parts := entry(text))]))
    if found == "jsonl":
        return found, JsonFormat(layout.columns)
    if found == "csv":
        return found, CsvFormat(layout.delimiter or _csv_delimiter(texts), layout.strip, layout.columns)
    return found, DelimitedFormat(layout.delimiter or TAB, layout.strip, layout.columns)


def detect(name: str, texts: Sequence[str], layout: Layout) -> str:
    """Return the format of a file: "pairs", "lexicon", "csv" or "jsonl".

    A file named `.jsonl` or `.csv` (also `.gz`) has that format, but a `.csv` file with exactly one tab on every line
    and without quotes is a pair file. Other files are CSV if quotes enclose fields on nearly every line. A file is a
    lexicon if its lines are a word and short, frequently repeated strings (see `henkan.text.target_symbols`), it is not
    a table with other columns, and not every line has exactly one tab. A given delimiter, or given columns, rule out a
    lexicon. All other files have pairs.
    """
    name = name.lower().removesuffix(".gz")
    one_tab = bool(texts) and all(text.count(TAB) == 1 for text in texts)
    if name.endswith(".jsonl"):
        return "jsonl"
    if _has_quotes(texts, layout.delimiter):
        return "csv"
    if name.endswith(".csv") and is_csv_delimiter(layout.delimiter or TAB) and (layout.delimiter or not one_tab):
        return "csv"
    undivided = layout.delimiter is None and layout.columns == TWO_COLUMNS
    return "lexicon" if undivided and not one_tab and _is_lexicon(texts) else "pairs"


def _has_quotes(texts: Sequence[str], delimiter: str | None) -> bool:
    """Whether quotes enclose fields: with a tab as delimiter all fields, because tabs need no quotes."""
    texts = [text for text in texts if text]
    if len(texts) < 2 or not is_csv_delimiter(delimiter or TAB):
        return False
    if delimiter is None:
        delimiter = TAB if any(TAB in text for text in texts) else ","
    by = re.escape(delimiter)
    pattern = f"{QUOTED}(?:{by}{QUOTED})+" if delimiter == TAB else f"{QUOTED}{by}.*|.*{by}{QUOTED}"
    return 10 * sum(re.fullmatch(pattern, text) is not None for text in texts) >= 9 * len(texts)


def _csv_delimiter(texts: Sequence[str]) -> str:
    """Return the first delimiter that gives every record the same number of columns, or a comma."""
    for delimiter in CSV_DELIMITERS:
        with suppress(csv.Error):
            widths = {len(row) for row in csv.reader((f"{text}\n" for text in texts), delimiter=delimiter)}
            if len(widths) == 1 and min(widths) > 1:
                return delimiter
    return ","


def _is_lexicon(texts: Sequence[str]) -> bool:
    entries = [(text.rstrip(), parts) for text in texts if (parts := entry(text))]
    if not entries:
        return False
    if has_delimiter([parts[0] for _, parts in entries]):
        return False
    probabilities = probability_columns([parts for _, parts in entries])
    tabs = [text.count(TAB) for text, _ in entries]
    regular = min(tabs) == max(tabs) or 2 * tabs.count(1) > len(tabs)
    if regular and any(_is_table_row(text, probabilities) for text, _ in entries if TAB in text):
        return False
    return are_symbols([(parts[0], parts[1 + min(probabilities, leading_numbers(parts)) :]) for _, parts in entries])


def _is_table_row(text: str, probabilities: int) -> bool:
    """Whether a line with tabs has columns that an entry of a lexicon does not have, or a source of several words."""
    first, *others, _ = (column.strip() for column in text.split(TAB))
    return " " in first or len(others) > probabilities or not all(map(NUMBER.fullmatch, others))
