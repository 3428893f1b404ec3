"""Durations as text."""

from __future__ import annotations


def clock(seconds: float) -> str:
    """Format a duration as MM:SS or H:MM:SS."""
    hours, rest = divmod(round(seconds), 3600)
    return (f"{hours}:" if hours else "") + f"{rest // 60:02}:{rest % 60:02}"


def duration(seconds: float) -> str:
    """Format a rough duration: seconds below two minutes, minutes below two hours, otherwise hours."""
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1, round(seconds))} s"
