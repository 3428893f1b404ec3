"""Edit actions in a graph: what they write, and the canonical actions of a string (see `henkan.inference.outputs`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henkan.batching.copy_ids import IMPOSSIBLE, NEVER
from henkan.export.onnx.graph import INT64, Graph
from henkan.export.onnx.lattice import GraphLattice
from henkan.export.onnx.sources import GraphSources, reversed_strings
from henkan.export.onnx.transducer import TextSpan
from henkan.model.edit_actions import COPY, EditActions


def compacted(g: Graph, written: str) -> tuple[str, str]:
    """Remove zeros from rows of ids (R, T).

    Returns:
        ids (R, T) with zeros only at the end, and their number (R,).
    """
    kept = g.op("Greater", written, g.integer(0))
    counts = g.op("CumSum", g.cast(kept, INT64), g.integer(1))
    T = g.size(written, 1)
    places = g.op("Where", kept, g.op("Sub", counts, g.integer(1)), g.op("Add", g.op("Mul", counts, g.integer(0)), T))
    blank = g.op("Pad", g.op("Mul", written, g.integer(0)), g.integers(0, 0, 0, 1))
    placed = g.op("ScatterElements", blank, places, written, axis=1)
    return g.columns(placed, g.integers(0), T), g.sum(g.cast(kept, INT64), 1)


@dataclass(frozen=True)
class EditedSources:
    """The sources of R outputs.

    Attributes:
        ids: (R, S) ids in the source vocabulary.
        copies: (R, S) copy ids.
        at: (R, S) what COPY writes at each source step: the same target symbol, or V + the step.
        order: (R, S) see `TextSpan`.
        start, end: (R,).
        steps: (S,).
    """

    ids: str
    copies: str
    at: str
    order: str
    start: str
    end: str
    steps: str


class GraphEdits:
    """Edit actions of a model.

    Args:
        g: the main graph.
        codec: its target codec, which has learned to align.
        sources: the sources.
        copy_ids: (N, S) their copy ids.
        text: where their texts are.
        rows: (R,) the source of each output.
    """

    def __init__(
        self, g: Graph, codec: EditActions, sources: GraphSources, copy_ids: str, text: TextSpan, rows: str
    ) -> None:
        self.codec, self.V = codec, len(codec.target)
        same = g.op("Gather", g.constant(codec.same.astype(np.int64)), sources.ids)
        at = g.op(
            "Where", g.op("GreaterOrEqual", same, g.integer(0)), same, g.op("Add", sources.steps, g.integer(self.V))
        )

        def of_rows(value: str) -> str:
            return g.op("Gather", value, rows)

        self.sources = EditedSources(
            ids=of_rows(sources.ids),
            copies=of_rows(copy_ids),
            at=of_rows(at),
            order=of_rows(text.order),
            start=of_rows(text.start),
            end=of_rows(text.end),
            steps=sources.steps,
        )

    def written(self, g: Graph, symbols: str) -> tuple[str, str]:
        """The ids that actions (R, T) write, in the order of the target, and their numbers (R,); see `decode`."""
        s, actions = self.sources, self.codec.actions
        moves = g.op("Gather", g.constant(actions.moves.astype(np.int64)), symbols)
        passed = g.op("CumSum", moves, g.integer(1), exclusive=1)
        pointer = g.op("Min", g.op("Add", passed, g.expand(s.start, 1)), g.expand(s.end, 1))
        read = g.op("GatherElements", g.op("GatherElements", s.at, s.order, axis=1), pointer, axis=1)
        copied = g.op("And", g.op("Equal", symbols, g.integer(COPY)), g.op("Less", pointer, g.expand(s.end, 1)))
        written = g.op("Where", copied, read, g.op("Gather", g.constant(actions.writes.astype(np.int64)), symbols))
        ids, counts = compacted(g, written)
        return (reversed_strings(g, ids, counts) if self.codec.reverse else ids), counts

    def canonical(self, g: Graph, written: str, counts: str) -> tuple[str, str]:
        """The actions of the alignment of sources and targets; see `EditActions.canonical`.

        Args:
            g: the main graph.
            written: (R, T) as from `written`. counts: (R,).

        Returns:
            actions (R, T'), 0 from the end on; and whether they write the target (R,).
        """
        targets, counts = self._as_targets(g, written, counts)
        lattice = GraphLattice(g, self.codec, self._texts(g), targets, counts)
        actions, lengths, possible = lattice.best(g)
        if not self.codec.reverse:  # the edits come from the last to the first
            actions = reversed_strings(g, actions, lengths)
        return actions, possible

    def _as_targets(self, g: Graph, written: str, counts: str) -> tuple[str, str]:
        """Replace the positions of copied symbols by their copy ids; leave out symbols that no target shows."""
        position = g.op("Max", g.op("Sub", written, g.integer(self.V)), g.integer(0))
        copies = g.op("GatherElements", self.sources.copies, position, axis=1)
        copied = g.op("GreaterOrEqual", written, g.integer(self.V))
        never = g.op("And", copied, g.op("Equal", copies, g.integer(NEVER)))
        known = g.op("Or", g.op("Not", copied), g.op("Equal", copies, g.integer(IMPOSSIBLE)))
        ids = g.op("Where", never, g.integer(0), g.op("Where", known, written, copies))
        inside = g.op("Less", g.range(g.size(ids, 1)), g.expand(counts, 1))
        return compacted(g, g.op("Where", inside, ids, g.integer(0)))

    def _texts(self, g: Graph) -> tuple[str, str, str]:
        """The texts without feature tags: ids (R, S), copy ids (R, S), and their lengths (R,)."""
        s = self.sources
        last = g.op("Sub", g.size(s.ids, 1), g.integers(1))
        places = g.op("Min", g.op("Add", s.steps, g.expand(s.start, 1)), last)
        ids, copies = (g.op("GatherElements", each, places, axis=1) for each in (s.ids, s.copies))
        return ids, copies, g.op("Sub", s.end, s.start)
