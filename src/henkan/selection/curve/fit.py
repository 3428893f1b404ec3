r"""The curve of learning curves: how the error rate falls with the amount of training data.

The share of wrong predictions after training on n sources is $e(n) = c + (A - c) / (1 + (n / n_0)^b)$, at most 1, with
$0 \le c < 1$, $A \ge 1$ and $b > 0$: the curve of Morgan, Mercer and Flodin (1975), one of those in the review of
Viering and Loog (2021), "The shape of learning curves". For large n, it is an inverse power law, $c + a n^{-b}$
(Figueroa et al. 2012, "Predicting sample size required for classification performance"). With A = 1 it also describes
small sets, where a doubling of the data brings more than the one before; with a large A, it is a power law from the
start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from henkan.text.arrays import Array

STARTS = (1.0, 2.0, 8.0)
"""The values of A that are compared."""

EXPONENTS, ODDS = np.linspace(np.log(0.15), np.log(5), 16), np.linspace(-4, 8, 20)
"""The values of log b, and of b log (n / n0) at the largest size, that are compared first."""

REFINEMENTS = 3
"""How often finer values around the best are compared."""

CENTRE, SPREAD = -0.5, 0.5
"""Mean and standard deviation of log b before anything is measured: few points determine b badly."""

LIMIT_SPREAD = 0.25
"""The same for c, around 0: a curve that has not become flat says little about its limit."""

DISCREPANCY = 0.1
"""How much a true curve departs from the fitted one at each doubling, as a standard deviation of the log odds of the
error rate. So a point has less weight, the farther it is from the largest size, where the curve is continued."""

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
    """A curve that was fitted to the error rates of some sizes.

    Attributes:
        limit: c, the error rate that remains with any amount of data.
        exponent: b.
        odds: b log (n / n0) at the largest size.
        start: A.
        largest: the largest size that was measured, in distinct sources.
        variance: variance of the mean of the models of a size, divided by e (1 - e).
        discrepancy: see `DISCREPANCY`.
        replicates: c, log b, odds and A of the fits to simulated measurements: (4, R).
    """

    limit: float
    exponent: float
    odds: float
    start: float
    largest: int
    variance: float
    discrepancy: float
    replicates: Array

    def error(self, sources: float) -> float:
        """Return the error rate of the curve, from 0 to 1."""
        parameters = np.array([[self.limit], [np.log(self.exponent)], [self.odds], [self.start]])
        return float(_error(parameters, sources / self.largest)[0])

    def band(self, sources: float) -> tuple[float, float]:
        """Return the bounds of the 95 % interval of the curve, without the noise of a measurement."""
        low, high = np.quantile(self._replicated(sources / self.largest), (0.025, 0.975))
        return float(low), float(high)

    def _replicated(self, ratio: float) -> Array:
        """Return the error rates of all replicates at a size, relative to the largest: (R,)."""
        return _error(self.replicates, ratio)

    def expected(self, sources: int) -> Expected:
        """Return the exact match that is expected with a number of distinct training sources."""
        ratio = sources / self.largest
        generator = np.random.default_rng(6)
        curves = self._replicated(ratio)
        departure = self.discrepancy * _departure(curves, ratio) * generator.standard_normal(len(curves))
        truths = np.clip(curves + departure, 0, 1)
        noise = np.sqrt(self.variance * np.maximum(truths * (1 - truths), 0)) * generator.standard_normal(len(curves))
        low, high = 1 - np.quantile(np.clip(truths + noise, 0, 1), (0.975, 0.025))
        gains = self._replicated(1.0) - truths
        gain_low, gain_high = np.quantile(gains, (0.025, 0.975))
        error = self.error(sources)
        gain = self.error(self.largest) - error
        return Expected(sources, 1 - error, float(low), float(high), gain, float(gain_low), float(gain_high))


def fit_curve(
    sizes: Sequence[int], matches: Sequence[Sequence[float]], validation: int, *, discrepancy: float = DISCREPANCY
) -> CurveFit:
    """Fit the curve to the exact matches of some sizes by weighted least squares.

    The weight of a size is the inverse of the variance of its mean, increased by that of the departure of true curves
    from the fitted one (`DISCREPANCY`). A penalty keeps b and c in the usual range (`CENTRE`, `SPREAD`,
    `LIMIT_SPREAD`). The uncertainty is that of fits to simulated measurements, in which the means and the centres of
    the penalty vary with their variances.

    Args:
        sizes: K different numbers of distinct sources, in increasing order.
        matches: exact match of the models of each size, from 0 to 1.
        validation: number of distinct sources that the models were evaluated on.
        discrepancy: see `DISCREPANCY`; 0 if the true curve is of this kind.

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
    variances = variance / models * smoothed * (1 - smoothed) + (discrepancy * _departure(smoothed, ratios)) ** 2
    generator = np.random.default_rng(7)
    simulated = errors + np.sqrt(variances) * generator.standard_normal((REPLICATES, len(sizes)))
    priors = generator.standard_normal((REPLICATES, 2)) * (SPREAD, LIMIT_SPREAD) + (CENTRE, 0)
    priors = np.vstack([(CENTRE, 0), priors])
    found = _solve(ratios, np.vstack([errors, simulated]), 1 / variances, priors)
    limit, exponent, odds, start = found[:, 0].tolist()
    return CurveFit(
        limit, float(np.exp(exponent)), odds, start, sizes[-1], variance / models[-1], discrepancy, found[:, 1:]
    )


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


