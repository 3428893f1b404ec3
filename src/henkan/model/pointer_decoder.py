"""The decoder of the transducer: LSTM layers that read the encoder's state under a pointer.

    h_t  = LSTM(E[a_{t-1}] Wx + m[p_t] Wp + tags Wt + b, h_{t-1})
    P(a_t) = softmax(h_t Wy + by)

a are actions, m the encoder's states, p the positions of the pointer, and tags the sum of the embeddings of the feature
tags. In training all actions are known, and with them all positions, so the contributions to the gates are computed for
all steps at once, and each LSTM layer is a single pass. As with the embeddings, m Wp is computed once for each source
symbol, and then looked up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from henkan.config import ModelConfig
from henkan.model.architecture import Sizes
from henkan.model.decoder import LossOptions
from henkan.model.weights import WeightSpec, bias_spec, embedding_spec, lstm_specs, matrix_spec
from henkan.nn import Array, Backend, LayerInputs, Weights, affine, dropout, group, lstm, lstm_layer


def pointer_decoder_specs(config: ModelConfig, sizes: Sizes) -> dict[str, WeightSpec]:
    """Weights of the decoder. M is the size of the encoder's states: H, or 2H for two directions."""
    D, H, M = config.embedding_size, config.hidden_size, config.hidden_size * config.directions
    specs = {"E": embedding_spec(sizes.target, D, "target"), **lstm_specs("lstm1", D, H)}
    specs |= {"Wp": matrix_spec(M, 4 * H), "end": embedding_spec(1, M, None)}
    if sizes.tags:
        specs["Wt"] = matrix_spec(D, 4 * H)
    for number in range(1, config.layers):
        specs |= lstm_specs(f"lstm{number + 1}", H, H)
    specs["Wy"] = matrix_spec(H, sizes.target, symbol_axes={1: "target"})
    specs["by"] = bias_spec(sizes.target, symbol_axes={0: "target"})
    return specs


class PointerInputs(NamedTuple):
    """Contributions to the gates of the first layer: E Wx + b for each action, and m Wp for each state.

    Attributes:
        actions: (A, 4H), and the row for each step.
        states: (S N + 1, 4H), and the row for each step.
    """

    actions: tuple[Array, Array]
    states: tuple[Array, Array]


def project_inputs(
    weights: Weights, states: Array, actions: Array, rows: Array, options: LossOptions
) -> tuple[PointerInputs, Callable[[Array, Array, Weights], Array]]:
    """Contributions of the previous actions and of the states under the pointer to the gates of the first layer.

    Args:
        weights: weights of the decoder.
        states: (S, N, M), the encoder's states.
        actions: (T, N), the previous action at each step.
        rows: (T, N), the row of the states, as (S N, M), under the pointer at each step; S N is the end.
        options: dropout of the embeddings and of the states, kernels and memory.

    Returns:
        E Wx + b and m Wp as tables with row indices, and backward: their gradients, gradients of the weights, which it
        writes -> dstates (S, N, M).
    """
    noise, backend = options.regularization, options.backend
    E, embedding_backward = dropout(weights["E"], noise.embedding_dropout, noise.generator, backend)
    action_table, action_backward = affine(E, weights["lstm1.Wx"], weights["lstm1.b"], backend)
    # Unlike the encoder's own dropout, a mask differs between the symbols of a source, because each is read alone.
    flat, states_backward = dropout(states.reshape(-1, states.shape[2]), noise.dropout, noise.generator, backend)
    read = np.concatenate([flat, weights["end"]], out=backend.empty((len(flat) + 1, flat.shape[1]), flat.dtype))

    def backward(dactions: Array, dread_table: Array, gradients: Weights) -> Array:
        dE, gradients["lstm1.Wx"][...], gradients["lstm1.b"][...] = action_backward(dactions)
        gradients["E"][...] = embedding_backward(dE)
        np.matmul(read.T, dread_table, out=gradients["Wp"])
        dread = backend.product(dread_table, weights["Wp"].T)
        gradients["end"][...] = dread[-1:]
        return states_backward(dread[:-1]).reshape(states.shape)

    return PointerInputs((action_table, actions), (backend.product(read, weights["Wp"]), rows)), backward


