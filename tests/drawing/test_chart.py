from math import inf, nan

import pytest

from henkan.drawing.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Line, line_chart
from markup import Markup

EPOCH = Axis("epoch", whole=True)
SHARE = Axis("exact match", low=0, high=1, percent=True)


def points(chart, line=0):
    path = Markup(chart).elements("polyline")[line]["points"]
    return [tuple(map(float, each.split(","))) for each in path.split()]


def labels(axis, *values):
    return [label for _, label in axis.fitted(values).ticks()]


def test_points_are_where_their_values_are():
    chart = line_chart([Line([(1, 0.0), (2, 0.5), (3, 1.0)], "red")], EPOCH, SHARE)
    middle = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    assert points(chart) == [(LEFT, HEIGHT - BOTTOM), middle, (WIDTH - RIGHT, TOP)]


def test_axes_and_the_chart_are_labelled():
    shown = Markup(line_chart([Line([(1, 0.2), (9, 0.9)], "red", mark=1)], EPOCH, SHARE, "90 % <kept>"))
    assert all(each in shown.text for each in ("exact match", "epoch", "0 %", "100 %", "90 % <kept>"))
    [svg] = shown.elements("svg")
    assert svg["aria-label"] == "exact match by epoch"
    [dot] = shown.elements("circle")
    assert float(dot["cx"]) == WIDTH - RIGHT


def test_a_logarithmic_axis_has_equal_factors_at_equal_distances():
    log = Axis("loss", low=0.01, high=1, log=True)
    (_, top), (_, middle), (_, bottom) = points(line_chart([Line([(1, 1), (2, 0.1), (3, 0.01)], "red")], EPOCH, log))
    assert middle - top == pytest.approx(bottom - middle)


def test_values_that_cannot_be_drawn_are_left_out():
    values = [(1, 2.0), (2, None), (3, nan), (4, inf), (5, 1.0)]
    assert len(points(line_chart([Line(values, "red", mark=1)], EPOCH, Axis("loss")))) == 2
    assert len(points(line_chart([Line([(1, 1.0), (2, 0.0), (3, 2.0)], "red")], EPOCH, Axis("loss", log=True)))) == 2
    for values in ([], [(1, nan)], [(1, 3.0)], [(1, 3.0), (2, 3.0)]):
        Markup(line_chart([Line(values, "red")], EPOCH, Axis("loss", log=True)))
        Markup(line_chart([Line(values, "red")], EPOCH, Axis("loss")))


def test_a_single_point_is_a_dot():
    assert len(Markup(line_chart([Line([(1, 0.5)], "red")], EPOCH, SHARE)).elements("circle")) == 1


@pytest.mark.parametrize(
    ("axis", "values", "expected"),
    [
        (SHARE, (), ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]),
        (EPOCH, (1, 3), ["1", "2", "3"]),
        (EPOCH, (1, 40), ["10", "20", "30", "40"]),
        (EPOCH, (1, 200), ["50", "100", "150", "200"]),
        (Axis("loss", log=True), (0.02, 3), ["0.1", "1"]),
        (Axis("loss", log=True), (0.3, 2.5), ["0.5", "1", "2"]),
        (Axis("loss", log=True), (1e-9, 1), ["1e-09", "1e-07", "1e-05", "0.001", "0.1"]),
        (Axis("loss", log=True), (0.31, 0.33), ["0.31", "0.32", "0.33"]),
        (Axis("loss"), (0, 0.7), ["0", "0.2", "0.4", "0.6"]),
    ],
)
def test_ticks_are_round_numbers(axis, values, expected):
    assert labels(axis, *values) == expected


def test_a_line_of_many_points_keeps_its_ends_and_extremes():
    values = [0.5] * 20_000
    values[7_000], values[13_001] = 1.0, 0.0
    found = points(line_chart([Line([*enumerate(values, start=1)], "red")], EPOCH, SHARE))
    assert len(found) < 2.1 * WIDTH
    assert (found[0][0], found[-1][0]) == (LEFT, WIDTH - RIGHT)
    assert (min(found, key=lambda each: each[1])[1], max(found, key=lambda each: each[1])[1]) == (TOP, HEIGHT - BOTTOM)
    assert found == sorted(found, key=lambda each: each[0])
