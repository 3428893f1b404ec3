"""What keeps a model from learning its training pairs by heart: dropout and label smoothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from henkan.nn.parameters import Array


@dataclass(frozen=True)
class Regularization:
    """How much of each, in training.

    Attributes:
        dropout: share of the numbers that one layer hands to the next, and to attention and the output layer, that
            are set to zero.
        embedding_dropout: share of the numbers of the embeddings likewise.
        label_smoothing: share of the target's probability that is spread evenly over all symbols (Szegedy et al. 2016).
        generator: draws what is set to zero; None sets nothing.
    """

    dropout: float = 0.0
    embedding_dropout: float = 0.0
    label_smoothing: float = 0.0
    generator: np.random.Generator | None = None


NONE = Regularization()


def dropout(x: Array, rate: float, generator: np.random.Generator | None) -> tuple[Array, Callable[[Array], Array]]:
    """Set a share of the numbers to zero and enlarge the others, so that the mean stays (Srivastava et al. 2014).

    What is set to zero is the same at every step of a sequence (Gal & Ghahramani 2016): the first of three axes is
    time.

    Args:
        x: (T, N, D), or (V, D) for a table of embeddings. rate: from 0 to below 1.
        generator: draws; None sets nothing.

    Returns:
        y, shaped like x, and backward: dy -> dx.
    """
    if rate == 0 or generator is None:
        return x, lambda dy: dy
    mask = (generator.random(x.shape[-2:], np.float32) >= rate).astype(x.dtype)
    mask /= 1 - rate
    return x * mask, lambda dy: dy * mask