def _departure(errors: Array, ratios: Array | float) -> Array:
    """Return how error rates change with their log odds, times the doublings from the largest size."""
    found: Array = np.abs(np.log2(ratios)) * errors * (1 - errors)
    return found


def _error(parameters: Array, ratio: float) -> Array:
    """Return the error rates (R,) at a size, relative to the largest, for c, log b, odds and A (4, R)."""
    limits, exponents, odds, starts = parameters
    found: Array = np.minimum(limits + (starts - limits) * _unlearnt(exponents, odds, np.log(ratio)), 1)
    return found


def _unlearnt(exponents: Array, odds: Array, log_ratios: Array | float) -> Array:
    """Return 1 / (1 + (n / n0)^b), the share of what can be learnt that is not learnt yet."""
    found: Array = 1 / (1 + np.exp(odds + np.exp(exponents) * log_ratios))
    return found


def _solve(ratios: Array, errors: Array, weights: Array, priors: Array) -> Array:
    """Fit curves to R measurements.

    For given A, b and odds, c is the solution of a linear least-squares problem with bounds. All values of the others
    are compared, then finer ones around the best.

    Args:
        ratios: sizes relative to the largest: (K,).
        errors: (R, K).
        weights: (K,).
        priors: centres of log b and c for each measurement: (R, 2).

    Returns:
        c, log b, odds and A: (4, R).
    """
    fits = [_solve_from(start, np.log(ratios), errors, weights, priors) for start in STARTS]
    best = np.argmin([losses for losses, _ in fits], 0)
    return np.stack([found for _, found in fits])[best, :, np.arange(len(errors))].T


def _solve_from(start: float, log_ratios: Array, errors: Array, weights: Array, priors: Array) -> tuple[Array, Array]:
    """Fit curves with a given A; return their losses (R,), and c, log b, odds and A (4, R)."""
    exponents, odds = (each.reshape(1, -1) for each in np.meshgrid(EXPONENTS, ODDS))
    steps = EXPONENTS[1] - EXPONENTS[0], ODDS[1] - ODDS[0]
    near, rows = [each.reshape(-1) for each in np.meshgrid(*2 * [np.linspace(-1, 1, 7)])], np.arange(len(errors))
    for refinement in range(REFINEMENTS + 1):
        limits, losses = _losses((exponents, odds, np.full_like(odds, start)), log_ratios, errors, weights, priors)
        best = losses.argmin(1)
        exponents, odds = (np.broadcast_to(each, losses.shape)[rows, best, None] for each in (exponents, odds))
        if refinement < REFINEMENTS:
            exponents, odds = exponents + steps[0] * near[0], odds + steps[1] * near[1]
            steps = steps[0] / 3, steps[1] / 3
    found = limits[rows, best], exponents[:, 0], odds[:, 0], np.full(len(errors), start)
    return losses[rows, best], np.stack(found)


def _losses(
    curves: tuple[Array, Array, Array], log_ratios: Array, errors: Array, weights: Array, priors: Array
) -> tuple[Array, Array]:
    """Return the best c and its loss, both (R, G), for G values of the other parameters of each measurement.

    Args:
        curves: log b, odds and A: (R, G), or (1, G) if they are the same for all measurements.
        log_ratios, errors, weights, priors: see `_solve`.
    """
    exponents, odds, starts = curves
    unlearnt = _unlearnt(exponents[..., None], odds[..., None], log_ratios)  # (R or 1, G, K)
    learnt, rest = 1 - unlearnt, starts[..., None] * unlearnt
    stiffness, centres = LIMIT_SPREAD**-2, priors[:, 1:]
    square = learnt**2 @ weights + stiffness
    cross = _products(errors * weights, learnt) - (learnt * rest) @ weights + stiffness * centres
    limits = np.clip(cross / square, 0, 1)
    loss = (errors**2 @ weights)[:, None] - 2 * _products(errors * weights, rest) + rest**2 @ weights
    loss = loss - 2 * limits * cross + limits**2 * square
    return limits, loss + ((exponents - priors[:, :1]) / SPREAD) ** 2


def _products(weighted: Array, values: Array) -> Array:
    """Return the sums over K of (R, K) and (R or 1, G, K): (R, G)."""
    found: Array = weighted @ values[0].T if len(values) == 1 else (values @ weighted[..., None])[..., 0]
    return found
