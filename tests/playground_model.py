"""The model of the playground from the formulas of the documentation, in NumPy."""

import numpy as np

SOURCE, TARGET = "+0123456789", ["", *"0123456789"]
"""Symbols by id. The first target symbol is the boundary."""


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


class Model:
    """The encoder-decoder from its formulas, in float64, one symbol at a time."""

    def __init__(self, weights, peeky):
        self.weights = {name: array.astype(float) for name, array in weights.items()}
        self.peeky = peeky
        self.H = weights["encoder.lstm1.Wh"].shape[0]

    def step(self, side, symbol, h, c, context=None):
        """Gates and states after a step."""
        w = {name.removeprefix(f"{side}."): array for name, array in self.weights.items()}
        from_input = w["E"][symbol] @ w["lstm1.Wx"] + w["lstm1.b"]
        from_state = h @ w["lstm1.Wh"]
        from_context = context @ w["Wc"] if self.peeky and side == "decoder" else None
        a = from_input + from_state + (0 if from_context is None else from_context)
        i, f, g, o = np.split(a, 4)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        gates = np.concatenate([i, f, g, o])
        return {"fromInput": from_input, "fromState": from_state, "gates": gates, "c": c, "h": o * np.tanh(c)}

    def logits(self, h, context):
        w = self.weights
        return h @ w["decoder.Wy"] + w["decoder.by"] + (context @ w["decoder.Wyc"] if self.peeky else 0)

    def steps(self, read, inputs):
        """All steps; `read` and `inputs` are symbol ids."""
        h = c = np.zeros(self.H)
        steps = []
        for symbol in read:
            steps.append(self.step("encoder", symbol, h, c))
            h, c = steps[-1]["h"], steps[-1]["c"]
        context, c = h, np.zeros(self.H)
        for symbol in inputs:
            steps.append(self.step("decoder", symbol, h, c, context))
            h, c = steps[-1]["h"], steps[-1]["c"]
        return steps, context

    def loss(self, read, targets, wanted, at, h_at):
        """The loss of target symbol `wanted`, if the hidden state after step `at` is `h_at`."""
        h = c = np.zeros(self.H)
        for t, symbol in enumerate(read):
            step = self.step("encoder", symbol, h, c)
            h, c = h_at if t == at else step["h"], step["c"]
        context, c = h, np.zeros(self.H)
        for t, symbol in enumerate([0, *targets[:wanted]]):
            step = self.step("decoder", symbol, h, c, context)
            h, c = h_at if len(read) + t == at else step["h"], step["c"]
        logits = self.logits(h, context)
        return np.log(np.exp(logits).sum()) - logits[targets[wanted]]


def ids_of(source, reverse):
    ids = [SOURCE.index(symbol) for symbol in source]
    return ids[::-1] if reverse else ids
