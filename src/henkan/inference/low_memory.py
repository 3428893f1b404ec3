"""Computes batches of sources even if memory runs out for some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from henkan.batching.batch import Sources
from henkan.engine.base import Predictor
from henkan.text.arrays import Array


def compute_batches(
    model: Predictor, compute: Callable[[Array, Sources], None], batches: Iterable[tuple[Array, Sources]]
) -> list[int]:
    """Compute batches with the threads of the model's session.

    If memory runs out for a batch, it is computed again after the others, when no other thread needs memory, and if
    necessary in halves.

    Args:
        model: the model.
        compute: function of the rows (N,) and the sources of a batch. It may be called again if it raises MemoryError.
        batches: rows and sources of each batch.

    Returns:
        the rows of the sources for which there is not enough memory even if they are computed alone.
    """
    failed: list[tuple[Array, Sources]] = []

    def attempt(batch: tuple[Array, Sources]) -> None:
        try:
            compute(*batch)
        except MemoryError:
            failed.append(batch)

    for _ in model.map(attempt, batches):
        pass  # to have them all computed, and their errors raised
    again, failed, too_large = failed, [], []
    for batch in again:
        attempt(batch)
    while failed:
        rows, sources = failed.pop()
        if len(rows) == 1:
            too_large.append(int(rows[0]))
            continue
        longer, shorter = sources.halves()
        middle = longer.ids.shape[1]
        attempt((rows[:middle], longer))
        attempt((rows[middle:], shorter))
    return too_large
