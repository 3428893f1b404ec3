"""From encoded sources to the ids of the answers, by any engine: greedy search, beam search, and the reverse of both,
the probability of answers that are given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from henkan.batching.batch import Sources
from henkan.engine.base import Predictor, StepOutput
from henkan.nn import log_softmax
from henkan.text.arrays import Array


@dataclass(frozen=True)
class Hypothesis:
    """One answer to one source.

    Attributes:
        ids: of its symbols, without boundaries.
        log_probability: in nats, the end's included.
        ended: whether the model ended it; else it was cut off.
        looked_at: for each symbol the step of the encoder to which attention gave most weight; empty without attention.
    """

    ids: Sequence[int]
    log_probability: float
    ended: bool
    looked_at: Sequence[int] = ()


@dataclass(frozen=True)
class Bounds:
    """Where answers begin and end.

    Attributes:
        boundary: the id that begins every target and, where `ends`, ends it.
        ends: whether the model can end an answer; if not, every one has `longest` symbols.
        longest: steps after which decoding stops at the latest, so that no answer is endless.
    """

    boundary: int
    ends: bool
    longest: int


def greedy(engine: Predictor, sources: Sources, bounds: Bounds, *, many: bool = False) -> list[Hypothesis]:
    """Take the most probable symbol at every step.

    Args:
        engine: the model.
        sources: N sequences.
        bounds: where answers begin and end.
        many: whether this is one of many batches.

    Returns:
        an answer for each source, in their order.
    """
    memory, state = engine.encode(sources, many=many)
    N = sources.ids.shape[1]
    answers: list[list[int]] = [[] for _ in range(N)]
    looked_at: list[list[int]] = [[] for _ in range(N)]
    scores, ended = np.zeros(N), np.full(N, not bounds.ends)
    rows = np.arange(N)  # of those not yet ended
    symbols = np.full(N, bounds.boundary)
    for _ in range(bounds.longest):
        output = _within(engine.step(memory, state, symbols), bounds)
        symbols, state = output.log_probabilities.argmax(axis=1), output.state
        scores[rows] += output.log_probabilities[np.arange(len(rows)), symbols]
        looks = None if output.attention is None else output.attention.argmax(axis=1) if sources.ids.size else None
        if bounds.ends:
            going = symbols != bounds.boundary
            if not going.all():  # answered rows leave the batch
                ended[rows[~going]] = True
                rows, symbols = rows[going], symbols[going]
                if not len(rows):
                    break
                memory, state = memory.take(going), state.take(going)
                looks = None if looks is None else looks[going]
        for row, symbol in zip(rows.tolist(), symbols.tolist(), strict=True):
            answers[row].append(symbol)
        if looks is not None:
            for row, look in zip(rows.tolist(), looks.tolist(), strict=True):
                looked_at[row].append(look)
    return [Hypothesis(*parts) for parts in zip(answers, scores.tolist(), ended.tolist(), looked_at, strict=True)]


def beam(
    engine: Predictor, sources: Sources, bounds: Bounds, *, width: int, length_power: float = 1.0, many: bool = False
) -> list[list[Hypothesis]]:
    """Follow the `width` best beginnings at every step.

    Answers are ranked by their log-probability divided by their number of symbols, the end included, to the power of
    `length_power`: sums of log-probabilities alone favour short ones (Wu et al. 2016). A source is done when as many
    answers have ended as are followed, and no beginning is better than they are.

    Args:
        engine: the model.
        sources: N sequences.
        bounds: where answers begin and end.
        width: beginnings that are followed, at least 1.
        length_power: 0 for the log-probability itself, 1 for that of a symbol.
        many: whether this is one of many batches.

    Returns:
        for each source in their order, up to `width` different answers, the best first.
    """

    def rank(hypothesis: Hypothesis) -> float:
        return float(-hypothesis.log_probability / max(1, len(hypothesis.ids) + hypothesis.ended) ** length_power)

    N = sources.ids.shape[1]
    memory, state = engine.encode(sources, many=many)
    found: list[list[Hypothesis]] = [[] for _ in range(N)]
    rows = np.arange(N)  # sources that are not done
    beams = 1  # at first all beginnings of a source are the same
    symbols, scores = np.full(N, bounds.boundary), np.zeros((N, 1))
    prefixes, looked_at = np.empty((N, 1, 0), int), np.empty((N, 1, 0), int)
    for step in range(bounds.longest):
        output = _within(engine.step(memory, state, symbols), bounds)
        V = output.log_probabilities.shape[1]
        totals = (scores[..., None] + output.log_probabilities.reshape(len(rows), beams, V)).reshape(len(rows), -1)
        # Of twice as many candidates at most half are ends: enough beginnings are left.
        best = np.argsort(-totals, axis=1, kind="stable")[:, : 2 * width]
        scores = np.take_along_axis(totals, best, axis=1)
        parents, tokens = np.divmod(best, V)
        history = np.take_along_axis(prefixes, parents[..., None], axis=1)
        looks = np.take_along_axis(looked_at, parents[..., None], axis=1)
        if output.attention is not None and sources.ids.size:
            newest = output.attention.argmax(axis=1).reshape(len(rows), beams)
            looks = np.concatenate([looks, np.take_along_axis(newest, parents, axis=1)[..., None]], axis=2)
        ends = (tokens == bounds.boundary) & bounds.ends
        last = step + 1 == bounds.longest
        # An answer has ended if it is among the best, or if time is up.
        collected = (ends & (np.arange(best.shape[1]) < width)) | (last & ~ends)
        for n, k in np.argwhere(collected & np.isfinite(scores)).tolist():
            end = bool(ends[n, k])
            ids = [*history[n, k].tolist(), *([] if end else [int(tokens[n, k])])]
            where = looks[n, k].tolist()[: len(ids)]
            found[rows[n]].append(Hypothesis(ids, float(scores[n, k]), end or not bounds.ends, where))
        if last:
            break
        # Short answers of next to no probability end early: a source is done when what goes on is worse than they.
        hopes = np.where(ends, -np.inf, scores).max(axis=1) / (step + 2) ** length_power
        going = np.array([not _enough(found[row], hope, rank, width) for row, hope in zip(rows, hopes, strict=True)])
        if not going.any():
            break
        # The first `width` that have not ended go on.
        kept = np.argsort(ends, axis=1, kind="stable")[going, :width]
        scores = np.where(ends, -np.inf, scores)[going]
        scores, tokens, parents = (
            np.take_along_axis(part, kept, axis=1) for part in (scores, tokens[going], parents[going])
        )
        prefixes = np.concatenate(
            [np.take_along_axis(history[going], kept[..., None], axis=1), tokens[..., None]], axis=2
        )
        looked_at = np.take_along_axis(looks[going], kept[..., None], axis=1)
        places = (np.flatnonzero(going)[:, None] * beams + parents).reshape(-1)
        memory, state = memory.take(places), output.state.take(places)
        rows, beams, symbols = rows[going], kept.shape[1], tokens.reshape(-1)

    nothing = Hypothesis([], 0.0, ended=True)  # where even the longest answer has no symbols
    return [sorted(each, key=rank)[:width] or [nothing] for each in found]


def _within(output: StepOutput, bounds: Bounds) -> StepOutput:
    """A step's output; where answers cannot end, without the end."""
    if not bounds.ends:
        output.log_probabilities[:, bounds.boundary] = -np.inf
    return output


