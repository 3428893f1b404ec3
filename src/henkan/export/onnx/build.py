"""Builds the ONNX file of a saved model: encoder, search and decoding to ids of the target, in one graph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper

from henkan._version import __version__
from henkan.errors import SettingsError
from henkan.export.onnx.edits import GraphEdits
from henkan.export.onnx.encoder_decoder import GraphEncoderDecoder
from henkan.export.onnx.graph import FLOAT, INT64, Graph
from henkan.export.onnx.metadata import metadata
from henkan.export.onnx.search import Found, SearchOptions, Step, beam, greedy
from henkan.export.onnx.sources import IDS, LENGTHS, GraphSources, copy_ids, read_sources, reversed_strings
from henkan.export.onnx.transducer import GraphTransducer, TextSpan
from henkan.export.onnx.weights import GraphWeights
from henkan.model import PlainTargets, target_codec
from henkan.model.codec import TargetCodec
from henkan.model.edit_actions import EditActions
from henkan.storage.model_folder import SavedModel, SavedVariant
from henkan.text.vocabulary import FILLER

OPSET, IR_VERSION = 17, 8
MAX_BEAM = 100
OUTPUTS = ("output_ids", "output_lengths", "log_probabilities")


def build(saved: SavedModel, *, width: int = 1, int8: bool = False) -> bytes:
    """Build the ONNX file of a model.

    The inputs are `ids` (N, S), the ids of N sources, padded with anything, and `lengths` (N,), both int64. The outputs
    are `output_ids` (N, K, T), int64, padded with zeros, `output_lengths` (N, K), int64, and `log_probabilities`
    (N, K), float32, in nats; K is the beam width.

    Args:
        saved: the model.
        width: beam width (K); 1 is greedy search.
        int8: whether to store matrices as int8 numbers.

    Returns:
        the contents of the file.

    Raises:
        SettingsError: for a mixed ensemble, another architecture, or a beam width out of range.
    """
    if len(saved.variants) > 1:
        raise SettingsError("a mixed ensemble cannot be exported; export one of its models")
    if not 1 <= width <= MAX_BEAM:
        raise SettingsError(f"beam must be a whole number from 1 to {MAX_BEAM}, not {width!r}", argument="beam")
    g = Graph()
    exporter = _Exporter(g, saved.first, width, int8=int8)
    outputs = [g.op("Identity", value) for value in exporter.outputs()]
    content: bytes = _file(g, outputs, metadata(saved, copying=exporter.copying)).SerializeToString()
    return content


def _file(g: Graph, outputs: list[str], texts: dict[str, str]) -> ModelProto:
    """The checked file."""
    for node in g.nodes:  # name the outputs
        for k, name in enumerate(node.output):
            if name in outputs:
                node.output[k] = OUTPUTS[outputs.index(name)]
    infos = helper.make_tensor_value_info
    inputs = [infos(IDS, TensorProto.INT64, ["N", "S"]), infos(LENGTHS, TensorProto.INT64, ["N"])]
    shapes = (TensorProto.INT64, ["N", "K", "T"]), (TensorProto.INT64, ["N", "K"]), (TensorProto.FLOAT, ["N", "K"])
    results = [infos(name, *shape) for name, shape in zip(OUTPUTS, shapes, strict=True)]
    graph = helper.make_graph(g.nodes, "henkan", inputs, results, g.initializers)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="henkan", producer_version=__version__
    )
    model.ir_version = IR_VERSION
    helper.set_model_props(model, texts)
    checker.check_model(model, full_check=True)
    return model


MemberStep = Callable[[Graph, dict[str, str], list[str], str], tuple[str, list[str]]]


class _Exporter:
    """Builds the graph of a variant, whose members are an ensemble."""

    def __init__(self, g: Graph, variant: SavedVariant, width: int, *, int8: bool) -> None:
        self.g, self.variant, self.width, config = g, variant, width, variant.model
        self.codec: TargetCodec = target_codec(config, variant.source_vocabulary, variant.target_vocabulary)
        self.codec.restore(variant.codec)
        if not isinstance(self.codec, PlainTargets | EditActions):
            raise SettingsError(f"the architecture {config.architecture!r} cannot be exported to ONNX")
        self.copying = config.copy or isinstance(self.codec, EditActions)
        single = len(variant.members) == 1
        self.weights = [
            GraphWeights(g, member, int8=int8, prefix="" if single else f"members.{k}.")
            for k, member in enumerate(variant.members)
        ]
        self.rows = g.size(LENGTHS, 0)
        self.repeated = g.op("Div", g.range(g.op("Mul", self.rows, g.integers(width))), g.integers(width))  # N K rows
        self.sources: GraphSources = read_sources(g, variant.source_vocabulary)

    def outputs(self) -> list[str]:
        """The outputs of the graph; see `build`."""
        g, codec = self.g, self.codec
        vocabularies = self.variant.source_vocabulary, self.variant.target_vocabulary
        copies = copy_ids(g, self.sources, *vocabularies) if self.copying else None
        if isinstance(codec, EditActions) and copies is not None:
            ids, lengths, logs = self._edited(codec, copies)
        else:
            ids, lengths, logs = self._plain(copies)
        N_K = self.rows, g.integers(self.width)
        return [g.reshape(ids, *N_K, g.size(ids, 1)), g.reshape(lengths, *N_K), g.reshape(logs, *N_K)]

    def _plain(self, copies: str | None) -> tuple[str, str, str]:
        """Outputs (R, T) of encoder-decoders, lengths (R,) and log-probabilities (R,)."""
        g, config, vocabulary = self.g, self.variant.model, self.variant.target_vocabulary
        members = [GraphEncoderDecoder(g, weights, config, len(vocabulary)) for weights in self.weights]
        encoded = [member.encode(g, self.sources, copies) for member in members]
        step, state = self._ensemble([member.step for member in members], encoded)
        limit = g.integers(self.codec.max_steps(0))
        found = self._search(step, state, SearchOptions(self.codec.start, self.codec.fixed_length, limit, self.width))
        written = g.op("Greater", found.symbols, g.integer(0))
        lengths = g.sum(g.cast(written, INT64), 1)
        ids = reversed_strings(g, found.symbols, lengths) if self.codec.reverse else found.symbols
        if vocabulary.width is not None:  # the padding is not a part of the target
            kept = g.op("Not", g.op("Equal", ids, g.integer(vocabulary.id_of(FILLER))))
            ends = g.op("Mul", g.cast(kept, INT64), g.op("Add", g.range(g.size(ids, 1)), g.integer(1)))
            lengths = g.op("ReduceMax", ends, axes=[1], keepdims=0)
        return ids, lengths, found.logs

    def _edited(self, codec: EditActions, copies: str) -> tuple[str, str, str]:
        """Outputs of transducers, as `_plain`: canonical ones, without repetitions."""
        g, config = self.g, self.variant.model
        text = TextSpan(g, self.sources, codec.is_tag, reverse=codec.reverse)
        members = [GraphTransducer(g, weights, config, codec.actions) for weights in self.weights]
        encoded = [member.encode(g, self.sources, text) for member in members]
        step, state = self._ensemble([member.step for member in members], encoded)
        limit = g.op("Add", self.sources.limit, g.integer(codec.max_steps(0)))
        options = SearchOptions(codec.start, codec.fixed_length, limit, self.width)
        found = self._search(step, state, options)
        edits = GraphEdits(g, codec, self.sources, copies, text, self.repeated)
        written, counts = edits.written(g, found.symbols)
        actions, possible = edits.canonical(g, written, counts)
        symbols, logs = self._rescored(found, actions, g.op("And", found.complete, possible), step, state)
        if self.width == 1:
            return written, counts, logs
        return self._ranked(written, counts, symbols, logs)

    def _search(self, step: Step, state: list[str], options: SearchOptions) -> Found:
        return (greedy if self.width == 1 else beam)(self.g, step, state, self.rows, options)

    def _ensemble(
        self, steps: list[MemberStep], encoded: list[tuple[dict[str, str], list[str]]]
    ) -> tuple[Step, list[str]]:
        """The step of all members, with N K rows, and their first states; see `henkan.inference.ensemble`."""
        g, n, many = self.g, len(steps), self.width > 1

        def taken(value: str) -> str:
            return g.op("Gather", value, self.repeated) if many else value

        memories = [{name: taken(value) for name, value in memory.items()} for memory, _ in encoded]
        states = [[taken(value) for value in state] for _, state in encoded]
        size = len(states[0])

        def step(b: Graph, state: list[str], symbols: str) -> tuple[str, list[str]]:
            logs, after = [], []
            for k, (member, memory) in enumerate(zip(steps, memories, strict=True)):
                log, its = member(b, memory, state[k * size : (k + 1) * size], symbols)
                logs.append(log)
                after += its
            if n == 1:
                return logs[0], after
            return b.op("LogSoftmax", b.op("Mean", *logs), axis=1), after

        return step, [value for state in states for value in state]

    def _rescored(self, found: Found, actions: str, usable: str, step: Step, state: list[str]) -> tuple[str, str]:
        """Replace outputs by canonical ones; actions (R, T) and log-probabilities (R,)."""
        g = self.g
        width = g.op("Max", g.size(found.symbols, 1), g.size(actions, 1))
        given, wanted = (self._widened(each, width) for each in (found.symbols, actions))
        wanted = g.op("Where", g.expand(usable, 1), wanted, given)
        changed = g.any(g.op("Not", g.op("Equal", given, wanted)))
        differs = g.op("Greater", g.sum(g.cast(g.op("Not", g.op("Equal", given, wanted)), INT64), 1), g.integer(0))

        def rescore(b: Graph) -> str:
            scored = score(b, step, state, wanted, self.codec.start)
            return b.op("Where", differs, scored, found.logs)

        return wanted, g.choose(changed, rescore, found.logs)

    def _widened(self, symbols: str, width: str) -> str:
        """Pad rows of symbols (R, T) with zeros to a width."""
        g = self.g
        rest = g.op("Sub", width, g.size(symbols, 1))
        return g.op("Pad", symbols, g.op("Concat", g.integers(0, 0, 0), rest, axis=0))

    def _ranked(self, written: str, counts: str, symbols: str, logs: str) -> tuple[str, str, str]:
        """Sort outputs by log-probability per action; repetitions have minus infinity, and no symbols."""
        g, K, N_K = self.g, self.width, (self.rows, self.g.integers(self.width))
        never = g.constant(np.array([-np.inf], np.float32))
        actions = g.reshape(symbols, *N_K, g.integers(-1))
        differ = g.op("Not", g.op("Equal", g.expand(actions, 2), g.expand(actions, 1)))
        same = g.op("Equal", g.sum(g.cast(differ, INT64), 3), g.integer(0))  # (N, K, K)
        earlier = g.constant(np.tril(np.ones((K, K), np.int64), -1))
        repeated = g.op("Greater", g.sum(g.op("Mul", g.cast(same, INT64), earlier), 2), g.integer(0))
        logs = g.op("Where", repeated, never, g.reshape(logs, *N_K))
        lengths = g.op("Add", g.sum(g.cast(g.op("Greater", actions, g.integer(0)), INT64), 2), g.integer(1))
        ranks = g.op("Div", logs, g.cast(lengths, FLOAT))
        _, order = g.ops(2, "TopK", ranks, g.integers(K), axis=1)
        first = g.expand(g.op("Mul", g.range(self.rows), g.integer(K)), 1)
        order = g.op("Reshape", g.op("Add", order, first), g.integers(-1))
        logs, counts, written = (
            g.op("Gather", each, order) for each in (g.op("Reshape", logs, g.integers(-1)), counts, written)
        )
        possible = g.op("Greater", logs, never)
        counts = g.op("Where", possible, counts, g.integer(0))
        return g.op("Where", g.expand(possible, 1), written, g.integer(0)), counts, logs


def score(g: Graph, step: Step, state: list[str], given: str, start: int) -> str:
    """Log-probabilities (R,) of given outputs (R, T), which are 0 from their end on; see `henkan.inference.search`."""
    R = g.size(given, 0)
    first = g.filled(np.array([start]), R)
    zero = g.filled(np.zeros(1, np.float32), R)
    going = g.op("Equal", first, first)

    def body(b: Graph, number: str, carried: list[str]) -> tuple[str, list[str], list[str]]:
        going, total, last, *state = carried
        logs, state = step(b, state, last)
        symbols = b.op("Gather", given, number, axis=1)
        log = b.op("Squeeze", b.op("GatherElements", logs, b.expand(symbols, 1), axis=1), b.integers(1))
        total = b.op("Add", total, b.op("Where", going, log, b.number(0)))
        going = b.op("And", going, b.op("Greater", symbols, b.integer(0)))
        return b.any(going), [going, total, symbols, *state], []

    (_, total, *_), _ = g.loop(g.scalar(g.size(given, 1)), [going, zero, first, *state], body)
    return total
