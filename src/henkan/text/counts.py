"""Numbers of things in words."""

from __future__ import annotations


def counted(count: int, one: str, several: str | None = None) -> str:
    """Return a number with the words for one thing or for several.

    >>> counted(1, "pair"), counted(2000, "distinct source"), counted(1, "source has", "sources have")
    ('1 pair', '2,000 distinct sources', '1 source has')

    Args:
        count: the number.
        one: what follows the number 1.
        several: what follows other numbers; None: `one` with an s.
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
