"""A sample of the pairs, in which the audit looks for damage."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from henkan.errors import Message
from henkan.text.pairs import Pairs
from henkan.text.tokenizer import Tokenizer

ROWS = 100_000
"""Pairs are sampled evenly if there are more than twice as many."""

MARKUP = frozenset('()[]{}<>;,!?"#&=/|\\+*^~@%$_')
"""Characters that are rare in lists of words, names and phones."""


class Finding(NamedTuple):
    """A kind of damage.

    Attributes:
        warning: what is wrong.
        rows: positions in the sample of the damaged pairs; empty if all are.
    """

    warning: Message
    rows: Sequence[int] = ()


@dataclass(frozen=True)
class Column:
    """The sources or the targets of a sample.

    Attributes:
        name: "source" or "target".
        texts: the strings, without feature tags.
        tokenizer: the tokenizer of the model.
    """

    name: str
    texts: Sequence[str]
    tokenizer: Tokenizer

    @cached_property
    def characters(self) -> frozenset[str]:
        """All characters."""
        return frozenset("".join(self.texts))

    @cached_property
    def are_words(self) -> bool:
        """Whether most of these seem to be words, names or phones, and others may be damaged: not formulas or code."""
        return self.share(sum(not MARKUP.isdisjoint(text) for text in self.texts)) < 0.4

    def share(self, count: int) -> float:
        """The share of a number of strings, from 0 to 1."""
        return count / max(len(self.texts), 1)

    def matches(self, pattern: re.Pattern[str]) -> list[int]:
        """Return the positions of the strings in which a pattern is found."""
        return [position for position, text in enumerate(self.texts) if pattern.search(text)]


@dataclass(frozen=True)
class Sample:
    """A sample of the pairs.

    Attributes:
        source, target: the two sides.
        tags: the feature tags of each source, as given.
        step: every how many pairs one is in the sample; 1 if all are.
        total: number of all pairs.
        numbered: whether rows are shown by number. It makes no sense for a random part of a file.
    """

    source: Column
    target: Column
    tags: Sequence[str]
    step: int
    total: int
    numbered: bool

    @classmethod
    def of(cls, pairs: Pairs, source: Tokenizer, target: Tokenizer, *, numbered: bool) -> Sample:
        """Take a sample of pairs."""
        step = max(1, len(pairs) // ROWS)
        sources = pairs.sources[::step]
        return cls(
            source=Column("source", [source.text(each) for each in sources], source),
            target=Column("target", pairs.targets[::step], target),
            tags=[each.partition("\t")[2] for each in sources] if source.features else (),
            step=step,
            total=len(pairs),
            numbered=numbered,
        )

    @property
    def columns(self) -> tuple[Column, Column]:
        """Both sides."""
        return self.source, self.target

    def __len__(self) -> int:
        return len(self.target.texts)

    def count(self, column: Column, positions: Sequence[int]) -> str:
        """Describe the number of strings, as in `about 3,000 of 1,000,000 sources`."""
        about = "about " if self.step > 1 else ""
        return f"{about}{min(len(positions) * self.step, self.total):,} of {self.total:,} {column.name}s"

    def example(self, position: int, *texts: str) -> str:
        """Show a string or several of one row, as in `row 12: 'TOMATO(1)'`."""
        shown = ", ".join(repr(text) if len(text) <= 40 else f"{text[:40]!r}..." for text in texts)
        return f"row {1 + position * self.step:,}: {shown}" if self.numbered else f"for example {shown}"
