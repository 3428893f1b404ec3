"""Learning curves as text and as pictures."""

import re
from dataclasses import replace
from html import unescape
from xml.etree import ElementTree

import pytest

from henkan.selection.curve.fit import fit_curve
from henkan.selection.curve.learning_curve import LearningCurve, Point
from henkan.selection.curve.picture import curve_picture
from henkan.selection.curve.text import plot, sentences, table

MATCHES = {225: 0.53, 450: 0.62, 900: 0.69, 1800: 0.74, 3600: 0.77}


def curve(matches=MATCHES, *, fitted=True, pairs_each=1):
    points = [
        Point(size, pairs_each * size, 3, match, 0.01, match - 0.03, match + 0.03, 0.1)
        for size, match in matches.items()
    ]
    fit = fit_curve(list(matches), [[each] * 3 for each in matches.values()], 450) if fitted else None
    expected = None if fit is None else fit.expected(2 * fit.largest)
    return LearningCurve(points, 450, fit, expected, "" if fitted else "there is a reason")


def test_table_has_a_line_for_each_size():
    assert table(curve())[0].split("  ")[:3] == ["pairs", "models", "exact match"]
    rows = [line.split() for line in table(curve())[1:]]
    assert rows[0] == ["225", "3", "53.00%", "1.00", "50.0", "to", "56.0", "10.00%"]
    assert rows[-1][0] == "3,600"
    assert len({len(line) for line in table(curve())}) == 1


def test_table_has_sources_if_some_have_several_pairs():
    lines = table(curve(pairs_each=2))
    assert lines[0].split()[:2] == ["sources", "pairs"]
    assert lines[1].split()[:2] == ["225", "450"]
    assert "(7,200 sources)" in sentences(curve(pairs_each=2))[0]


def test_deviation_of_one_model_is_empty():
    one = curve()
    one = replace(one, points=[replace(each, deviation=None) for each in one.points])
    assert table(one)[1].split()[:4] == ["225", "3", "53.00%", "50.0"]


def test_expected_exact_match_is_stated_with_its_intervals():
    found = curve()
    first, *more = sentences(found)
    expected = found.expected
    assert first == (
        f"twice the data (7,200 pairs): {expected.exact_match:.1%} expected ({100 * expected.low:.1f} to "
        f"{100 * expected.high:.1f}), {100 * expected.gain:+.1f} points"
    )
    assert " ".join(more) == (
        f"from {1 - found.fit.error(3600):.1%} on the curve ({100 * expected.gain_low:+.1f} to "
        f"{100 * expected.gain_high:+.1f} points); 95 % intervals for the mean of 3 models on the same 450 validation "
        "sources"
    )
    assert sentences(curve(fitted=False)) == ["twice the data: nothing can be said; there is a reason"]


def test_str_has_table_and_sentences():
    found = curve()
    assert str(found).splitlines() == [*table(found), "", *sentences(found)]


def test_notebooks_show_the_points_the_fitted_curve_and_the_text():
    found = curve()
    shown = found._repr_html_()
    assert shown.count("<circle") == len(found.points) + 1
    assert len(re.search(r'<polyline points="([^"]*)"', shown)[1].split()) == 40
    assert f"twice the data: {found.expected.exact_match:.1%}" in shown
    assert table(found)[0] in unescape(shown)
    assert curve(fitted=False)._repr_html_().count("<circle") == len(found.points)


def test_repr_is_the_text():
    assert repr(curve()) == str(curve())


def test_plot_fits_a_small_terminal_together_with_the_other_lines():
    found = curve()
    lines = plot(found)
    assert max(map(len, [*lines, *table(found), *sentences(found)])) <= 80
    assert len(table(found)) + len(lines) + len(sentences(found)) + 2 <= 22  # and the command and the prompt


def test_plot_has_points_curve_and_what_is_expected():
    *rows, axis, labels = [line.ljust(80) for line in plot(curve())]
    text = "".join(rows)
    assert (text.count("o"), text.count("x")) == (5, 1)
    assert text.count(".") > 30
    assert labels.split() == ["225", "450", "900", "1,800", "3,600", "7,200"]
    assert axis[next(row.index("x") for row in rows if "x" in row)] == "+"
    heights = [next(number for number, row in enumerate(rows) if row[column] in "ox") for column in marks(axis)]
    assert heights == sorted(heights, reverse=True)


def marks(axis):
    """Columns of the sizes on the axis, without the corner."""
    return [column for column, mark in enumerate(axis) if mark == "+"][1:]


def test_plot_without_a_fit_has_points_only():
    rows = "".join(plot(curve(fitted=False))[:-2])
    assert (rows.count("o"), rows.count("x")) == (5, 0)
    assert plot(curve({225: 0.5}, fitted=False)) == []


def test_labels_that_would_overlap_are_left_out_but_not_the_last():
    close = {1000: 0.5, 1010: 0.55, 1020: 0.6, 20_000: 0.8}
    labels = plot(curve(close))[-1].split()
    assert labels == ["1,000", "40,000"] or labels == ["1,000", "20,000", "40,000"]


@pytest.mark.parametrize("matches", [dict.fromkeys(MATCHES, 0.0), dict.fromkeys(MATCHES, 1.0)])
def test_plot_of_constant_exact_match(matches):
    rows = plot(curve(matches, fitted=False))[:-2]
    assert "".join(rows).count("o") == 5


@pytest.mark.parametrize("fitted", [True, False])
def test_picture_is_drawn(fitted):
    assert curve_picture(curve(fitted=fitted)).startswith(b"\x89PNG")
    drawing = curve_picture(curve(fitted=fitted), title="names", format="svg")
    assert ElementTree.fromstring(drawing).tag.endswith("svg")
    assert (b"twice the data" in drawing) == fitted
