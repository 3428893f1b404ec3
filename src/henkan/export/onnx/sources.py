"""The inputs of a graph: ids of the sources as the encoder reads them, and what can be copied from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henkan.batching.copy_ids import NEVER, CopyIds
from henkan.export.onnx.graph import INT32, Graph
from henkan.text.arrays import Array
from henkan.text.tokenizer import Sequences, Tokenized
from henkan.text.vocabulary import FILLER, UNKNOWN, Vocabulary

IDS, LENGTHS = "ids", "lengths"


@dataclass(frozen=True)
class GraphSources:
    """N sources. They are padded to S steps, of which at least the last is padding, unless their length is fixed.

    Attributes:
        ids: (N, S) ids in the source vocabulary; 0 for unknown symbols and padding.
        given: (N, S) ids as given, where different unknown symbols have different ids.
        lengths: (N,).
        steps: (S,) numbers of the steps.
        valid: (N, S), false at padding.
        limit: (1,) length of the longest source.
    """

    ids: str
    given: str
    lengths: str
    steps: str
    valid: str
    limit: str


def read_sources(g: Graph, vocabulary: Vocabulary) -> GraphSources:
    """Read the inputs of the graph."""
    if vocabulary.width is not None:
        return _filled(g, vocabulary)
    padded = g.op("Pad", IDS, g.integers(0, 0, 0, 1))
    steps = g.range(g.size(padded, 1))
    valid = g.op("Less", steps, g.expand(LENGTHS, 1))
    given = g.op("Where", valid, padded, g.integer(0))
    known = g.op("Where", g.op("Less", given, g.integer(len(vocabulary))), given, g.integer(0))
    limit = g.expand(g.op("ReduceMax", LENGTHS, keepdims=0), 0)
    return GraphSources(known, given, LENGTHS, steps, valid, limit)


def _filled(g: Graph, vocabulary: Vocabulary) -> GraphSources:
    """Sources that are padded with spaces to a fixed length, and have no mask."""
    width = g.integers(vocabulary.width or 0)
    long = g.op("Concat", IDS, g.filled(np.array([0]), g.size(IDS, 0), width), axis=1)
    ids, steps = g.columns(long, g.integers(0), width), g.range(width)
    inside = g.op("Less", steps, g.expand(LENGTHS, 1))
    ids = g.op("Where", inside, ids, g.integer(vocabulary.id_of(FILLER)))
    lengths = g.op("Add", g.op("Mul", LENGTHS, g.integer(0)), width)
    return GraphSources(ids, ids, lengths, steps, g.op("Less", steps, g.expand(lengths, 1)), width)


def reversal(g: Graph, lengths: str, steps: str) -> str:
    """(N, S) the step that each step of a reversed string has in the string; padding keeps its place."""
    ends = g.expand(lengths, 1)
    turned = g.op("Sub", g.op("Sub", ends, g.integer(1)), steps)
    return g.op("Where", g.op("Less", steps, ends), turned, g.op("Add", steps, g.op("Mul", ends, g.integer(0))))


def reversed_strings(g: Graph, ids: str, lengths: str) -> str:
    """Reverse each row of ids (N, S) within its length."""
    return g.op("GatherElements", ids, reversal(g, lengths, g.range(g.size(ids, 1))), axis=1)


def extra_symbols(source: Vocabulary, target: Vocabulary) -> list[str]:
    """Target symbols that are unknown in sources, but can be copied. Their ids follow those of the source symbols."""
    if not source.unknown:
        return []
    return [symbol for symbol in target.symbols if source.id_of(symbol) < 0 and source.tokenizer.is_symbol(symbol)]


def copy_table(source: Vocabulary, target: Vocabulary) -> Array:
    """Copy id of each source symbol and of the extra ones: negative if it cannot be copied; V if no target has it.

    The unknown symbol itself is not copied, because the unknown symbols that can be have ids of their own.
    """
    symbols = [*source.symbols_by_id, *extra_symbols(source, target)]
    alone = Tokenized(Sequences.of([[k] for k in range(len(symbols))], len(symbols)), symbols)
    table = CopyIds.of(alone, source.tokenizer, target).ids.flat.astype(np.int64)
    if source.unknown:
        table[UNKNOWN] = NEVER
    return table


def copy_ids(g: Graph, sources: GraphSources, source: Vocabulary, target: Vocabulary) -> str:
    """(N, S) copy ids (see `henkan.batching.copy_ids`) of the sources as given; arbitrary at padding."""
    table, V = copy_table(source, target), g.integer(len(target))
    listed = g.op("Less", sources.given, g.integer(len(table)))
    found = g.op("Gather", g.constant(table), g.op("Where", listed, sources.given, g.integer(0)))
    same = g.op("Equal", g.expand(sources.given, 1), g.expand(sources.given, 2))
    first = g.op("ArgMax", g.cast(same, INT32), axis=2, keepdims=0)
    only_copied = g.op("Or", g.op("Not", listed), g.op("Equal", found, V))
    return g.op("Where", only_copied, g.op("Add", first, V), found)
