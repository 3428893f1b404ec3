"""Comparison of models as HTML without scripts: a page of its own, or a part of a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from henkan.drawing.html import string, text
from henkan.evaluation.breakdown import Breakdown
from henkan.evaluation.comparison_text import conclusions, count_notes, outcome_text, outcomes, p_text, source_count
from henkan.evaluation.differing_texts import texts_table
from henkan.evaluation.interval_chart import Mark, Scale, axis_svg, interval_svg
from henkan.evaluation.report import percent_interval

if TYPE_CHECKING:
    from henkan.evaluation.comparison import Comparison, Difference

COLORS = 6
"""Number of colours of models; further models repeat them."""

STYLE = Path(__file__).with_name("comparison.css")


def page(result: Comparison) -> str:
    """Return a complete page, which loads nothing from elsewhere."""
    title = text(f"Comparison of {', '.join(result.names)}")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n"
        "<style>:root { color-scheme: light dark; background: light-dark(#fcfcfa, #14171a); } "
        f"body {{ margin: 0; }}</style>\n</head>\n<body>\n{fragment(result)}\n</body>\n</html>\n"
    )


def fragment(result: Comparison) -> str:
    """Return the comparison as an element with its style."""
    shown = source_count(result) + (f" of {string(result.data)}" if result.data else "")
    conclusion = "".join(f"<p>{string(line)}</p>" for line in conclusions(result, result.names))
    sections = (
        f"<style>{STYLE.read_text(encoding='utf-8')}</style>",
        f"<h1>{' or '.join(map(string, result.names))}?</h1>",
        f'<p class="quiet">{shown}</p>',
        f'<div class="conclusion">{conclusion}</div>',
        _rates(result),
        _differences(result),
        _outcomes(result),
        *(_breakdown(each, result.names) for each in result.breakdowns),
        texts_table(result),
        _method(result),
    )
    return "\n".join(('<div class="henkan-comparison">', *sections, "</div>"))


def _rates(result: Comparison) -> str:
    parts = []
    for measure, name in (("Exact match", "exact_match"), ("Symbol error rate", "symbol_error_rate")):
        marks = [
            Mark(getattr(each, name), getattr(each.intervals, name), row % COLORS)
            for row, each in enumerate(result.evaluations)
        ]
        scale = Scale.around(marks)
        rows = [
            f'<tr><th scope="row">{_key(row, model)}</th><td class="number">{mark.value:.2%}</td>'
            f'<td class="number">{percent_interval(mark.interval, 1)}</td>'
            f"{_chart([mark], scale, f'{measure} of {model}')}</tr>"
            for row, (model, mark) in enumerate(zip(result.names, marks, strict=True))
        ]
        note = " in characters" if name == "symbol_error_rate" and not result.same_symbols else ""
        head = f'<th>model</th><th class="number">{measure.lower()}{note}</th><th class="number">95 % interval</th>'
        parts.append(_charted(measure, head, rows, axis_svg(scale, " %")))
    notes = [f'<p class="quiet">{string(note)}</p>' for note in count_notes(result, result.names)]
    return "\n".join((*parts, *notes))


def _differences(result: Comparison) -> str:
    parts = []
    measures = (
        ("exact match", result.exact_match_differences),
        (
            "symbol error rate",
            result.symbol_error_rate_differences,
        ),
    )
    for measure, differences in measures:
        scale = Scale.around([Mark(each.value, each.interval) for each in differences], include=0.0)
        rows = [_difference(each, result.names, scale) for each in differences]
        head = '<th>difference</th><th class="number">points, 95 % interval</th><th></th>'
        parts.append(_charted(f"Difference in {measure}", head, rows, axis_svg(scale, " points")))
    return "\n".join(parts)


def _difference(each: Difference, names: Sequence[str], scale: Scale) -> str:
    low, high = 100 * each.interval.low, 100 * each.interval.high
    what = f"{string(names[each.second])} \u2212 {string(names[each.first])}"
    return (
        f'<tr><th scope="row">{what}</th>'
        f'<td class="number">{_signed(100 * each.value)} <small>{_signed(low)} to {_signed(high)}</small></td>'
        f'<td class="number">{text(p_text(each.p))}</td>'
        f"{_chart([Mark(each.value, each.interval)], scale, 'difference with 95 % interval')}</tr>"
    )


def _signed(points: float) -> str:
    return f"{points:+.2f}".replace("-", "\u2212")


def _outcomes(result: Comparison) -> str:
    rows = "".join(
        f'<tr><th scope="row">{string(outcome_text(rights, result.names))}</th><td class="number">{count:,}</td>'
        f'<td class="number">{count / max(1, result.total):.1%}</td></tr>'
        for rights, count in outcomes(result)
    )
    head = '<tr><th>models</th><th class="number">sources</th><th class="number">share</th></tr>'
    return f"<h2>Which models are right</h2><table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _breakdown(breakdown: Breakdown, names: Sequence[str]) -> str:
    marks = [
        [
            Mark(rate, interval, row % COLORS)
            for row, (rate, interval) in enumerate(zip(group.rates, group.intervals, strict=True))
            if rate is not None and interval is not None
        ]
        for group in breakdown.groups
    ]
    scale = Scale.around([mark for each in marks for mark in each])
    rows = []
    for group, group_marks in zip(breakdown.groups, marks, strict=True):
        same = len(set(group.totals)) == 1
        cells = "<br>".join(
            "\u2013" if rate is None else f"{rate:.1%}" + ("" if same else f" <small>of {total:,}</small>")
            for rate, total in zip(group.rates, group.totals, strict=True)
        )
        rows.append(
            f'<tr><th scope="row">{text(group.label)}</th>'
            f'<td class="number sources">{f"{group.totals[0]:,}" if same else ""}</td><td class="number">{cells}</td>'
            f"{_chart(group_marks, scale, f'exact match of the models, {breakdown.heading} {group.label}')}</tr>"
        )
    heading = f"Exact match by {breakdown.name.removeprefix('by_').replace('_', ' ')}"
    keys = " &ensp; ".join(_key(row, name) for row, name in enumerate(names))
    sources = "" if any(len(set(group.totals)) > 1 for group in breakdown.groups) else "sources"
    head = f'<th>{breakdown.heading}</th><th class="number">{sources}</th><th class="number">exact match</th>'
    note = f'<p class="quiet">{text(breakdown.note)}</p><p>{keys}</p>'
    return _charted(heading, head, rows, axis_svg(scale, " %"), note)


def _method(result: Comparison) -> str:
    corrected = ", corrected for the number of pairs of models by Holm's method" if len(result.names) > 2 else ""
    return (
        '<h2>How to read this</h2><p class="quiet">Each distinct source counts once, and all its targets are correct. '
        "Intervals are 95 % bootstrap intervals (BCa) over the sources, for differences with the same sources for both "
        "models. p is the probability of a difference at least as large if the models were equally good: by McNemar's "
        "exact test for exact match, by a paired randomization test for the symbol error rate"
        f"{corrected}. A difference is called shown if p is below 0.05. All this is about the choice of sources, "
        "not about training with another seed. A difference that is not shown may still exist: its interval says how "
        "large it may be.</p>"
    )


def _key(row: int, name: str) -> str:
    return f'<span class="key model-{row % COLORS}"><span>{string(name)}</span></span>'


def _chart(marks: Sequence[Mark], scale: Scale, label: str) -> str:
    return f'<td class="chart">{interval_svg(marks, scale, text(label))}</td>'


def _charted(title: str, head: str, rows: Sequence[str], axis: str, note: str = "") -> str:
    foot = f'<tr><th colspan="3"></th><td class="chart">{axis}</td></tr>'
    return (
        f'<h2>{title}</h2>{note}<table class="charted"><thead><tr>{head}<th class="chart"></th></tr></thead>'
        f"<tbody>{''.join(rows)}{foot}</tbody></table>"
    )
