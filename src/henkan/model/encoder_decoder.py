"""The architecture "encoder-decoder": encoder, bridge, attention and decoder, for all settings.

The bridge computes what the decoder receives from the encoder. In the article's model, the decoder's initial hidden
state is the encoder's last one, its initial cell state is zero, and a Peeky decoder also receives the hidden state at
every step: (h, c) -> (h, 0, h). With several layers, each encoder layer passes its state to the decoder layer at the
same level, and the Peeky decoder receives the state of the top layer. A bidirectional encoder has two last states per
layer, which a learned layer combines: h = tanh([h_forward, h_backward] W + b).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
from henkan.model.attention import attention_arrays, attention_specs, project_memory
from henkan.model.compiled_search import SearchedDecoder, search_greedily
from henkan.model.decoder import (
    DecoderCache,
    DecoderInputs,
    DecoderState,
    LossOptions,
    decoder_specs,
    decoder_step,
    prepare_decoder,
    teacher_forcing,
)
from henkan.model.encoder import encode, encode_without_backward, encoder_specs
from henkan.model.weights import WeightSpec, bias_spec, matrix_spec, with_prefix
from henkan.nn import NONE, PLAIN, Array, Backend, Parameters, Regularization, Weights, affine

BridgeBackward = Callable[[Sequence[Array], Array | None, Weights], list[Array]]


def bridge_specs(config: ModelConfig) -> dict[str, WeightSpec]:
    """Weights of the bridge; empty if the encoder reads in one direction."""
    specs: dict[str, WeightSpec] = {}
    if config.bidirectional:
        H = config.hidden_size
        for number in range(1, config.layers + 1):
            specs |= {f"W{number}": matrix_spec(2 * H, H), f"b{number}": bias_spec(H)}
    return specs


def bridge(
    weights: Weights, config: ModelConfig, last: Sequence[Array]
) -> tuple[list[Array], Array | None, BridgeBackward]:
    """Compute the decoder's initial states and context from the encoder's last states.

    Args:
        weights: for two directions, W (2H, H) and b (H,) of each layer.
        config: the model's settings.
        last: last hidden state (N, M) of each encoder layer.

    Returns:
        the initial hidden state h0 (N, H) of each decoder layer (initial cell states are zero); the context (N, H) that
        the decoder receives at every step, or None without peeking; and backward: dh0 of each layer, dcontext or None,
        gradients -> dlast. It writes the gradients of the weights to `gradients`.
    """
    maps = [_map(weights, number, h) for number, h in enumerate(last, start=1)]
    first = [h for h, _ in maps]

    def backward(dh0: Sequence[Array], dcontext: Array | None, gradients: Weights) -> list[Array]:
        dfirst = list(dh0)
        if dcontext is not None:
            dfirst[-1] = dfirst[-1] + dcontext
        return [map_backward(dh, gradients) for (_, map_backward), dh in zip(maps, dfirst, strict=True)]

    return first, first[-1] if config.peeky else None, backward


def _map(weights: Weights, number: int, last: Array) -> tuple[Array, Callable[[Array, Weights], Array]]:
    W, b = f"W{number}", f"b{number}"
    if W not in weights:
        return last, lambda dh, _: dh
    sums, affine_backward = affine(last, weights[W], weights[b])
    h = np.tanh(sums)

    def backward(dh: Array, gradients: Weights) -> Array:
        dlast, gradients[W][...], gradients[b][...] = affine_backward(dh * (1 - h * h))
        return dlast

    return h, backward


class EncoderDecoder:
    """The encoder-decoder; see `henkan.model.architecture.Architecture` for its methods.

    Args:
        config: the model's settings.
        sizes: numbers of symbols.
    """

    def __init__(self, config: ModelConfig, sizes: Sizes) -> None:
        self.config = config
        self.specs: dict[str, WeightSpec] = {
            **with_prefix("encoder", encoder_specs(config, sizes.source)),
            **with_prefix("bridge", bridge_specs(config)),
            **with_prefix("attention", attention_specs(config)),
            **with_prefix("decoder", decoder_specs(config, sizes.target)),
        }
        self.capabilities = Capabilities(
            reverse=config.reverse,
            attention=config.attention,
            copying=config.copy,
            copy_ids=config.copy,
            source_embeddings="encoder.E",
        )

    def loss(
        self,
        weights: Parameters,
        batch: Batch,
        count: int | None = None,
        regularization: Regularization = NONE,
        backend: Backend = PLAIN,
    ) -> tuple[float, Callable[[Parameters], None]]:
        """See `Architecture.loss`."""
        encoder, to_decoder, attention, decoder = map(weights.group, ("encoder", "bridge", "attention", "decoder"))
        keep = self.config.attention
        encoded, encoder_backward = encode(
            encoder, self.config, batch.sources, regularization, backend, keep_states=keep
        )
        first, context, bridge_backward = bridge(to_decoder, self.config, encoded.last)
        memory = None
        if encoded.states is not None:
            memory, memory_backward = project_memory(attention, encoded.states, batch.sources, backend)
        inputs, options = DecoderInputs(first, context, memory), LossOptions(count, regularization, backend)
        loss, decoder_backward = teacher_forcing(decoder, attention, inputs, batch.targets, options)

        def backward(gradients: Parameters) -> None:
            attention_gradients = gradients.group("attention")
            d = decoder_backward(gradients.group("decoder"), attention_gradients)
            dlast = bridge_backward(d.dfirst, d.dcontext, gradients.group("bridge"))
            dstates = None
            if d.dkeys is not None and d.dvalues is not None:
                dstates = memory_backward(d.dkeys, d.dvalues, attention_gradients)
            encoder_backward(dstates, dlast, gradients.group("encoder"))

        return loss, backward

    def encode(self, weights: Parameters, sources: Sources, backend: Backend) -> tuple[DecoderCache, DecoderState]:
        """See `Architecture.encode`."""
        encoder, keep = weights.group("encoder"), self.config.attention
        encoded = encode_without_backward(encoder, self.config, sources, backend, keep_states=keep)
        first, context, _ = bridge(weights.group("bridge"), self.config, encoded.last)
        memory = None
        if encoded.states is not None:
            memory, _ = project_memory(weights.group("attention"), encoded.states, sources, backend)
        h = np.stack(first)
        cache = prepare_decoder(weights.group("decoder"), DecoderInputs(first, context, memory), backend)
        return cache, DecoderState(h, np.zeros_like(h))

    def step(
        self, weights: Parameters, memory: DecoderCache, state: DecoderState, symbols: Array, backend: Backend
    ) -> StepOutput:
        """See `Architecture.step`."""
        decoder, attention = weights.group("decoder"), weights.group("attention")
        return StepOutput(*decoder_step(decoder, attention, memory, state, symbols, backend))

    def greedy(
        self, weights: Parameters, memory: DecoderCache, state: DecoderState, options: GreedyOptions, backend: Backend
    ) -> GreedyOutputs | None:
        """See `CompiledSearch.greedy`."""
        if self.config.copy:
            return None
        decoder, keys = weights.group("decoder"), memory.memory
        attention = None if keys is None else attention_arrays(weights.group("attention"), keys, backend)
        searched = SearchedDecoder(
            decoder, memory.table, memory.Wy, state.h, memory.gates, memory.scores, attention=attention
        )
        return search_greedily(searched, options, backend)


register_architecture("encoder-decoder", EncoderDecoder, torch="henkan.engine.torch.encoder_decoder:EncoderDecoder")
