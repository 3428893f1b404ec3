"""The table of the sources for which models have different predictions, in HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from henkan.drawing.html import string, text
from henkan.evaluation.comparison_text import outcome_text
from henkan.evaluation.evaluation_set import Prediction

if TYPE_CHECKING:
    from henkan.evaluation.comparison import Comparison, Disagreement

MAX_ROWS = 5000
"""A page with more rows would be slow."""


def texts_table(result: Comparison) -> str:
    """Return the table, with a switch for each combination of right and wrong models."""
    found, names = result.disagreements, result.names
    if not found:
        return "<h2>Sources with different predictions</h2><p>All predictions are equal.</p>"
    counts = Counter(each.right for each in found)
    kinds = sorted(counts, key=lambda rights: (len(set(rights)) == 1, [not right for right in rights]))
    shown = [len(set(kind)) > 1 or len(kinds) == 1 for kind in kinds]  # first of all, where one of them is right
    switches = "".join(
        f'<label><input type="checkbox" class="kind-{row}"{" checked" if shown[row] else ""}>'
        f" {text(outcome_text(kind, names))} ({counts[kind]:,})</label>"
        for row, kind in enumerate(kinds)
    )
    hide = "".join(
        f".henkan-comparison .differing:has(input.kind-{row}:not(:checked)) tr.kind-{row} {{ display: none; }}\n"
        for row in range(len(kinds))
    )
    rows = "".join(_row(each, kinds.index(each.right)) for each in found[:MAX_ROWS])
    head = "".join(f"<th>{text(each)}</th>" for each in ("source", "target", *names))
    more = f"<p>The first {MAX_ROWS:,} of {len(found):,} sources.</p>" if len(found) > MAX_ROWS else ""
    return (
        f'<section class="differing"><h2>Sources with different predictions</h2><style>{hide}</style>'
        '<p class="quiet">Symbols that the target does not have are marked, and those that are missing are struck '
        "out. The number after a prediction is its confidence.</p>"
        f'<div class="filters">{switches}</div>{more}<div class="scrolls"><table class="texts">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _row(each: Disagreement, kind: int) -> str:
    shown = each.predictions[each.right.index(True) if any(each.right) else 0].target
    cells = "".join(f"<td>{_prediction(prediction)}</td>" for prediction in each.predictions)
    return f'<tr class="kind-{kind}"><td>{string(each.source)}</td><td>{string(shown)}</td>{cells}</tr>'


def _prediction(each: Prediction) -> str:
    conversion = each.conversion
    confidence = "" if conversion.confidence is None else f" <small>{conversion.confidence:.2f}</small>"
    if each.right:
        return f'<span class="is-right">{string(conversion.prediction or "")}</span>{confidence}'
    if conversion.prediction is None:
        return f'<span class="is-wrong"><small>{text(conversion.reason or "")}</small></span>'
    return f'<span class="is-wrong">{_marked(each)}</span>{confidence}'


def _marked(each: Prediction) -> str:
    """Return a wrong prediction, aligned with the nearest target by the smallest number of edits."""
    from rapidfuzz.distance import Levenshtein

    target, predicted = each.symbols(each.target), each.symbols(each.conversion.prediction or "")
    parts = []
    for block in Levenshtein.opcodes(target, predicted):
        missing, written = target[block.src_start : block.src_end], predicted[block.dest_start : block.dest_end]
        if block.tag == "equal":
            parts.append(_symbols(written, each))
            continue
        if written:
            parts.append(f"<ins>{_symbols(written, each)}</ins>")
        if missing:
            parts.append(f"<del>{_symbols(missing, each)}</del>")
    return f"<bdi>{(each.tokenizer.separator or '').join(parts)}</bdi>"


def _symbols(symbols: Sequence[str], each: Prediction) -> str:
    return text((each.tokenizer.separator or "").join(symbols))
