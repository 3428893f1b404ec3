"""Attention between decoder and encoder (after Luong, Pham & Manning 2015).

The encoder's states m_s are the memory. At each step the decoder's state h_t is the query:

    dot:      q . k = h_t . m_s
    general:  q . k = h_t . (m_s Wk)

    a_t = tanh(sum_s weight_ts (m_s Wv) + h_t Wq + b)

a_t replaces h_t as the input of the output layer. m Wk and m Wv are computed once per source. The result is the same as
multiplying at every step, because the weighted sum and the product commute. h_{t+1} does not depend on a_t, so all
steps are computed at once.

"dot" needs keys of the size of h, so the two states of a bidirectional encoder are added.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from henkan.batching.batch import Sources
from henkan.config import ModelConfig
from henkan.model.weights import WeightSpec, bias_spec, matrix_spec
from henkan.nn import PLAIN, Array, Backend, Weights, affine, attention
from henkan.nn.kernels.structures import AttentionArrays


def attention_specs(config: ModelConfig) -> dict[str, WeightSpec]:
    """Weights of the attention layer; empty without attention."""
    if not config.attention:
        return {}
    H, M = config.hidden_size, config.hidden_size * config.directions
    specs = {"Wv": matrix_spec(M, H), "Wq": matrix_spec(H, H), "b": bias_spec(H)}
    return specs | ({"Wk": matrix_spec(M, H)} if config.attention_kind == "general" else {})


@dataclass(frozen=True)
class AttentionMemory:
    """Keys and values of the encoder's states.

    Attributes:
        keys, values: (S, N, H) arrays.
        valid: (S, N) booleans, false at padding.
        copy_ids: (S, N) copy ids of the source symbols, or None; see `henkan.model.copying`.
    """

    keys: Array
    values: Array
    valid: Array
    copy_ids: Array | None = None

    def take(self, rows: Array) -> AttentionMemory:
        """Select sequences."""
        copy_ids = None if self.copy_ids is None else self.copy_ids[:, rows]
        return AttentionMemory(self.keys[:, rows], self.values[:, rows], self.valid[:, rows], copy_ids)


def project_memory(
    weights: Weights, states: Array, sources: Sources, backend: Backend = PLAIN
) -> tuple[AttentionMemory, Callable[[Array, Array, Weights], Array]]:
    """Compute keys and values from the encoder's states.

    Args:
        weights: Wv (M, H) and, for the kind "general", Wk (M, H).
        states: (S, N, M) hidden states of the encoder.
        sources: the encoder's input, which marks padding and has the copy ids.
        backend: allocates large arrays.

    Returns:
        the memory, and backward: dkeys, dvalues (S, N, H), gradients -> dstates (S, N, M). It writes the gradients of
        the weights to `gradients`.
    """
    Wv, M, H = weights["Wv"], states.shape[2], weights["Wv"].shape[1]
    rows, shape = states.reshape(-1, M), (*states.shape[:2], H)
    if "Wk" in weights:
        keys = backend.product(rows, weights["Wk"]).reshape(shape)
    else:
        keys = states if M == H else states[:, :, :H] + states[:, :, H:]

    def backward(dkeys: Array, dvalues: Array, gradients: Weights) -> Array:
        dvalue_rows, dkey_rows = dvalues.reshape(-1, H), dkeys.reshape(-1, H)
        np.matmul(rows.T, dvalue_rows, out=gradients["Wv"])
        dstates = backend.product(dvalue_rows, Wv.T)
        if "Wk" in weights:
            np.matmul(rows.T, dkey_rows, out=gradients["Wk"])
            dstates += backend.product(dkey_rows, weights["Wk"].T)
        else:
            for start in range(0, M, H):
                dstates[:, start : start + H] += dkey_rows
        return dstates.reshape(states.shape)

    return AttentionMemory(keys, backend.product(rows, Wv).reshape(shape), sources.valid, sources.copy_ids), backward


def attention_arrays(weights: Weights, memory: AttentionMemory, backend: Backend) -> AttentionArrays:
    """Prepare the memory and the weights of the attention layer for compiled search."""
    keys, values = (np.ascontiguousarray(array.swapaxes(0, 1)) for array in (memory.keys, memory.values))
    Wq = backend.constant("packed Wq", lambda: backend.kernels.pack_columns(weights["Wq"]))
    return AttentionArrays(keys, values, memory.valid.sum(axis=0), Wq, weights["b"])


class AttendBackward(Protocol):
    """The backward pass of `attend`: dhs (T, N, H), dkeys, dvalues (S, N, H).

    Its arguments are da (T, N, H), the gradients of the weights, which it writes, and the gradients (N, T, S) that the
    scores have where symbols are copied, or None.
    """

    def __call__(  # noqa: D102
        self, da: Array, gradients: Weights, dscores: Array | None = None
    ) -> tuple[Array, Array, Array]: ...


def attend(
    weights: Weights, hs: Array, memory: AttentionMemory, backend: Backend = PLAIN
) -> tuple[Array, Array, AttendBackward]:
    """Attend to the memory at every step.

    Args:
        weights: Wq (H, H), b (H,).
        hs: (T, N, H) hidden states of the decoder.
        memory: keys and values of the same N sequences.
        backend: allocator of large arrays.

    Returns:
        a (T, N, H), the attention weights (N, T, S), and backward.
    """
    contexts, attention_weights, attention_backward = attention(hs, memory.keys, memory.values, memory.valid, backend)
    sums, affine_backward = affine(hs.reshape(-1, hs.shape[2]), weights["Wq"], weights["b"], backend)
    sums += contexts.reshape(sums.shape)
    a = np.tanh(sums, out=sums).reshape(hs.shape)

    def backward(da: Array, gradients: Weights, dscores: Array | None = None) -> tuple[Array, Array, Array]:
        dsum = da * (1 - a * a)
        dhs_query, gradients["Wq"][...], gradients["b"][...] = affine_backward(dsum.reshape(sums.shape))
        dhs, dkeys, dvalues = attention_backward(dsum, dscores)
        dhs += dhs_query.reshape(hs.shape)
        return dhs, dkeys, dvalues

    return a, attention_weights, backward
