"""How the report formats model names, numbers and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

Results = Mapping[str, Any]
"""One part of the results of `run_experiments`, by model."""

PICTURES = ("saliency.svg", "fading.svg", "probes.svg", "length.svg")

MODEL_TITLES = {
    "plain": "plain",
    "reversed": "reversed",
    "peeky": "Peeky",
    "both": "reversed + Peeky",
    "attention": "reversed + attention",
}

REVERSAL_PAIRS = (("plain", "reversed"), ("peeky", "both"))
"""Models that differ only in source reversal: (without, with)."""

PEEKY_PAIRS = (("plain", "peeky"), ("reversed", "both"))
"""Models that differ only in the Peeky decoder: (without, with)."""

PLACES = ("units", "tens", "hundreds", "thousands", "ten thousands", "hundred thousands", "millions")
LABEL_PREFIXES = {
    "left": "first number's",
    "right": "second number's",
    "answer": "answer's",
    "carry": "carry into the",
}

SIGNIFICANT = 3.0
"""How many standard errors apart two numbers must be to be called different."""


def model_title(model: str) -> str:
    """A model's display name."""
    return MODEL_TITLES.get(model, model)


def label_title(label: str) -> str:
    """The display name of a probe label (see `henkan_experiments.sums.Sums.labels`)."""
    kind, place = label.split()
    return f"{LABEL_PREFIXES[kind]} {PLACES[int(place)]}"


def available_pairs(pairs: Iterable[tuple[str, str]], models: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs whose models are both among `models`."""
    available = set(models)
    return [pair for pair in pairs if available.issuperset(pair)]


def comparison(values: tuple[float, float], errors: tuple[float, float], words: tuple[str, str, str]) -> str:
    """The word for how the first of two values compares with the second.

    Args:
        values: the two values. errors: their standard errors.
        words: for less, for more, and for no significant difference.
    """
    (value, other), (less, more, same) = values, words
    if abs(value - other) <= SIGNIFICANT * (errors[0] ** 2 + errors[1] ** 2) ** 0.5:
        return same
    return less if value < other else more


def percent(*values: float | None) -> list[str]:
    """Fractions as percentages; a dash for None."""
    return ["-" if value is None else f"{value:.1%}" for value in values]


def with_error(value: float, error: float) -> str:
    """A fraction in percent ± its standard error in percentage points."""
    return f"{value:.1%} ± {100 * error:.1f}"


def value_range(values: Collection[float]) -> str:
    """The range of some fractions, in percent."""
    return " to ".join(dict.fromkeys(percent(min(values), max(values))))


def enumerated(names: Sequence[str]) -> str:
    """A list in prose: "a, b and c"."""
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else "".join(names)


def capitalized(text: str) -> str:
    """The text with its first letter in upper case; the rest is unchanged."""
    return text[:1].upper() + text[1:]


def bullets(lines: Iterable[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {capitalized(line)}" for line in lines)


def image(caption: str) -> Callable[[str], str]:
    """A function that turns a file name into a Markdown image with this caption."""
    return lambda name: f"![{caption}]({name})"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    return "".join(f"| {' | '.join(line)} |\n" for line in (header, ["---"] * len(header), *rows))
