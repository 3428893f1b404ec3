"""The architecture "transducer": an encoder, and a decoder that reads the source under a pointer.

After Aharoni & Goldberg (2017) and Makarov & Clematide (2018, 2020). The encoder is that of the encoder-decoder. At
each step, the decoder receives the previous action and the encoder's state m at the pointer p, and predicts the next
action (see `henkan.model.edit_actions`), which moves the pointer:

    p_t  = p_{t-1} + 1 if action a_{t-1} moves the pointer, else p_{t-1}
    h_t  = LSTM(E[a_{t-1}] Wx + m[p_t] Wp + b, h_{t-1})
    P(a_t) = softmax(h_t Wy + by)

In training all actions are known, and with them all pointers. So the states under the pointers are gathered for all
steps at once, and the LSTM is a single pass. As with the embeddings, m Wp is computed once for each source symbol, and
then looked up.

After the last source symbol, the pointer is at a learned state `end`. Feature tags are read by the encoder, before the
text. The pointer does not visit them; instead the sum of their embeddings is an input of every step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from henkan.batching.batch import Batch, Sources
from henkan.config import ModelConfig
from henkan.model.architecture import Capabilities, Sizes, StepOutput, register_architecture
from henkan.model.edit_actions import END, ActionTable, EditActions
from henkan.model.encoder import encode, encode_without_backward, encoder_specs
from henkan.model.weights import (
    WeightSpec,
    bias_spec,
    embedding_spec,
    lstm_specs,
    matrix_spec,
    with_prefix,
)
from henkan.nn import (
    NONE,
    PLAIN,
    Array,
    Backend,
    LayerInputs,
    LossTargets,
    Parameters,
    Regularization,
    Weights,
    affine,
    dropout,
    group,
    log_softmax,
    lstm,
    lstm_layer,
    output_loss,
)


def transducer_specs(config: ModelConfig, sizes: Sizes) -> dict[str, WeightSpec]:
    """Weights of the decoder."""
    D, H, M = config.embedding_size, config.hidden_size, config.hidden_size * config.directions
    specs = {"E": embedding_spec(sizes.target, D, "target"), **lstm_specs("lstm1", D, H)}
    specs |= {"Wp": matrix_spec(M, 4 * H), "end": embedding_spec(1, M, None)}
    if sizes.tags:
        specs["Wt"] = matrix_spec(D, 4 * H)
    for number in range(1, config.layers):
        specs |= lstm_specs(f"lstm{number + 1}", H, H)
    specs["Wy"] = matrix_spec(H, sizes.target, symbol_axes={1: "target"})
    specs["by"] = bias_spec(sizes.target, symbol_axes={0: "target"})
    return specs


@dataclass(frozen=True)
class TransducerMemory:
    """Values that are the same at every decoding step.

    Attributes:
        actions: (A, 4H), E Wx + b.
        states: (S + 1, N, 4H), m Wp for each source symbol, and end Wp.
        first, last: (N,) first position of the pointer, and the position after the last symbol.
        tags: (N, 4H), contribution of the feature tags to the gates, or None.
    """

    actions: Array
    states: Array
    first: Array
    last: Array
    tags: Array | None

    def take(self, rows: Array) -> TransducerMemory:
        """Select sequences."""
        tags = None if self.tags is None else self.tags[rows]
        return TransducerMemory(self.actions, self.states[:, rows], self.first[rows], self.last[rows], tags)


@dataclass(frozen=True)
class TransducerState:
    """The hidden and cell states of the layers, (L, N, H) each, and the pointers (N,)."""

    h: Array
    c: Array
    pointer: Array

    def take(self, rows: Array) -> TransducerState:
        """Select sequences."""
        return TransducerState(self.h[:, rows], self.c[:, rows], self.pointer[rows])


class Transducer:
    """The transducer; see `henkan.model.architecture.Architecture` for its methods.

    Args:
        config: the model's settings.
        sizes: numbers of symbols.
    """

    def __init__(self, config: ModelConfig, sizes: Sizes) -> None:
        self.config, self.sizes = config, sizes
        self.table = ActionTable.of_size(sizes.target)
        self.is_tag = np.zeros(sizes.source, bool)
        self.is_tag[list(sizes.tags)] = True
        self.specs: dict[str, WeightSpec] = {
            **with_prefix("encoder", encoder_specs(config, sizes.source)),
            **with_prefix("decoder", transducer_specs(config, sizes)),
        }
        self.capabilities = Capabilities(copying=True, source_embeddings="encoder.E")

    def loss(
        self,
        weights: Parameters,
        batch: Batch,
        count: int | None = None,
        regularization: Regularization = NONE,
        backend: Backend = PLAIN,
    ) -> tuple[float, Callable[[Parameters], None]]:
        """See `Architecture.loss`."""
        rate, generator, targets = regularization.dropout, regularization.generator, batch.targets
        encoder, decoder = weights.group("encoder"), weights.group("decoder")
        encoded, encoder_backward = encode(
            encoder, self.config, batch.sources, regularization, backend, keep_states=True
        )
        assert encoded.states is not None
        (S, N), M = batch.sources.ids.shape, encoded.states.shape[2]
        T, H = len(targets.inputs), self.config.hidden_size
        tags, tags_backward = self._tags(encoder, decoder, batch.sources)
        E, embedding_backward = dropout(decoder["E"], regularization.embedding_dropout, generator)
        action_table, action_backward = affine(E, decoder["lstm1.Wx"], decoder["lstm1.b"])
        read = np.concatenate([encoded.states.reshape(S * N, M), decoder["end"]])
        read_table = read @ decoder["Wp"]
        at = self._positions(batch)
        table = action_table[targets.inputs.reshape(-1)]
        table += read_table[at.reshape(-1)]
        zero = np.zeros((N, H), table.dtype)
        hs, _, first_backward = lstm(
            (table, np.arange(T * N).reshape(T, N)),
            (zero, zero),
            decoder["lstm1.Wh"],
            active=targets.active,
            context=tags,
            backend=backend,
        )
        x, x_dropout = dropout(hs[1:], rate, generator)
        layers = []
        for number in range(2, self.config.layers + 1):
            hs, _, layer_backward = lstm_layer(
                group(decoder, f"lstm{number}"), LayerInputs(x, targets.active), (zero, zero), backend=backend
            )
            layers.append((f"lstm{number}", layer_backward, x_dropout))
            x, x_dropout = dropout(hs[1:], rate, generator)
        loss, output_backward = output_loss(
            x,
            decoder["Wy"],
            decoder["by"],
            LossTargets(targets.ids, targets.valid, regularization.label_smoothing, count or 0),
            backend=backend,
        )

        def backward(gradients: Parameters) -> None:
            d = gradients.group("decoder")
            dx, d["Wy"][...], d["by"][...], _ = output_backward()
            dx = x_dropout(dx)
            for name, layer_backward, dropout_backward in reversed(layers):
                dx = dropout_backward(layer_backward(dx, None, None, group(d, name)).dx)
            first = first_backward(dx, None, None)
            d["lstm1.Wh"][...] = first.dWh
            sum_rows = backend.kernels.sum_rows
            daction_table = sum_rows(targets.inputs.reshape(-1), first.dtable, len(action_table))
            dE, d["lstm1.Wx"][...], d["lstm1.b"][...] = action_backward(daction_table)
            d["E"][...] = embedding_backward(dE)
            dread_table = sum_rows(at.reshape(-1), first.dtable, len(read_table))
            np.matmul(read.T, dread_table, out=d["Wp"])
            dread = dread_table @ decoder["Wp"].T
            d["end"][...] = dread[-1:]
            encoder_gradients = gradients.group("encoder")
            encoder_backward(dread[:-1].reshape(S, N, M), [np.zeros_like(h) for h in encoded.last], encoder_gradients)
            tags_backward(first.dcontext, d, encoder_gradients)

        return loss, backward

    def _positions(self, batch: Batch) -> Array:
        """(T, N): the row of the encoder's states, as (S N, M), under the pointer at each step; S N is the end."""
        (S, N), first, last = batch.sources.ids.shape, *self._range(batch.sources)
        pointer = first + np.cumsum(self.table.moves[batch.targets.inputs], axis=0)
        rows: Array = np.where(pointer < last, pointer * N + np.arange(N), S * N)
        return rows

    def _range(self, sources: Sources) -> tuple[Array, Array]:
        """(N,) first position of the pointer, and (N,) the position after the last symbol."""
        valid = sources.valid
        return (self.is_tag[sources.ids] & valid).sum(axis=0), valid.sum(axis=0)

    def _tags(
        self, encoder: Weights, decoder: Weights, sources: Sources
    ) -> tuple[Array | None, Callable[[Array | None, Weights, Weights], None]]:
        """Contribution of the feature tags to the gates (N, 4H), and backward, which adds to the gradient of E."""
        if "Wt" not in decoder:
            return None, lambda *_: None
        steps, columns = np.nonzero(self.is_tag[sources.ids] & sources.valid)
        ids, E = sources.ids[steps, columns], encoder["E"]
        sums = np.zeros((sources.ids.shape[1], E.shape[1]), E.dtype)
        np.add.at(sums, columns, E[ids])

        def backward(dcontext: Array | None, decoder_gradients: Weights, encoder_gradients: Weights) -> None:
            assert dcontext is not None
            np.matmul(sums.T, dcontext, out=decoder_gradients["Wt"])
            np.add.at(encoder_gradients["E"], ids, (dcontext @ decoder["Wt"].T)[columns])

        return sums @ decoder["Wt"], backward

    def encode(
        self, weights: Parameters, sources: Sources, backend: Backend
    ) -> tuple[TransducerMemory, TransducerState]:
        """See `Architecture.encode`."""
        encoder, decoder = weights.group("encoder"), weights.group("decoder")
        encoded = encode_without_backward(encoder, self.config, sources, backend, keep_states=True)
        assert encoded.states is not None
        first, last = self._range(sources)
        (S, N), H = sources.ids.shape, self.config.hidden_size
        actions, _ = affine(decoder["E"], decoder["lstm1.Wx"], decoder["lstm1.b"])
        states = np.empty((S + 1, N, 4 * H), actions.dtype)
        np.matmul(encoded.states, decoder["Wp"], out=states[:S])
        states[last, np.arange(N)] = decoder["end"] @ decoder["Wp"]
        tags, _ = self._tags(encoder, decoder, sources)
        zero = np.zeros((self.config.layers, N, H), actions.dtype)
        return TransducerMemory(actions, states, first, last, tags), TransducerState(zero, zero, first)

    def step(
        self, weights: Parameters, memory: TransducerMemory, state: TransducerState, symbols: Array, backend: Backend
    ) -> StepOutput:
        """See `Architecture.step`."""
        decoder = weights.group("decoder")
        pointer = np.minimum(state.pointer + self.table.moves[symbols], memory.last)
        N = len(symbols)
        table, context = memory.actions[symbols] + memory.states[pointer, np.arange(N)], memory.tags
        states: list[tuple[Array, Array]] = []
        for number in range(self.config.layers):
            layer = group(decoder, f"lstm{number + 1}")
            if number:
                (table, _), context = affine(states[-1][0], layer["Wx"], layer["b"]), None
            before = state.h[number], state.c[number]
            hs, cs, _ = lstm((table, np.arange(N)[None]), before, layer["Wh"], context=context, backend=backend)
            states.append((hs[1], cs[1]))
        logits, _ = affine(states[-1][0], decoder["Wy"], decoder["by"])
        logs = log_softmax(logits)
        finished = pointer == memory.last
        logs[np.ix_(finished, ~self.table.inserts & (np.arange(self.table.size) != END))] = -np.inf
        logs[~finished, END] = -np.inf
        hs, cs = (np.stack(parts) for parts in zip(*states, strict=True))
        return StepOutput(logs, TransducerState(hs, cs, pointer))


register_architecture(
    "transducer",
    Transducer,
    codec=lambda _config, source, target: EditActions(source, target),
)
