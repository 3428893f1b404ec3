"""The curve that is fitted to exact match by size."""

import numpy as np
import pytest

from henkan.selection.curve.fit import DISCREPANCY, fit_curve, noise

SIZES = [225, 450, 900, 1800, 3600]
CURVES = {
    "power law": lambda ratio: 0.1 + 0.15 * ratio**-0.5,
    "slow power law": lambda ratio: 0.3 * ratio**-0.25,
    "near its limit": lambda ratio: 0.42 + 0.58 / (1 + 30 * ratio**1.1),
    "from the start": lambda ratio: 0.05 + 0.95 / (1 + 3 * ratio**2),
}


def measured(errors, validation, seeds, generator, ratio=0.3):
    """Exact matches of some models whose errors vary like a share of the validation sources."""
    return [
        np.clip(1 - error + np.sqrt(ratio * error * (1 - error) / validation) * generator.standard_normal(seeds), 0, 1)
        for error in errors
    ]


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize(("discrepancy", "tolerance"), [(0, 0.02), (DISCREPANCY, 0.035)])
def test_known_curves_are_continued(name, discrepancy, tolerance):
    errors = [CURVES[name](size / SIZES[-1]) for size in SIZES]
    fit = fit_curve(SIZES, [[1 - error] * 3 for error in errors], 10**5, discrepancy=discrepancy)
    for size, error in zip(SIZES[2:], errors[2:], strict=True):
        assert fit.error(size) == pytest.approx(error, abs=tolerance)
    expected = fit.expected(7200)
    assert expected.exact_match == pytest.approx(1 - CURVES[name](2), abs=tolerance)
    assert expected.gain == pytest.approx(CURVES[name](1) - CURVES[name](2), abs=tolerance)
    if discrepancy:
        assert expected.low < 1 - CURVES[name](2) < expected.high


def test_parameters_of_a_curve_without_noise_are_recovered():
    errors = [0.2 + 0.8 / (1 + 3 * (size / 3600) ** 0.9) for size in SIZES]
    fit = fit_curve(SIZES, [[1 - error] * 5 for error in errors], 10**7, discrepancy=0)
    assert fit.start == 1
    assert fit.limit == pytest.approx(0.2, abs=0.03)
    assert fit.exponent == pytest.approx(0.9, abs=0.1)
    assert fit.odds == pytest.approx(np.log(3), abs=0.1)


def test_limit_is_unsure_unless_the_curve_is_flat():
    flat, steep = ([1 - 0.3 - 0.1 * (size / 225) ** -b for size in SIZES] for b in (2, 0.3))
    limits = [fit_curve(SIZES, [[match] * 3 for match in each], 2000).replicates[0].std() for each in (flat, steep)]
    assert limits[0] < 0.7 * limits[1]


@pytest.mark.parametrize("name", CURVES)
def test_intervals_contain_what_is_measured_later(name):
    generator, inside, errors = np.random.default_rng(0), [], []
    for _ in range(10):
        matches = measured([CURVES[name](size / 3600) for size in SIZES], 450, 3, generator)
        expected = fit_curve(SIZES, matches, 450).expected(7200)
        later = measured([CURVES[name](2)], 450, 3, generator)[0].mean()
        inside.append(expected.low <= later <= expected.high)
        errors.append(expected.exact_match - later)
    assert np.mean(inside) >= 0.9
    assert abs(np.mean(errors)) < 0.02


def test_limit_is_not_below_zero_and_curve_never_falls():
    fit = fit_curve(SIZES, [[0.5], [0.7], [0.85], [0.95], [0.99]], 500)
    assert fit.limit >= 0
    assert fit.replicates[0].min() >= 0
    errors = [fit.error(size) for size in range(100, 20_000, 100)]
    assert errors == sorted(errors, reverse=True)
    assert 0 <= errors[-1] <= errors[0] <= 1


def test_more_models_and_validation_sources_give_narrower_intervals():
    matches = [[0.5, 0.52], [0.6, 0.61], [0.68, 0.66], [0.72, 0.73], [0.75, 0.76]]
    few, many = (fit_curve(SIZES, [each * times for each in matches], size) for times, size in ((1, 100), (5, 2000)))
    widths = [each.expected(7200).high - each.expected(7200).low for each in (few, many)]
    assert widths[1] < 0.8 * widths[0]
    band = many.band(3600)
    assert band[0] < many.error(3600) < band[1]


def test_interval_is_wider_farther_away():
    fit = fit_curve(SIZES, [[0.5], [0.6], [0.67], [0.72], [0.75]], 500)
    widths = [fit.expected(size).high - fit.expected(size).low for size in (3600, 7200, 28_800)]
    assert widths == sorted(widths)
    assert fit.expected(3600).gain == 0


def test_fit_is_the_same_each_time():
    matches = [[0.5], [0.6], [0.67], [0.72], [0.75]]
    assert fit_curve(SIZES, matches, 500).expected(7200) == fit_curve(SIZES, matches, 500).expected(7200)


def test_too_few_sizes_are_refused():
    with pytest.raises(ValueError, match="at least 3 sizes, not 2"):
        fit_curve([1, 2], [[0.1], [0.2]], 10)


def test_noise_is_the_variance_between_models():
    generator = np.random.default_rng(1)
    matches = [0.6 + 0.02 * generator.standard_normal(200) for _ in range(3)]
    between = np.mean([np.var(each, ddof=1) for each in matches])
    assert noise(matches, 450) == pytest.approx(between / 0.24, rel=0.02)
    assert noise([[0.5], [0.6]], 300) == pytest.approx(0.3 / 300)  # nothing is known about it
    assert noise([[0.0, 0.0], [1.0, 1.0]], 300) > 0
