"""The encoder: symbols to states. One or several stacked LSTM layers, each reading in one direction or in both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from henkan.batching.batch import Sources
from henkan.config import ModelConfig
from henkan.model.weights import WeightSpec, embedding_spec, lstm_specs
from henkan.nn import (
    NONE,
    PLAIN,
    Array,
    Backend,
    LayerInputs,
    Regularization,
    Weights,
    affine,
    dropout,
    group,
    lstm,
    lstm_layer,
    project_symbols,
)
from henkan.nn.kernels.structures import LSTMInputs

CHUNK_STEPS = 32


@dataclass(frozen=True)
class Encoded:
    """The output of the encoder. M is H, or 2H for two directions.

    Attributes:
        states: (S, N, M), the hidden states of the top layer, for attention; arbitrary at padding. None if not kept.
        last: last hidden state (N, M) of each layer; those of two directions are concatenated.
    """

    states: Array | None
    last: list[Array]


EncoderBackward = Callable[[Array | None, list[Array], Weights], None]


def encoder_specs(config: ModelConfig, symbols: int) -> dict[str, WeightSpec]:
    """Weights of the encoder; `symbols` is the size of the source vocabulary (V)."""
    D, H = config.embedding_size, config.hidden_size
    specs = {"E": embedding_spec(symbols, D, "source")}
    for number in range(config.layers):
        for name in _directions(config, number):
            specs |= lstm_specs(name, D if number == 0 else H * config.directions, H)
    return specs


def _directions(config: ModelConfig, number: int) -> list[str]:
    """Names of the LSTMs of a layer; `back1` is the backward LSTM of the first layer."""
    return [f"lstm{number + 1}", f"back{number + 1}"][: config.directions]


def encode(
    weights: Weights,
    config: ModelConfig,
    sources: Sources,
    regularization: Regularization = NONE,
    backend: Backend = PLAIN,
    *,
    keep_states: bool = False,
) -> tuple[Encoded, EncoderBackward]:
    """Run the encoder.

    Args:
        weights: E (V, D), and Wx, Wh, b of each LSTM; see `encoder_specs`.
        config: the model's settings.
        sources: a batch of N sources.
        regularization: dropout.
        backend: the kernels, and the allocator of large arrays.

    Returns:
        the states, and backward: dstates or None, dlast, gradients -> None. It writes the gradients of the weights to
        `gradients`.
    """
    N, H = sources.ids.shape[1], config.hidden_size
    generator = regularization.generator
    E, embedding_backward = dropout(weights["E"], regularization.embedding_dropout, generator, backend)
    x, columns = E, np.arange(N)
    order = _reverse_order(sources) if config.bidirectional else None
    last, layers = [], []
    for number in range(config.layers):
        outputs, ends, backwards = [], [], []
        for name in _directions(config, number):
            reversed_order = order if name.startswith("back") else None
            inputs = LayerInputs(x, sources.active, sources.ids if number == 0 else None, reversed_order)
            hs, _, layer_backward = lstm_layer(group(weights, name), inputs, None, backend=backend)
            outputs.append(hs[1:] if reversed_order is None else hs[1:][reversed_order, columns])
            ends.append(hs[-1])
            backwards.append((name, reversed_order, layer_backward))
        x, dropout_backward = dropout(_concatenated(outputs), regularization.dropout, generator, backend)
        last.append(_concatenated(ends))
        layers.append((backwards, dropout_backward))

    def backward(dstates: Array | None, dlast: list[Array], gradients: Weights) -> None:
        dx = dstates
        for (backwards, dropout_backward), dends in zip(reversed(layers), reversed(dlast), strict=True):
            doutputs = None if dx is None else dropout_backward(dx)
            dx = None
            for index, (name, reversed_order, layer_backward) in enumerate(backwards):
                part = slice(index * H, (index + 1) * H)
                dhs = None if doutputs is None else np.ascontiguousarray(doutputs[..., part])
                if dhs is not None and reversed_order is not None:
                    dhs = dhs[reversed_order, columns]
                dbelow, *_ = layer_backward(dhs, dends[:, part], None, group(gradients, name))
                dx = dbelow if dx is None else dx + dbelow
        if dx is not None:
            gradients["E"][...] = embedding_backward(dx)

    return Encoded(x if keep_states else None, last), backward


def encode_without_backward(
    weights: Weights,
    config: ModelConfig,
    sources: Sources,
    backend: Backend = PLAIN,
    *,
    keep_states: bool = False,
) -> Encoded:
    """Run the encoder for prediction.

    Only the hidden states that the next layer or attention reads are kept: `CHUNK_STEPS` steps are run at a time, and
    their gates and cell states are discarded. So the memory use of a single layer without attention does not depend on
    the length of the sources.
    """
    (S, N), H = sources.ids.shape, config.hidden_size
    order = _reverse_order(sources) if config.bidirectional else None
    x, ids, last = weights["E"], sources.ids, []
    for number in range(config.layers):
        kept = keep_states or number + 1 < config.layers
        outputs = np.zeros((S, N, H * config.directions), x.dtype) if kept else None
        ends = []
        for index, name in enumerate(_directions(config, number)):
            inputs = LayerInputs(x, sources.active, ids if number == 0 else None, order if index else None)
            if number == 0 and backend.kernels.VECTORS and x.dtype == np.float32:
                ends.append(_run_compiled(weights, name, inputs, outputs, index * H, backend))
                continue
            part = None if outputs is None else outputs[..., index * H : (index + 1) * H]
            ends.append(_run_in_chunks(group(weights, name), inputs, part, backend))
        if outputs is not None:
            x = outputs
        last.append(_concatenated(ends))
    return Encoded(x if keep_states else None, last)


def _run_compiled(
    weights: Weights, name: str, inputs: LayerInputs, outputs: Array | None, column: int, backend: Backend
) -> Array:
    """Run an LSTM of the first layer; return its last hidden state, and fill in H columns of `outputs` unless None."""
    layer, E, ids = group(weights, name), inputs.x, inputs.ids
    assert ids is not None
    table = backend.constant(f"encoder {name} table", lambda: affine(E, layer["Wx"], layer["b"])[0])
    panels = backend.constant(f"encoder {name} panels", lambda: backend.kernels.pack_recurrent(layer["Wh"]))
    given = LSTMInputs(table, ids, layer["Wh"], inputs.active)
    last: Array = backend.kernels.last_states(given, inputs.order, outputs, column, panels)
    return last


def _run_in_chunks(weights: Weights, inputs: LayerInputs, outputs: Array | None, backend: Backend) -> Array:
    """Run a layer in one direction; return its last hidden state, and fill in `outputs` (S, N, H) unless it is None."""
    x, active, ids, order = inputs
    Wx, b, columns = weights["Wx"], weights["b"], np.arange(x.shape[1] if ids is None else ids.shape[1])
    h = c = np.zeros((len(columns), len(weights["Wh"])), x.dtype)
    if ids is not None:
        table, indices, _ = project_symbols(ids, x, Wx, b, backend)
    for start in range(0, len(active), CHUNK_STEPS):
        steps = slice(start, start + CHUNK_STEPS)
        read: Any = steps if order is None else (order[steps], columns)
        if ids is not None:
            chunk = table, indices[read]
        else:
            rows, _ = affine(x[read].reshape(-1, len(Wx)), Wx, b)
            chunk = rows, np.arange(len(rows)).reshape(-1, len(columns))
        hs, cs, _ = lstm(chunk, (h, c), weights["Wh"], active=active[steps], backend=backend)
        h, c = hs[-1], cs[-1]
        if outputs is not None:
            outputs[read] = hs[1:]
    return h


def _reverse_order(sources: Sources) -> Array:
    """(S, N): the step of the t-th symbol from the end of each source; padding keeps its position."""
    steps = np.arange(len(sources.ids))[:, None]
    return np.where(sources.valid, sources.valid.sum(axis=0) - 1 - steps, steps)


def _concatenated(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
