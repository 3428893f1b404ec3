"""The architecture "encoder-decoder" in PyTorch, with nn.LSTM and autograd.

It computes the same function as `henkan.model.encoder_decoder`. nn.LSTM cannot add h Wc to the gates once per sequence,
so a Peeky decoder concatenates its inputs, and Wx and Wc are stored as one matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from henkan.config import ModelConfig
from henkan.engine.torch.architecture import DropoutNoise, Tensors, cross_entropy, log_softmax
from henkan.engine.torch.copying import Copying
from henkan.engine.torch.encoder import encode
from henkan.engine.torch.lstm import LayerStates, Select, WeightGroup, named_weights, run_lstm, step_layers
from henkan.model import Sizes, create_architecture, shapes_of
from henkan.nn import group


@dataclass(frozen=True)
class DecoderInputs:
    """What the decoder receives from the encoder.

    Attributes:
        first: initial hidden state (N, H) of each layer; empty during decoding, when the state holds it.
        context: (N, H), the hidden state that a Peeky decoder receives at every step, or None.
        keys, values: (S, N, H), or None without attention.
        valid: (S, N) booleans, false at padding.
        copy_ids: (S, N) copy ids of the source symbols, or None without copying.
    """

    first: list[Tensor]
    context: Tensor | None
    keys: Tensor | None
    values: Tensor | None
    valid: Tensor
    copy_ids: Tensor | None

    def take(self, index: Tensor) -> DecoderInputs:
        """The parts of some sequences."""
        context = None if self.context is None else self.context[index]
        parts = self.keys, self.values, self.copy_ids
        keys, values, copy_ids = (None if part is None else part[:, index] for part in parts)
        return DecoderInputs([], context, keys, values, self.valid[:, index], copy_ids)


class EncoderDecoder(nn.Module):
    """An encoder-decoder.

    Args:
        config: its settings.
        sizes: numbers of symbols.
    """

    def __init__(self, config: ModelConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config = config
        shapes = shapes_of(create_architecture(config, sizes).specs)
        for part in ("encoder", "bridge", "attention", "decoder"):
            self.add_module(part, WeightGroup(group(shapes, part), ["Wc"]))

    def named(self, select: Select = lambda parameter: parameter) -> dict[str, Tensor]:
        """See `TorchArchitecture.named`."""
        return named_weights(self, select)

    def forward(self, batch: Tensors, noise: DropoutNoise | None = None) -> Tensor:
        """Sum of the losses over the valid target steps of a batch, divided by `batch.divisor`."""
        inputs = self.read(batch.sources, batch.lengths, batch.copy_ids, noise)
        x = self._join(self._embedded(batch.inputs, noise), inputs.context)
        for number, h in enumerate(inputs.first, start=1):
            x, _ = run_lstm(getattr(self.decoder, f"lstm{number}"), x, (h[None], torch.zeros_like(h[None])))
            x = x if noise is None else noise.states(x)
        scores = None
        if inputs.keys is not None:
            x, _, scores = self._attend(x, inputs)
            x = x if noise is None else noise.states(x)
        logits = self._scores(x, inputs.context)
        if self.config.copy:
            smoothing = 0.0 if noise is None else noise.label_smoothing
            return self._copying(x, logits, scores, inputs).loss(batch.targets, smoothing) / batch.divisor
        return cross_entropy(logits, batch, noise)

    def read(
        self, sources: Tensor, lengths: Tensor, copy_ids: Tensor | None, noise: DropoutNoise | None = None
    ) -> DecoderInputs:
        """Run the encoder over sources (S, N) with lengths (N,), and compute the inputs of the decoder."""
        config = self.config
        encoded = encode(self.encoder, config, sources, lengths, noise)
        first = [self._bridge(number, last) for number, last in enumerate(encoded.last, start=1)]
        x = encoded.states
        keys = values = None
        if config.attention:
            values = x @ self.attention.Wv
            if config.attention_kind == "general":
                keys = x @ self.attention.Wk
            else:  # add the states of the two directions
                keys = x.unflatten(2, (config.directions, config.hidden_size)).sum(2)
        return DecoderInputs(first, first[-1] if config.peeky else None, keys, values, encoded.valid, copy_ids)

    def _bridge(self, number: int, last: Tensor) -> Tensor:
        if not self.config.bidirectional:
            return last
        W, b = (getattr(self.bridge, f"{kind}{number}") for kind in ("W", "b"))
        return torch.tanh(last @ W + b)

    def _embedded(self, symbols: Tensor, noise: DropoutNoise | None = None) -> Tensor:
        """Embeddings of the decoder's inputs. All symbols that were only copied share one, the last of the table."""
        E = self.decoder.E
        if self.config.copy:
            E, symbols = torch.cat([E, self.decoder.copied]), symbols.clamp(max=len(E))
        return functional.embedding(symbols, E if noise is None else noise.table(E))

    def _copying(self, x: Tensor, logits: Tensor, scores: Tensor | None, inputs: DecoderInputs) -> Copying:
        """The distributions after each step, from x (T, N, H), logits (T, N, V) and attention scores (N, T, S)."""
        assert scores is not None
        assert inputs.copy_ids is not None
        gates = x @ self.decoder.copy_w + self.decoder.copy_b
        return Copying.of(logits, gates, scores, inputs.copy_ids)

    def _join(self, x: Tensor, context: Tensor | None) -> Tensor:
        return x if context is None else torch.cat([x, context.expand(len(x), -1, -1)], 2)

    def _attend(self, hs: Tensor, inputs: DecoderInputs) -> tuple[Tensor, Tensor, Tensor]:
        """Attend to the source at every step of hs (T, N, H): a (T, N, H), attention weights and scores (N, T, S)."""
        assert inputs.keys is not None
        assert inputs.values is not None
        scores = hs.transpose(0, 1) @ inputs.keys.permute(1, 2, 0)
        valid = inputs.valid.T[:, None]
        scores = scores.masked_fill(~valid, torch.finfo(scores.dtype).min)
        weights = scores.softmax(2) * valid  # all zero for a source without symbols
        contexts = (weights @ inputs.values.transpose(0, 1)).transpose(0, 1)
        return torch.tanh(contexts + hs @ self.attention.Wq + self.attention.b), weights, scores

    def _scores(self, x: Tensor, context: Tensor | None) -> Tensor:
        """Compute the logits. The contribution of the context is the same at every step, so it is computed once."""
        decoder = self.decoder
        bias = decoder.by if context is None else decoder.by + context @ decoder.Wyc
        return x @ (decoder.E.T if self.config.tied else decoder.Wy) + bias

    def encode(
        self, sources: Tensor, lengths: Tensor, copy_ids: Tensor | None = None
    ) -> tuple[DecoderInputs, LayerStates]:
        """See `TorchArchitecture.encode`."""
        inputs = self.read(sources, lengths, copy_ids)
        h = torch.stack(inputs.first)
        return inputs, LayerStates(h, torch.zeros_like(h))

    def step(
        self, memory: DecoderInputs, state: LayerStates, symbols: Tensor
    ) -> tuple[Tensor, LayerStates, Tensor | None]:
        """See `TorchArchitecture.step`."""
        x = self._join(self._embedded(symbols[None]), memory.context)
        x, after = step_layers(self.decoder, x, state)
        alignment = scores = None
        if memory.keys is not None:
            x, weights, scores = self._attend(x, memory)
            alignment = weights[:, 0]
        logits = self._scores(x, memory.context)
        if self.config.copy:
            return self._copying(x, logits, scores, memory).log_probabilities()[0], after, alignment
        return log_softmax(logits[0]), after, alignment
