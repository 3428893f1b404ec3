"""Size limits of a saved model's files, checked before a file is read or parsed."""

from __future__ import annotations

from dataclasses import dataclass

MAX_WEIGHT_BYTES = 2**33
HEADER_BYTES_PER_ARRAY = 512  # upper bound for the name, shape and offsets of an array in safetensors


@dataclass(frozen=True)
class SizeLimit:
    """The size limit of a JSON file.

    Attributes:
        bytes: maximum size.
        values: maximum number of values; a value of two bytes may take a hundred times as much memory.
    """

    bytes: int
    values: int


SETTINGS = SizeLimit(2**20, 2**12)
"""Limit of manifest.json and config.json."""

LEXICON = SizeLimit(2**28, 2**22)
"""Limit of lexicon.jsonl, whose values are its lines. In memory, an entry takes a few hundred bytes."""


def vocabulary_limit(weights: int) -> SizeLimit:
    """Return the limit of vocabulary.json.

    The weights have an embedding of every symbol, of at least four bytes, which limits the number of symbols. Symbols
    may be long (words, or strings that were split by a wrong separator), but 256 bytes per symbol and 4 MB more are far
    above what real data need.

    Args:
        weights: size of the weights in bytes.
    """
    return SizeLimit(min(2**22 + 64 * weights, 2**28), min(64 + weights // 4, 2**22))


def metrics_limit(members: int) -> SizeLimit:
    """Return the limit of metrics.json: 200 epochs per member, and 10,000 more."""
    size = 2**22 + 2**16 * members
    return SizeLimit(size, size // 32)


def weights_limit(numbers: int, arrays: int) -> int:
    """Return the maximum size of weights.safetensors in bytes.

    Args:
        numbers: number of weights.
        arrays: number of arrays.
    """
    return min(4 * numbers + HEADER_BYTES_PER_ARRAY * (arrays + 1), MAX_WEIGHT_BYTES)
