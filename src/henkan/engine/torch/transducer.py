"""The architecture "transducer" in PyTorch, with nn.LSTM and autograd.

It computes the same function as `henkan.model.transducer`. The first layer of the decoder reads the concatenation of
the previous action's embedding, the encoder's state under the pointer and the sum of the feature tags, so Wx, Wp and Wt
are stored as one matrix.
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
from henkan.model.edit_actions import ActionTable
from henkan.nn import group


@dataclass(frozen=True)
class TransducerMemory:
    """Values that are the same at every decoding step.

    Attributes:
        states: (S, N, M), the encoder's states.
        first, last: (N,) first position of the pointer, and its position after the last symbol.
        tags: (N, D), sum of the embeddings of the feature tags, or None.
    """

    states: Tensor
    first: Tensor
    last: Tensor
    tags: Tensor | None

    def take(self, index: Tensor) -> TransducerMemory:
        """The parts of some sequences."""
        tags = None if self.tags is None else self.tags[index]
        return TransducerMemory(self.states[:, index], self.first[index], self.last[index], tags)


@dataclass(frozen=True)
class TransducerState:
    """The states of the layers, and the positions of the pointers (N,)."""

    layers: LayerStates
    pointer: Tensor

    def take(self, index: Tensor) -> TransducerState:
        """The parts of some sequences."""
        return TransducerState(self.layers.take(index), self.pointer[index])


class Transducer(nn.Module):
    """A transducer.

    Args:
        config: its settings.
        sizes: numbers of symbols.
    """

    def __init__(self, config: ModelConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config, self.has_tags = config, bool(sizes.tags)
        shapes = shapes_of(create_architecture(config, sizes).specs)
        self.encoder = WeightGroup(group(shapes, "encoder"))
        self.decoder = WeightGroup(group(shapes, "decoder"), ["Wp", "Wt"])
        table, is_tag = ActionTable.of_size(sizes.target), torch.zeros(sizes.source, dtype=torch.long)
        is_tag[list(sizes.tags)] = 1
        # Buffers are on the device of the weights, but not saved with them.
        self.register_buffer("is_tag", is_tag, persistent=False)
        for name in ("moves", "before_end", "at_end"):
            self.register_buffer(name, torch.from_numpy(getattr(table, name).astype(int)), persistent=False)

    def named(self, select: Select = lambda parameter: parameter) -> dict[str, Tensor]:
        """See `TorchArchitecture.named`."""
        return named_weights(self, select)

    def forward(self, batch: Tensors, noise: DropoutNoise | None = None) -> Tensor:
        """Sum of the losses over the valid target steps of a batch, divided by `batch.divisor`."""
        states = encode(self.encoder, self.config, batch.sources, batch.lengths, noise).states
        E = self.decoder.E if noise is None else noise.table(self.decoder.E)
        states = states if noise is None else noise.symbols(states)
        moves = self.moves[batch.inputs].cumsum(0)
        first = batch.lengths - moves[-1]  # the actions move the pointer over the whole text
        under = self._under(states, first + moves, first, batch.lengths)
        x = self._join(functional.embedding(batch.inputs, E), under, self._tags(batch.sources, first))
        for number in range(1, self.config.layers + 1):
            x, _ = run_lstm(getattr(self.decoder, f"lstm{number}"), x)
            x = x if noise is None else noise.states(x)
        return cross_entropy(x @ self.decoder.Wy + self.decoder.by, batch, noise)

    def _under(self, states: Tensor, pointer: Tensor, first: Tensor, last: Tensor) -> Tensor:
        """The states (S, N, M) under pointers (T, N), or the state `end`: (T, N, M)."""
        S, N, _ = states.shape
        position = first + last - 1 - pointer if self.config.target_reverse else pointer
        rows = torch.where(pointer < last, position * N + torch.arange(N, device=states.device), S * N)
        end = self.decoder.end.to(states.dtype)
        return functional.embedding(rows, torch.cat([states.flatten(0, 1), end]))

    def _tags(self, sources: Tensor, counts: Tensor) -> Tensor | None:
        """Sum of the embeddings (N, D) of the first `counts` (N,) symbols of sources (S, N); None without tags."""
        if not self.has_tags:
            return None
        chosen = torch.arange(len(sources), device=sources.device)[:, None] < counts
        return (functional.embedding(sources, self.encoder.E) * chosen[..., None]).sum(0)

    def _join(self, x: Tensor, under: Tensor, tags: Tensor | None) -> Tensor:
        """Concatenate the inputs of the first layer of the decoder, at all steps."""
        return torch.cat([x, under, *([] if tags is None else [tags.expand(len(x), -1, -1)])], 2)

    def encode(
        self,
        sources: Tensor,
        lengths: Tensor,
        copy_ids: Tensor | None = None,  # noqa: ARG002
    ) -> tuple[TransducerMemory, TransducerState]:
        """See `TorchArchitecture.encode`. Copying is an action, and needs no copy ids."""
        encoded = encode(self.encoder, self.config, sources, lengths)
        steps = torch.arange(len(sources), device=sources.device)[:, None]
        first = (self.is_tag[sources] * encoded.valid * (steps + 1)).amax(0)  # after the last tag
        zero = encoded.states.new_zeros(self.config.layers, len(lengths), self.config.hidden_size)
        memory = TransducerMemory(encoded.states, first, lengths, self._tags(sources, first))
        return memory, TransducerState(LayerStates(zero, zero), first)

    def step(
        self, memory: TransducerMemory, state: TransducerState, symbols: Tensor
    ) -> tuple[Tensor, TransducerState, None]:
        """See `TorchArchitecture.step`. Actions that are impossible at the pointer have minus infinity."""
        pointer = torch.minimum(state.pointer + self.moves[symbols], memory.last)
        under = self._under(memory.states, pointer[None], memory.first, memory.last)
        x = self._join(functional.embedding(symbols[None], self.decoder.E), under, memory.tags)
        x, after = step_layers(self.decoder, x, state.layers)
        logs = log_softmax(x[0] @ self.decoder.Wy + self.decoder.by)
        possible = torch.where((pointer == memory.last)[:, None], self.at_end, self.before_end)
        return logs.masked_fill(possible == 0, -torch.inf), TransducerState(after, pointer), None