def run_layers(
    weights: Weights, inputs: PointerInputs, context: Array | None, active: Array, options: LossOptions
) -> tuple[Array, Callable[[Array, Weights], tuple[Array, Array, Array | None]]]:
    """Run the LSTM layers over all steps, from states of zero.

    Args:
        weights: weights of the decoder.
        inputs: the contributions to the gates of the first layer, from `project_inputs`.
        context: (N, 4H), added to the gates of the first layer at every step, or None.
        active: (T,) number of sequences that run at each step.
        options: dropout, kernels and memory.

    Returns:
        the outputs of the last layer (T, N, H) after dropout, and backward: their gradient, gradients of the weights,
        which it writes -> the gradients of the tables of actions and states, and dcontext or None.
    """
    noise, backend = options.regularization, options.backend
    layers: list[Callable[[Array, Weights], Array]] = []
    hs, _, first_backward = lstm(
        inputs.actions,
        None,
        weights["lstm1.Wh"],
        active=active,
        more=inputs.states,
        context=context,
        backend=backend,
    )
    x, first_dropout = dropout(hs[1:], noise.dropout, noise.generator, backend)
    while f"lstm{len(layers) + 2}.Wh" in weights:
        x, layer_backward = _layer(weights, f"lstm{len(layers) + 2}", LayerInputs(x, active), options)
        layers.append(layer_backward)

    def backward(dx: Array, gradients: Weights) -> tuple[Array, Array, Array | None]:
        for layer_backward in reversed(layers):
            dx = layer_backward(dx, gradients)
        d = first_backward(first_dropout(dx), None, None)
        gradients["lstm1.Wh"][...] = d.dWh
        assert d.dmore is not None
        return d.dtable, d.dmore, d.dcontext

    return x, backward


def _layer(
    weights: Weights, name: str, inputs: LayerInputs, options: LossOptions
) -> tuple[Array, Callable[[Array, Weights], Array]]:
    """Run an upper layer with dropout; its size is that of its input (T, N, H)."""
    noise = options.regularization
    hs, _, layer_backward = lstm_layer(group(weights, name), inputs, None, backend=options.backend)
    y, dropout_backward = dropout(hs[1:], noise.dropout, noise.generator, options.backend)

    def backward(dy: Array, gradients: Weights) -> Array:
        return layer_backward(dropout_backward(dy), None, None, group(gradients, name)).dx

    return y, backward


def sum_embeddings(E: Array, ids: Array, counts: Array, backend: Backend) -> tuple[Array, Callable[[Array], Array]]:
    """Sum the embeddings of the first symbols of each source, which are its feature tags.

    Args:
        E: (V, D).
        ids: (S, N) symbols.
        counts: (N,) number of symbols to sum.
        backend: the kernels.

    Returns:
        (N, D), and backward: its gradient -> dE (V, D).
    """
    steps, columns = np.nonzero(np.arange(int(counts.max(initial=0)))[:, None] < counts)
    chosen = ids[steps, columns]

    def backward(dsums: Array) -> Array:
        dE: Array = backend.kernels.sum_rows(chosen, dsums[columns], len(E))
        return dE

    sums: Array = backend.kernels.sum_rows(columns, E[chosen], len(counts))
    return sums, backward


@dataclass(frozen=True)
class PointerState:
    """The hidden and cell states of the layers, (L, N, H) each, and the positions of the pointers (N,)."""

    h: Array
    c: Array
    pointer: Array

    def take(self, rows: Array) -> PointerState:
        """Select sequences."""
        return PointerState(self.h[:, rows], self.c[:, rows], self.pointer[rows])


def decoder_step(
    weights: Weights, table: Array, context: Array | None, state: PointerState, backend: Backend
) -> tuple[Array, PointerState]:
    """Run one decoding step.

    Args:
        weights: weights of the decoder.
        table: (N, 4H), the contributions of the previous action and of the state under the pointer to the gates.
        context: (N, 4H), that of the feature tags, or None.
        state: the states of the layers before the step, and the pointer at this step.
        backend: the kernels.

    Returns:
        the logits (N, A) of the next action, and the next state, with the same pointer.
    """
    states: list[tuple[Array, Array]] = []
    for number in range(len(state.h)):
        layer = group(weights, f"lstm{number + 1}")
        if number:
            (table, _), context = affine(states[-1][0], layer["Wx"], layer["b"]), None
        before, indices = (state.h[number], state.c[number]), np.arange(len(table))[None]
        hs, cs, _ = lstm((table, indices), before, layer["Wh"], context=context, backend=backend)
        states.append((hs[1], cs[1]))
    logits, _ = affine(states[-1][0], weights["Wy"], weights["by"])
    hs, cs = (np.stack(parts) for parts in zip(*states, strict=True))
    return logits, PointerState(hs, cs, state.pointer)
