"""Packs bytes as text that can stand in a page, and the numbers of a model as such bytes.

Bytes are compressed (zlib), and then written in a number system with 91 digits: two digits stand for 13 bits, so a byte
takes 1.23 characters, where base64 takes 1.33. `web/packed.js` and `web/runtime/packed_arrays.js` read this.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Any
from zlib import compress

import numpy as np

from henkan.text.arrays import Array

DIGITS = np.frombuffer(bytes(code for code in range(33, 127) if code not in b"<&\\"), np.uint8)
"""The printable characters without those that have a meaning in HTML or JSON (quotes have none in a `<script>`)."""

BITS = 13  # in two digits: 91 x 91 > 2^13

WIDTHS = {"float32": 4, "float16": 2, "int8": 1}


def pack(content: bytes) -> str:
    """Return bytes as text: the number of compressed bytes, a space, and digits."""
    compressed = np.frombuffer(compress(content, 9), np.uint8)
    bits = np.unpackbits(compressed, bitorder="little")
    padded = np.pad(bits, (0, -len(bits) % BITS)).reshape(-1, BITS)
    values = padded @ (1 << np.arange(BITS))
    digits: Array = DIGITS[np.stack([values % len(DIGITS), values // len(DIGITS)], axis=1)]
    return f"{len(compressed)} {digits.tobytes().decode('ascii')}"


def take_numbers(data: dict[str, Any]) -> bytes:
    """Take the numbers out of the JSON values of a model, in which their positions remain.

    The first bytes of all numbers of an array come before their second bytes, and so on: similar bytes are compressed
    better.

    Args:
        data: see `henkan.export.html.model_data.model_data`; changed in place. `data` and `scales` of each array
            become pairs of a start and a length in bytes.

    Returns:
        the bytes of all numbers.
    """
    parts: list[bytes] = []
    start = 0
    for variant in data["variants"]:
        for arrays in (variant["codec"], *variant["members"]):
            for array in arrays.values():
                for name, kind in (("data", array["type"]), ("scales", "float32")):
                    if name in array:
                        numbers = np.frombuffer(b64decode(array[name]), np.uint8)
                        parts.append(numbers.reshape(-1, WIDTHS[kind]).T.tobytes())
                        array[name] = [start, len(numbers)]
                        start += len(numbers)
    return b"".join(parts)
