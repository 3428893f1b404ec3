"""Search: from encoded sources to predicted symbols, with any model. Greedy search, beam search, and scoring.

A search knows the model's `step` and the target codec. It advances an opaque state and asks the codec whether an output
is complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from henkan.engine.base import Encoded, Predictor, StepOutput
from henkan.model.codec import TargetCodec
from henkan.nn import log_softmax
from henkan.text.arrays import Array


@dataclass(frozen=True)
class Hypothesis:
    """One output for one source.

    Attributes:
        symbols: the predicted symbols, with the one that completes the output.
        log_probability: in nats.
        complete: whether the model completed the output; else the step limit cut it off.
        attended: for each symbol, the source step with the largest attention weight; empty without attention.
        calibrated: log-probability at each of the temperatures that were asked for.
    """

    symbols: Sequence[int]
    log_probability: float
    complete: bool
    attended: Sequence[int] = ()
    calibrated: Sequence[float] = ()


def greedy(
    model: Predictor, encoded: Encoded, codec: TargetCodec, *, temperatures: Sequence[float] = ()
) -> list[Hypothesis]:
    """Choose the most probable symbol at every step.

    Args:
        model: predicts the next symbol.
        encoded: N sources.
        codec: says where outputs start and end.
        temperatures: also accumulate the log-probability at each of these; see `score`.

    Returns:
        an output for each source, in their order.
    """
    memory, state, N = encoded.memory, encoded.state, encoded.count
    scores, calibrated = np.zeros(N), np.zeros((len(temperatures), N))
    complete = np.full(N, codec.fixed_length)
    rows = np.arange(N)  # of the outputs that are not complete
    symbols = np.full(N, codec.start)
    taken: list[tuple[Array, Array]] = []  # the rows of each step, and their symbols
    attended: list[tuple[Array, Array]] = []
    for _ in range(codec.max_steps(encoded.steps)):
        output = _step(model, memory, state, symbols, codec)
        symbols, state = output.log_probabilities.argmax(axis=1), output.state
        scores[rows] += output.log_probabilities[np.arange(len(rows)), symbols]
        for k, logs in enumerate(_at_temperatures(output.log_probabilities, temperatures)):
            calibrated[k, rows] += logs[np.arange(len(rows)), symbols]
        taken.append((rows, symbols))
        if output.attention is not None and encoded.steps:
            attended.append((rows, output.attention.argmax(axis=1)))
        done = codec.is_complete(symbols)
        if done.any():  # complete outputs leave the batch
            complete[rows[done]] = True
            rows, symbols = rows[~done], symbols[~done]
            if not len(rows):
                break
            memory, state = memory.take(~done), state.take(~done)
    at_temperatures = calibrated.T.tolist() if temperatures else [()] * N
    columns = _by_row(taken, N), scores.tolist(), complete.tolist(), _by_row(attended, N), at_temperatures
    return [Hypothesis(*parts) for parts in zip(*columns, strict=True)]


def _by_row(steps: Sequence[tuple[Array, Array]], N: int) -> Sequence[Sequence[int]]:
    """The values of each of N rows, from the rows and values of each step."""
    if not steps:
        return [()] * N
    table, lengths = np.zeros((N, len(steps)), int), np.zeros(N, int)
    for t, (rows, values) in enumerate(steps):
        table[rows, t] = values
        lengths[rows] = t + 1
    return [row[:length] for row, length in zip(table.tolist(), lengths.tolist(), strict=True)]


@dataclass
class _Beams:
    """The unfinished hypotheses of a beam search: B for each of n sources.

    Attributes:
        rows: (n,) which sources.
        scores: (n, B) log-probabilities. calibrated: (n, B, K) the same at each temperature.
        symbols: (n, B, t) so far. attended: (n, B, t), or (n, B, 0) without attention.
    """

    rows: Array
    scores: Array
    calibrated: Array
    symbols: Array
    attended: Array

    def select(self, going: Array | slice, kept: Array) -> None:
        """Keep some sources, and some hypotheses (n', B') of each of these."""
        self.rows = self.rows[going]
        for name in ("scores", "calibrated", "symbols", "attended"):
            array = getattr(self, name)[going]
            setattr(self, name, np.take_along_axis(array, kept.reshape(*kept.shape, *[1] * (array.ndim - 2)), axis=1))


def beam(
    model: Predictor, encoded: Encoded, codec: TargetCodec, *, width: int, temperatures: Sequence[float] = ()
) -> list[list[Hypothesis]]:
    """Beam search: follow the `width` best hypotheses at every step.

    Hypotheses are ranked by their log-probability divided by their number of symbols: sums of log-probabilities alone
    favour short outputs (Wu et al. 2016). A source is done when `width` hypotheses are complete and no other can
    overtake them.

    Args:
        model, encoded, codec, temperatures: as in `greedy`.
        width: beam width, at least 1.

    Returns:
        for each source, in their order, up to `width` different outputs, the best first.
    """
    N, limit = encoded.count, codec.max_steps(encoded.steps)
    memory, state = encoded.memory, encoded.state
    found: list[list[Hypothesis]] = [[] for _ in range(N)]
    empty = np.empty((N, 1, 0), int)  # at first there is one hypothesis for each source
    beams = _Beams(np.arange(N), np.zeros((N, 1)), np.zeros((N, 1, len(temperatures))), empty, empty)
    last = np.full(N, codec.start)
    for step in range(1, limit + 1):
        output = _step(model, memory, state, last, codec)
        parents = _extend(beams, output, temperatures, width, attention=encoded.steps > 0)
        tokens = beams.symbols[..., -1]
        ends = codec.is_complete(tokens.reshape(-1)).reshape(tokens.shape)
        # An output counts if it is among the best `width`, or if the limit is reached.
        collected = (ends & (np.arange(tokens.shape[1]) < width)) | ((step == limit) & ~ends)
        for n, k in np.argwhere(collected & np.isfinite(beams.scores)).tolist():
            found[beams.rows[n]].append(_hypothesis(beams, n, k, complete=bool(ends[n, k]) or codec.fixed_length))
        if step == limit:
            break
        # Short outputs of tiny probability end early: a source is done when no other hypothesis can be better.
        beams.scores = np.where(ends, -np.inf, beams.scores)
        hopes = beams.scores.max(axis=1) / (step + 1)
        going = np.array([not _enough(found[row], hope, width) for row, hope in zip(beams.rows, hopes, strict=True)])
        if not going.any():
            break
        kept = np.argsort(ends, axis=1, kind="stable")[going, :width]  # the first `width` that have not ended
        places = np.flatnonzero(going)[:, None] * parents[1] + np.take_along_axis(parents[0][going], kept, axis=1)
        beams.select(going, kept)
        memory, state = memory.take(places.reshape(-1)), output.state.take(places.reshape(-1))
        last = beams.symbols[..., -1].reshape(-1)
    nothing = Hypothesis([], 0.0, complete=True, calibrated=[0.0] * len(temperatures))  # if the limit is no step at all
    return [sorted(each, key=_rank)[:width] or [nothing] for each in found]


def _extend(
    beams: _Beams, output: StepOutput, temperatures: Sequence[float], width: int, *, attention: bool
) -> tuple[Array, int]:
    """Replace hypotheses by the best 2 `width` of their extensions.

    Of twice as many candidates at most half are ends, so enough remain.

    Returns:
        (n, 2 width) which hypothesis each is an extension of, and how many there were for each source.
    """
    n, B = beams.scores.shape
    V = output.log_probabilities.shape[1]
    totals = (beams.scores[..., None] + output.log_probabilities.reshape(n, B, V)).reshape(n, -1)
    best = np.argsort(-totals, axis=1, kind="stable")[:, : 2 * width]
    parents, tokens = np.divmod(best, V)
    beams.select(slice(None), parents)
    beams.scores = np.take_along_axis(totals, best, axis=1)
    for k, logs in enumerate(_at_temperatures(output.log_probabilities, temperatures)):
        beams.calibrated[..., k] += np.take_along_axis(logs.reshape(n, -1), best, axis=1)
    beams.symbols = np.concatenate([beams.symbols, tokens[..., None]], axis=2)
    if output.attention is not None and attention:
        newest = np.take_along_axis(output.attention.argmax(axis=1).reshape(n, B), parents, axis=1)
        beams.attended = np.concatenate([beams.attended, newest[..., None]], axis=2)
    return parents, B


def _hypothesis(beams: _Beams, n: int, k: int, *, complete: bool) -> Hypothesis:
    symbols, attended = beams.symbols[n, k].tolist(), beams.attended[n, k].tolist()
    return Hypothesis(symbols, float(beams.scores[n, k]), complete, attended, beams.calibrated[n, k].tolist())


def _rank(hypothesis: Hypothesis) -> float:
    return -hypothesis.log_probability / max(1, len(hypothesis.symbols))


def _enough(found: list[Hypothesis], hope: float, width: int) -> bool:
    """Whether the best `width` outputs are better than what can still come; the others are dropped."""
    found.sort(key=_rank)
    del found[width:]
    return len(found) == width and -_rank(found[-1]) >= hope


def _step(model: Predictor, memory: object, state: object, symbols: Array, codec: TargetCodec) -> StepOutput:
    """A step's output, without the symbols that must not be chosen."""
    output = model.step(memory, state, symbols)
    if codec.forbidden:
        output.log_probabilities[:, codec.forbidden] = -np.inf
    return output


