"""From encoded sources to the ids of the answers, by any engine."""

from __future__ import annotations

import numpy as np

from henkan.batch import Array, Sources
from henkan.engine.base import Engine


def greedy(
    engine: Engine, sources: Sources, *, boundary: int, ends: bool, longest: int, many: bool = False
) -> tuple[list[list[int]], Array]:
    """Take the most probable symbol at every step.

    Args:
        engine: the model.
        sources: N sequences.
        boundary: the id that begins every target and, where `ends`, ends it.
        ends: whether the model can end an answer; if not, every one has `longest` symbols.
        many: whether this is one of many batches.
        longest: steps after which decoding stops at the latest, so that no answer is endless.

    Returns:
        for each source in its order, the ids of its answer without boundaries, and (N,) the answers'
        log-probabilities, in nats, the end's included.
    """
    memory, state = engine.encode(sources, many=many)
    N = sources.ids.shape[1]
    answers: list[list[int]] = [[] for _ in range(N)]
    scores = np.zeros(N)
    rows = np.arange(N)  # of those not yet ended
    symbols = np.full(N, boundary)
    for _ in range(longest):
        output = engine.step(memory, state, symbols)
        symbols, state = output.log_probabilities.argmax(axis=1), output.state
        scores[rows] += output.log_probabilities[np.arange(len(rows)), symbols]
        if ends:
            going = symbols != boundary
            if not going.all():  # answered rows leave the batch
                rows, symbols = rows[going], symbols[going]
                if not len(rows):
                    break
                memory, state = memory.take(going), state.take(going)
        for row, symbol in zip(rows.tolist(), symbols.tolist(), strict=True):
            answers[row].append(symbol)
    return answers, scores
