"""How the report calls models, places and numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

Found = Mapping[str, Any]
"""A part of what `run_experiments` found, by name of model."""

PICTURES = ("saliency.svg", "fading.svg", "probes.svg", "length.svg")

MODELS = {
    "plain": "plain",
    "reversed": "reversed",
    "peeky": "Peeky",
    "both": "reversed + Peeky",
    "attention": "reversed + attention",
}

BY_REVERSAL = (("plain", "reversed"), ("peeky", "both"))
"""Models that differ by reversal alone."""

BY_PEEKING = (("plain", "peeky"), ("reversed", "both"))
"""Models that differ by peeking alone."""

PLACES = ("units", "tens", "hundreds", "thousands", "ten thousands", "hundred thousands", "millions")
OWNERS = {"left": "first number's", "right": "second number's", "answer": "answer's", "carry": "carry into the"}

CLEAR = 3.0
"""How many standard errors apart two numbers must be to be called different."""


def name_of(model: str) -> str:
    """A model's name for people."""
    return MODELS.get(model, model)


def name_of_label(label: str) -> str:
    """What a label of `henkan_experiments.sums.Sums.labels` is of."""
    kind, place = label.split()
    return f"{OWNERS[kind]} {PLACES[int(place)]}"


def both_in(pairs: Iterable[tuple[str, str]], models: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs of which both are there."""
    there = set(models)
    return [pair for pair in pairs if there.issuperset(pair)]


def compared(value: float, other: float, error: float, other_error: float, less: str, more: str, same: str) -> str:
    """`less`, `more`, or `same` where the two are not clearly different."""
    if abs(value - other) <= CLEAR * (error**2 + other_error**2) ** 0.5:
        return same
    return less if value < other else more


def percent(*values: float | None) -> list[str]:
    """Shares as percentages."""
    return ["-" if value is None else f"{value:.1%}" for value in values]


def give_or_take(value: float, error: float, *, share: bool = True) -> str:
    """A number and its standard error."""
    return f"{value:.1%} ± {100 * error:.1f}" if share else f"{value:.2f} ± {error:.2f}"


def span(values: Collection[float]) -> str:
    """From the least of some shares to the greatest."""
    return " to ".join(dict.fromkeys(percent(min(values), max(values))))


def listed(names: Sequence[str]) -> str:
    """Names one after another."""
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else "".join(names) or "nothing"


def sentence(text: str) -> str:
    """The text, its first letter a capital."""
    return text[:1].upper() + text[1:]


def bullets(lines: Iterable[str]) -> str:
    """A list in Markdown."""
    return "\n".join(f"- {sentence(line)}" for line in lines)


def picture(text: str) -> Callable[[str], str]:
    """Name of a file -> the picture in Markdown."""
    return lambda name: f"![{text}]({name})"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, a paragraph of its own."""
    return "".join(f"| {' | '.join(line)} |\n" for line in (header, ["---"] * len(header), *rows))