def _at_temperatures(log_probabilities: Array, temperatures: Sequence[float]) -> Iterator[Array]:
    """The log-probabilities with logits divided by each temperature (Guo et al. 2017)."""
    for temperature in temperatures:
        yield log_probabilities if temperature == 1 else log_softmax(log_probabilities / temperature)


@dataclass(frozen=True)
class TraceStep:
    """What a model predicts at one step of given outputs.

    Attributes:
        rows: (n,) the outputs that reach the step.
        symbols: (n,) their symbols there.
        log_probabilities: (n, V) of all symbols.
        attention: (n, S), or None.
    """

    rows: Array
    symbols: Array
    log_probabilities: Array
    attention: Array | None


def trace(
    model: Predictor, encoded: Encoded, codec: TargetCodec, outputs: Sequence[Sequence[int]]
) -> Iterator[TraceStep]:
    """What a model predicts at each step of given outputs.

    Args:
        model, encoded, codec: as in `greedy`.
        outputs: the symbols of an output for each source, with the one that completes it.
    """
    memory, state = encoded.memory, encoded.state
    lengths = np.array([len(output) for output in outputs], int)
    width = int(lengths.max(initial=0))
    symbols = np.full((len(outputs), width + 1), codec.start)
    for row, output in enumerate(outputs):
        symbols[row, 1 : 1 + len(output)] = output
    rows = np.arange(len(outputs))
    for before, after in pairwise(range(width + 1)):
        going = lengths[rows] >= after
        if not going.all():
            rows, memory, state = rows[going], memory.take(going), state.take(going)
        found = _step(model, memory, state, symbols[rows, before], codec)
        state = found.state
        yield TraceStep(rows, symbols[rows, after], found.log_probabilities, found.attention)


def score(
    model: Predictor,
    encoded: Encoded,
    codec: TargetCodec,
    outputs: Sequence[Sequence[int]],
    *,
    temperatures: Sequence[float] = (1.0,),
) -> Array:
    """The log-probabilities of given outputs: what `greedy` would report if it had chosen them.

    Args:
        model, encoded, codec, outputs: as in `trace`.
        temperatures: logits are divided by each of these; values above 1 make all probabilities more alike (Guo et al.
            2017).

    Returns:
        (K, N) in nats, a row for each temperature.
    """
    totals = np.zeros((len(temperatures), len(outputs)))
    for step in trace(model, encoded, codec, outputs):
        for k, logs in enumerate(_at_temperatures(step.log_probabilities, temperatures)):
            totals[k, step.rows] += logs[np.arange(len(step.rows)), step.symbols]
    return totals
