"""The encoder-decoder as a graph; see `henkan.model.encoder_decoder` for the formulas."""

from __future__ import annotations

import numpy as np

from henkan.config import ModelConfig
from henkan.export.onnx.encoder import encode, lstm_step
from henkan.export.onnx.graph import FLOAT, Graph
from henkan.export.onnx.sources import GraphSources, reversal
from henkan.export.onnx.weights import GraphWeights
from henkan.nn.kernels.structures import SMALLEST_WEIGHT

NEVER = -np.inf


class GraphEncoderDecoder:
    """The encoder-decoder of one member.

    Args:
        g: the main graph.
        weights: its weights.
        config: its settings.
        symbols: number of target symbols (V).
    """

    def __init__(self, g: Graph, weights: GraphWeights, config: ModelConfig, symbols: int) -> None:
        self.weights, self.config, self.symbols = weights, config, symbols
        E = weights["decoder.E"]
        table = g.op("Concat", E, weights["decoder.copied"], axis=0) if config.copy else E
        self.inputs = g.affine(table, weights["decoder.lstm1.Wx"], weights["decoder.lstm1.b"])
        self.Wy = g.op("Transpose", E, perm=[1, 0]) if config.tied else weights["decoder.Wy"]

    def encode(self, g: Graph, sources: GraphSources, copy_ids: str | None) -> tuple[dict[str, str], list[str]]:
        """The memory, whose tensors have one row for each source, and the first state: h and c of each layer."""
        config, weights = self.config, self.weights
        order = reversal(g, sources.lengths, sources.steps) if config.reverse else None
        ids = sources.ids if order is None else g.op("GatherElements", sources.ids, order, axis=1)
        states, last = encode(g, weights, config, ids, sources.lengths)
        first = [self._bridge(g, number, each) for number, each in enumerate(last, start=1)]
        memory = {}
        if config.peeky:
            memory["gates"] = g.op("MatMul", first[-1], weights["decoder.Wc"])
            memory["scores"] = g.op("MatMul", first[-1], weights["decoder.Wyc"])
        if config.attention:
            memory |= {"keys": self._keys(g, states), "values": g.op("MatMul", states, weights["attention.Wv"])}
            memory["valid"] = sources.valid
        if copy_ids is not None:
            ordered = copy_ids if order is None else g.op("GatherElements", copy_ids, order, axis=1)
            copied = g.op("And", sources.valid, g.op("GreaterOrEqual", ordered, g.integer(0)))
            memory |= {"copied": copied, "copy_ids": g.op("Where", copied, ordered, g.integer(0))}
        zero = g.op("Mul", first[0], g.number(0))
        return memory, [part for h in first for part in (h, zero)]

    def _bridge(self, g: Graph, number: int, last: str) -> str:
        if not self.config.bidirectional:
            return last
        return g.op("Tanh", g.affine(last, self.weights[f"bridge.W{number}"], self.weights[f"bridge.b{number}"]))

    def _keys(self, g: Graph, states: str) -> str:
        """(N, H, S), transposed for the product with queries."""
        H = self.config.hidden_size
        if self.config.attention_kind == "general":
            states = g.op("MatMul", states, self.weights["attention.Wk"])
        elif self.config.bidirectional:
            states = g.op("Add", *(g.columns(states, g.integers(k), g.integers(k + H), axis=2) for k in (0, H)))
        return g.op("Transpose", states, perm=[0, 2, 1])

    def step(self, g: Graph, memory: dict[str, str], state: list[str], symbols: str) -> tuple[str, list[str]]:
        """Log-probabilities of the next symbol, (N, V) or with copying (N, V + S), and the next state.

        Args:
            g: the graph of the step.
            memory: from `encode`.
            state: h and c of each layer.
            symbols: (N,) the symbols predicted last.
        """
        weights, after, x = self.weights, [], ""
        if self.config.copy:
            symbols = g.op("Min", symbols, g.integer(self.symbols))
        for number in range(1, self.config.layers + 1):
            name = f"decoder.lstm{number}"
            if number == 1:
                gates = g.op("Gather", self.inputs, symbols)
                gates = g.op("Add", gates, memory["gates"]) if self.config.peeky else gates
            else:
                gates = g.affine(x, weights[f"{name}.Wx"], weights[f"{name}.b"])
            x, c = lstm_step(g, gates, weights[f"{name}.Wh"], (state[2 * number - 2], state[2 * number - 1]))
            after += [x, c]
        attention = ""
        if self.config.attention:
            x, attention = self._attend(g, memory, x)
        logits = g.affine(x, self.Wy, weights["decoder.by"])
        if self.config.peeky:
            logits = g.op("Add", logits, memory["scores"])
        logs = g.op("LogSoftmax", logits, axis=1)
        return self._with_copies(g, memory, x, logs, attention) if self.config.copy else logs, after

    def _attend(self, g: Graph, memory: dict[str, str], h: str) -> tuple[str, str]:
        """The output of the attention layer (N, H), and the weights (N, S); see `henkan.model.attention`."""
        scores = g.op("Squeeze", g.op("MatMul", g.expand(h, 1), memory["keys"]), g.integers(1))
        lowest = g.number(float(np.finfo(np.float32).min))
        shares = g.op("Softmax", g.op("Where", memory["valid"], scores, lowest), axis=1)
        shares = g.op("Mul", shares, g.cast(memory["valid"], FLOAT))  # an empty source has no weights
        context = g.op("Squeeze", g.op("MatMul", g.expand(shares, 1), memory["values"]), g.integers(1))
        query = g.affine(h, self.weights["attention.Wq"], self.weights["attention.b"])
        return g.op("Tanh", g.op("Add", context, query)), shares

    def _with_copies(self, g: Graph, memory: dict[str, str], out: str, logs: str, attention: str) -> str:
        """Log-probabilities (N, V + S) with those of copied symbols; see `henkan.nn.copying`."""
        copied = memory["copied"]
        z = g.affine(out, self.weights["decoder.copy_w"], self.weights["decoder.copy_b"])  # (N, 1)
        least = g.op("Max", attention, g.number(SMALLEST_WEIGHT))
        shares = g.op("Where", copied, least, g.number(0))
        total = g.expand(g.sum(shares, 1), 1)
        some = g.op("Greater", total, g.number(0))
        shares = g.op("Div", shares, g.op("Where", some, total, g.number(1)))
        rows, width = g.size(copied, 0), g.size(copied, 1)
        nothing = g.filled(np.array([NEVER], np.float32), rows, width)
        minus = g.op("Where", some, g.op("Neg", g.op("Softplus", z)), g.number(0))
        predicted = g.op("Concat", g.op("Add", logs, minus), nothing, axis=1)
        zeros = g.op("Mul", g.cast(g.op("IsInf", predicted), FLOAT), g.number(0))
        placed = g.op("ScatterElements", zeros, memory["copy_ids"], shares, axis=1, reduction="add")
        copies = g.op("Sub", g.op("Log", placed), g.op("Softplus", g.op("Neg", z)))
        return log_add(g, predicted, copies)


def log_add(g: Graph, a: str, b: str) -> str:
    """log(exp a + exp b), also where both are minus infinity."""
    largest = g.op("Max", a, b)
    lowest = g.number(float(np.finfo(np.float32).min))
    base = g.op("Max", largest, lowest)
    total = g.op("Add", g.op("Exp", g.op("Sub", a, base)), g.op("Exp", g.op("Sub", b, base)))
    return g.op("Add", g.op("Log", total), base)
