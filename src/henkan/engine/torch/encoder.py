"""The encoder in PyTorch, with nn.LSTM and autograd.

It computes the same function as `henkan.model.encoder` but handles unequal lengths differently. nn.LSTM also runs over
the padding. Padding follows each sequence, so it cannot change the states before it. The states at the true ends are
selected afterwards, and the backward direction reads each sequence reversed within its own length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from henkan.config import ModelConfig
from henkan.engine.torch.architecture import DropoutNoise
from henkan.engine.torch.lstm import WeightGroup, run_lstm


@dataclass(frozen=True)
class Encoded:
    """The output of the encoder. M is H, or 2H for two directions.

    Attributes:
        states: (S, N, M), the hidden states of the top layer; arbitrary at padding.
        last: last hidden state (N, M) of each layer; those of two directions are concatenated.
        valid: (S, N) booleans, false at padding.
    """

    states: Tensor
    last: list[Tensor]
    valid: Tensor


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


def encode(
    weights: WeightGroup, config: ModelConfig, sources: Tensor, lengths: Tensor, noise: DropoutNoise | None = None
) -> Encoded:
    """Run the encoder.

    Args:
        weights: the encoder's weights.
        config: the model's settings.
        sources: (S, N) ids.
        lengths: (N,) number of symbols in each source.
        noise: dropout, or None.
    """
    steps, columns = (torch.arange(n, device=sources.device) for n in sources.shape)
    steps = steps[:, None]
    valid, ends = steps < lengths, (lengths - 1).clamp(min=0)
    order = torch.where(valid, lengths - 1 - steps, steps)
    E = weights.E if noise is None else noise.table(weights.E)
    x, every_last = functional.embedding(sources, E), []
    for number in range(1, config.layers + 1):
        states = [run_lstm(getattr(weights, f"lstm{number}"), x)[0]]
        if config.bidirectional:  # these states are in reversed order
            states.append(run_lstm(getattr(weights, f"back{number}"), Reorder.apply(x, order))[0])
        last = torch.cat([each[ends, columns] for each in states], 1)
        every_last.append(last.where((lengths > 0)[:, None], 0))
        x = torch.cat([states[0], *(Reorder.apply(back, order) for back in states[1:])], 2)
        x = x if noise is None else noise.states(x)
    return Encoded(x, every_last, valid)
