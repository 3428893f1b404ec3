"""Copying in the decoder: a pointer-generator network (after See, Liu & Manning 2017), the setting `ModelConfig.copy`.

At each step, the decoder predicts a symbol of the target vocabulary or copies the source symbol that it attends to;
`henkan.nn.copying` has the formula. The logit of the probability of copying is z_t = a_t w + b, where a_t is the input
of the output layer.

A source symbol that the target vocabulary lacks can be copied too. It has an id of V or more; see
`henkan.batching.copy_ids`. As the next input of the decoder, all such symbols share one learned embedding, `copied`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from henkan.config import ModelConfig
from henkan.model.weights import WeightSpec, bias_spec, embedding_spec, matrix_spec
from henkan.nn import (
    PLAIN,
    Array,
    Backend,
    LossTargets,
    OutputGradients,
    OutputLayer,
    Pointer,
    Weights,
    affine,
    copy_log_probabilities,
    copy_loss,
)

CopyBackward = Callable[[Weights], tuple[OutputGradients, Array]]


def copying_specs(config: ModelConfig, deviation: float) -> dict[str, WeightSpec]:
    """Weights for copying, a part of the decoder's; empty without `config.copy`.

    Args:
        config: the model's settings.
        deviation: standard deviation of the target embeddings.
    """
    if not config.copy:
        return {}
    return {
        "copied": embedding_spec(1, config.embedding_size, None, deviation),
        "copy_w": matrix_spec(config.hidden_size, 1),
        "copy_b": bias_spec(1),
    }


def input_table(weights: Weights) -> Array:
    """The embeddings of the decoder's inputs: E (V, D) and, as the last row, that of copied symbols."""
    return np.concatenate([weights["E"], weights["copied"]]) if "copied" in weights else weights["E"]


def input_rows(weights: Weights, symbols: Array) -> Array:
    """The rows of `input_table` for symbols of any shape."""
    return np.minimum(symbols, len(weights["E"])) if "copied" in weights else symbols


def split_table_gradient(gradients: Weights, dtable: Array) -> None:
    """Write the gradient of `input_table` to those of the weights."""
    V = len(gradients["E"])
    gradients["E"][...] = dtable[:V]
    if "copied" in gradients:
        gradients["copied"][...] = dtable[V:]


def copying_loss(
    weights: Weights,
    out: Array,
    pointer: tuple[Array, Array | None],
    layer: OutputLayer,
    targets: LossTargets,
    *,
    scores: Array | None = None,
    backend: Backend = PLAIN,
) -> tuple[float, CopyBackward]:
    """Output layer and cross-entropy with copying.

    Args:
        weights: those of `copying_specs`.
        out: (T, N, H), the inputs of the output layer.
        pointer: the attention weights (N, T, S), and the copy ids (S, N) of the sources.
        layer, targets, scores, backend: as in `henkan.nn.copy_loss`.

    Returns:
        the loss in nats per symbol, and backward: gradients -> gradients of the output layer, including those of `out`,
        and of the attention scores (N, T, S). It writes the gradients of the weights to `gradients`.

    Raises:
        ValueError: if there are no copy ids.
    """
    attention, copy_ids = pointer
    z, gate_backward = affine(out, weights["copy_w"], weights["copy_b"])
    complete = Pointer(z.reshape(z.shape[:2]), attention, _checked(copy_ids))
    loss, loss_backward = copy_loss(out, layer, targets, complete, scores=scores, backend=backend)

    def backward(gradients: Weights) -> tuple[OutputGradients, Array]:
        output, dgates, dscores = loss_backward()
        dout, gradients["copy_w"][...], gradients["copy_b"][...] = gate_backward(dgates[..., None])
        return output._replace(dhs=output.dhs + dout), dscores

    return loss, backward


def copying_step(weights: Weights, out: Array, vocabulary: Array, attention: Array, copy_ids: Array | None) -> Array:
    """Log-probabilities (N, V + S) of the next symbol.

    Args:
        weights: those of `copying_specs`.
        out: (N, H), the input of the output layer.
        vocabulary: (N, V) log-probabilities of the output layer.
        attention: (N, S) attention weights.
        copy_ids: (S, N) copy ids of the sources.

    Raises:
        ValueError: if there are no copy ids.
    """
    z, _ = affine(out, weights["copy_w"], weights["copy_b"])
    return copy_log_probabilities(vocabulary, z[:, 0], attention, _checked(copy_ids))


def _checked(copy_ids: Array | None) -> Array:
    if copy_ids is None:
        raise ValueError("a model that copies needs the copy ids of its sources; see henkan.batching.copy_ids")
    return copy_ids
