"""Builds ONNX graphs. A value is the name of a tensor; a call adds a node and returns the names of its outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np
from onnx import GraphProto, TensorProto, ValueInfoProto, helper, numpy_helper

from henkan.text.arrays import Array

INT64, INT32, BOOL, FLOAT, DOUBLE, INT8 = (
    TensorProto.INT64,
    TensorProto.INT32,
    TensorProto.BOOL,
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.INT8,
)

LoopBody = Callable[["Graph", str, list[str]], tuple[str, list[str], list[str]]]


class Graph:
    """A graph under construction, or the body of a loop in it, which can use all values of the graph around it.

    Args:
        outer: the graph around it; None for the main graph.
    """

    def __init__(self, outer: Graph | None = None) -> None:
        self.nodes: list[Any] = []
        self._numbers: Iterator[int] = count() if outer is None else outer._numbers
        self.initializers: list[TensorProto] = [] if outer is None else outer.initializers
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {} if outer is None else outer._constants

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output."""
        return self.ops(1, kind, *inputs, **attributes)[0]

    def ops(self, outputs: int, kind: str, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node with several outputs."""
        names = [f"v{next(self._numbers)}" for _ in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def constant(self, array: Array, name: str = "") -> str:
        """Store an array in the file, once for equal arrays."""
        key = (str(array.dtype), array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = name or f"c{len(self._constants)}"
            self.initializers.append(numpy_helper.from_array(array.copy(), self._constants[key]))
        return self._constants[key]

    def integer(self, number: int) -> str:
        """A scalar int64."""
        return self.constant(np.array(number, np.int64))

    def integers(self, *numbers: int) -> str:
        """A vector of int64."""
        return self.constant(np.array(numbers, np.int64))

    def number(self, value: float, dtype: type[np.floating] = np.float32) -> str:
        """A scalar of floating point."""
        return self.constant(np.array(value, dtype))

    def cast(self, value: str, to: int) -> str:
        """Convert a tensor to another type."""
        return self.op("Cast", value, to=to)

    def size(self, value: str, axis: int) -> str:
        """The size of a tensor along an axis, as a vector of one element."""
        return self.op("Gather", self.op("Shape", value), self.integers(axis))

    def scalar(self, vector: str) -> str:
        """The only element of a vector, as a scalar."""
        return self.op("Squeeze", vector, self.integers(0))

    def range(self, end: str) -> str:
        """The vector 0, 1, ... up to but not including the only element of a vector."""
        return self.op("Range", self.integer(0), self.scalar(end), self.integer(1))

    def filled(self, value: Array, *sizes: str) -> str:
        """A tensor with the given sizes (vectors of one element) and one value, an array of one element."""
        shape = self.op("Concat", *sizes, axis=0) if len(sizes) > 1 else sizes[0]
        return self.op("ConstantOfShape", shape, value=numpy_helper.from_array(value.reshape(1)))

    def expand(self, value: str, *axes: int) -> str:
        """Insert axes of size 1."""
        return self.op("Unsqueeze", value, self.integers(*axes))

    def reshape(self, value: str, *sizes: str) -> str:
        """Give a tensor another shape; sizes are vectors of one element."""
        return self.op("Reshape", value, self.op("Concat", *sizes, axis=0))

    def columns(self, value: str, start: str, end: str, axis: int = 1) -> str:
        """The part of a tensor from `start` up to but not including `end` along an axis."""
        return self.op("Slice", value, start, end, self.integers(axis))

    def any(self, mask: str) -> str:
        """Whether any element of a mask is true, as a scalar."""
        largest = self.op("ReduceMax", self.cast(mask, INT32), keepdims=0)
        return self.cast(largest, BOOL)

    def sum(self, value: str, axis: int) -> str:
        """Sum over an axis."""
        return self.op("ReduceSum", value, self.integers(axis), keepdims=0)

    def affine(self, x: str, W: str, b: str) -> str:
        """X W + b."""
        return self.op("Add", self.op("MatMul", x, W), b)

    def loop(self, trips: str, carried: Sequence[str], body: LoopBody) -> tuple[list[str], list[str]]:
        """Add a loop.

        Args:
            trips: maximum number of iterations, a scalar.
            carried: initial values of what an iteration passes to the next.
            body: (graph, number of the iteration, values) -> whether to continue, the next values, and values of which
                those of all iterations are stacked.

        Returns:
            the last values, and the stacked values.
        """
        inner = Graph(self)
        number, going, *values = (f"v{next(self._numbers)}" for _ in range(2 + len(carried)))
        condition, following, stacked = body(inner, number, values)
        outputs = [inner.op("Identity", each) for each in (condition, *following, *stacked)]
        graph = inner.proto("body", [number, going, *values], outputs)
        for info, kind in zip(
            graph.input[:2], (INT64, BOOL), strict=True
        ):  # ONNX Runtime needs the shapes of these two
            info.CopyFrom(helper.make_tensor_value_info(info.name, kind, []))
        found = self.ops(
            len(following) + len(stacked), "Loop", trips, self.constant(np.array(True)), *carried, body=graph
        )
        return found[: len(following)], found[len(following) :]

    def choose(self, condition: str, then: Callable[[Graph], str], otherwise: str) -> str:
        """Compute one of two values, of which the second exists."""
        first, second = Graph(self), Graph(self)
        branches = [
            graph.proto(name, [], [graph.op("Identity", value)])
            for name, graph, value in (("then", first, then(first)), ("else", second, otherwise))
        ]
        return self.op("If", condition, then_branch=branches[0], else_branch=branches[1])

    def proto(self, name: str, inputs: Sequence[str], outputs: Sequence[str]) -> GraphProto:
        """The graph of a loop or of a branch; types follow from the graph around it."""
        given, returned = ([ValueInfoProto(name=each) for each in values] for values in (inputs, outputs))
        return helper.make_graph(self.nodes, name, given, returned)
