"""The transducer as a graph; see `henkan.model.transducer` and `henkan.model.pointer_decoder` for the formulas."""

from __future__ import annotations

import numpy as np

from henkan.config import ModelConfig
from henkan.export.onnx.encoder import encode, lstm_step
from henkan.export.onnx.graph import FLOAT, INT64, Graph
from henkan.export.onnx.sources import GraphSources
from henkan.export.onnx.weights import GraphWeights
from henkan.model.edit_actions import ActionTable
from henkan.text.arrays import Array


class GraphTransducer:
    """The transducer of one member.

    Args:
        g: the main graph.
        weights: its weights.
        config: its settings.
        actions: what each action does.
    """

    def __init__(self, g: Graph, weights: GraphWeights, config: ModelConfig, actions: ActionTable) -> None:
        self.weights, self.config, self.table = weights, config, actions
        self.actions = g.affine(weights["decoder.E"], weights["decoder.lstm1.Wx"], weights["decoder.lstm1.b"])

    def encode(self, g: Graph, sources: GraphSources, text: TextSpan) -> tuple[dict[str, str], list[str]]:
        """The memory, whose tensors have one row for each source, and the first state: h and c of each layer.

        The last element of the state is the pointer.
        """
        config, weights, H = self.config, self.weights, self.config.hidden_size
        states, _ = encode(g, weights, config, sources.ids, sources.lengths)
        M = H * config.directions
        order = g.op("Expand", g.expand(text.order, 2), g.integers(1, 1, M))
        states = g.op("GatherElements", states, order, axis=1)
        at_end = g.expand(g.op("Equal", sources.steps, g.expand(text.end, 1)), 2)
        states = g.op("Where", at_end, weights["decoder.end"], states)
        memory = {"states": g.op("MatMul", states, weights["decoder.Wp"]), "end": text.end}
        if "decoder.Wt" in weights:
            embedded = g.op("Gather", weights["encoder.E"], sources.ids)
            is_tag = g.cast(g.op("Less", sources.steps, g.expand(text.start, 1)), FLOAT)
            tags = g.sum(g.op("Mul", embedded, g.expand(is_tag, 2)), 1)
            memory["tags"] = g.op("MatMul", tags, weights["decoder.Wt"])
        zero = g.filled(np.zeros(1, np.float32), g.size(sources.ids, 0), g.integers(H))
        return memory, [zero] * (2 * config.layers) + [text.start]

    def step(self, g: Graph, memory: dict[str, str], state: list[str], symbols: str) -> tuple[str, list[str]]:
        """Log-probabilities of the next action (N, A), and the next state; see `GraphEncoderDecoder.step`."""
        weights, after = self.weights, list[str]()
        moved = g.op("Add", state[-1], g.op("Gather", g.constant(self.table.moves.astype(np.int64)), symbols))
        pointer = g.op("Min", moved, memory["end"])
        read = g.op("GatherND", memory["states"], g.expand(pointer, 1), batch_dims=1)
        gates = g.op("Add", g.op("Gather", self.actions, symbols), read)
        gates = g.op("Add", gates, memory["tags"]) if "tags" in memory else gates
        x = ""
        for number in range(1, self.config.layers + 1):
            name = f"decoder.lstm{number}"
            if number > 1:
                gates = g.affine(x, weights[f"{name}.Wx"], weights[f"{name}.b"])
            x, c = lstm_step(g, gates, weights[f"{name}.Wh"], (state[2 * number - 2], state[2 * number - 1]))
            after += [x, c]
        logs = g.op("LogSoftmax", g.affine(x, weights["decoder.Wy"], weights["decoder.by"]), axis=1)
        possible = np.where(np.stack([self.table.before_end, self.table.at_end]), 0, -np.inf).astype(np.float32)
        at_end = g.op("Equal", pointer, memory["end"])
        logs = g.op("Add", logs, g.op("Where", g.expand(at_end, 1), g.constant(possible[1]), g.constant(possible[0])))
        return logs, [*after, pointer]


class TextSpan:
    """Where the text of each source is, after its feature tags.

    Args:
        g: the main graph.
        sources: N sources.
        is_tag: (V,) whether each source symbol is a feature tag.
        reverse: whether the pointer moves from the last symbol to the first.

    Attributes:
        start, end: (N,) the text is from `start` up to but not including `end`.
        order: (N, S) the source step that the pointer reads at each of its positions.
    """

    def __init__(self, g: Graph, sources: GraphSources, is_tag: Array, *, reverse: bool) -> None:
        steps = sources.steps
        self.end = sources.lengths
        tags = g.op("Gather", g.constant(is_tag.astype(np.int64)), sources.ids)
        numbered = g.op("Mul", g.op("Mul", tags, g.cast(sources.valid, INT64)), g.op("Add", steps, g.integer(1)))
        self.start = g.op("ReduceMax", numbered, axes=[1], keepdims=0)
        before, inside = g.expand(self.start, 1), sources.valid
        inside = g.op("And", inside, g.op("GreaterOrEqual", steps, before))
        turned = g.op("Sub", g.op("Sub", g.op("Add", before, g.expand(self.end, 1)), g.integer(1)), steps)
        plain = g.op("Add", steps, g.op("Mul", before, g.integer(0)))
        self.order = g.op("Where", inside, turned, plain) if reverse else plain
