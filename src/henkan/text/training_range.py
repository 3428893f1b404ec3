"""What the training sources contained. A source with something else is outside the training data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from henkan.errors import ModelFolderError
from henkan.text.source_statistics import SourceStatistics
from henkan.text.tokenizer import Tokenized, Tokenizer

LONGER = "longer than in training"
LONGER_NUMBER = "longer number than in training"
SYMBOLS = "symbols not in training"
TAGS = "tags not in training"
COMBINATION = "tag combination not in training"
NO_TAGS = "no tags"
KINDS = (LONGER, LONGER_NUMBER, SYMBOLS, TAGS, COMBINATION, NO_TAGS)
"""The ways in which a source can be outside the training data, the values of `Conversion.outside`."""

UNKNOWN_KINDS = frozenset({SYMBOLS, TAGS})
"""The kinds that `Conversion.unknown` reports too."""

MAX_TAG_SETS = 10_000
"""With more combinations of tags, almost any combination may be correct, and they are not saved."""


@dataclass(frozen=True)
class TrainingRange:
    """What the training sources contained, in addition to the symbols, which are in the vocabulary.

    Attributes:
        longest: number of symbols of the longest source, without tags.
        digits: number of digits in the longest number.
        blank: whether there were sources without symbols other than whitespace and tags.
        tag_sets: the combinations of feature tags; None if sources have no tags, or more than `MAX_TAG_SETS`
            combinations.
    """

    longest: int
    digits: int
    blank: bool
    tag_sets: frozenset[frozenset[str]] | None = None

    @classmethod
    def from_tokens(cls, tokenized: Tokenized, tokenizer: Tokenizer) -> TrainingRange:
        """Create the range of tokenized training sources."""
        sequences, symbols = tokenized
        found = SourceStatistics(sequences, symbols, features=tokenizer.features)
        tag_sets = None
        if tokenizer.features:
            distinct = set(found.tag_sets())
            tag_sets = frozenset(frozenset(symbols[id][1:] for id in ids) for ids in distinct)
        return cls(
            longest=int(found.lengths.max(initial=0)),
            digits=int(found.digits.max(initial=0)),
            blank=bool(found.blank.any()),
            tag_sets=_limited(tag_sets),
        )

    def joined(self, other: TrainingRange) -> TrainingRange:
        """Return the union of two ranges."""
        both = self.tag_sets is not None and other.tag_sets is not None
        return TrainingRange(
            longest=max(self.longest, other.longest),
            digits=max(self.digits, other.digits),
            blank=self.blank or other.blank,
            tag_sets=_limited((self.tag_sets or frozenset()) | (other.tag_sets or frozenset())) if both else None,
        )

    def is_blank(self, text: str) -> bool:
        """Whether a text, without its tags, has only whitespace although no training source was like that."""
        return not self.blank and not text.strip()

    def outside(
        self, text: str, length: int, unknown: Sequence[str], tags: frozenset[str] | None = None
    ) -> dict[str, float]:
        """Return in which ways a source is outside the training data.

        Args:
            text: the source, without its tags.
            length: its number of symbols, without tags.
            unknown: names of its unknown symbols and tags; see `Vocabulary.unknown_symbols`.
            tags: its tags; None if the model reads no tags.

        Returns:
            kind -> how far the source is outside: the relative excess of a length, the number of other unknown symbols
            or tags, otherwise 0. It is empty for a source inside the training data.
        """
        found: dict[str, float] = {}
        if length > self.longest:
            found[LONGER] = length / max(1, self.longest) - 1
        if self._longer_number.search(text):
            longest = max(map(len, self._number.findall(text)))
            found[LONGER_NUMBER] = longest / max(1, self.digits) - 1
        if unknown:
            tags_unknown = sum(name.startswith("feature ") for name in unknown)
            for kind, count in ((SYMBOLS, len(unknown) - tags_unknown), (TAGS, tags_unknown)):
                if count:
                    found[kind] = count - 1
        if tags is not None and self.tag_sets is not None and tags not in self.tag_sets and TAGS not in found:
            found[COMBINATION if tags else NO_TAGS] = 0.0
        return found

    @cached_property
    def _number(self) -> re.Pattern[str]:
        return re.compile(r"\d+")

    @cached_property
    def _longer_number(self) -> re.Pattern[str]:
        return re.compile(rf"\d{{{self.digits + 1}}}")

    def to_dict(self) -> dict[str, Any]:
        """Convert the range to JSON values."""
        tag_sets = None if self.tag_sets is None else sorted("\t".join(sorted(tags)) for tags in self.tag_sets)
        return {"longest": self.longest, "digits": self.digits, "blank": self.blank, "tag_sets": tag_sets}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingRange:
        """Restore a range from the values of `to_dict`.

        Raises:
            ModelFolderError: if the values are invalid.
        """
        try:
            longest, digits, blank, tag_sets = (values[name] for name in ("longest", "digits", "blank", "tag_sets"))
            valid = (
                len(values) == 4
                and all(type(number) is int and 0 <= number < 2**31 for number in (longest, digits))
                and type(blank) is bool
                and (tag_sets is None or all(isinstance(tags, str) for tags in tag_sets))
            )
        except (KeyError, TypeError):
            valid = False
        if not valid:
            raise ModelFolderError("the training range does not have the format that henkan writes")
        if tag_sets is not None:
            tag_sets = frozenset(frozenset(tags.split("\t")) if tags else frozenset() for tags in tag_sets)
        return cls(longest, digits, blank, tag_sets)


def _limited(tag_sets: frozenset[frozenset[str]] | None) -> frozenset[frozenset[str]] | None:
    return None if tag_sets is None or len(tag_sets) > MAX_TAG_SETS else tag_sets
