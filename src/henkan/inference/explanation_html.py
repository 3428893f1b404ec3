"""Explanations and alignments as HTML, for notebooks."""

from __future__ import annotations

from collections.abc import Sequence

from henkan.drawing import html
from henkan.inference.alignment import Alignment
from henkan.inference.explanation import Choice, Explanation
from henkan.inference.explanation_text import alternatives_text, choice_text, confidence_text, remarks

CAPTIONS = {
    "attention": "attention weights in percent",
    "pointer": "position of the pointer",
    "saliency": "shares of the saliency in percent",
}

DARKEST = 0.6
"""Opacity of the colour of weight 1. Black and white text can both be read on it, on a page of the other colour."""

CENTRED = "text-align:center;padding:3px 5px;opacity:1;font-size:13px"


def explanation_html(explanation: Explanation) -> str:
    """Return an explanation as a heat map: a row for each step, and a column for each source symbol.

    The columns of a source that is read from right to left are in this order.
    """
    direction = ' dir="rtl"' if html.is_right_to_left(explanation.source) else ""
    head = "".join(f'<th scope="col" style="{CENTRED}">{_symbol(each)}</th>' for each in explanation.symbols)
    shown = _pointed if explanation.by == "pointer" else _percent
    rows = "".join(_row(choice, [*map(shown, choice.weights)]) for choice in explanation.choices)
    return html.card(
        f'<div class="henkan-title">{html.string(explanation.source)} → {html.string(explanation.answer)}</div>',
        f'<div class="henkan-faint">confidence {confidence_text(explanation, ".1%")}; {CAPTIONS[explanation.by]}</div>',
        *(f"<div>{html.text(remark)}</div>" for remark in remarks(explanation)),
        f'<div style="overflow-x:auto"><table class="henkan-table"{direction}><thead><tr><th scope="col">symbol</th>'
        f'{head}<th scope="col" class="henkan-number" style="padding-inline-start:14px">probability</th>'
        f'<th scope="col">alternatives</th></tr></thead><tbody>{rows}</tbody></table></div>',
    )


def alignment_html(alignment: Alignment) -> str:
    """Return an alignment as a table: a column for each symbol of the prediction, below its source symbols."""
    if alignment.prediction is None:
        reason = html.text(alignment.reason or "there is no prediction")
        return html.card(f'<div class="henkan-title">{html.string(alignment.source)}</div>', f"no alignment: {reason}")
    direction = ' dir="rtl"' if html.is_right_to_left(alignment.source) else ""
    rows = [
        ("source", [" ".join(map(_symbol, alignment.symbols[link.start : link.end])) for link in alignment.links]),
        ("prediction", [_symbol(link.symbol) if link.symbol else "" for link in alignment.links]),
        ("probability", [f'<span class="henkan-faint">{link.probability:.2f}</span>' for link in alignment.links]),
    ]
    body = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(f"""<td style="{CENTRED}">{cell}</td>""" for cell in cells)}</tr>'
        for name, cells in rows
    )
    return html.card(
        f'<div class="henkan-title">{html.string(alignment.source)} → {html.string(alignment.prediction)}</div>',
        f'<div style="overflow-x:auto"><table class="henkan-table"{direction}><tbody>{body}</tbody></table></div>',
    )


def _row(choice: Choice, shown: Sequence[str]) -> str:
    cells = "".join(map(_weight, choice.weights, shown))
    return (
        f'<tr><th scope="row" style="opacity:1">{_choice(choice)}</th>{cells}'
        f'<td class="henkan-number" style="padding-inline-start:14px">{choice.probability:.3f}</td>'
        f'<td><bdi class="henkan-faint">{html.text(alternatives_text(choice))}</bdi></td></tr>'
    )


def _percent(weight: float) -> str:
    """A weight in percent; those that round to 0 have no number, so that the others stand out."""
    return "" if round(100 * weight) == 0 else f"{100 * weight:.0f}"


def _pointed(weight: float) -> str:
    return "●" if weight else ""


def _weight(weight: float, shown: str) -> str:
    """A cell of the heat map."""
    return (
        f'<td style="text-align:center;padding:3px 5px;min-width:24px;background:rgba(59,130,246,'
        f'{DARKEST * min(max(weight, 0.0), 1.0):.3f})">{shown}</td>'
    )


def _choice(choice: Choice) -> str:
    """The symbol of a step, or the action of a transducer with the symbol that it writes."""
    if choice.action and choice.symbol:
        return f"{html.text(choice.action)} {_symbol(choice.symbol)}"
    return _symbol(choice.symbol) if choice.symbol else html.text(choice_text(choice))


def _symbol(symbol: str) -> str:
    return f'<span class="henkan-symbol">{html.symbol(symbol)}</span>'
