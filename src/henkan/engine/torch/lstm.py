"""LSTMs in PyTorch, and groups of weights with henkan's names and shapes.

In nn.LSTM, weights are transposed and the second bias stays zero. nn.LSTM cannot add further contributions to the
gates, so inputs are concatenated, and their matrices are stored as one: for a Peeky decoder, [x, h] [[Wx], [Wc]].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Select = Callable[[nn.Parameter], Tensor]


@dataclass(frozen=True)
class LayerStates:
    """The hidden and cell states of several layers, (L, N, H) each."""

    h: Tensor
    c: Tensor

    def take(self, index: Tensor) -> LayerStates:
        """The parts of some sequences."""
        return LayerStates(self.h[:, index], self.c[:, index])


class WeightGroup(nn.Module):
    """The parameters and LSTMs of a part of a network, such as its encoder or decoder.

    Args:
        shapes: weight name, as in `henkan.model` -> shape.
        joined: names of the matrices of further inputs of `lstm1`, in the order in which the inputs are concatenated.
            Names that `shapes` does not have are ignored.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], joined: Sequence[str] = ()) -> None:
        super().__init__()
        self.joined = {name: shapes[name][0] for name in joined if name in shapes}
        for name, shape in shapes.items():
            layer, _, kind = name.rpartition(".")
            if kind == "Wx":
                more = sum(self.joined.values()) if layer == "lstm1" else 0
                self.add_module(layer, _lstm(shape[0] + more, shape[1] // 4))
            elif not layer and name not in self.joined:
                self.register_parameter(name, nn.Parameter(torch.zeros(shape)))

    def named(self, select: Select) -> Iterator[tuple[str, Tensor]]:
        """Yield henkan's name of each weight, and a view, in henkan's shape, of a tensor of the parameter.

        Args:
            select: returns the tensor: the parameter itself, its gradient, or its optimiser state.
        """
        for name, parameter in self.named_parameters():
            layer, _, kind = name.rpartition(".")
            if kind == "weight_ih_l0":
                joined = self.joined if layer == "lstm1" else {}
                transposed = select(parameter).T
                sizes = [len(transposed) - sum(joined.values()), *joined.values()]
                yield from zip([f"{layer}.Wx", *joined], transposed.split(sizes), strict=True)
            elif kind == "weight_hh_l0":
                yield f"{layer}.Wh", select(parameter).T
            elif kind == "bias_ih_l0":
                yield f"{layer}.b", select(parameter)
            elif kind != "bias_hh_l0":
                yield name, select(parameter)


def named_weights(network: nn.Module, select: Select) -> dict[str, Tensor]:
    """Return henkan's name of each weight of a network -> a view, in henkan's shape, of a tensor of the parameter.

    Args:
        network: a network whose modules are weight groups.
        select: as in `WeightGroup.named`.
    """
    return {f"{part}.{name}": view for part, group in network.named_children() for name, view in group.named(select)}


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


def step_layers(weights: WeightGroup, x: Tensor, states: LayerStates) -> tuple[Tensor, LayerStates]:
    """Run the LSTM layers of a decoder for one step.

    Args:
        weights: the decoder's weights.
        x: (1, N, D), the input of the first layer.
        states: the states before the step.

    Returns:
        the output of the last layer (1, N, H), and the states after the step.
    """
    after = []
    for number in range(len(states.h)):
        before = states.h[number, None], states.c[number, None]
        x, last = run_lstm(getattr(weights, f"lstm{number + 1}"), x, before)
        after.append(last)
    return x, LayerStates(*(torch.cat(parts) for parts in zip(*after, strict=True)))


def _lstm(inputs: int, hidden: int) -> nn.LSTM:
    lstm = nn.LSTM(inputs, hidden)
    lstm.bias_hh_l0.requires_grad_(False).zero_()
    return lstm
