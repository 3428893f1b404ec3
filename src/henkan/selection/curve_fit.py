r"""The power law of learning curves: how the error rate falls with the amount of training data.

The share of wrong predictions after training on n sources is $e(n) = c + a n^{-b}$ with $c \ge 0$, $a \ge 0$ and
$b > 0$ (an inverse power law: Figueroa et al. 2012, "Predicting sample size required for classification performance").
It describes most, but not all, learning curves (Viering and Loog 2021, "The shape of learning curves: a review").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from henkan.text.arrays import Array

EXPONENTS = np.geomspace(0.05, 3, 80)
"""The values of b that are compared."""

CENTRE, SPREAD = float(np.log(0.4)), 0.7
"""Mean and standard deviation of log b before anything is measured. Few points determine b badly, and published
exponents are between 0.1 and 1 (Hestness et al. 2017, "Deep learning scaling is predictable, empirically")."""

DISCREPANCY = 0.01
"""How much a true curve departs from the power law at each doubling, as a standard deviation of the error rate. So a
point has less weight, the farther it is from the largest size, where the curve is continued."""

REPLICATES = 1000
"""Number of fits to simulated measurements, for the uncertainty."""

PRIOR_RATIO, PRIOR_FREEDOM = 0.3, 2.0
"""Variance between the models of one size relative to that of independent sources, before anything is measured; and how
many degrees of freedom of the measurements this counts as."""

MIN_SIZES = 3
"""Minimum number of sizes for a fit."""


@dataclass(frozen=True)
class Expected:
    """An expected exact match.

    Attributes:
        sources: number of distinct training sources.
        exact_match: expected share of correct predictions, from 0 to 1.
        low, high: bounds of the 95 % interval for the mean of as many models, on the same validation set.
        gain: the expected exact match minus that of the curve at the largest measured size.
        gain_low, gain_high: bounds of its 95 % interval.
    """

    sources: int
    exact_match: float
    low: float
    high: float
    gain: float
    gain_low: float
    gain_high: float


@dataclass(frozen=True)
class CurveFit:
    """A power law that was fitted to the error rates of some sizes.

    Attributes:
        limit: c, the error rate that remains with any amount of data.
        scale: a, for the sizes relative to `largest`.
        exponent: b.
        largest: the largest size that was measured, in distinct sources.
        variance: variance of the mean of the models of a size, divided by e (1 - e).
        replicates: c, a and b of the fits to simulated measurements: (3, R).
    """

    limit: float
    scale: float
    exponent: float
    largest: int
    variance: float
    replicates: Array

    def error(self, sources: float) -> float:
        """Return the error rate of the curve, from 0 to 1."""
        return float(_power_law(self.limit, self.scale, self.exponent, sources / self.largest))

    def band(self, sources: float) -> tuple[float, float]:
        """Return the bounds of the 95 % interval of the curve, without the noise of a measurement."""
        low, high = np.quantile(self._replicated(sources / self.largest), (0.025, 0.975))
        return float(low), float(high)

    def _replicated(self, ratio: float) -> Array:
        """Return the error rates of all replicates at a size, relative to the largest: (R,)."""
        limits, scales, exponents = self.replicates
        return _power_law(limits, scales, exponents, ratio)

    def expected(self, sources: int) -> Expected:
        """Return the exact match that is expected with a number of distinct training sources."""
        ratio = sources / self.largest
        generator = np.random.default_rng(6)
        curves = self._replicated(ratio)
        departure = DISCREPANCY * abs(np.log2(ratio)) * generator.standard_normal(len(curves))
        truths = np.clip(curves + departure, 0, 1)
        noise = np.sqrt(self.variance * np.maximum(truths * (1 - truths), 0)) * generator.standard_normal(len(curves))
        low, high = 1 - np.quantile(np.clip(truths + noise, 0, 1), (0.975, 0.025))
        gains = self._replicated(1.0) - truths
        gain_low, gain_high = np.quantile(gains, (0.025, 0.975))
        error = self.error(sources)
        gain = self.error(self.largest) - error
        return Expected(sources, 1 - error, float(low), float(high), gain, float(gain_low), float(gain_high))


def fit_curve(sizes: Sequence[int], matches: Sequence[Sequence[float]], validation: int) -> CurveFit:
    """Fit the power law to the exact matches of some sizes by weighted least squares.

    The weight of a size is the inverse of the variance of its mean, increased by that of the departure of true curves
    from the power law (`DISCREPANCY`). A penalty keeps b in the usual range (`CENTRE`, `SPREAD`). The uncertainty is
    that of fits to simulated measurements, in which the means and the centre of the penalty vary with their variances.

    Args:
        sizes: K different numbers of distinct sources, in increasing order.
        matches: exact match of the models of each size, from 0 to 1.
        validation: number of distinct sources that the models were evaluated on.

    Raises:
        ValueError: if there are fewer than `MIN_SIZES` sizes.
    """
    if len(sizes) < MIN_SIZES:
        raise ValueError(f"a curve needs at least {MIN_SIZES} sizes, not {len(sizes)}")
    ratios = np.array(sizes, float) / sizes[-1]
    errors = 1 - np.array([np.mean(each) for each in matches])
    variance = noise(matches, validation)
    models = np.array([len(each) for each in matches])
    smoothed = (errors * validation + 1) / (validation + 2)  # an error rate of 0 or 1 is not certain
    variances = variance / models * smoothed * (1 - smoothed) + (DISCREPANCY * np.log2(ratios)) ** 2
    limit, scale, exponent = _solve(ratios, errors[None], 1 / variances, np.array([CENTRE]))[:, 0]
    generator = np.random.default_rng(7)
    simulated = errors + np.sqrt(variances) * generator.standard_normal((REPLICATES, len(sizes)))
    centres = CENTRE + SPREAD * generator.standard_normal(REPLICATES)
    replicates = _solve(ratios, simulated, 1 / variances, centres)
    return CurveFit(float(limit), float(scale), float(exponent), sizes[-1], variance / models[-1], replicates)


def noise(matches: Sequence[Sequence[float]], validation: int) -> float:
    """Return the variance of the exact match p between models of one size, divided by p (1 - p).

    It is estimated from all sizes together, because a size has few models.

    Args:
        matches, validation: as for `fit_curve`.
    """
    freedom = sum(len(each) - 1 for each in matches)
    between = sum((len(each) - 1) * float(np.var(each, ddof=1)) for each in matches if len(each) > 1)
    independent = sum((len(each) - 1) * float(np.mean(each) * (1 - np.mean(each))) / validation for each in matches)
    prior = PRIOR_FREEDOM * (independent / freedom if independent else 1 / validation)
    return (between + PRIOR_RATIO * prior) / (independent + prior) / validation


def _power_law(limit: Array | float, scale: Array | float, exponent: Array | float, ratio: float) -> Array:
    """Return the error rates at a size, relative to the largest."""
    found: Array = np.clip(limit + scale * ratio ** -np.asarray(exponent), 0, 1)
    return found


def _solve(ratios: Array, errors: Array, weights: Array, centres: Array) -> Array:
    """Fit curves to R measurements.

    For a given b, c and a are the solution of a linear least-squares problem with bounds; all values of b are compared.

    Args:
        ratios: sizes relative to the largest: (K,).
        errors: (R, K).
        weights: (K,).
        centres: centre of log b for each measurement: (R,).

    Returns:
        c, a and b: (3, R).
    """
    powers = ratios[None] ** -EXPONENTS[:, None]  # (B, K)
    w, wx, wxx = weights.sum(), powers @ weights, powers**2 @ weights
    wy, wxy = (errors @ weights)[:, None], errors @ (powers * weights).T  # (R, 1), (R, B)
    determinant = w * wxx - wx**2
    scale, limit = (w * wxy - wx * wy) / determinant, (wxx * wy - wx * wxy) / determinant
    scale = np.where(limit < 0, wxy / wxx, scale)
    limit = np.where(scale < 0, wy / w, limit)
    scale, limit = np.maximum(scale, 0), np.maximum(limit, 0)
    residuals = errors[:, None] - limit[..., None] - scale[..., None] * powers  # (R, B, K)
    loss = residuals**2 @ weights + ((np.log(EXPONENTS) - centres[:, None]) / SPREAD) ** 2
    best = loss.argmin(1)
    rows = np.arange(len(errors))
    return np.stack([limit[rows, best], scale[rows, best], EXPONENTS[best]])
