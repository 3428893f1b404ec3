"""Attention between decoder and encoder (after Luong, Pham & Manning 2015).

The encoder's states m_s are the memory. At each step the decoder's state h_t asks, and the answer joins it:

    dot:      q . k = h_t . m_s
    general:  q . k = h_t . (m_s Wk)

    a_t = tanh(sum_s weight_ts (m_s Wv) + h_t Wq + b)

a_t takes h_t's place before the output layer. m Wk and m Wv are made once a source; that is the same as
multiplying at every step, for the weighted sum and the product can change places. Nothing here reaches h_{t+1},
so all steps are done at once.

For "dot" the memory must be as wide as h: of an encoder that reads in two directions, their states are added.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from henkan.batching.batch import Sources
from henkan.config import ModelConfig
from henkan.nn import PLAIN, Array, Backend, Weights, affine, attention


def attention_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Name -> shape of attention's weights; none without attention."""
    if not config.attention:
        return {}
    H, M = config.hidden_size, config.hidden_size * config.directions
    shapes: dict[str, tuple[int, ...]] = {"Wv": (M, H), "Wq": (H, H), "b": (H,)}
    return shapes | ({"Wk": (M, H)} if config.attention_kind == "general" else {})


@dataclass(frozen=True)
class Memory:
    """What attention looks at.

    Attributes:
        keys, values: (S, N, H). valid: (S, N) booleans, false at padding.
    """

    keys: Array
    values: Array
    valid: Array

    def take(self, rows: Array) -> Memory:
        """The parts of some sequences."""
        return Memory(self.keys[:, rows], self.values[:, rows], self.valid[:, rows])


def remember(
    weights: Weights, states: Array, sources: Sources
) -> tuple[Memory, Callable[[Array, Array, Weights], Array]]:
    """Make keys and values of the encoder's states.

    Args:
        weights: Wv (M, H) and, for the kind "general", Wk (M, H).
        states: (S, N, M).
        sources: what was read.

    Returns:
        the memory, and backward: dkeys, dvalues (S, N, H), gradients -> dstates (S, N, M); it fills the weights'
        gradients in.
    """
    Wv, M, H = weights["Wv"], states.shape[2], weights["Wv"].shape[1]
    rows, shape = states.reshape(-1, M), (*states.shape[:2], H)
    if "Wk" in weights:
        keys = (rows @ weights["Wk"]).reshape(shape)
    else:
        keys = states if M == H else states[:, :, :H] + states[:, :, H:]

    def backward(dkeys: Array, dvalues: Array, gradients: Weights) -> Array:
        dvalue_rows, dkey_rows = dvalues.reshape(-1, H), dkeys.reshape(-1, H)
        np.matmul(rows.T, dvalue_rows, out=gradients["Wv"])
        dstates: Array = dvalue_rows @ Wv.T
        if "Wk" in weights:
            np.matmul(rows.T, dkey_rows, out=gradients["Wk"])
            dstates += dkey_rows @ weights["Wk"].T
        else:
            for start in range(0, M, H):
                dstates[:, start : start + H] += dkey_rows
        return dstates.reshape(states.shape)

    return Memory(keys, (rows @ Wv).reshape(shape), sources.valid), backward


def attend(
    weights: Weights, hs: Array, memory: Memory, backend: Backend = PLAIN
) -> tuple[Array, Array, Callable[[Array, Weights], tuple[Array, Array, Array]]]:
    """Ask the memory from every step.

    Args:
        weights: Wq (H, H), b (H,).
        hs: (T, N, H), the decoder's states.
        memory: of the same N sequences.
        backend: where large arrays come from.

    Returns:
        a (T, N, H), the weights over source steps (N, T, S), and backward: da (T, N, H), gradients -> dhs (T, N, H),
        dkeys, dvalues (S, N, H); it fills the weights' gradients in.
    """
    contexts, looks, attention_backward = attention(hs, memory.keys, memory.values, memory.valid, backend)
    asked, affine_backward = affine(hs.reshape(-1, hs.shape[2]), weights["Wq"], weights["b"])
    asked += contexts.reshape(asked.shape)
    a = np.tanh(asked, out=asked).reshape(hs.shape)

    def backward(da: Array, gradients: Weights) -> tuple[Array, Array, Array]:
        dsum = da * (1 - a * a)
        dasked, gradients["Wq"][...], gradients["b"][...] = affine_backward(dsum.reshape(asked.shape))
        dhs, dkeys, dvalues = attention_backward(dsum)
        dhs += dasked.reshape(hs.shape)
        return dhs, dkeys, dvalues

    return a, looks, backward
