"""Which settings mattered: an additive model of the exact match, fitted to all trials.

With few trials that differ by little more than chance, the best trial is mostly a lucky one. So settings are judged by
all trials that have them. The value of a trial is modelled as

    y = constant + sum of the effects of its settings + effect of the combination + noise

with normal priors around zero for the effects, and around the default for each setting, so that an effect is as small
as the trials allow. This is Gaussian process regression (Rasmussen & Williams 2006, section 2.7); the variances are
those with the highest marginal likelihood (section 5.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from henkan.selection.tuning.space import Point, Space, key_of
from henkan.text.arrays import Array

SCALES = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128)
"""Standard deviations that are compared, of effects and noise, as shares of the validation set."""

COMBINATION = 0.5
"""Variance of the effect of a combination, relative to that of a setting."""

WIDE = 0.3
"""Standard deviation of the constant."""


class Observation(NamedTuple):
    """A measured point."""

    point: Point
    value: float


class Effect(NamedTuple):
    """The estimated effect of a value of a setting, compared with its default.

    Attributes:
        setting, value: the setting and its value.
        gain: estimated difference in exact match; 0.01 is one percentage point.
        error: its standard deviation.
        trials: number of trials with this value.
    """

    setting: str
    value: Any
    gain: float
    error: float
    trials: int


@dataclass
class Effects:
    """The model, fitted to observations.

    Args:
        space: the settings.
        observations: one or more observations.
        rows: number of sources in the validation set, which bounds how exact a value can be.
    """

    space: Space
    observations: Sequence[Observation]
    rows: int

    def __post_init__(self) -> None:
        self.y = np.array([each.value for each in self.observations])
        self.center = float(self.y.mean())
        self.x = self._features([each.point for each in self.observations])
        keys = [key_of(each.point) for each in self.observations]
        self.same = np.array([[float(a == b) for b in keys] for a in keys])
        self.keys = keys
        share = min(max(self.center, 0.02), 0.98)
        least = np.sqrt(0.25 * share * (1 - share) / max(1, self.rows))  # differences vary less than values
        candidates = [(a, max(s, least)) for a, s in product(SCALES, SCALES)]
        self.scale, self.noise = max(candidates, key=lambda each: self._log_likelihood(*each))
        self.solved = np.linalg.inv(self._covariance(self.scale, self.noise))

    def _features(self, points: Sequence[Point]) -> Array:
        changes = self.space.changes
        return np.array([[float(point.get(name) == value) for name, value in changes] for point in points]).reshape(
            len(points), len(changes)
        )

    def _covariance(self, scale: float, noise: float) -> Array:
        effects = scale**2 * (self.x @ self.x.T + COMBINATION * self.same)
        return WIDE**2 + effects + noise**2 * np.eye(len(self.y))

    def _log_likelihood(self, scale: float, noise: float) -> float:
        covariance, y = self._covariance(scale, noise), self.y - self.center
        return float(-0.5 * y @ np.linalg.solve(covariance, y) - 0.5 * np.linalg.slogdet(covariance)[1])

    def gains(self, points: Sequence[Point]) -> Array:
        """Return the estimated difference of each point to the defaults."""
        every = [*points, self.space.default]
        same = np.array([[float(key_of(point) == key) for key in self.keys] for point in every])
        cross = WIDE**2 + self.scale**2 * (self._features(every) @ self.x.T + COMBINATION * same)
        means = cross @ self.solved @ (self.y - self.center)
        gains: Array = means[:-1] - means[-1]
        return gains

    def _posterior(self) -> tuple[Array, Array]:
        """Mean and covariance of the effects of all changes."""
        cross = self.scale**2 * self.x.T
        mean = cross @ self.solved @ (self.y - self.center)
        covariance = self.scale**2 * np.eye(len(mean)) - cross @ self.solved @ cross.T
        return mean, covariance

    def table(self) -> list[Effect]:
        """Return the effects, largest first."""
        mean, covariance = self._posterior()
        errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        counts = self.x.sum(axis=0).astype(int)
        found = [
            Effect(name, value, float(gain), float(error), int(count))
            for (name, value), gain, error, count in zip(self.space.changes, mean, errors, counts, strict=True)
        ]
        return sorted(found, key=lambda each: -abs(each.gain))

    def best_combination(self, seed: int | None = None) -> Point:
        """Return the point with the best value of each setting, as far as training does not take too long.

        Args:
            seed: random seed with which effects are drawn from their distribution (Thompson 1933), so that uncertain
                ones are tried too. None: the estimates themselves.
        """
        effects, covariance = self._posterior()
        if seed is not None:
            draw = np.random.default_rng([seed, 13])
            effects = draw.multivariate_normal(effects, covariance, method="eigh")
        point = dict(self.space.default)
        order = np.argsort(-effects, kind="stable").tolist()
        for (name, value), effect in ((self.space.changes[index], effects[index]) for index in order):
            changed = {**point, name: value}
            if effect > 0 and point[name] is None and self.space.allows(changed):
                point = changed
        return point
