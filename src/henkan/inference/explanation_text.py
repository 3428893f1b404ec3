"""Explanations and alignments as text."""

from __future__ import annotations

from henkan.drawing.tables import aligned
from henkan.inference.alignment import Alignment
from henkan.inference.explanation import END, Choice, Explanation, label
from henkan.text.escaping import escape
from henkan.text.side_statistics import show_symbol


def explanation_text(explanation: Explanation) -> str:
    """Return an explanation as a table: a row for each step, and a column for each source symbol, in percent."""
    lines = [
        f"{escape(explanation.source)} -> {escape(explanation.answer)}   confidence {confidence_text(explanation)}   "
        f"weights from {explanation.by}",
        *remarks(explanation),
    ]
    symbols = explanation.symbols
    rows = [["symbol", "probability", "alternatives", *map(show_symbol, symbols)]]
    for choice in explanation.choices:
        weights = [f"{100 * weight:.0f}" for weight in choice.weights]
        rows.append([choice_text(choice), f"{choice.probability:.3f}", alternatives_text(choice), *weights])
    return "\n".join([*lines, "", *aligned(rows, right=[1, *range(3, 3 + len(symbols))])])


def confidence_text(explanation: Explanation, form: str = ".3f") -> str:
    """Return the confidence in a format, and whether it is not calibrated."""
    if explanation.confidence is None:
        return "unknown"
    return f"{explanation.confidence:{form}}" + (" (not calibrated)" if not explanation.calibrated else "")


def remarks(explanation: Explanation) -> list[str]:
    """Return what a reader must know about the source and the prediction."""
    lines = []
    if explanation.unknown:
        lines.append(f"read as unknown: {', '.join(explanation.unknown)}")
    if explanation.cut_off:
        lines.append("the prediction reached the length limit and was cut off")
    return lines


def choice_text(choice: Choice) -> str:
    """Return the symbol of a step, or the action of a transducer."""
    if choice.action == "end":
        return "(end)"
    if choice.action:
        return label(choice.action, show_symbol(choice.symbol) if choice.symbol else "")
    return _symbol_text(choice.symbol)


def alternatives_text(choice: Choice) -> str:
    """Return the alternatives of a step with their probabilities."""
    shown = escape if choice.action else _symbol_text
    return ", ".join(f"{shown(symbol)} {probability:.3f}" for symbol, probability in choice.runners_up)


def alignment_text(alignment: Alignment) -> str:
    """Return an alignment as a table: for each symbol of the prediction, its source symbols and its probability."""
    if alignment.prediction is None:
        return f"{escape(alignment.source)}   no alignment: {alignment.reason or 'there is no prediction'}"
    rows = [["symbol", "from", "probability"]]
    for link in alignment.links:
        read = " ".join(map(show_symbol, alignment.symbols[link.start : link.end]))
        rows.append([show_symbol(link.symbol) if link.symbol else "", read, f"{link.probability:.3f}"])
    return "\n".join([f"{escape(alignment.source)} -> {escape(alignment.prediction)}", "", *aligned(rows, right=[2])])


def _symbol_text(symbol: str) -> str:
    return "(end)" if symbol == END else show_symbol(symbol)
