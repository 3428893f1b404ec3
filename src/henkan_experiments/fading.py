"""How fast h fades in the decoder's state, and what is left of its influence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from henkan.batching.batch import source_batches
from henkan.engine.base import Predictor
from henkan.inference.converter import Converter
from henkan.text.arrays import Array
from henkan.text.vocabulary import BOUNDARY
from henkan_experiments.probes import share_explained
from henkan_experiments.sums import Sums, partners

STEPS = 4  # of the decoder: an answer's three digits and its end, or its four digits


def fading(model: Converter, train: Sums, held_out: Sums) -> dict[str, Any]:
    """What of h, the decoder's first hidden state, is there after each step of the true answer, and what it still does.

    What can be read: the share of h's variance that a ridge regression finds in the decoder's state after t steps, on
    held-out sums. Symbols that were written tell of h as well, and the state has seen them; so the same is asked of
    them alone. A Peeky decoder is given h anew at each step, and the regression does not say by which way it came.

    What it does: a decoder begins with the first state of another sum, whose answer is as long, but looks (by peeking
    or attention) at its own; or begins with its own and looks at the other. It is given the true symbols, and asked for
    the next one. Only those symbols count in which the two true answers differ, so that none is right by accident.

    Returns:
        n: held-out sums.
        state, hidden, symbols: for t = 0 to 4 the share of h's variance that is read off h_t and c_t together, off h_t,
            and off the symbols given up to then; with `_error`, the standard errors over sums.
        counted: for each of the first four steps, in how many of the sums the two answers differ there.
        undisturbed, other_state, other_view: for each of these steps, accuracy: in which share of those sums the true
            symbol is the most probable one; log_probability: the mean of the true symbol's, in nats.
    """
    wanted, wanted_held_out = _first_symbols(model, train), _first_symbols(model, held_out)
    states, _ = follow(model, *read(model, train), wanted)
    memory, first = read(model, held_out)
    states_held_out, undisturbed = follow(model, memory, first, wanted_held_out)
    h, h_held_out = hidden(states[0]), hidden(first)

    def explained(features: Iterable[tuple[Array, Array]], name: str) -> dict[str, list[float]]:
        pairs = [share_explained((mine, h), (others, h_held_out)) for mine, others in features]
        return {name: [share for share, _ in pairs], f"{name}_error": [error for _, error in pairs]}

    both = list(zip(states, states_held_out, strict=True))
    given = [0, *range(STEPS)]  # symbols of the answer that the state after t steps has seen
    V = len(model.target_vocabulary)
    other = partners([len(target) for target in held_out.targets])
    differ = wanted_held_out != wanted_held_out[other]
    _, other_state = follow(model, memory, first.take(other), wanted_held_out)
    _, other_view = follow(model, memory.take(other), first, wanted_held_out)
    return {
        "n": len(held_out),
        **explained([(whole(mine), whole(others)) for mine, others in both], "state"),
        **explained([(hidden(mine), hidden(others)) for mine, others in both], "hidden"),
        **explained([(_one_hot(wanted[:, :k], V), _one_hot(wanted_held_out[:, :k], V)) for k in given], "symbols"),
        "counted": differ.sum(axis=0).tolist(),
        "undisturbed": _told(undisturbed, wanted_held_out, differ),
        "other_state": _told(other_state, wanted_held_out, differ),
        "other_view": _told(other_view, wanted_held_out, differ),
    }


def read(model: Converter, sums: Sums) -> tuple[Any, Any]:
    """The memory and the decoder's first state of sums whose sources are equally long, in their order."""
    ids = [model.source_vocabulary.encode(source) for source in sums.sources]
    [(_, sources)] = source_batches(
        ids, len(model.source_vocabulary), reverse=model.capabilities.reverse, size=len(ids)
    )
    encoded = model.model.encode(sources)
    return encoded.memory, encoded.state


def hidden(state: Any) -> Array:
    """The hidden state (N, H) of a decoder's top layer."""
    return np.asarray(state.h[-1], np.float64)


def whole(state: Any) -> Array:
    """Hidden and cell states (N, 2 H) of a decoder's top layer."""
    return np.concatenate([hidden(state), np.asarray(state.c[-1], np.float64)], axis=1)


def _first_symbols(model: Converter, sums: Sums) -> Array:
    """(N, 4): the first symbols of the true answers, an end among them."""
    wanted = np.full((len(sums), STEPS), BOUNDARY)
    for row, target in enumerate(sums.targets):
        ids = model.target_vocabulary.encode(target)[:STEPS]
        wanted[row, : len(ids)] = ids
    return wanted


def _one_hot(symbols: Array, V: int) -> Array:
    """(N, k) symbols as (N, k V) zeros and ones."""
    return np.eye(V)[symbols].reshape(len(symbols), -1)


def follow(model: Converter, memory: Any, first: Any, wanted: Array) -> tuple[list[Any], list[Array]]:
    """A decoder's T + 1 states along given answers (N, T), and the log-probabilities (N, V) at each of the T steps."""
    engine: Predictor = model.model
    states, logs, symbols = [first], [], np.full(len(wanted), model.codec.start)
    for t in range(wanted.shape[1]):
        output = engine.step(memory, states[-1], symbols)
        states.append(output.state)
        logs.append(output.log_probabilities)
        symbols = wanted[:, t]
    return states, logs


def _told(logs: Sequence[Array], wanted: Array, counted: Array) -> dict[str, Any]:
    """What is said of the wanted symbols (N, T) where they are counted (N, T); None at a step where none is."""
    told: dict[str, Any] = {"accuracy": [], "log_probability": []}
    for t, log in enumerate(logs):
        rows = np.flatnonzero(counted[:, t])
        right = log[rows].argmax(axis=1) == wanted[rows, t]
        told["accuracy"].append(float(right.mean()) if len(rows) else None)
        told["log_probability"].append(float(log[rows, wanted[rows, t]].mean()) if len(rows) else None)
    return told
