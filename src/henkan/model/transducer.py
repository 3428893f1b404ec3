"""The architecture "transducer": an encoder, and a decoder that reads the source under a pointer.

After Aharoni & Goldberg (2017) and Makarov & Clematide (2018, 2020). The encoder is that of the encoder-decoder. At
each step, the decoder receives the previous action and the encoder's state at the pointer, and predicts the next action
(see `henkan.model.edit_actions`), which moves the pointer:

    p_t  = p_{t-1} + 1 if action a_{t-1} moves the pointer, else p_{t-1}

`henkan.model.pointer_decoder` has the formulas of the decoder. After the last source symbol, the pointer is at a
learned state `end`. Feature tags are read by the encoder, before the text. The pointer does not visit them; instead the
sum of their embeddings is an input of every step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from henkan.batching.batch import Batch, Sources
from henkan.config import ModelConfig
from henkan.model.architecture import (
    Capabilities,
    GreedyOptions,
    GreedyOutputs,
    Sizes,
    StepOutput,
    register_architecture,
)
from henkan.model.compiled_search import SearchedDecoder, search_greedily
from henkan.model.decoder import LossOptions
from henkan.model.edit_actions import ActionTable, EditActions
from henkan.model.encoder import encode, encode_without_backward, encoder_specs
from henkan.model.pointer_decoder import (
    PointerState,
    decoder_step,
    pointer_decoder_specs,
    project_inputs,
    run_layers,
    sum_embeddings,
)
from henkan.model.weights import WeightSpec, with_prefix
from henkan.nn import (
    NONE,
    PLAIN,
    Array,
    Backend,
    LossTargets,
    Parameters,
    Regularization,
    Weights,
    affine,
    log_softmax,
    output_loss,
)
from henkan.nn.kernels.structures import PointerArrays


@dataclass(frozen=True)
class TransducerMemory:
    """Values that are the same at every decoding step.

    Attributes:
        actions: (A, 4H), E Wx + b.
        states: (S + 1, N, 4H), m Wp for each source symbol, and end Wp after the last symbol of each source.
        last: (N,) position of the pointer after the last symbol.
        tags: (N, 4H), contribution of the feature tags to the gates, or None.
    """

    actions: Array
    states: Array
    last: Array
    tags: Array | None

    def take(self, rows: Array) -> TransducerMemory:
        """Select sequences."""
        tags = None if self.tags is None else self.tags[rows]
        return TransducerMemory(self.actions, self.states[:, rows], self.last[rows], tags)


class Transducer:
    """The transducer; see `henkan.model.architecture.Architecture` for its methods.

    Args:
        config: the model's settings.
        sizes: numbers of symbols.
    """

    def __init__(self, config: ModelConfig, sizes: Sizes) -> None:
        self.config = config
        self.table = ActionTable.of_size(sizes.target)
        self.is_tag = np.zeros(sizes.source, bool)
        self.is_tag[list(sizes.tags)] = True
        self.specs: dict[str, WeightSpec] = {
            **with_prefix("encoder", encoder_specs(config, sizes.source)),
            **with_prefix("decoder", pointer_decoder_specs(config, sizes)),
        }
        self.capabilities = Capabilities(pointer=True, copying=True, source_embeddings="encoder.E")

    def loss(
        self,
        weights: Parameters,
        batch: Batch,
        count: int | None = None,
        regularization: Regularization = NONE,
        backend: Backend = PLAIN,
    ) -> tuple[float, Callable[[Parameters], None]]:
        """See `Architecture.loss`."""
        options, targets = LossOptions(count, regularization, backend), batch.targets
        encoder, decoder = weights.group("encoder"), weights.group("decoder")
        encoded, encoder_backward = encode(
            encoder, self.config, batch.sources, regularization, backend, keep_states=True
        )
        assert encoded.states is not None
        first, rows = self._pointers(batch)
        tags, tags_backward = _tags(encoder["E"], decoder, batch.sources, first, backend)
        inputs, inputs_backward = project_inputs(decoder, encoded.states, targets.inputs, rows, options)
        hs, layers_backward = run_layers(decoder, inputs, tags, targets.active, options)
        loss, output_backward = output_loss(
            hs,
            decoder["Wy"],
            decoder["by"],
            LossTargets(targets.ids, targets.valid, regularization.label_smoothing, count or 0),
            backend=backend,
        )

        def backward(gradients: Parameters) -> None:
            d, encoder_gradients = gradients.group("decoder"), gradients.group("encoder")
            dhs, d["Wy"][...], d["by"][...], _ = output_backward()
            dactions, dread, dtags = layers_backward(dhs, d)
            dstates = inputs_backward(dactions, dread, d)
            encoder_backward(dstates, [np.zeros_like(h) for h in encoded.last], encoder_gradients)
            if dtags is not None:
                encoder_gradients["E"][...] += tags_backward(dtags, d)

        return loss, backward

    def _pointers(self, batch: Batch) -> tuple[Array, Array]:
        """First position of the pointer (N,), and the row of the states (T, N) under the pointer at each step.

        The states are those of the encoder as (S N, M); row S N is the end. The actions of a target move the pointer
        from the first symbol of the text to its end, so they tell where the text starts, even if a feature tag has been
        replaced by the unknown symbol.
        """
        S, N = batch.sources.ids.shape
        last = batch.sources.valid.sum(axis=0)
        moves = np.cumsum(self.table.moves[batch.targets.inputs], axis=0)
        first = last - (moves[-1] if len(moves) else 0)
        pointer = first + moves
        rows: Array = np.where(pointer < last, self._positions(pointer, first, last) * N + np.arange(N), S * N)
        return first, rows

    def _positions(self, pointer: Array, first: Array, last: Array) -> Array:
        """Source positions of pointers (T, N) that are before the end: from the last one if targets are reversed."""
        return first + last - 1 - pointer if self.config.target_reverse else pointer

    def encode(self, weights: Parameters, sources: Sources, backend: Backend) -> tuple[TransducerMemory, PointerState]:
        """See `Architecture.encode`."""
        encoder, decoder = weights.group("encoder"), weights.group("decoder")
        encoded = encode_without_backward(encoder, self.config, sources, backend, keep_states=True)
        assert encoded.states is not None
        (S, N), H = sources.ids.shape, self.config.hidden_size
        first, last = self._text_start(sources), sources.valid.sum(axis=0)
        actions, _ = affine(decoder["E"], decoder["lstm1.Wx"], decoder["lstm1.b"])
        states, steps, columns = np.empty((S + 1, N, 4 * H), actions.dtype), np.arange(S)[:, None], np.arange(N)
        inside = (first <= steps) & (steps < last)
        order = np.where(inside, self._positions(steps, first, last), steps)
        np.matmul(encoded.states[order, columns], decoder["Wp"], out=states[:S])
        states[last, columns] = decoder["end"] @ decoder["Wp"]
        tags, _ = _tags(encoder["E"], decoder, sources, first, backend)
        zero = np.zeros((self.config.layers, N, H), actions.dtype)
        return TransducerMemory(actions, states, last, tags), PointerState(zero, zero, first)

    def _text_start(self, sources: Sources) -> Array:
        """(N,) position after the last feature tag, as in `EditActions.text_start`."""
        tags, steps = self.is_tag[sources.ids] & sources.valid, np.arange(len(sources.ids))[:, None]
        start: Array = np.where(tags, steps + 1, 0).max(axis=0, initial=0)
        return start

    def step(
        self, weights: Parameters, memory: TransducerMemory, state: PointerState, symbols: Array, backend: Backend
    ) -> StepOutput:
        """See `Architecture.step`. Actions that are impossible at the pointer have minus infinity."""
        pointer = np.minimum(state.pointer + self.table.moves[symbols], memory.last)
        table = memory.actions[symbols] + memory.states[pointer, np.arange(len(symbols))]
        before = PointerState(state.h, state.c, pointer)
        logits, after = decoder_step(weights.group("decoder"), table, memory.tags, before, backend)
        logs = log_softmax(logits)
        logs[np.where((pointer == memory.last)[:, None], ~self.table.at_end, ~self.table.before_end)] = -np.inf
        return StepOutput(logs, after)

    def greedy(
        self,
        weights: Parameters,
        memory: TransducerMemory,
        state: PointerState,
        options: GreedyOptions,
        backend: Backend,
    ) -> GreedyOutputs:
        """See `CompiledSearch.greedy`."""
        decoder, possible = weights.group("decoder"), np.stack([self.table.before_end, self.table.at_end])
        states = memory.states.reshape(-1, memory.states.shape[2])
        pointers = PointerArrays(states, memory.last, self.table.moves.astype(np.int64), possible)
        searched = SearchedDecoder(
            decoder,
            memory.actions,
            decoder["Wy"],
            state.h,
            memory.tags,
            pointers=pointers,
            position=state.pointer,
        )
        return search_greedily(searched, options, backend)


def _tags(
    E: Array, decoder: Weights, sources: Sources, counts: Array, backend: Backend
) -> tuple[Array | None, Callable[[Array, Weights], Array]]:
    """Contribution of the feature tags to the gates: the sum of their embeddings times Wt.

    Args:
        E: (V, D), embeddings of the source symbols.
        decoder: weights of the decoder.
        sources: N sources.
        counts: (N,) number of tags of each source.
        backend: the kernels.

    Returns:
        (N, 4H), or None for a model without tags; and backward: its gradient, gradients of the decoder -> dE (V, D).
    """
    sums, sums_backward = sum_embeddings(E, sources.ids, counts, backend)

    def backward(dtags: Array, gradients: Weights) -> Array:
        np.matmul(sums.T, dtags, out=gradients["Wt"])
        return sums_backward(dtags @ decoder["Wt"].T)

    return sums @ decoder["Wt"] if "Wt" in decoder else None, backward


register_architecture(
    "transducer",
    Transducer,
    codec=lambda config, source, target: EditActions(source, target, reverse=config.target_reverse),
    torch="henkan.engine.torch.transducer:Transducer",
)
