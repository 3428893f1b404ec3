"""The most probable edits of pairs in a graph: `henkan.text.edit_lattice`, as loops over diagonals and over edits."""

from __future__ import annotations

import numpy as np

from henkan.export.onnx.graph import BOOL, DOUBLE, INT8, INT64, Graph
from henkan.model.edit_actions import COPY, DELETE, EditActions
from henkan.text.arrays import Array
from henkan.text.edit_lattice import DELETE as DELETED
from henkan.text.edit_lattice import INSERT, MATCH, TOLERANCE
from henkan.text.vocabulary import UNKNOWN

LOWEST = np.array([-np.inf])


class GraphLattice:
    """The most probable edits of R pairs; see `henkan.text.edit_lattice`, whose names are used here.

    Args:
        g: the main graph.
        codec: the target codec.
        texts: ids and copy ids (R, S) and lengths (R,) of the source texts. The last column is padding.
        targets: (R, T) ids; those of V or more can only be copied.
        counts: (R,) lengths of the targets.
    """

    def __init__(self, g: Graph, codec: EditActions, texts: tuple[str, str, str], targets: str, counts: str) -> None:
        ids, copies, self.lengths = texts
        self.codec, self.counts, self.V = codec, counts, len(codec.target)
        self.y = g.op("Pad", targets, g.integers(0, 0, 0, 1))  # at least one column
        self.R, self.S = g.size(ids, 0), g.size(ids, 1)
        self.T = g.size(self.y, 1)
        self._set_costs(g, ids, copies)

    def _set_costs(self, g: Graph, ids: str, copies: str) -> None:
        """Log-probabilities of edits. Column i of source arrays is about symbol i - 1, so column 0 has none."""
        assert self.codec.distance is not None
        unknown = UNKNOWN if self.codec.source.unknown else None
        distance = self.codec.distance.with_copies(unknown, 1)
        logs, self.width = distance.logs, distance.logs.substitute.shape[1]

        def before(value: str, padding: str) -> str:
            """(R, S) with a column in front and without the last, which is padding."""
            last = g.op("Sub", self.S, g.integers(1))
            return g.op("Concat", padding, g.columns(value, g.integers(0), last), axis=1)

        zero, never = g.filled(np.zeros(1, np.int64), self.R, g.integers(1)), g.filled(LOWEST, self.R, g.integers(1))
        valid = g.op("Less", g.range(self.S), g.expand(self.lengths, 1))
        classes = g.op("Gather", g.constant(distance.source_classes.astype(np.int64)), ids)
        costs = [
            g.op("Where", valid, g.op("Gather", _stored(g, each), classes), g.constant(LOWEST))
            for each in (logs.copy, logs.delete)
        ]
        self.copy, self.delete = (before(each, never) for each in costs)
        self.copies = before(copies, g.op("Sub", zero, g.integer(9)))
        self.row = g.op("Mul", before(classes, zero), g.integer(self.width))
        self.valid = before(g.cast(valid, INT64), zero)
        self.substitute = _stored(g, logs.substitute.reshape(-1))
        table = distance.target_classes.astype(np.int64)
        self.y_classes = g.op("Gather", g.constant(table), g.op("Min", self.y, g.integer(len(table) - 1)))
        inside = g.op("Less", g.range(self.T), g.expand(self.counts, 1))
        insert = g.op("Gather", _stored(g, logs.insert), self.y_classes)
        self.insert = g.op("Where", inside, insert, g.constant(LOWEST))
        self.inside = g.cast(inside, INT64)

    def best(self, g: Graph) -> tuple[str, str, str]:
        """Actions (R, E) of the most probable edits, from the last to the first, padded with one 0 or more; their
        numbers (R,); and whether they write the target (R,).
        """
        kinds = self._kinds(g)
        first = [self.lengths, self.counts, g.cast(g.filled(np.ones(1, np.int64), self.R), BOOL)]
        last_column, actions = g.op("Sub", self.T, g.integers(1)), self.codec.actions
        insertion, substitution = (int(ids(np.zeros((), int))) for ids in (actions.insertion, actions.substitution))

        def body(b: Graph, _: str, carried: list[str]) -> tuple[str, list[str], list[str]]:
            i, j, possible = carried
            d = b.op("Add", i, j)
            going = b.op("Greater", d, b.integer(0))
            row = b.op(
                "Add", b.op("Mul", b.op("Max", b.op("Sub", d, b.integer(1)), b.integer(0)), self.R), b.range(self.R)
            )
            kind = b.cast(b.op("Gather", kinds, b.op("Add", b.op("Mul", row, self.S), i)), INT64)
            reads, writes = (
                b.op("And", going, b.op("Not", b.op("Equal", kind, b.integer(k)))) for k in (INSERT, DELETED)
            )
            before = b.op("Min", b.op("Max", b.op("Sub", j, b.integer(1)), b.integer(0)), last_column)
            y, copies = (
                b.op("Squeeze", b.op("GatherElements", value, b.expand(at, 1), axis=1), b.integers(1))
                for value, at in ((self.y, before), (self.copies, i))
            )
            same = b.op("And", b.op("Equal", kind, b.integer(MATCH)), b.op("Equal", copies, y))
            action = b.op("Where", same, b.integer(COPY), b.op("Add", y, b.integer(substitution)))
            inserted = b.op("Add", y, b.integer(insertion))
            action = b.op("Where", b.op("Equal", kind, b.integer(INSERT)), inserted, action)
            action = b.op("Where", b.op("Equal", kind, b.integer(DELETED)), b.integer(DELETE), action)
            lost = b.op("And", b.op("And", writes, b.op("Not", same)), b.op("GreaterOrEqual", y, b.integer(self.V)))
            action = b.op("Where", b.op("Or", lost, b.op("Not", going)), b.integer(0), action)
            i, j = (b.op("Sub", k, b.cast(step, INT64)) for k, step in ((i, reads), (j, writes)))
            left = b.op("Greater", b.op("Add", i, j), b.integer(0))
            return b.any(left), [i, j, b.op("And", possible, b.op("Not", lost))], [action, b.cast(going, INT64)]

        trips = g.op("Add", self.S, self.T)
        (*_, possible), [chosen, counted] = g.loop(g.scalar(trips), first, body)
        padded = g.op("Pad", g.op("Transpose", chosen, perm=[1, 0]), g.integers(0, 0, 0, 1))
        return padded, g.sum(counted, 0), possible

    def _kinds(self, g: Graph) -> str:
        """(D R S,) the last edit of the most probable way to each cell, by diagonals from the first on."""
        blank = g.filled(LOWEST, self.R, self.S)
        at_start = g.op("Equal", g.range(self.S), g.integer(0))
        start = g.op("Where", at_start, g.constant(np.zeros(1)), blank)
        never = g.filled(LOWEST, self.R, g.integers(1))

        def shifted(b: Graph, cells: str) -> str:
            return b.op("Concat", never, b.columns(cells, b.integers(0), b.op("Sub", self.S, b.integers(1))), axis=1)

        def body(b: Graph, number: str, carried: list[str]) -> tuple[str, list[str], list[str]]:
            older, old = carried  # of the diagonals d - 2 and d - 1, where d = number + 1
            j = b.op("Sub", number, b.range(self.S))  # the target symbol that each edit writes
            inside = b.op("And", b.op("GreaterOrEqual", j, b.integer(0)), b.op("Less", j, self.T))
            at = b.op("Where", inside, j, b.integer(0))
            insert = b.op("Where", inside, b.op("Gather", self.insert, at, axis=1), b.constant(LOWEST))
            best, kinds = b.op("Add", old, insert), b.filled(np.array([INSERT]), self.R, self.S)
            logs = b.op("Add", shifted(b, old), self.delete)
            best, kinds = _better(b, best, kinds, logs, DELETED)
            logs = b.op("Add", shifted(b, older), self._match(b, at, inside))
            best, kinds = _better(b, best, kinds, logs, MATCH)
            return b.constant(np.array(True)), [old, best], [b.cast(kinds, INT8)]

        diagonals = g.op("Add", g.op("ReduceMax", self.lengths, keepdims=0), g.op("ReduceMax", self.counts, keepdims=0))
        _, [kinds] = g.loop(g.op("Max", diagonals, g.integer(1)), [blank, start], body)
        return g.op("Reshape", kinds, g.integers(-1))

    def _match(self, b: Graph, at: str, inside: str) -> str:
        """(R, S) log-probabilities of matches with the target symbols at the given columns."""
        y, classes, there = (b.op("Gather", each, at, axis=1) for each in (self.y, self.y_classes, self.inside))
        substitute = b.op("Gather", self.substitute, b.op("Add", self.row, classes))
        logs = b.op("Where", b.op("Equal", self.copies, y), self.copy, substitute)
        valid = b.op("And", inside, b.cast(b.op("Mul", there, self.valid), BOOL))
        return b.op("Where", valid, logs, b.constant(LOWEST))


def _stored(g: Graph, logs: Array) -> str:
    """Numbers of an edit distance, which are rounded to float32, for computations in float64."""
    return g.cast(g.constant(logs.astype(np.float32)), DOUBLE)


def _better(b: Graph, best: str, kinds: str, logs: str, kind: int) -> tuple[str, str]:
    """Replace the best ways to cells by better ones."""
    better = b.op("Greater", logs, b.op("Add", best, b.number(TOLERANCE, np.float64)))
    return b.op("Where", better, logs, best), b.op("Where", better, b.integer(kind), kinds)
