"""HTML for notebooks: one style for light and dark themes, and text from users that cannot become markup.

Notebooks show HTML in their own font and colours. So all text has the inherited colour, and every other colour is of
medium lightness or partly transparent: both can be read on a light and on a dark background. Nothing needs JavaScript
or an identifier, so a saved notebook shows the same, and the same output may be on a page twice.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Sequence

from henkan.text.escaping import escape
from henkan.text.side_statistics import show_symbol

BLUE, ORANGE, GREEN, RED = "#3b82f6", "#d97706", "#16a34a", "#ef4444"
COLOURS = (BLUE, ORANGE, GREEN, "#a855f7", "#ec4899", "#0d9488", RED, "#7c8798")
"""Colours of lines. Each has a contrast of at least 3 to 1 with white and with the black of dark themes."""

# Classes are doubled, because notebooks style all tables with selectors of one class and two elements.
STYLE = """<style>
.henkan{font-size:13px;line-height:1.45;max-width:780px;color:inherit}
.henkan .henkan-title{font-weight:600;font-size:14px;margin:2px 0 4px}
.henkan .henkan-faint{opacity:.72}
.henkan pre.henkan-code{font:12px/1.5 ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;
white-space:pre-wrap;margin:2px 0 8px;padding:6px 10px;border-radius:6px;
background:rgba(127,127,127,.12);color:inherit}
.henkan .henkan-bar{height:6px;border-radius:3px;overflow:hidden;background:rgba(127,127,127,.25);margin:6px 0}
.henkan .henkan-bar>div{height:100%;border-radius:3px}
.henkan .henkan-facts{display:flex;flex-wrap:wrap;gap:2px 26px;margin:6px 0 8px}
.henkan .henkan-fact span{display:block;font-size:11px;opacity:.72}
.henkan .henkan-fact b{font-size:15px;font-weight:600;font-variant-numeric:tabular-nums}
.henkan .henkan-row{display:flex;flex-wrap:wrap;gap:10px 28px;align-items:flex-start;margin:8px 0}
.henkan .henkan-legend{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:12px;margin:2px 0 6px}
.henkan .henkan-legend i{display:inline-block;width:14px;height:3px;border-radius:2px;vertical-align:middle;
margin-inline-end:5px}
.henkan svg{display:block;max-width:100%;height:auto}
.henkan svg text{fill:currentColor;font-size:11px}
.henkan .henkan-table.henkan-table{border-collapse:collapse;border:0;margin:4px 0;font-size:13px;width:auto;
color:inherit;display:table}
.henkan .henkan-table.henkan-table tr{background:none;border:0}
.henkan .henkan-table.henkan-table th,.henkan .henkan-table.henkan-table td{padding:3px 10px 3px 0;text-align:start;
border:0;font-weight:400;vertical-align:baseline;background:none;max-width:none;color:inherit}
.henkan .henkan-table.henkan-table thead th{font-size:11px;opacity:.72;border-bottom:1px solid rgba(127,127,127,.35)}
.henkan .henkan-table.henkan-table tbody th{opacity:.72;white-space:nowrap;padding-inline-end:18px}
.henkan .henkan-table.henkan-table .henkan-number{text-align:end;font-variant-numeric:tabular-nums}
.henkan .henkan-symbol{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono","Noto Sans Mono",monospace}
</style>"""


def card(*parts: str) -> str:
    """Join parts of HTML in a box with the style of all displays."""
    return "\n".join([STYLE, '<div class="henkan">', *(part for part in parts if part), "</div>"])


def text(value: object) -> str:
    """Return a string as HTML, with the characters that end a line, unpaired surrogates and markup escaped."""
    return html.escape(escape(str(value)))


def lines(value: str) -> str:
    """Return a text of several lines as HTML for an element that keeps line breaks, such as `pre`."""
    return "\n".join(map(text, value.split("\n")))


def string(value: str) -> str:
    """Return a source or target as HTML; text from right to left does not reorder what is around it."""
    return f"<bdi>{text(value)}</bdi>"


def symbol(value: str) -> str:
    """Return one symbol as HTML: invisible characters by code, combining characters on a dotted circle."""
    if value and all(map(unicodedata.combining, value)):
        return f"<bdi>\u25cc{html.escape(value)}</bdi>"
    return f"<bdi>{html.escape(show_symbol(value))}</bdi>"


def is_right_to_left(value: str) -> bool:
    """Whether the first letter with a direction is of a script from right to left, as `dir="auto"` decides."""
    for character in value:
        direction = unicodedata.bidirectional(character)
        if direction in ("L", "R", "AL"):
            return direction != "L"
    return False


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Return names and values side by side, the value below its name."""
    shown = (f'<div class="henkan-fact"><span>{text(name)} </span><b>{text(value)}</b></div>' for name, value in rows)
    return f'<div class="henkan-facts">{"".join(shown)}</div>'


def properties(rows: Iterable[tuple[str, str]]) -> str:
    """Return a table with a name and a value in every row."""
    shown = "".join(f'<tr><th scope="row">{text(name)}</th><td>{text(value)}</td></tr>' for name, value in rows)
    return f'<table class="henkan-table"><tbody>{shown}</tbody></table>' if shown else ""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are HTML already, below a header of plain text."""
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table class="henkan-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def bar(share: float, colour: str = BLUE) -> str:
    """Return a progress bar that is filled from 0 to 1."""
    percent = 100 * min(max(share, 0.0), 1.0)
    return (
        f'<div class="henkan-bar" role="progressbar" aria-valuenow="{percent:.0f}" aria-valuemin="0" '
        f'aria-valuemax="100"><div style="width:{percent:.2f}%;background:{colour}"></div></div>'
    )


def legend(entries: Iterable[tuple[str, str]]) -> str:
    """Return the names of lines, each with its colour."""
    shown = (f'<span><i style="background:{colour}"></i>{text(name)}</span>' for name, colour in entries)
    return f'<div class="henkan-legend">{"".join(shown)}</div>'
