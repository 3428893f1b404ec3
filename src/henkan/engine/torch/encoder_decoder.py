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
    """

    first: list[Tensor]
    context: Tensor | None
    keys: Tensor | None
    values: Tensor | None
    valid: Tensor

    def take(self, index: Tensor) -> DecoderInputs:
        """The parts of some sequences."""
        context = None if self.context is None else self.context[index]
        keys, values = (None if part is None else part[:, index] for part in (self.keys, self.values))
        return DecoderInputs([], context, keys, values, self.valid[:, index])


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
        inputs = self.read(batch.sources, batch.lengths, noise)
        E = self.decoder.E if noise is None else noise.table(self.decoder.E)
        x = self._join(functional.embedding(batch.inputs, E), inputs.context)
        for number, h in enumerate(inputs.first, start=1):
            x, _ = run_lstm(getattr(self.decoder, f"lstm{number}"), x, (h[None], torch.zeros_like(h[None])))
            x = x if noise is None else noise.states(x)
        if inputs.keys is not None:
            x, _ = self._attend(x, inputs)
            x = x if noise is None else noise.states(x)
        return cross_entropy(self._scores(x, inputs.context), batch, noise)

    def read(self, sources: Tensor, lengths: Tensor, noise: DropoutNoise | None = None) -> DecoderInputs:
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
        return DecoderInputs(first, first[-1] if config.peeky else None, keys, values, encoded.valid)

    def _bridge(self, number: int, last: Tensor) -> Tensor:
        if not self.config.bidirectional:
            return last
        W, b = (getattr(self.bridge, f"{kind}{number}") for kind in ("W", "b"))
        return torch.tanh(last @ W + b)

    def _join(self, x: Tensor, context: Tensor | None) -> Tensor:
        return x if context is None else torch.cat([x, context.expand(len(x), -1, -1)], 2)

    def _attend(self, hs: Tensor, inputs: DecoderInputs) -> tuple[Tensor, Tensor]:
        """Attend to the source at every step of hs (T, N, H): a (T, N, H), and the attention weights (N, T, S)."""
        assert inputs.keys is not None
        assert inputs.values is not None
        scores = hs.transpose(0, 1) @ inputs.keys.permute(1, 2, 0)
        valid = inputs.valid.T[:, None]
        scores = scores.masked_fill(~valid, torch.finfo(scores.dtype).min)
        weights = scores.softmax(2) * valid  # all zero for a source without symbols
        contexts = (weights @ inputs.values.transpose(0, 1)).transpose(0, 1)
        return torch.tanh(contexts + hs @ self.attention.Wq + self.attention.b), weights

    def _scores(self, x: Tensor, context: Tensor | None) -> Tensor:
        """Compute the logits. The contribution of the context is the same at every step, so it is computed once."""
        decoder = self.decoder
        bias = decoder.by if context is None else decoder.by + context @ decoder.Wyc
        return x @ (decoder.E.T if self.config.tied else decoder.Wy) + bias

    def encode(self, sources: Tensor, lengths: Tensor) -> tuple[DecoderInputs, LayerStates]:
        """See `TorchArchitecture.encode`."""
        inputs = self.read(sources, lengths)
        h = torch.stack(inputs.first)
        return inputs, LayerStates(h, torch.zeros_like(h))

    def step(
        self, memory: DecoderInputs, state: LayerStates, symbols: Tensor
    ) -> tuple[Tensor, LayerStates, Tensor | None]:
        """See `TorchArchitecture.step`."""
        x = self._join(functional.embedding(symbols[None], self.decoder.E), memory.context)
        x, after = step_layers(self.decoder, x, state)
        alignment = None
        if memory.keys is not None:
            x, weights = self._attend(x, memory)
            alignment = weights[:, 0]
        return log_softmax(self._scores(x[0], memory.context)), after, alignment
