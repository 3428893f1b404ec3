"""The decoder: from the encoder's states to a distribution over the next symbol, step by step.

A Peeky decoder sees the encoder's last hidden state h at every step: joined to the embedding on the way
into the (first) LSTM, and joined to the (last) LSTM's output on the way into the output layer. Joined inputs need
no joined arrays, for

    [h, x] [[Wc], [Wx]] = h Wc + x Wx        [h, h_t] [[Wyc], [Wy]] = h Wyc + h_t Wy

and since h is the same at every step, h Wc and h Wyc are computed once a sequence and added at each step.
In the backward pass the gradients of all steps are summed first and multiplied once. So the gradient of h
has three sources: the joined input, the joined output, and the LSTM's first hidden state, which is h too.

With attention, what the decoder finds in the source joins the LSTM's output before the output layer; see
`henkan.model.attention`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from henkan.batching.batch import Targets
from henkan.config import ModelConfig
from henkan.model.attention import Memory, attend
from henkan.nn import (
    NONE,
    PLAIN,
    Array,
    Backend,
    LayerInputs,
    LossTargets,
    Regularization,
    Weights,
    affine,
    dropout,
    layer_shapes,
    log_softmax,
    lstm,
    lstm_layer,
    of_layer,
    output_loss,
)


def decoder_shapes(config: ModelConfig, symbols: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the decoder's weights, for an alphabet of so many symbols (the boundary included)."""
    D, H = config.embedding_size, config.hidden_size
    shapes: dict[str, tuple[int, ...]] = {"E": (symbols, D)}
    for number in range(config.layers):
        inputs = D if number == 0 else H
        shapes |= {f"lstm{number + 1}.{kind}": shape for kind, shape in layer_shapes(inputs, H).items()}
    shapes |= {"by": (symbols,)} if config.tied else {"Wy": (H, symbols), "by": (symbols,)}
    if config.peeky:
        shapes |= {"Wc": (H, 4 * H), "Wyc": (H, symbols)}
    return shapes


@dataclass(frozen=True)
class Given:
    """What the decoder gets of its sources.

    Attributes:
        first: for each layer (N, H), its first hidden state.
        context: (N, H), what a Peeky decoder sees at every step, or None.
        memory: what attention looks at, or None.
    """

    first: Sequence[Array]
    context: Array | None
    memory: Memory | None


@dataclass(frozen=True)
class GivenGradients:
    """The gradients of `Given`: dcontext, dkeys and dvalues are None where there are none."""

    dfirst: list[Array]
    dcontext: Array | None
    dkeys: Array | None
    dvalues: Array | None


def teacher_forcing(
    weights: Weights,
    attention_weights: Weights,
    given: Given,
    targets: Targets,
    *,
    count: int | None = None,
    regularization: Regularization = NONE,
    backend: Backend = PLAIN,
) -> tuple[float, Callable[[Weights, Weights], GivenGradients]]:
    """The loss of the targets, each symbol predicted from the true ones before it.

    Args:
        weights: see `decoder_shapes`. attention_weights: see `henkan.model.attention`.
        given: of N sources. targets: T steps of N sequences.
        count: valid steps of the whole batch, where this is a part of it; None: those of this one.
        regularization: what is left out, and how targets are smoothed.
        backend: the kernels and where large arrays come from.

    Returns:
        the loss, in nats a symbol, and backward: gradients, attention's gradients -> the gradients of what was given;
        it fills the weights' gradients in.
    """
    rate, generator = regularization.dropout, regularization.generator
    context_gates, context_scores = see_context(weights, given.context)
    E, embedding_backward = dropout(weights["E"], regularization.embedding_dropout, generator)
    x, layers = E, []
    for number, h0 in enumerate(given.first):
        hs, _, layer_backward = lstm_layer(
            of_layer(weights, f"lstm{number + 1}"),
            LayerInputs(x, targets.active, targets.inputs if number == 0 else None),
            (h0, np.zeros_like(h0)),
            context=context_gates if number == 0 else None,
            backend=backend,
        )
        x, layer_dropout = dropout(hs[1:], rate, generator)
        layers.append((layer_backward, layer_dropout))
    out, attend_backward = x, None
    if given.memory is not None:
        a, _, attend_backward = attend(attention_weights, x, given.memory, backend)
        out, out_dropout = dropout(a, rate, generator)
    Wy = output_weights(weights)
    loss, output_backward = output_loss(
        out,
        Wy,
        weights["by"],
        LossTargets(targets.ids, targets.valid, regularization.label_smoothing, count or 0),
        scores=context_scores,
        backend=backend,
    )

    def backward(gradients: Weights, attention_gradients: Weights) -> GivenGradients:
        dx, dWy, gradients["by"][...], dscores = output_backward()
        dkeys = dvalues = dgates = dcontext = None
        if attend_backward is not None:
            dx, dkeys, dvalues = attend_backward(out_dropout(dx), attention_gradients)
        dfirst: list[Array] = []
        for number in range(len(layers), 0, -1):
            layer_backward, layer_dropout = layers[number - 1]
            dx, dgates, dh0, _ = layer_backward(layer_dropout(dx), None, None, of_layer(gradients, f"lstm{number}"))
            dfirst.insert(0, dh0)
        gradients["E"][...] = embedding_backward(dx)
        if "Wy" in weights:
            gradients["Wy"][...] = dWy
        else:
            gradients["E"][...] += dWy.T
        if given.context is not None and dgates is not None and dscores is not None:
            # dgates (N, 4H) and dscores (N, V) are sums over all steps already: so each takes one product
            np.matmul(given.context.T, dgates, out=gradients["Wc"])
            np.matmul(given.context.T, dscores, out=gradients["Wyc"])
            dcontext = dgates @ weights["Wc"].T + dscores @ weights["Wyc"].T
        return GivenGradients(dfirst, dcontext, dkeys, dvalues)

    return loss, backward