def _enough(found: list[Hypothesis], hope: float, rank: Callable[[Hypothesis], float], width: int) -> bool:
    """Whether the best `width` answers are better than what goes on; the others are dropped."""
    found.sort(key=rank)
    del found[width:]
    return len(found) == width and -rank(found[-1]) >= hope


def score(
    engine: Predictor,
    sources: Sources,
    answers: Sequence[Sequence[int]],
    bounds: Bounds,
    *,
    temperatures: Sequence[float] = (1.0,),
) -> Array:
    """The log-probability of given answers, the end included: what `greedy` would have found had it taken them.

    Args:
        engine: the model.
        sources: N sequences.
        answers: the ids of an answer to each, without boundaries.
        bounds: where answers begin and end.
        temperatures: by each of these the logits are divided first; above 1 they make all probabilities more alike
            (Guo et al. 2017).

    Returns:
        (K, N) in nats, a row for each temperature.
    """
    steps = trace(engine, sources, answers, bounds)
    totals = np.zeros((len(temperatures), len(answers)))
    for rows, symbols, log_probabilities, _ in steps:
        for k, temperature in enumerate(temperatures):
            logs = log_probabilities if temperature == 1 else log_softmax(log_probabilities / temperature)
            totals[k, rows] += logs[np.arange(len(rows)), symbols]
    return totals


def trace(
    engine: Predictor, sources: Sources, answers: Sequence[Sequence[int]], bounds: Bounds
) -> list[tuple[Array, Array, Array, Array | None]]:
    """What the model thinks at each step of given answers.

    Returns:
        for each step: the rows (n,) of the answers that reach it, their symbols there (n,), the log-probabilities of
        all symbols (n, V), and attention's weights over the encoder's steps (n, S), or None.
    """
    memory, state = engine.encode(sources)
    lengths = np.array([len(answer) + bounds.ends for answer in answers])
    width = int(lengths.max(initial=0))
    symbols = np.full((len(answers), width + 1), bounds.boundary)
    for row, answer in enumerate(answers):
        symbols[row, 1 : 1 + len(answer)] = answer
    rows, steps = np.arange(len(answers)), []
    for before, after in pairwise(range(width + 1)):
        going = lengths[rows] >= after
        if not going.all():
            rows, memory, state = rows[going], memory.take(going), state.take(going)
        output = _within(engine.step(memory, state, symbols[rows, before]), bounds)
        state = output.state
        steps.append((rows, symbols[rows, after], output.log_probabilities, output.attention))
    return steps
