"""The weights of a model as values of a graph, in float32 or as int8 numbers with a scale for each row or column."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from henkan.export.onnx.graph import FLOAT, Graph
from henkan.export.quantization import is_quantized, quantize
from henkan.text.arrays import Array

GATES = [0, 3, 1, 2]
"""The LSTM operator of ONNX has the gates i, o, f, g; henkan has i, f, g, o."""


class GraphWeights:
    """The weights of one member of an ensemble.

    Args:
        graph: the main graph.
        arrays: name -> array.
        int8: whether to store matrices as int8 numbers. Vectors remain float32: they are small.
        prefix: of the names in the file.
    """

    def __init__(self, graph: Graph, arrays: Mapping[str, Array], *, int8: bool, prefix: str) -> None:
        self.graph, self.arrays, self.int8, self.prefix = graph, arrays, int8, prefix
        self._values: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def __getitem__(self, name: str) -> str:
        """The value of a weight."""
        if name not in self._values:
            self._values[name] = self._stored(name, self.arrays[name])
        return self._values[name]

    def for_lstm(self, name: str) -> tuple[str, str, str]:
        """W (1, 4H, D), R (1, 4H, H) and B (1, 8H) of an LSTM layer, as the operator expects them."""
        g = self.graph
        b = _reordered(self.arrays[f"{name}.b"])
        matrices = []
        for part in ("Wx", "Wh"):
            stored = self._stored(f"{name}.{part}", _reordered(self.arrays[f"{name}.{part}"]))
            matrices.append(g.expand(g.op("Transpose", stored, perm=[1, 0]), 0))
        return matrices[0], matrices[1], g.constant(np.concatenate([b, np.zeros_like(b)])[None].astype(np.float32))

    def _stored(self, name: str, array: Array) -> str:
        """Store an array."""
        full = f"{self.prefix}{name}"
        array = array.astype(np.float32)
        if not (self.int8 and is_quantized(array)):
            return self.graph.constant(array, full)
        numbers, scales, _ = quantize(name, array)
        stored = self.graph.cast(self.graph.constant(numbers, full), FLOAT)
        # Unlike DequantizeLinear, ONNX Runtime computes this product once, when it loads the file.
        return self.graph.op("Mul", stored, self.graph.constant(scales, f"{full}.scale"))


def _reordered(array: Array) -> Array:
    """Put the gates, which are the last axis, into the order of ONNX."""
    parts = np.split(array, 4, axis=-1)
    return np.concatenate([parts[gate] for gate in GATES], axis=-1)
