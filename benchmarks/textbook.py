"""The article's model in textbook NumPy: one layer object for each time step.

Written for comparison in the style of a textbook; nothing is optimized.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = Any


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


class LSTMStep:
    """One step of an LSTM; caches what its backward pass needs."""

    def __init__(self, weights: tuple[Array, Array, Array], gradients: tuple[Array, Array, Array]) -> None:
        self.weights, self.gradients = weights, gradients

    def forward(self, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        Wx, Wh, b = self.weights
        a = np.dot(x, Wx) + np.dot(h, Wh) + b
        H = h.shape[1]
        i, f, o = sigmoid(a[:, :H]), sigmoid(a[:, H : 2 * H]), sigmoid(a[:, 3 * H :])
        g = np.tanh(a[:, 2 * H : 3 * H])
        c_next = f * c + g * i
        h_next = o * np.tanh(c_next)
        self.cache = x, h, c, i, f, g, o, c_next
        return h_next, c_next

    def backward(self, dh: Array, dc: Array) -> tuple[Array, Array, Array]:
        Wx, Wh, _ = self.weights
        x, h, c, i, f, g, o, c_next = self.cache
        tanh_c = np.tanh(c_next)
        ds = dc + dh * o * (1 - tanh_c**2)
        da = np.hstack([
            ds * g * i * (1 - i), ds * c * f * (1 - f), ds * i * (1 - g**2), dh * tanh_c * o * (1 - o),
        ])  # fmt: skip
        dWx, dWh, db = self.gradients
        dWx += np.dot(x.T, da)
        dWh += np.dot(h.T, da)
        db += da.sum(axis=0)
        return np.dot(da, Wx.T), np.dot(da, Wh.T), ds * f


class TextbookSeq2Seq:
    """Encoder-decoder, optionally Peeky; sources and targets are padded, and only the loss is masked.

    Args:
        V, D, H: number of symbols, embedding size and hidden size.
        peeky: whether the decoder receives the encoder's last hidden state at every step.
        followed: Peeky inputs whose gradient is computed: "input" (of the LSTM), "output" (of the output layer).
        seed: determines the initial weights, N(0, 1 / rows); embeddings are N(0, 0.01^2), as in the book.
    """

    def __init__(
        self,
        V: int,
        D: int,
        H: int,
        *,
        peeky: bool = True,
        followed: Sequence[str] = ("input", "output"),
        seed: int = 0,
    ) -> None:
        generator = np.random.default_rng(seed)

        def draw(*shape: int, deviation: float | None = None) -> Array:
            return (generator.normal(size=shape) * (deviation or shape[0] ** -0.5)).astype(np.float32)

        self.H, self.peeky, self.followed = H, peeky, followed
        K = H if peeky else 0
        self.weights = [
            draw(V, D, deviation=0.01), draw(D, 4 * H), draw(H, 4 * H), np.zeros(4 * H, np.float32),
            draw(V, D, deviation=0.01), draw(K + D, 4 * H), draw(H, 4 * H), np.zeros(4 * H, np.float32),
            draw(K + H, V), np.zeros(V, np.float32),
        ]  # fmt: skip
        self.gradients = [np.zeros_like(weight) for weight in self.weights]
        self.m, self.v, self.t = list(map(np.zeros_like, self.weights)), list(map(np.zeros_like, self.weights)), 0

    def _with_peek(self, last: Array, x: Array) -> Array:
        """A decoder layer's input, concatenated with the encoder's last hidden state if peeky."""
        return np.hstack([last, x]) if self.peeky else x

    def loss_and_gradients(self, sources: Array, inputs: Array, targets: Array, valid: Array) -> float:
        Ee, ex, eh, eb, Ed, dx, dh_, db, W, b = self.weights
        dEe, dex, deh, deb, dEd, ddx, ddh, ddb, dW, dbb = self.gradients
        for gradient in self.gradients:
            gradient[...] = 0
        N, H, K = len(sources), self.H, self.H if self.peeky else 0
        h = c = np.zeros((N, H), np.float32)
        encoder = []
        for t in range(sources.shape[1]):
            encoder.append(LSTMStep((ex, eh, eb), (dex, deh, deb)))
            h, c = encoder[-1].forward(Ee[sources[:, t]], h, c)
        last, c = h, np.zeros((N, H), np.float32)
        decoder, rows = [], []
        for t in range(inputs.shape[1]):
            decoder.append(LSTMStep((dx, dh_, db), (ddx, ddh, ddb)))
            h, c = decoder[-1].forward(self._with_peek(last, Ed[inputs[:, t]]), h, c)
            rows.append(self._with_peek(last, h))
        joined = np.stack(rows, axis=1).reshape(-1, K + H)
        logits = np.dot(joined, W) + b
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        p /= p.sum(axis=1, keepdims=True)
        mask, flat = valid.reshape(-1), targets.reshape(-1)
        every = np.arange(len(flat))
        loss = -(np.log(p[every, flat]) * mask).sum() / mask.sum()

        p[every, flat] -= 1
        p *= (mask / mask.sum())[:, None].astype(np.float32)
        dW += np.dot(joined.T, p)
        dbb += p.sum(axis=0)
        drows = np.dot(p, W.T).reshape(N, -1, K + H)
        dlast = np.zeros((N, H), np.float32)
        if self.peeky and "output" in self.followed:
            dlast += drows[:, :, :H].sum(axis=1)
        dh = dc = np.zeros((N, H), np.float32)
        for t in range(inputs.shape[1] - 1, -1, -1):
            dxs, dh, dc = decoder[t].backward(dh + drows[:, t, K:], dc)
            if self.peeky and "input" in self.followed:
                dlast += dxs[:, :H]
            np.add.at(dEd, inputs[:, t], dxs[:, K:])
        dh, dc = dh + dlast, np.zeros((N, H), np.float32)
        for t in range(sources.shape[1] - 1, -1, -1):
            dxs, dh, dc = encoder[t].backward(dh, dc)
            np.add.at(dEe, sources[:, t], dxs)
        return float(loss)

    def update(
        self, sources: Array, inputs: Array, targets: Array, valid: Array,
        rate: float, beta2: float, decay: float, clip: float,
    ) -> float:  # fmt: skip
        loss = self.loss_and_gradients(sources, inputs, targets, valid)
        norm = np.sqrt(sum((gradient**2).sum() for gradient in self.gradients))
        scale = min(1.0, clip / norm)
        self.t += 1
        step = rate * np.sqrt(1 - beta2**self.t) / (1 - 0.9**self.t)
        for w, g, m, v in zip(self.weights, self.gradients, self.m, self.v, strict=True):
            g *= scale
            m += 0.1 * (g - m)
            v += (1 - beta2) * (g**2 - v)
            w -= rate * decay * w
            w -= step * m / (np.sqrt(v) + 1e-8)
        return loss

    def answers(self, sources: Array, start: int, steps: int) -> Array:
        """(N, steps): greedy decoding for a fixed number of steps."""
        Ee, ex, eh, eb, Ed, dx, dh, db, W, b = self.weights
        h = c = np.zeros((len(sources), self.H), np.float32)
        for t in range(sources.shape[1]):
            h, c = LSTMStep((ex, eh, eb), ()).forward(Ee[sources[:, t]], h, c)
        last, c, symbols, outputs = h, np.zeros_like(h), np.full(len(sources), start), []
        for _ in range(steps):
            h, c = LSTMStep((dx, dh, db), ()).forward(self._with_peek(last, Ed[symbols]), h, c)
            symbols = (np.dot(self._with_peek(last, h), W) + b).argmax(axis=1)
            outputs.append(symbols)
        return np.stack(outputs, axis=1)