def output_weights(weights: Weights) -> Array:
    """Wy (H, V): the output layer's own, or the embeddings, turned."""
    return weights["Wy"] if "Wy" in weights else np.ascontiguousarray(weights["E"].T)


def see_context(weights: Weights, context: Array | None) -> tuple[Array | None, Array | None]:
    """What peeking adds to the gates (N, 4H) and to the scores (N, V) at every step; None without peeking."""
    if context is None:
        return None, None
    return context @ weights["Wc"], context @ weights["Wyc"]


@dataclass(frozen=True)
class Outlook:
    """What stays the same at every step of decoding.

    Attributes:
        table: (V, 4H), E Wx + b of the first layer. Wy: (H, V).
        gates, scores: what peeking adds to the gates (N, 4H) and to the scores (N, V), or None.
        memory: what attention looks at, or None.
    """

    table: Array
    Wy: Array
    gates: Array | None
    scores: Array | None
    memory: Memory | None

    def take(self, rows: Array) -> Outlook:
        """The parts of some sequences."""
        gates, scores = (None if part is None else part[rows] for part in (self.gates, self.scores))
        return Outlook(self.table, self.Wy, gates, scores, None if self.memory is None else self.memory.take(rows))


def look_out(weights: Weights, given: Given) -> Outlook:
    """Make what stays the same at every step of decoding."""
    table, _ = affine(weights["E"], weights["lstm1.Wx"], weights["lstm1.b"])
    return Outlook(table, output_weights(weights), *see_context(weights, given.context), given.memory)


def decoder_step(
    weights: Weights, attention_weights: Weights, outlook: Outlook, h: Array, c: Array, symbols: Array, backend: Backend
) -> tuple[Array, Array, Array, Array | None]:
    """One step of decoding.

    Args:
        weights, attention_weights: as in `teacher_forcing`.
        outlook: from `look_out`.
        h, c: (L, N, H), the states of the layers.
        symbols: (N,) the last ones.
        backend: whose arithmetic.

    Returns:
        log_probabilities (N, V) of the next symbol, the next h and c (L, N, H), and the weights over the source's steps
        (N, S) or None without attention.
    """
    table, places, context = outlook.table, symbols[None], outlook.gates
    states: list[tuple[Array, Array]] = []
    for number in range(len(h)):
        layer = of_layer(weights, f"lstm{number + 1}")
        if number:
            table, _ = affine(states[-1][0], layer["Wx"], layer["b"])
            places, context = np.arange(len(table))[None], None
        hs, cs, _ = lstm((table, places), (h[number], c[number]), layer["Wh"], context=context, backend=backend)
        states.append((hs[1], cs[1]))
    out, looks = states[-1][0], None
    if outlook.memory is not None:
        asked, weights_over_source, _ = attend(attention_weights, out[None], outlook.memory)
        out, looks = asked[0], weights_over_source[:, 0]
    logits, _ = affine(out, outlook.Wy, weights["by"])
    if outlook.scores is not None:
        logits += outlook.scores
    hs, cs = (np.stack(parts) for parts in zip(*states, strict=True))
    return log_softmax(logits), hs, cs, looks
