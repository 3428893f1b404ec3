"""A learning curve as HTML for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henkan.drawing import html
from henkan.drawing.chart import Axis, Line, line_chart
from henkan.selection.curve.text import sentences, table

if TYPE_CHECKING:
    from henkan.selection.curve.fit import CurveFit
    from henkan.selection.curve.learning_curve import LearningCurve

STEPS = 40
"""Number of points at which the fitted curve is drawn."""


def curve_html(curve: LearningCurve) -> str:
    """Return a chart of the measured sizes with the fitted curve, the table, and what to expect."""
    lines = [] if curve.fit is None else [_fitted_line(curve, curve.fit)]
    lines += [Line([(each.sources, each.exact_match)], html.BLUE) for each in curve.points]
    note = ""
    if curve.expected is not None:
        lines.append(Line([(curve.expected.sources, curve.expected.exact_match)], html.ORANGE))
        note = f"{curve.doubled}: {curve.expected.exact_match:.1%}"
    x, y = Axis("training sources", log=True, whole=True), Axis("exact match", low=0, high=1, percent=True)
    text = "\n".join([*table(curve), "", *sentences(curve)])
    return html.card(line_chart(lines, x, y, note), f'<pre class="henkan-code">{html.lines(text)}</pre>')


def _fitted_line(curve: LearningCurve, fit: CurveFit) -> Line:
    smallest, largest = curve.points[0].sources, 2 * curve.points[-1].sources
    sizes = np.geomspace(smallest, largest, STEPS).tolist()
    return Line([(size, 1 - fit.error(size)) for size in sizes], html.ORANGE)
