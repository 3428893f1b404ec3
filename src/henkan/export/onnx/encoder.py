"""The encoder as a graph: the LSTM operator, one or several layers in one direction or in both."""

from __future__ import annotations

from henkan.config import ModelConfig
from henkan.export.onnx.graph import INT32, Graph
from henkan.export.onnx.weights import GraphWeights


def encode(g: Graph, weights: GraphWeights, config: ModelConfig, ids: str, lengths: str) -> tuple[str, list[str]]:
    """Run the encoder.

    Args:
        g: the main graph.
        weights: the weights of a model.
        config: its settings.
        ids: (N, S), in the order in which they are read.
        lengths: (N,).

    Returns:
        the states of the top layer (N, S, M), and the last state (N, M) of each layer; see `henkan.model.encoder`.
    """
    directions, H = config.directions, config.hidden_size
    x = g.op("Transpose", g.op("Gather", weights["encoder.E"], ids), perm=[1, 0, 2])
    steps, last = g.cast(lengths, INT32), []
    for number in range(1, config.layers + 1):
        each = [weights.for_lstm(f"encoder.{name}{number}") for name in ("lstm", "back")[:directions]]
        W, R, B = (g.op("Concat", *parts, axis=0) for parts in zip(*each, strict=True))
        direction = "bidirectional" if directions == 2 else "forward"
        hs, ends = g.ops(2, "LSTM", x, W, R, B, steps, hidden_size=H, direction=direction)
        x = g.op("Reshape", g.op("Transpose", hs, perm=[0, 2, 1, 3]), g.integers(0, 0, directions * H))
        last.append(g.op("Reshape", g.op("Transpose", ends, perm=[1, 0, 2]), g.integers(0, directions * H)))
    return g.op("Transpose", x, perm=[1, 0, 2]), last


def lstm_step(g: Graph, gates: str, Wh: str, state: tuple[str, str]) -> tuple[str, str]:
    """One step of an LSTM layer of the decoder.

    Args:
        g: the graph of the step.
        gates: (N, 4H), the contributions of the input and of the bias.
        Wh: (H, 4H).
        state: h and c before the step, (N, H) each.

    Returns:
        h and c after the step.
    """
    h, c = state
    i, f, new, o = g.ops(4, "Split", g.op("Add", gates, g.op("MatMul", h, Wh)), axis=1)
    kept = g.op("Mul", g.op("Sigmoid", f), c)
    c = g.op("Add", kept, g.op("Mul", g.op("Sigmoid", i), g.op("Tanh", new)))
    return g.op("Mul", g.op("Sigmoid", o), g.op("Tanh", c)), c
