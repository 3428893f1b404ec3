"""Greedy search, beam search and scoring, for any model.

Search only uses the model's `step`, with an opaque state, and the target codec, which decides whether an output is
complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from henkan.engine.base import Encoded, GreedyOptions, GreedyOutputs, Predictor, StepOutput
from henkan.model.codec import TargetCodec
from henkan.model.rules import OutputRules, Progress
from henkan.nn import log_softmax
from henkan.text.arrays import Array


class Hypothesis(NamedTuple):
    """One output for one source.

    Attributes:
        symbols: the predicted symbols, including the end symbol.
        log_probability: log-probability in nats; minus infinity if the rules allow no output.
        complete: whether the model completed the output before the step limit.
        attended: for each symbol, the source step with the largest attention weight; empty without attention.
        calibrated: log-probability in nats at each of the given temperatures.
    """

    symbols: Sequence[int]
    log_probability: float
    complete: bool
    attended: Sequence[int] = ()
    calibrated: Sequence[float] = ()


def greedy(
    model: Predictor,
    encoded: Encoded,
    codec: TargetCodec,
    *,
    temperatures: Sequence[float] = (),
    rules: OutputRules | None = None,
) -> list[Hypothesis]:
    """Choose the most probable symbol at every step; see `greedy_outputs`."""
    found = greedy_outputs(model, encoded, codec, temperatures=temperatures, rules=rules)
    logs, lengths, width = found.log_probabilities, found.lengths.tolist(), int(found.lengths.max(initial=0))
    symbols, attended = (
        [()] * len(lengths)
        if array is None
        else [row[:length] for row, length in zip(array[:, :width].tolist(), lengths, strict=True)]
        for array in (found.symbols, found.attended)
    )
    columns = symbols, logs[:, 0].tolist(), found.complete.tolist(), attended, logs[:, 1:].tolist()
    return [Hypothesis(*parts) for parts in zip(*columns, strict=True)]


def greedy_outputs(
    model: Predictor,
    encoded: Encoded,
    codec: TargetCodec,
    *,
    temperatures: Sequence[float] = (),
    rules: OutputRules | None = None,
) -> GreedyOutputs:
    """Choose the most probable symbol at every step.

    Args:
        model: the model.
        encoded: N encoded sources.
        codec: the target codec of the model.
        temperatures: temperatures at which to compute the log-probability in addition; see `score`.
        rules: what the outputs may write; None: anything. Probabilities do not depend on the rules.

    Returns:
        one output for each source, in the same order.
    """
    limit = codec.max_steps(encoded.steps)
    if encoded.greedy is not None:
        found = encoded.greedy(GreedyOptions(codec.start, codec.end, limit, codec.forbidden, temperatures, rules))
        if found is not None:
            return found
    memory, state, N = encoded.memory, encoded.state, encoded.count
    logs = np.zeros((N, 1 + len(temperatures)))
    complete = np.full(N, codec.fixed_length)
    rows = np.arange(N)  # outputs that are not complete
    last = np.full(N, codec.start)
    symbols, attended, lengths = np.zeros((N, limit), int), np.zeros((N, limit), int), np.zeros(N, int)
    attends, progress = False, None if rules is None else rules.start()
    for step in range(limit):
        output = _step(model, memory, state, last, codec)
        if rules is not None and progress is not None:
            last, progress, stuck = _choose_allowed(output, rules, progress, limit - step)
            logs[rows[stuck]] = -np.inf
        else:
            last, stuck = output.log_probabilities.argmax(axis=1), np.zeros(len(rows), bool)
        state = output.state
        for k, at in enumerate(_at_temperatures(output.log_probabilities, (1.0, *temperatures))):
            logs[rows, k] += at[np.arange(len(rows)), last]
        symbols[rows, step], lengths[rows] = last, step + ~stuck
        if output.attention is not None and encoded.steps:
            attended[rows, step], attends = output.attention.argmax(axis=1), True
        ended = codec.is_complete(last) & ~stuck
        complete[rows[ended]], complete[rows[stuck]] = True, False
        done = ended | stuck
        if done.any():  # complete outputs leave the batch
            rows, last = rows[~done], last[~done]
            if not len(rows):
                break
            memory, state = memory.take(~done), state.take(~done)
            progress = None if progress is None else progress.take(~done)
    return GreedyOutputs(symbols, lengths, logs, complete, attended if attends else None)


def _choose_allowed(
    output: StepOutput, rules: OutputRules, progress: Progress, left: int
) -> tuple[Array, Progress, Array]:
    """The most probable allowed symbols (n,), the progress after them, and where no symbol is allowed (n,)."""
    following = rules.following(progress, left)
    last = np.where(following >= 0, output.log_probabilities, -np.inf).argmax(axis=1)
    states = following[np.arange(len(last)), last]
    stuck = (states < 0) | ~np.isfinite(output.log_probabilities[np.arange(len(last)), last])
    return last, progress.after(np.maximum(states, 0), last, rules.moves), stuck


@dataclass
class _Beams:
    """The unfinished hypotheses of a beam search: B for each of n sources.

    Attributes:
        rows: (n,) indices of the sources.
        scores: (n, B) log-probabilities in nats.
        calibrated: (n, B, K) log-probabilities at each temperature.
        symbols: (n, B, t) symbols so far.
        attended: (n, B, t) attended source steps, or (n, B, 0) without attention.
        states, moved: (n, B) as in `Progress`.
    """

    rows: Array
    scores: Array
    calibrated: Array
    symbols: Array
    attended: Array
    states: Array
    moved: Array

    def select(self, sources: Array | slice, kept: Array) -> None:
        """Select sources, and the hypotheses `kept` (n', B') of each of them."""
        self.rows = self.rows[sources]
        for name in ("scores", "calibrated", "symbols", "attended", "states", "moved"):
            array = getattr(self, name)[sources]
            setattr(self, name, np.take_along_axis(array, kept.reshape(*kept.shape, *[1] * (array.ndim - 2)), axis=1))


def beam(
    model: Predictor,
    encoded: Encoded,
    codec: TargetCodec,
    *,
    width: int,
    temperatures: Sequence[float] = (),
    rules: OutputRules | None = None,
) -> list[list[Hypothesis]]:
    """Beam search: keep the `width` best hypotheses at every step.

    Complete hypotheses are ranked by their log-probability divided by their number of symbols, because the plain sum
    favours short outputs (Wu et al. 2016). The search for a source stops when `width` hypotheses are complete and no
    other can be better.

    Args:
        model, encoded, codec, temperatures, rules: as in `greedy_outputs`.
        width: beam width, at least 1.

    Returns:
        for each source, in the same order, up to `width` distinct outputs, best first.
    """
    N, limit = encoded.count, codec.max_steps(encoded.steps)
    memory, state = encoded.memory, encoded.state
    found: list[list[Hypothesis]] = [[] for _ in range(N)]
    empty = np.empty((N, 1, 0), int)  # one initial hypothesis for each source
    zeros = np.zeros((N, 1), int)
    beams = _Beams(np.arange(N), np.zeros((N, 1)), np.zeros((N, 1, len(temperatures))), empty, empty, zeros, zeros)
    last = np.full(N, codec.start)
    for step in range(1, limit + 1):
        output = _step(model, memory, state, last, codec)
        following = None if rules is None else _following(beams, rules, limit + 1 - step)
        parents = _extend(beams, output, temperatures, width, attention=encoded.steps > 0, following=following)
        tokens = beams.symbols[..., -1]
        ends = codec.is_complete(tokens.reshape(-1)).reshape(tokens.shape)
        # Collect outputs that end and are among the best `width`, and at the step limit all outputs.
        collected = (ends & (np.arange(tokens.shape[1]) < width)) | ((step == limit) & ~ends)
        for n, k in np.argwhere(collected & np.isfinite(beams.scores)).tolist():
            found[beams.rows[n]].append(_hypothesis(beams, n, k, complete=bool(ends[n, k]) or codec.fixed_length))
        if step == limit:
            break
        # Short outputs of low probability can end early, so continue until no other hypothesis can be better.
        beams.scores = np.where(ends, -np.inf, beams.scores)
        bounds = beams.scores.max(axis=1) / (step + 1)
        active = np.isfinite(bounds) & np.array(
            [not _is_done(found[row], bound, width) for row, bound in zip(beams.rows, bounds, strict=True)]
        )
        if not active.any():
            break
        kept = np.argsort(ends, axis=1, kind="stable")[active, :width]  # the first `width` that have not ended
        chosen = np.flatnonzero(active)[:, None] * parents[1] + np.take_along_axis(parents[0][active], kept, axis=1)
        beams.select(active, kept)
        memory, state = memory.take(chosen.reshape(-1)), output.state.take(chosen.reshape(-1))
        last = beams.symbols[..., -1].reshape(-1)
        if rules is not None and rules.moves is not None:
            beams.moved = beams.moved + rules.moves[beams.symbols[..., -1]]
    possible = 0.0 if rules is None else -np.inf
    nothing = Hypothesis([], possible, complete=not possible, calibrated=[possible] * len(temperatures))
    return [sorted(each, key=rank)[:width] or [nothing] for each in found]


def _following(beams: _Beams, rules: OutputRules, left: int) -> Array:
    """See `OutputRules.following`; (n B, A)."""
    sources = np.repeat(beams.rows, beams.scores.shape[1])
    return rules.following(Progress(sources, beams.states.reshape(-1), beams.moved.reshape(-1)), left)


def _extend(
    beams: _Beams,
    output: StepOutput,
    temperatures: Sequence[float],
    width: int,
    *,
    attention: bool,
    following: Array | None = None,
) -> tuple[Array, int]:
    """Replace the hypotheses by the best 2 `width` of their extensions by one symbol.

    At most half of the candidates end, because each hypothesis has one extension that ends, so `width` remain.
    `following` has the state after each extension of each hypothesis, or -1; None: all are allowed.

    Returns:
        (n, 2 width) the hypothesis that each extension extends, and the previous number of hypotheses per source.
    """
    n, B = beams.scores.shape
    V = output.log_probabilities.shape[1]
    logs = output.log_probabilities
    logs = logs if following is None else np.where(following >= 0, logs, -np.inf)
    totals = (beams.scores[..., None] + logs.reshape(n, B, V)).reshape(n, -1)
    best = np.argsort(-totals, axis=1, kind="stable")[:, : 2 * width]
    parents, tokens = np.divmod(best, V)
    beams.select(slice(None), parents)
    beams.scores = np.take_along_axis(totals, best, axis=1)
    if following is not None:
        beams.states = np.maximum(np.take_along_axis(following.reshape(n, -1), best, axis=1), 0)
    for k, at in enumerate(_at_temperatures(output.log_probabilities, temperatures)):
        beams.calibrated[..., k] += np.take_along_axis(at.reshape(n, -1), best, axis=1)
    beams.symbols = np.concatenate([beams.symbols, tokens[..., None]], axis=2)
    if output.attention is not None and attention:
        newest = np.take_along_axis(output.attention.argmax(axis=1).reshape(n, B), parents, axis=1)
        beams.attended = np.concatenate([beams.attended, newest[..., None]], axis=2)
    return parents, B


def _hypothesis(beams: _Beams, n: int, k: int, *, complete: bool) -> Hypothesis:
    symbols, attended = beams.symbols[n, k].tolist(), beams.attended[n, k].tolist()
    return Hypothesis(symbols, float(beams.scores[n, k]), complete, attended, beams.calibrated[n, k].tolist())


def rank(hypothesis: Hypothesis) -> float:
    """Sort key: the smaller, the better; see `beam`."""
    return -hypothesis.log_probability / max(1, len(hypothesis.symbols))


def _is_done(found: list[Hypothesis], bound: float, width: int) -> bool:
    """Keep the best `width` outputs; return whether there are `width`, and none can be replaced by a later one."""
    found.sort(key=rank)
    del found[width:]
    return len(found) == width and -rank(found[-1]) >= bound


def _step(model: Predictor, memory: object, state: object, symbols: Array, codec: TargetCodec) -> StepOutput:
    """Run a decoding step, and set the log-probability of forbidden symbols to minus infinity."""
    output = model.step(memory, state, symbols)
    if codec.forbidden:
        output.log_probabilities[:, codec.forbidden] = -np.inf
    return output


def _at_temperatures(log_probabilities: Array, temperatures: Sequence[float]) -> Iterator[Array]:
    """Yield log-probabilities (N, V) with logits divided by each temperature (Guo et al. 2017)."""
    for temperature in temperatures:
        yield log_probabilities if temperature == 1 else log_softmax(log_probabilities / temperature)


@dataclass(frozen=True)
class TraceStep:
    """The model's output at one step of given outputs.

    Attributes:
        rows: (n,) indices of the outputs that have this step.
        symbols: (n,) their symbols at this step.
        log_probabilities: (n, V) log-probabilities of all symbols, in nats.
        attention: (n, S) attention weights, or None.
    """

    rows: Array
    symbols: Array
    log_probabilities: Array
    attention: Array | None


def trace(
    model: Predictor, encoded: Encoded, codec: TargetCodec, outputs: Sequence[Sequence[int]]
) -> Iterator[TraceStep]:
    """Run a model over given outputs, and yield its predictions at each step.

    Args:
        model, encoded, codec: as in `greedy`.
        outputs: symbols of one output for each source, including the end symbol.
    """
    memory, state = encoded.memory, encoded.state
    lengths = np.array([len(output) for output in outputs], int)
    width = int(lengths.max(initial=0))
    symbols = np.full((len(outputs), width + 1), codec.start)
    for row, output in enumerate(outputs):
        symbols[row, 1 : 1 + len(output)] = output
    rows = np.arange(len(outputs))
    for before, after in pairwise(range(width + 1)):
        active = lengths[rows] >= after
        if not active.all():
            rows, memory, state = rows[active], memory.take(active), state.take(active)
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
    """Compute the log-probabilities of given outputs.

    Args:
        model, encoded, codec, outputs: as in `trace`.
        temperatures: K temperatures by which logits are divided; values above 1 make the distribution more uniform (Guo
            et al. 2017).

    Returns:
        (K, N) log-probabilities in nats, one row for each temperature.
    """
    totals = np.zeros((len(temperatures), len(outputs)))
    for step in trace(model, encoded, codec, outputs):
        for k, logs in enumerate(_at_temperatures(step.log_probabilities, temperatures)):
            totals[k, step.rows] += logs[np.arange(len(step.rows)), step.symbols]
    return totals
