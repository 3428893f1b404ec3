"""Pseudowords: random strings that resemble given ones, from an n-gram model of their symbols.

The probability of the next symbol after the last k symbols h is smoothed as by Witten & Bell (1991):

    P(s | h) = (c(h s) + d(h) P(s | h')) / (c(h) + d(h))

c are counts in the given strings, d(h) is the number of distinct symbols that follow h, and h' is h without its first
symbol. The end of a string is a symbol too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from henkan.text.tokenizer import Tokenizer

ORDER = 4
"""Number of symbols that the next one depends on."""

MAX_ATTEMPTS = 20
"""Strings drawn for each one that is wanted, at most; fewer are found if there are few symbols."""

START, END = "", "\0end"  # neither is a symbol


class NgramModel:
    """An n-gram model of strings of symbols.

    Args:
        strings: the symbols of each string.
    """

    def __init__(self, strings: Iterable[Sequence[str]]) -> None:
        self.counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for string in strings:
            symbols = (*[START] * ORDER, *string, END)
            for end in range(ORDER, len(symbols)):
                for order in range(ORDER + 1):
                    self.counts[symbols[end - order : end]][symbols[end]] += 1

    def draw(self, generator: np.random.Generator, longest: int) -> list[str] | None:
        """Draw a string; None if it has more symbols than `longest`."""
        symbols = [START] * ORDER
        while len(symbols) <= ORDER + longest:
            symbol = self._next(symbols, generator)
            if symbol == END:
                return symbols[ORDER:]
            symbols.append(symbol)
        return None

    def _next(self, symbols: Sequence[str], generator: np.random.Generator) -> str:
        order = ORDER
        while True:
            counts = self.counts.get(tuple(symbols[len(symbols) - order :]))
            total, distinct = (counts.total(), len(counts)) if counts else (0, 1)
            if counts and (order == 0 or generator.random() * (total + distinct) < total):
                place = generator.integers(total)
                for symbol, count in counts.items():
                    place -= count
                    if place < 0:
                        return symbol
            order -= 1


def pseudowords(sources: Sequence[str], tokenizer: Tokenizer, count: int, seed: int) -> list[str]:
    """Draw distinct strings that resemble sources and are none of them.

    Feature tags are those of a random source.

    Args:
        sources: the sources.
        tokenizer: splits them into symbols.
        count: number of strings.
        seed: the random seed.

    Returns:
        `count` strings, or fewer if there are not so many.
    """
    generator = np.random.default_rng([seed, 8])
    tokens = [tokenizer.tokenize(source) for source in sources]
    tags = [[symbol for symbol in each if tokenizer.is_tag(symbol)] for each in tokens]
    texts = [each[len(own) :] for each, own in zip(tokens, tags, strict=True)]
    model, longest = NgramModel(texts), max(map(len, texts), default=0)
    seen, found = {tuple(each) for each in tokens}, []
    for _ in range(MAX_ATTEMPTS * count if tokens else 0):
        own, text = tags[generator.integers(len(tags))], model.draw(generator, longest)
        if text and (*own, *text) not in seen:
            seen.add((*own, *text))
            found.append(tokenizer.join([*own, *text]))
        if len(found) == count:
            break
    return found
