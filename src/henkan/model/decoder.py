"""The decoder: from the encoder's states to a distribution over the next symbol, step by step.

A Peeky decoder receives the encoder's last hidden state h at every step: concatenated with the embedding as the input
of the first LSTM, and concatenated with the last LSTM's output as the input of the output layer. No concatenated arrays
are needed, because

    [h, x] [[Wc], [Wx]] = h Wc + x Wx        [h, h_t] [[Wyc], [Wy]] = h Wyc + h_t Wy

and h is the same at every step: h Wc and h Wyc are computed once per sequence and added at each step. In the backward
pass, the gradients of all steps are summed first and multiplied once. The gradient of h is the sum of three parts: from
the LSTM's input, from the output layer's input, and from the LSTM's initial hidden state, which is also h.

With attention, its result replaces the LSTM's output as the input of the output layer; see `henkan.model.attention`.
Copying adds symbols of the source to the distribution; see `henkan.model.copying`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from henkan.batching.batch import Targets
from henkan.config import ModelConfig
from henkan.model.attention import AttentionMemory, attend
from henkan.model.copying import (
    copying_loss,
    copying_specs,
    copying_step,
    input_rows,
    input_table,
    split_table_gradient,
)
from henkan.model.weights import WeightSpec, bias_spec, embedding_spec, lstm_specs, matrix_spec
from henkan.nn import (
    NONE,
    PLAIN,
    Array,
    Backend,
    LayerInputs,
    LossTargets,
    OutputGradients,
    OutputLayer,
    Regularization,
    Weights,
    affine,
    dropout,
    group,
    log_softmax,
    lstm,
    lstm_layer,
    output_loss,
)


def decoder_specs(config: ModelConfig, symbols: int) -> dict[str, WeightSpec]:
    """Weights of the decoder; `symbols` is the number of symbols that can be predicted (V)."""
    D, H, peeky = config.embedding_size, config.hidden_size, config.peeky
    # Tied embeddings are also the weights of the output layer, so they need its small initial values.
    deviation = H**-0.5 if config.tied else 1.0
    specs = {"E": embedding_spec(symbols, D, "target", deviation)}
    for number in range(config.layers):
        fan_in = H + D if peeky and number == 0 else None
        specs |= lstm_specs(f"lstm{number + 1}", D if number == 0 else H, H, book_fan_in=fan_in)
    if not config.tied:
        specs["Wy"] = matrix_spec(H, symbols, book_fan_in=2 * H if peeky else None, symbol_axes={1: "target"})
    specs["by"] = bias_spec(symbols, symbol_axes={0: "target"})
    if peeky:
        specs["Wc"] = matrix_spec(H, 4 * H, book_fan_in=H + D)
        specs["Wyc"] = matrix_spec(H, symbols, book_fan_in=2 * H, symbol_axes={1: "target"})
    return specs | copying_specs(config, deviation)


@dataclass(frozen=True)
class DecoderInputs:
    """What the decoder receives from the encoder.

    Attributes:
        first: initial hidden state (N, H) of each layer.
        context: (N, H), the hidden state that a Peeky decoder receives at every step, or None.
        memory: keys and values for attention, or None.
    """

    first: Sequence[Array]
    context: Array | None
    memory: AttentionMemory | None


@dataclass(frozen=True)
class DecoderInputGradients:
    """Gradients of `DecoderInputs`. dcontext (N, H) and dkeys, dvalues (S, N, H) are None if the value is."""

    dfirst: list[Array]
    dcontext: Array | None
    dkeys: Array | None
    dvalues: Array | None


DecoderBackward = Callable[[Weights, Weights], DecoderInputGradients]


@dataclass(frozen=True)
class LossOptions:
    """How the loss of a batch is computed.

    Attributes:
        count: number of valid steps of the complete batch, if this is a shard of it; None: that of this batch.
        regularization: dropout and label smoothing.
        backend: the kernels, and the allocator of large arrays.
    """

    count: int | None = None
    regularization: Regularization = NONE
    backend: Backend = PLAIN


def teacher_forcing(
    weights: Weights,
    attention_weights: Weights,
    inputs: DecoderInputs,
    targets: Targets,
    options: LossOptions = LossOptions(),
) -> tuple[float, DecoderBackward]:
    """Compute the loss with teacher forcing: each symbol is predicted from the true symbols before it.

    Args:
        weights: weights of the decoder; see `decoder_specs`.
        attention_weights: weights of the attention layer; see `henkan.model.attention`.
        inputs: the inputs for N sources.
        targets: T steps of N sequences.
        options: how to compute the loss.

    Returns:
        the loss in nats per symbol, and backward: gradients, gradients of attention -> gradients of `inputs`. It writes
        the gradients of the weights to its arguments.
    """
    regularization, backend = options.regularization, options.backend
    rate, generator = regularization.dropout, regularization.generator
    context = inputs.context
    scores = None if context is None else backend.product(context, weights["Wyc"])
    E, embedding_backward = dropout(input_table(weights), regularization.embedding_dropout, generator, backend)
    first_inputs = input_rows(weights, targets.inputs)
    x, layers = E, []
    for number, h0 in enumerate(inputs.first):
        hs, _, layer_backward = lstm_layer(
            _layer(weights, number),
            LayerInputs(x, targets.active, first_inputs if number == 0 else None),
            (h0, np.zeros_like(h0)),
            context=context if number == 0 else None,
            backend=backend,
        )
        x, layer_dropout = dropout(hs[1:], rate, generator, backend)
        layers.append((layer_backward, layer_dropout))
    out, attend_backward, pointer = x, None, None
    if inputs.memory is not None:
        a, alignment, attend_backward = attend(attention_weights, x, inputs.memory, backend)
        out, out_dropout = dropout(a, rate, generator, backend)
        pointer = alignment, inputs.memory.copy_ids
    wanted = LossTargets(targets.ids, targets.valid, regularization.label_smoothing, options.count or 0)
    loss, output_backward = _output_loss(weights, out, pointer, wanted, scores=scores, backend=backend)

    def backward(gradients: Weights, attention_gradients: Weights) -> DecoderInputGradients:
        (dx, dWy, gradients["by"][...], dscores), dalignment = output_backward(gradients)
        dkeys = dvalues = dcontext = None
        if attend_backward is not None:
            dx, dkeys, dvalues = attend_backward(out_dropout(dx), attention_gradients, dalignment)
        dfirst: list[Array] = []
        for number in range(len(layers) - 1, -1, -1):
            layer_backward, layer_dropout = layers[number]
            dx, dcontext, dh0, _ = layer_backward(layer_dropout(dx), None, None, _layer(gradients, number))
            dfirst.insert(0, dh0)
        split_table_gradient(gradients, embedding_backward(dx))
        if "Wy" in weights:
            gradients["Wy"][...] = dWy
        else:
            gradients["E"][...] += dWy.T
        if context is not None and dcontext is not None and dscores is not None:
            np.matmul(context.T, dscores, out=gradients["Wyc"])
            dcontext += backend.product(dscores, weights["Wyc"].T)
        return DecoderInputGradients(dfirst, dcontext, dkeys, dvalues)

    return loss, backward


def _layer(weights: Weights, number: int) -> Weights:
    """The weights of an LSTM (from 0), or their gradients. The first one of a Peeky decoder reads the context too."""
    layer = group(weights, f"lstm{number + 1}")
    return {**layer, "Wc": weights["Wc"]} if number == 0 and "Wc" in weights else layer


def _output_loss(
    weights: Weights,
    out: Array,
    pointer: tuple[Array, Array | None] | None,
    targets: LossTargets,
    *,
    scores: Array | None,
    backend: Backend,
) -> tuple[float, Callable[[Weights], tuple[OutputGradients, Array | None]]]:
    """The loss of the output layer, with or without copying; see `copying_loss` for `pointer` and the results."""
    layer = OutputLayer(output_weights(weights), weights["by"])
    if pointer is not None and "copied" in weights:
        return copying_loss(weights, out, pointer, layer, targets, scores=scores, backend=backend)
    loss, backward = output_loss(out, *layer, targets, scores=scores, backend=backend)
    return loss, lambda _: (backward(), None)


def output_weights(weights: Weights) -> Array:
    """Wy (H, V): the weights of the output layer, or the transposed embeddings if they are tied."""
    return weights["Wy"] if "Wy" in weights else np.ascontiguousarray(weights["E"].T)


def project_context(
    weights: Weights, context: Array | None, backend: Backend = PLAIN
) -> tuple[Array | None, Array | None]:
    """Contributions of the context (N, H) to the gates (N, 4H) and to the logits (N, V); None without peeking."""
    if context is None:
        return None, None
    return backend.product(context, weights["Wc"]), backend.product(context, weights["Wyc"])


@dataclass(frozen=True)
class DecoderCache:
    """Values that are the same at every decoding step.

    Attributes:
        table: (V, 4H), E Wx + b of the first layer; with copying, one more row (see `input_table`).
        Wy: (H, V), the weights of the output layer.
        gates, scores: contributions of the context to the gates (N, 4H) and to the logits (N, V), or None.
        memory: keys and values for attention, or None.
    """

    table: Array
    Wy: Array
    gates: Array | None
    scores: Array | None
    memory: AttentionMemory | None

    def take(self, rows: Array) -> DecoderCache:
        """Select sequences."""
        gates, scores = (None if part is None else part[rows] for part in (self.gates, self.scores))
        memory = None if self.memory is None else self.memory.take(rows)
        return DecoderCache(self.table, self.Wy, gates, scores, memory)


@dataclass(frozen=True)
class DecoderState:
    """The hidden and cell states of the layers, (L, N, H) each."""

    h: Array
    c: Array

    def take(self, rows: Array) -> DecoderState:
        """Select sequences."""
        return DecoderState(self.h[:, rows], self.c[:, rows])


def prepare_decoder(weights: Weights, inputs: DecoderInputs, backend: Backend = PLAIN) -> DecoderCache:
    """Compute the values that are the same at every decoding step."""
    table, Wy = backend.constant(
        "decoder tables",
        lambda: (
            affine(input_table(weights), weights["lstm1.Wx"], weights["lstm1.b"])[0],
            output_weights(weights),
        ),
    )
    return DecoderCache(table, Wy, *project_context(weights, inputs.context, backend), inputs.memory)


def decoder_step(
    weights: Weights,
    attention_weights: Weights,
    cache: DecoderCache,
    state: DecoderState,
    symbols: Array,
    backend: Backend,
) -> tuple[Array, DecoderState, Array | None]:
    """Run one decoding step.

    Args:
        weights, attention_weights: as in `teacher_forcing`.
        cache: the result of `prepare_decoder`.
        state: the states of the layers.
        symbols: (N,) the symbols predicted last.
        backend: the kernels.

    Returns:
        log-probabilities of the next symbol, (N, V) or with copying (N, V + S); the next state; and the attention
        weights (N, S), or None.
    """
    inputs, context = (cache.table, input_rows(weights, symbols)[None]), cache.gates
    states: list[tuple[Array, Array]] = []
    for number in range(len(state.h)):
        layer = group(weights, f"lstm{number + 1}")
        if number:
            table, _ = affine(states[-1][0], layer["Wx"], layer["b"])
            inputs, context = (table, np.arange(len(table))[None]), None
        before = state.h[number], state.c[number]
        hs, cs, _ = lstm(inputs, before, layer["Wh"], context=context, backend=backend)
        states.append((hs[1], cs[1]))
    out, alignment = states[-1][0], None
    if cache.memory is not None:
        a, attention_over_source, _ = attend(attention_weights, out[None], cache.memory)
        out, alignment = a[0], attention_over_source[:, 0]
    logits, _ = affine(out, cache.Wy, weights["by"])
    if cache.scores is not None:
        logits += cache.scores
    logs = log_softmax(logits)
    if cache.memory is not None and alignment is not None and "copied" in weights:
        logs = copying_step(weights, out, logs, alignment, cache.memory.copy_ids)
    hs, cs = (np.stack(parts) for parts in zip(*states, strict=True))
    return logs, DecoderState(hs, cs), alignment
