"""Size limits of a saved model's files, checked before a file is read or parsed."""

from __future__ import annotations

from dataclasses import dataclass

MAX_WEIGHT_BYTES = 2**33
HEADER_BYTES_PER_ARRAY = 512  # more than safetensors needs for the name, shape and offsets of an array


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


def vocabulary_limit(weights: int) -> SizeLimit:
    """Limit of vocabulary.json, given the bytes of the weights, which contain an embedding of every symbol.

    An embedding has at least four bytes. Symbols can be long (words, or a wrong separator), but 256 bytes for each and
    4 MB for all are far above what real pairs need. A model of four million symbols is too large for a CPU.
    """
    return SizeLimit(min(2**22 + 64 * weights, 2**28), min(64 + weights // 4, 2**22))


def metrics_limit(members: int) -> SizeLimit:
    """Limit of metrics.json: 200 epochs for every member, and 10,000 more."""
    size = 2**22 + 2**16 * members
    return SizeLimit(size, size // 32)


def weights_limit(numbers: int, arrays: int) -> int:
    """Maximum size of weights.safetensors in bytes."""
    return min(4 * numbers + HEADER_BYTES_PER_ARRAY * (arrays + 1), MAX_WEIGHT_BYTES)
