"""Linear probes: how much of something can be read off a hidden state by a linear map alone.

A probe is fitted to some sums and asked about others (Alain and Bengio 2017). It tells what can be read, not what the
model itself makes use of; and what no linear map finds may still be there in another form.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from henkan.text.arrays import Array

PENALTY = 1e-3
"""Ridge penalty, as a share of the mean variance of a feature: enough for features that are sums of others."""


def ridge(features: Array, wanted: Array, penalty: float = PENALTY) -> Callable[[Array], Array]:
    """Ridge regression with an intercept that is not shrunk, in closed form (Hoerl and Kennard 1970).

        W = (X'X + penalty N s I)^-1 X'Y,    X and Y less their means, s the mean variance of X's columns

    Args:
        features: (N, H). wanted: (N, K).
        penalty: see `PENALTY`.

    Returns:
        features (M, H) -> predictions (M, K).
    """
    features, wanted = features.astype(np.float64), wanted.astype(np.float64)
    middle, height = features.mean(axis=0), wanted.mean(axis=0)
    X, Y = features - middle, wanted - height
    gram = X.T @ X
    W = np.linalg.solve(gram + _shrinkage(gram, penalty), X.T @ Y)

    def predict(others: Array) -> Array:
        predictions: Array = (others - middle) @ W + height
        return predictions

    return predict


def share_explained(train: tuple[Array, Array], held_out: tuple[Array, Array]) -> tuple[float, float]:
    """How much of the variance of some numbers can be read off some features: R^2 on held-out rows.

    The squared errors of all K numbers together over their squared distances from their mean. So each number counts as
    much as it varies, and those that hardly do cannot spoil the result.

    Args:
        train: features (N, H) and numbers (N, K) to fit a ridge regression to.
        held_out: features (M, H) and numbers (M, K).

    Returns:
        1 if all is there, 0 or a little less if nothing is; and its standard error over the held-out rows, as of a
        ratio of two means (Cochran 1977, section 2.11). Both 0 where the numbers never vary.
    """
    features, wanted = held_out
    errors = ((ridge(*train)(features) - wanted) ** 2).sum(axis=1)
    spreads = ((wanted - wanted.mean(axis=0)) ** 2).sum(axis=1)
    spread = spreads.mean()
    if not spread:
        return 0.0, 0.0
    ratio = errors.mean() / spread
    _, error = mean_and_error((errors - ratio * spreads) / spread)
    return float(1 - ratio), error


def classify(train: tuple[Array, Array], features: Array, penalty: float = PENALTY) -> Array:
    """Classes read off features by linear discriminant analysis: each class a mean, all of them one covariance.

        score_c(x) = x' S^-1 m_c - m_c' S^-1 m_c / 2 + log p_c

    with S the covariance within classes plus penalty times its mean diagonal (Friedman 1989). Regression to one-hot
    labels would be as linear, but where classes lie in a row, as digits like to, the outer ones hide those between
    them (Hastie, Tibshirani and Friedman 2009, section 4.2); means of their own cannot be hidden.

    Args:
        train: features (N, H) and classes (N,) to fit to.
        features: (M, H).
        penalty: see `PENALTY`.

    Returns:
        (M,) classes.
    """
    X, (classes, places, counts) = (
        train[0].astype(np.float64),
        np.unique(train[1], return_inverse=True, return_counts=True),
    )
    members = np.eye(len(classes))[places]
    means = members.T @ X / counts[:, None]
    within = X - means[places]
    covariance = within.T @ within / len(X)
    covariance += _shrinkage(covariance, penalty)
    W = np.linalg.solve(covariance, means.T)
    b = np.log(counts / len(X)) - (means * W.T).sum(axis=1) / 2
    guesses: Array = classes[(features @ W + b).argmax(axis=1)]
    return guesses


def _shrinkage(matrix: Array, penalty: float) -> Array:
    """What is added to a matrix of products so that it can be inverted; features that never vary need something too."""
    mean = matrix.trace() / max(1, len(matrix))
    return (penalty * mean or 1.0) * np.eye(len(matrix))


def mean_and_error(values: Array) -> tuple[float, float]:
    """A mean and its standard error, 0 where there are too few values for it."""
    n = len(values)
    return float(values.mean()) if n else 0.0, float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
