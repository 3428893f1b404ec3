"""What an architecture provides for the PyTorch engine: a module with the protocol of `henkan.model.architecture`.

Autograd finds the derivatives, so a loss is enough. Weights have henkan's names and shapes wherever they are seen from
outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from henkan.config import ModelConfig
from henkan.errors import SettingsError
from henkan.model import Sizes, find_architecture

IGNORED = -100
"""What stands for a target at padding; PyTorch's cross-entropy passes it over."""


@dataclass(frozen=True)
class Tensors:
    """A batch on the device.

    Attributes:
        sources: (S, N) ids, padded. lengths: (N,).
        inputs: (T, N) ids. targets: (T, N) ids, `IGNORED` at padding.
        divisor: what the sum of the losses is divided by.
    """

    sources: Tensor
    lengths: Tensor
    inputs: Tensor
    targets: Tensor
    divisor: float


@dataclass(frozen=True)
class Noise:
    """What is left out in an update; see `henkan.nn.Regularization`, whose draws come in the same order.

    Attributes:
        dropout, embedding_dropout, label_smoothing: shares.
        draw: shape -> so many numbers from 0 to 1.
    """

    dropout: float
    embedding_dropout: float
    label_smoothing: float
    draw: Callable[[torch.Size], Tensor]

    def states(self, x: Tensor) -> Tensor:
        """(T, N, D) with a share of the numbers at zero, the same at every step."""
        return self._drop(x, self.dropout)

    def table(self, E: Tensor) -> Tensor:
        """(V, D) likewise."""
        return self._drop(E, self.embedding_dropout)

    def _drop(self, x: Tensor, rate: float) -> Tensor:
        if rate == 0:
            return x
        return x * ((self.draw(x.shape[-2:]) >= rate).to(x.dtype) / (1 - rate))


class TorchArchitecture(Protocol):
    """A `torch.nn.Module` that is made from a `ModelConfig` and `Sizes`, and has these methods."""

    def forward(self, batch: Tensors, noise: Noise | None = None) -> Tensor:
        """The sum of the losses over the valid target steps of a batch, divided by its divisor."""
        ...

    def encode(self, sources: Tensor, lengths: Tensor) -> tuple[Any, Any]:
        """Read sources (S, N) of some lengths (N,) for decoding: the memory and the first state.

        Both have a method `take(index)`, whose index is a tensor (M,) of places that may repeat.
        """
        ...

    def step(self, memory: Any, state: Any, symbols: Tensor) -> tuple[Tensor, Any, Tensor | None]:
        """One decoding step: log-probabilities (N, V), the next state, and attention weights (N, S) or None."""
        ...

    def named(self, of: Callable[[nn.Parameter], Tensor] = ...) -> Mapping[str, Tensor]:
        """Henkan's name of each weight -> a view, in henkan's shape, of a tensor that belongs to the parameter.

        Args:
            of: which tensor: the parameter itself, its gradient, or what an optimiser keeps of it.
        """
        ...


def create_network(config: ModelConfig, sizes: Sizes) -> Any:
    """The module of an architecture, a `TorchArchitecture`.

    Raises:
        SettingsError: if the architecture is not registered or has no PyTorch implementation.
    """
    found = find_architecture(config.architecture)
    if found.torch is None:
        raise SettingsError(
            f"the architecture {found.name!r} has no PyTorch implementation; use the NumPy engine for it"
        )
    module, _, name = found.torch.partition(":")
    return getattr(import_module(module), name)(config, sizes)
