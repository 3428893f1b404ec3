"""How long the encoder's last state h remains readable in the decoder's state, and what influence it has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from henkan.batching.batch import padded_sources
from henkan.inference.converter import Converter
from henkan.text.arrays import Array
from henkan.text.tokenizer import Sequences
from henkan.text.vocabulary import BOUNDARY
from henkan_experiments.probes import share_explained
from henkan_experiments.sums import Sums, partners

STEPS = 4  # decoder steps: three digits and the end symbol, or four digits


def fading(model: Converter, train: Sums, held_out: Sums) -> dict[str, Any]:
    """What the decoder's state contains of h, its initial hidden state, after each step, and what h still decides.

    Readability: the share of the variance of h that a ridge regression predicts from the decoder's state after t steps
    of teacher forcing, on held-out sums. The symbols of the answer also contain information about h, and the state has
    seen them, so the same is computed from these symbols alone. A Peeky decoder receives h at every step; the
    regression cannot tell whether h was kept in the state or received again.

    Influence: the decoder starts from the initial state of another sum, whose answer has the same length, while its
    peeky or attention input is that of its own sum; or the other way round. With teacher forcing, only symbols in which
    the two correct answers differ are counted, so that none is right by accident.

    Returns:
        n: number of held-out sums.
        state, hidden, symbols: for t = 0 to 4 the explained share of the variance of h, from h_t and c_t together, from
            h_t, and from the symbols so far. A key with `_error` has the standard errors over sums.
        counted: for each of the first four steps, the number of sums whose two answers differ there.
        undisturbed, other_state, other_view: with both inputs from the same sum, with the state of another sum, and
            with the peeky or attention input of another sum; for each of these steps: accuracy, the share of the
            counted sums in which the correct symbol is the most probable; log_probability, the mean of the correct
            symbol's, in nats.
    """
    target_ids, target_ids_held_out = _first_symbols(model, train), _first_symbols(model, held_out)
    states, _ = teacher_forcing(model, *encode_sums(model, train), target_ids)
    memory, initial = encode_sums(model, held_out)
    states_held_out, undisturbed = teacher_forcing(model, memory, initial, target_ids_held_out)
    h, h_held_out = hidden_state(states[0]), hidden_state(initial)

    def explained(features: Iterable[tuple[Array, Array]], name: str) -> dict[str, list[float]]:
        pairs = [share_explained((fit_to, h), (evaluate_on, h_held_out)) for fit_to, evaluate_on in features]
        return {name: [share for share, _ in pairs], f"{name}_error": [error for _, error in pairs]}

    state_pairs = list(zip(states, states_held_out, strict=True))
    seen = [0, *range(STEPS)]  # number of answer symbols that the state after t steps has seen
    V = len(model.target_vocabulary)
    other = partners([len(target) for target in held_out.targets])
    counted = target_ids_held_out != target_ids_held_out[other]
    _, other_state = teacher_forcing(model, memory, initial.take(other), target_ids_held_out)
    _, other_view = teacher_forcing(model, memory.take(other), initial, target_ids_held_out)
    return {
        "n": len(held_out),
        **explained([(full_state(a), full_state(b)) for a, b in state_pairs], "state"),
        **explained([(hidden_state(a), hidden_state(b)) for a, b in state_pairs], "hidden"),
        **explained(
            [(_one_hot(target_ids[:, :k], V), _one_hot(target_ids_held_out[:, :k], V)) for k in seen], "symbols"
        ),
        "counted": counted.sum(axis=0).tolist(),
        "undisturbed": _symbol_scores(undisturbed, target_ids_held_out, counted),
        "other_state": _symbol_scores(other_state, target_ids_held_out, counted),
        "other_view": _symbol_scores(other_view, target_ids_held_out, counted),
    }


def encode_sums(model: Converter, sums: Sums) -> tuple[Any, Any]:
    """The encoder's memory and the decoder's initial state, in the order of the sums. All sources have one length."""
    ids = [model.source_vocabulary.encode(source) for source in sums.sources]
    sequences = Sequences.of(ids, len(model.source_vocabulary))
    sources = padded_sources(sequences, np.arange(len(ids)), reverse=model.capabilities.reverse)
    encoded = model.model.encode(sources)
    return encoded.memory, encoded.state


def teacher_forcing(model: Converter, memory: Any, initial: Any, targets: Array) -> tuple[list[Any], list[Array]]:
    """The decoder's T + 1 states along given targets (N, T), and log-probabilities (N, V) at each of the T steps."""
    states, logs, symbols = [initial], [], np.full(len(targets), model.codec.start)
    for t in range(targets.shape[1]):
        output = model.model.step(memory, states[-1], symbols)
        states.append(output.state)
        logs.append(output.log_probabilities)
        symbols = targets[:, t]
    return states, logs


def hidden_state(state: Any) -> Array:
    """The hidden state (N, H) of a decoder's top layer."""
    return np.asarray(state.h[-1], np.float64)


def full_state(state: Any) -> Array:
    """Hidden and cell state (N, 2 H) of a decoder's top layer."""
    return np.concatenate([hidden_state(state), np.asarray(state.c[-1], np.float64)], axis=1)


def _first_symbols(model: Converter, sums: Sums) -> Array:
    """(N, 4): ids of the first symbols of the correct answers, including an end symbol."""
    target_ids = np.full((len(sums), STEPS), BOUNDARY)
    for row, target in enumerate(sums.targets):
        ids = model.target_vocabulary.encode(target)[:STEPS]
        target_ids[row, : len(ids)] = ids
    return target_ids


def _one_hot(symbols: Array, V: int) -> Array:
    """(N, k) symbols as (N, k V) zeros and ones."""
    return np.eye(V)[symbols].reshape(len(symbols), -1)


def _symbol_scores(logs: Sequence[Array], targets: Array, counted: Array) -> dict[str, Any]:
    """Accuracy and mean log-probability of the targets (N, T) where `counted` (N, T); None at a step without any."""
    scores: dict[str, Any] = {"accuracy": [], "log_probability": []}
    for t, log in enumerate(logs):
        rows = np.flatnonzero(counted[:, t])
        correct = log[rows].argmax(axis=1) == targets[rows, t]
        scores["accuracy"].append(float(correct.mean()) if len(rows) else None)
        scores["log_probability"].append(float(log[rows, targets[rows, t]].mean()) if len(rows) else None)
    return scores
