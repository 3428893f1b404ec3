"""How large the files of a saved model can be, so that none that is larger is read or taken apart."""

from __future__ import annotations

from dataclasses import dataclass

MOST_WEIGHT_BYTES = 2**33
BYTES_TO_NAME_WEIGHTS = 512  # more than a file of weights spends on the name and the place of one array


@dataclass(frozen=True)
class Most:
    """How large a JSON file can be.

    Attributes:
        bytes: of the file.
        values: in it; a value of two bytes may cost a hundred times as much memory.
    """

    bytes: int
    values: int


SETTINGS = Most(2**20, 2**12)
"""Of manifest.json and config.json."""


def most_of_vocabulary(weights: int) -> Most:
    """Of vocabulary.json, beside so many bytes of weights: every symbol has a row of embeddings among them.

    Such a row has four bytes at least. A symbol may be long, as a word or a mistaken separator makes it; 256 bytes for
    each and 4 MB for all are far above what comes of any pairs. A model of four million symbols is not for a CPU.
    """
    return Most(min(2**22 + 64 * weights, 2**28), min(64 + weights // 4, 2**22))


def most_of_metrics(members: int) -> Most:
    """Of metrics.json: 200 epochs of every member, and 10,000 besides, as henkan writes them."""
    size = 2**22 + 2**16 * members
    return Most(size, size // 32)


def most_of_weights(numbers: int, arrays: int) -> int:
    """Bytes of weights.safetensors with so many numbers in so many arrays."""
    return min(4 * numbers + BYTES_TO_NAME_WEIGHTS * (arrays + 1), MOST_WEIGHT_BYTES)
