"""Linear probes: how much of something a linear map can predict from a hidden state.

A probe is fitted to some sums and evaluated on others (Alain and Bengio 2017). It shows what can be read from a state,
not what the model uses; and information that no linear map finds may still be there in another form.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from henkan.text.arrays import Array

PENALTY = 1e-3
"""Ridge penalty, relative to the mean variance of a feature; large enough for linearly dependent features."""


def ridge(features: Array, targets: Array, penalty: float = PENALTY) -> Callable[[Array], Array]:
    """Ridge regression in closed form, with an unpenalized intercept (Hoerl and Kennard 1970).

        W = (X'X + penalty N s I)^-1 X'Y,    X and Y centred, s the mean variance of the columns of X

    Args:
        features: (N, H). targets: (N, K).
        penalty: see `PENALTY`.

    Returns:
        features (M, H) -> predictions (M, K).
    """
    features, targets = features.astype(np.float64), targets.astype(np.float64)
    feature_means, target_means = features.mean(axis=0), targets.mean(axis=0)
    X, Y = features - feature_means, targets - target_means
    gram = X.T @ X
    W = np.linalg.solve(gram + _shrinkage(gram, penalty), X.T @ Y)

    def predict(others: Array) -> Array:
        predictions: Array = (others - feature_means) @ W + target_means
        return predictions

    return predict


def share_explained(train: tuple[Array, Array], held_out: tuple[Array, Array]) -> tuple[float, float]:
    """Explained variance of a ridge regression: R^2 on held-out rows.

    The squared errors of all K targets together, divided by their squared distances from the mean. Each target has a
    weight in proportion to its variance, so that nearly constant targets do not distort the result.

    Args:
        train: features (N, H) and targets (N, K) to fit the regression to.
        held_out: features (M, H) and targets (M, K).

    Returns:
        R^2, 1 for a perfect prediction and 0 or slightly less for an uninformative one; and its standard error over
        the held-out rows, that of a ratio of two means (Cochran 1977, section 2.11). Both are 0 for constant targets.
    """
    features, targets = held_out
    errors = ((ridge(*train)(features) - targets) ** 2).sum(axis=1)
    spreads = ((targets - targets.mean(axis=0)) ** 2).sum(axis=1)
    spread = spreads.mean()
    if not spread:
        return 0.0, 0.0
    ratio = errors.mean() / spread
    _, error = mean_and_error((errors - ratio * spreads) / spread)
    return float(1 - ratio), error


def classify(train: tuple[Array, Array], features: Array, penalty: float = PENALTY) -> Array:
    """Linear discriminant analysis: classes with their own means and a common covariance.

        score_c(x) = x' S^-1 m_c - m_c' S^-1 m_c / 2 + log p_c

    with S the within-class covariance plus penalty times its mean diagonal (Friedman 1989). Regression to one-hot
    labels is linear too, but where class means lie on a line, as those of digits may, the outer classes mask the inner
    ones (Hastie, Tibshirani and Friedman 2009, section 4.2).

    Args:
        train: features (N, H) and classes (N,) to fit to.
        features: (M, H) to classify.
        penalty: see `PENALTY`.

    Returns:
        (M,) predicted classes.
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
    predictions: Array = classes[(features @ W + b).argmax(axis=1)]
    return predictions


def _shrinkage(matrix: Array, penalty: float) -> Array:
    """What is added to a Gram matrix to make it invertible; positive even if all features are constant."""
    mean = matrix.trace() / max(1, len(matrix))
    return (penalty * mean or 1.0) * np.eye(len(matrix))


def mean_and_error(values: Array) -> tuple[float, float]:
    """Mean and standard error; 0 where there are too few values."""
    n = len(values)
    return float(values.mean()) if n else 0.0, float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
