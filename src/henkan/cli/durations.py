"""Durations in words."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Format a rough duration: seconds below two minutes, minutes below two hours, otherwise hours."""
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1, round(seconds))} s"
