"""The architecture "encoder-decoder" in PyTorch, with nn.LSTM and autograd.

It computes the same function as `henkan.model.encoder_decoder` but handles unequal lengths differently. nn.LSTM also
runs over the padding. Padding follows each sequence, so it cannot change the states before it. The states at the true
ends are selected afterwards, and the backward direction reads each sequence reversed within its own length.

In nn.LSTM, weights are transposed and the second bias stays zero. nn.LSTM cannot add h Wc to the gates once per
sequence, so a Peeky decoder concatenates its inputs, and Wx and Wc are stored as one matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from henkan.config import ModelConfig
from henkan.engine.torch.architecture import IGNORED, DropoutNoise, Tensors
from henkan.engine.torch.copying import Copying
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


@dataclass(frozen=True)
class DecoderState:
    """The hidden and cell states of the decoder's layers, (L, N, H) each."""

    h: Tensor
    c: Tensor

    def take(self, index: Tensor) -> DecoderState:
        """The parts of some sequences."""
        return DecoderState(self.h[:, index], self.c[:, index])


class Reorder(torch.autograd.Function):
    """Reorder the steps of each sequence: x (T, N, D) and order (T, N) of step numbers -> (T, N, D).

    The order must be its own inverse (a reversal), so that backward applies the same reordering.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, order: Tensor) -> Tensor:  # noqa: D102
        ctx.save_for_backward(order)
        return x.gather(0, order[..., None].expand_as(x))

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None]:  # noqa: D102
        (order,) = ctx.saved_tensors
        return dy.gather(0, order[..., None].expand_as(dy)), None


class WeightGroup(nn.Module):
    """The parameters and LSTMs of the encoder, bridge, attention or decoder.

    Args:
        shapes: weight name, as in `henkan.model` -> shape.
        inputs: LSTM name -> input size, if it differs from the number of rows of Wx.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], inputs: Mapping[str, int]) -> None:
        super().__init__()
        for name, shape in shapes.items():
            layer, _, kind = name.rpartition(".")
            if not layer and kind != "Wc":  # Wc is stored in an LSTM
                self.register_parameter(name, nn.Parameter(torch.zeros(shape)))
            elif kind == "Wx":
                self.add_module(layer, _lstm(inputs.get(layer, shape[0]), shape[1] // 4))


def run_lstm(lstm: nn.LSTM, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Any]:
    """Run an LSTM over x (T, N, D) in the precision of its weights.

    Autocast is disabled, because it would run cuDNN's LSTMs in float16 even if bfloat16 was requested, and the range of
    float16 is too small for gradients.

    Returns:
        the outputs (T, N, H), and the last hidden and cell states (1, N, H).
    """
    dtype = lstm.weight_hh_l0.dtype
    with torch.autocast(x.device.type, enabled=False):
        outputs, last = lstm(x.to(dtype), None if state is None else (state[0].to(dtype), state[1].to(dtype)))
    return outputs, last


def _lstm(inputs: int, hidden: int) -> nn.LSTM:
    lstm = nn.LSTM(inputs, hidden)
    lstm.bias_hh_l0.requires_grad_(False).zero_()
    return lstm


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
        joined = {"lstm1": config.embedding_size + config.hidden_size} if config.peeky else {}
        for part in ("encoder", "bridge", "attention", "decoder"):
            self.add_module(part, WeightGroup(group(shapes, part), joined if part == "decoder" else {}))

    def named(self, select: Callable[[nn.Parameter], Tensor] = lambda parameter: parameter) -> dict[str, Tensor]:
        """Return henkan's name of each weight -> a view, in henkan's shape, of a tensor of the parameter.

        Args:
            select: returns the tensor: the parameter itself, its gradient, or its optimiser state.
        """
        views: dict[str, Tensor] = {}
        for name, parameter in self.named_parameters():
            stem, _, kind = name.rpartition(".")
            if kind == "weight_ih_l0":
                transposed, D = select(parameter).T, self.config.embedding_size
                joined = stem == "decoder.lstm1" and self.config.peeky
                views[f"{stem}.Wx"] = transposed[:D] if joined else transposed
                if joined:
                    views["decoder.Wc"] = transposed[D:]
            elif kind == "weight_hh_l0":
                views[f"{stem}.Wh"] = select(parameter).T
            elif kind == "bias_ih_l0":
                views[f"{stem}.b"] = select(parameter)
            elif kind != "bias_hh_l0":
                views[name] = select(parameter)
        return views

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
        smoothing = 0.0 if noise is None else noise.label_smoothing
        if self.config.copy:
            return self._copying(x, logits, scores, inputs).loss(batch.targets, smoothing) / batch.divisor
        logits = logits.flatten(0, 1)
        total = functional.cross_entropy(
            logits.to(torch.promote_types(logits.dtype, torch.float32)),
            batch.targets.flatten(),
            ignore_index=IGNORED,
            reduction="sum",
            label_smoothing=smoothing,
        )
        return total / batch.divisor

    def read(
        self, sources: Tensor, lengths: Tensor, copy_ids: Tensor | None, noise: DropoutNoise | None = None
    ) -> DecoderInputs:
        """Run the encoder over sources (S, N) with lengths (N,), and compute the inputs of the decoder."""
        config, (steps, columns) = self.config, (torch.arange(n, device=sources.device) for n in sources.shape)
        steps = steps[:, None]
        valid, ends = steps < lengths, (lengths - 1).clamp(min=0)
        order = torch.where(valid, lengths - 1 - steps, steps)
        E = self.encoder.E if noise is None else noise.table(self.encoder.E)
        x, first = functional.embedding(sources, E), []
        for number in range(1, config.layers + 1):
            states = [run_lstm(getattr(self.encoder, f"lstm{number}"), x)[0]]
            if config.bidirectional:  # these states are in reversed order
                states.append(run_lstm(getattr(self.encoder, f"back{number}"), Reorder.apply(x, order))[0])
            last = torch.cat([each[ends, columns] for each in states], 1).where((lengths > 0)[:, None], 0)
            first.append(self._bridge(number, last))
            x = torch.cat([states[0], *(Reorder.apply(back, order) for back in states[1:])], 2)
            x = x if noise is None else noise.states(x)
        keys = values = None
        if config.attention:
            values = x @ self.attention.Wv
            if config.attention_kind == "general":
                keys = x @ self.attention.Wk
            else:  # add the states of the two directions
                keys = x.unflatten(2, (config.directions, config.hidden_size)).sum(2)
        return DecoderInputs(first, first[-1] if config.peeky else None, keys, values, valid, copy_ids)

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
    ) -> tuple[DecoderInputs, DecoderState]:
        """See `TorchArchitecture.encode`."""
        inputs = self.read(sources, lengths, copy_ids)
        h = torch.stack(inputs.first)
        return inputs, DecoderState(h, torch.zeros_like(h))

    def step(
        self, memory: DecoderInputs, state: DecoderState, symbols: Tensor
    ) -> tuple[Tensor, DecoderState, Tensor | None]:
        """See `TorchArchitecture.step`."""
        x = self._join(self._embedded(symbols[None]), memory.context)
        states = []
        for number in range(len(state.h)):
            lstm = getattr(self.decoder, f"lstm{number + 1}")
            x, after = run_lstm(lstm, x, (state.h[number, None], state.c[number, None]))
            states.append(after)
        alignment = scores = None
        if memory.keys is not None:
            x, weights, scores = self._attend(x, memory)
            alignment = weights[:, 0]
        logits = self._scores(x, memory.context)
        h, c = (torch.cat(parts) for parts in zip(*states, strict=True))
        if self.config.copy:
            return self._copying(x, logits, scores, memory).log_probabilities()[0], DecoderState(h, c), alignment
        logs = logits[0].to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(1)
        return logs, DecoderState(h, c), alignment
