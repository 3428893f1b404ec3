"""The decoder: from the encoder's states to a distribution over the next symbol, step by step.

A Peeky decoder sees the encoder's last hidden state h at every step: joined to the embedding on the way
into the LSTM, and joined to the LSTM's output on the way into the output layer. Joined inputs need no
joined arrays, for

    [h, x] [[Wc], [Wx]] = h Wc + x Wx        [h, h_t] [[Wyc], [Wy]] = h Wyc + h_t Wy

and since h is the same at every step, h Wc and h Wyc are computed once a sequence and added at each step.
In the backward pass the gradients of all steps are summed first and multiplied once. So the gradient of h
has three sources: the joined input, the joined output, and the LSTM's first hidden state, which is h too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType

import numpy as np

from henkan.batch import Targets
from henkan.config import ModelConfig
from henkan.nn import affine, log_softmax, lstm, output_loss, project_symbols
from henkan.nn.parameters import Array
from henkan.nn.workspace import PLAIN, Backend

Weights = Mapping[str, Array]
DecoderBackward = Callable[[Weights], tuple[Array, Array | None]]


def decoder_shapes(config: ModelConfig, symbols: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the decoder's weights, for an alphabet of so many symbols (the boundary included)."""
    D, H = config.embedding_size, config.hidden_size
    shapes: dict[str, tuple[int, ...]] = {
        "E": (symbols, D),
        "Wx": (D, 4 * H),
        "Wh": (H, 4 * H),
        "b": (4 * H,),
    }
    shapes |= {"Wy": (H, symbols), "by": (symbols,)}
    if config.peeky:
        shapes |= {"Wc": (H, 4 * H), "Wyc": (H, symbols)}
    return shapes


def teacher_forcing(
    weights: Weights,
    h0: Array,
    c0: Array,
    context: Array | None,
    targets: Targets,
    count: int | None = None,
    backend: Backend = PLAIN,
) -> tuple[float, DecoderBackward]:
    """The loss of the targets, each symbol predicted from the true ones before it.

    Args:
        weights: E (V, D), Wx (D, 4H), Wh (H, 4H), b (4H,), Wy (H, V), by (V,); Peeky also Wc (H, 4H) and
            Wyc (H, V).
        h0, c0: (N, H). context: (N, H), or None without peeking. targets: T steps of N sequences.
        count: valid steps of the whole batch, where this is a part of it; None: those of this one.
        backend: the kernels and where large arrays come from.

    Returns:
        the loss, in nats a symbol, and backward: gradients -> dh0 (N, H), dcontext (N, H) or None; it fills the
        weights' gradients in.
    """
    E, Wx, Wh, b = (weights[name] for name in ("E", "Wx", "Wh", "b"))
    table, places, symbols_backward = project_symbols(targets.inputs, E, Wx, b, backend)
    context_gates, context_scores = see_context(weights, context)
    hs, _, lstm_backward = lstm(
        table, places, h0, c0, Wh, active=targets.active, context=context_gates, backend=backend
    )
    loss, output_backward = output_loss(
        hs[1:],
        weights["Wy"],
        weights["by"],
        targets.ids,
        targets.valid,
        scores=context_scores,
        count=count,
        backend=backend,
    )

    def backward(gradients: Weights) -> tuple[Array, Array | None]:
        dhs, dWy, dby, dscores = output_backward()
        dtable, dgates, dh0, _, dWh = lstm_backward(dhs, None, None)
        dE, dWx, db = symbols_backward(dtable)
        for name, gradient in (("E", dE), ("Wx", dWx), ("Wh", dWh), ("b", db), ("Wy", dWy), ("by", dby)):
            gradients[name][...] = gradient
        if context is None or dgates is None or dscores is None:
            return dh0, None
        # dgates (N, 4H) and dscores (N, V) are sums over all steps already: so each takes one product
        np.matmul(context.T, dgates, out=gradients["Wc"])
        np.matmul(context.T, dscores, out=gradients["Wyc"])
        return dh0, dgates @ weights["Wc"].T + dscores @ weights["Wyc"].T

    return loss, backward


def see_context(weights: Weights, context: Array | None) -> tuple[Array | None, Array | None]:
    """What peeking adds to the gates (N, 4H) and to the scores (N, V) at every step; None without peeking."""
    if context is None:
        return None, None
    return context @ weights["Wc"], context @ weights["Wyc"]


def decoder_step(
    weights: Weights,
    table: Array,
    h: Array,
    c: Array,
    context_gates: Array | None,
    context_scores: Array | None,
    symbols: Array,
    kernels: ModuleType = PLAIN.kernels,
) -> tuple[Array, Array, Array]:
    """One step of decoding.

    Args:
        table: (V, 4H), E Wx + b, which is the same at every step.
        h, c: (N, H). context_gates (N, 4H), context_scores (N, V): from `see_context`.
        symbols: (N,) the last ones. kernels: whose arithmetic.

    Returns:
        log_probabilities (N, V) of the next symbol, and the next h and c (N, H).
    """
    hs, cs, _ = lstm(table, symbols[None], h, c, weights["Wh"], context=context_gates, backend=Backend(kernels))
    logits, _ = affine(hs[1], weights["Wy"], weights["by"])
    if context_scores is not None:
        logits += context_scores
    return log_softmax(logits), hs[1], cs[1]
