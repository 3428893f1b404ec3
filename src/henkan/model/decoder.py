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

import numpy as np

from henkan.batch import Targets
from henkan.config import ModelConfig
from henkan.nn import affine, embedding_affine, log_softmax, lstm
from henkan.nn.parameters import Array

Weights = Mapping[str, Array]
DecoderBackward = Callable[[Array, Weights], tuple[Array, Array | None]]


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
    weights: Weights, h0: Array, c0: Array, context: Array | None, targets: Targets
) -> tuple[Array, DecoderBackward]:
    """Scores for the next symbol at every valid step, given the true symbols before it.

    Args:
        weights: E (V, D), Wx (D, 4H), Wh (H, 4H), b (4H,), Wy (H, V), by (V,); Peeky also Wc (H, 4H) and
            Wyc (H, V).
        h0, c0: (N, H). context: (N, H), or None without peeking. targets: T steps of N sequences.

    Returns:
        logits (R, V), a row for each of the R valid steps in the order of `targets.valid`, and backward:
        dlogits (R, V), gradients -> dh0 (N, H), dcontext (N, H) or None; it adds the weights' gradients to
        those given.
    """
    valid = targets.valid
    inputs, inputs_backward = embedding_affine(targets.inputs, weights["E"], weights["Wx"], weights["b"])
    if context is not None:
        inputs = inputs + context @ weights["Wc"]
    hs, _, lstm_backward = lstm(inputs, h0, c0, weights["Wh"], targets.active)
    logits, output_backward = affine(hs[1:][valid], weights["Wy"], weights["by"])
    if context is not None:
        sequence = np.nonzero(valid)[1]  # whose step each row is
        logits += (context @ weights["Wyc"])[sequence]

    def backward(dlogits: Array, gradients: Weights) -> tuple[Array, Array | None]:
        drows, dWy, dby = output_backward(dlogits)
        dhs = np.zeros(valid.shape + h0.shape[1:], h0.dtype)
        dhs[valid] = drows
        dinputs, dh0, _, dWh = lstm_backward(dhs, None, None)
        dE, dWx, db = inputs_backward(dinputs)
        for name, gradient in (("E", dE), ("Wx", dWx), ("Wh", dWh), ("b", db), ("Wy", dWy), ("by", dby)):
            gradients[name][...] += gradient
        if context is None:
            return dh0, None
        dgates = dinputs.sum(axis=0)  # (N, 4H): all steps first, then one product
        dscores = np.zeros(valid.shape + dlogits.shape[1:], dlogits.dtype)
        dscores[valid] = dlogits
        dscores = dscores.sum(axis=0)  # (N, V)
        gradients["Wc"][...] += context.T @ dgates
        gradients["Wyc"][...] += context.T @ dscores
        return dh0, dgates @ weights["Wc"].T + dscores @ weights["Wyc"].T

    return logits, backward


def context_scores(weights: Weights, context: Array | None) -> tuple[Array | None, Array | None]:
    """What peeking adds to the gates (N, 4H) and to the scores (N, V) at every step; None without peeking."""
    if context is None:
        return None, None
    return context @ weights["Wc"], context @ weights["Wyc"]


def decoder_step(
    weights: Weights, h: Array, c: Array, gates: Array | None, scores: Array | None, symbols: Array
) -> tuple[Array, Array, Array]:
    """One step of decoding.

    Args:
        h, c: (N, H). gates (N, 4H), scores (N, V): from `context_scores`. symbols: (N,) the last ones.

    Returns:
        log_probabilities (N, V) of the next symbol, and the next h and c (N, H).
    """
    inputs, _ = embedding_affine(symbols[None], weights["E"], weights["Wx"], weights["b"])
    if gates is not None:
        inputs = inputs + gates
    hs, cs, _ = lstm(inputs, h, c, weights["Wh"])
    logits, _ = affine(hs[1], weights["Wy"], weights["by"])
    if scores is not None:
        logits += scores
    return log_softmax(logits), hs[1], cs[1]
