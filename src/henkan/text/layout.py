"""The layout of a pair file: format, encoding, delimiter and columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict, get_args

from henkan.errors import DataError, SettingsError
from henkan.text.encodings import encoding_name
from henkan.text.pairs import TWO_COLUMNS, Columns

Format = Literal["auto", "pairs", "lexicon", "csv", "jsonl"]
FORMATS: tuple[str, ...] = get_args(Format)
TAB = "\t"


class LayoutOptions(TypedDict, total=False):
    """Types of the attributes of `Layout`, for keyword arguments."""

    delimiter: str | None
    strip: bool
    columns: Columns
    format: str
    encoding: str


@dataclass(frozen=True, kw_only=True)
class Layout:
    r"""The layout of a pair file.

    Attributes:
        delimiter: separator between columns. None: a tab, or for CSV a comma, a semicolon or a tab, by the content.
        strip: whether to remove leading and trailing whitespace from every column.
        columns: the meaning of the columns.
        format: "pairs": one pair per line, columns separated by the delimiter. "lexicon": a word, whitespace, phones
            separated by whitespace. "csv": comma-separated values, in which a quoted field may contain delimiters and
            line breaks. "jsonl": on every line a JSON object with `source`, `target` and optionally `features`, or an
            array `[source, target]`; it can represent any string, including unpaired surrogates. "auto": by the name
            and the first lines of the file, see `henkan.text.detection`.
        encoding: a text encoding that Python knows.

    Raises:
        SettingsError: for an unknown format or encoding, or a delimiter or columns that the format does not have.
        DataError: if the delimiter is empty.
    """

    delimiter: str | None = None
    strip: bool = False
    columns: Columns = TWO_COLUMNS
    format: str = "auto"
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        if self.delimiter == "":
            raise DataError("the delimiter is empty; it must be the text between source and target")
        if self.format not in FORMATS:
            raise SettingsError(f"format must be one of {', '.join(FORMATS)}, not {self.format!r}", argument="format")
        object.__setattr__(self, "encoding", encoding_name(self.encoding))
        if self.format == "lexicon" and (self.delimiter is not None or self.columns != TWO_COLUMNS):
            raise SettingsError(
                "the format lexicon has neither a delimiter nor columns: the first whitespace ends the word; omit them"
            )
        if self.format == "csv" and self.delimiter is not None and not is_csv_delimiter(self.delimiter):
            raise SettingsError(
                f"the delimiter of CSV must be a single character other than a quote, not {self.delimiter!r}"
            )


def is_csv_delimiter(delimiter: str) -> bool:
    """Whether the fields of a CSV file can be separated by this string."""
    return len(delimiter) == 1 and delimiter not in '"\r\n'
