"""What an architecture provides for the PyTorch engine: a module with the protocol of `henkan.model.architecture`.

Autograd computes the derivatives, so a module only defines the loss. Outside the module, weights have henkan's names
and shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from henkan.config import ModelConfig
from henkan.errors import SettingsError
from henkan.model import Sizes, find_architecture

IGNORED = -100
"""Target id at padding, ignored by PyTorch's cross-entropy."""


@dataclass(frozen=True)
class Tensors:
    """A batch on the device.

    Attributes:
        sources: (S, N) ids, padded.
        lengths: (N,) number of symbols in each source.
        inputs: (T, N) ids of the decoder's inputs.
        targets: (T, N) ids to predict, `IGNORED` at padding.
        divisor: number by which the sum of the losses is divided.
        copy_ids: (S, N) copy ids of the source symbols, -1 at padding, or None; see `henkan.batching.copy_ids`.
    """

    sources: Tensor
    lengths: Tensor
    inputs: Tensor
    targets: Tensor
    divisor: float
    copy_ids: Tensor | None = None


@dataclass(frozen=True)
class DropoutNoise:
    """Dropout and label smoothing of one update. Draws in the same order as `henkan.nn.Regularization`.

    Attributes:
        dropout, embedding_dropout: probabilities of setting an element to zero, from 0 to 1.
        label_smoothing: probability mass spread over all symbols, from 0 to 1.
        draw: shape -> tensor of uniform random numbers from [0, 1).
    """

    dropout: float
    embedding_dropout: float
    label_smoothing: float
    draw: Callable[[torch.Size], Tensor]

    def states(self, x: Tensor) -> Tensor:
        """Apply dropout to x (T, N, D) with the same mask at every step (Gal & Ghahramani 2016)."""
        return self._drop(x, self.dropout)

    def symbols(self, x: Tensor) -> Tensor:
        """Apply dropout to x (T, N, D) with a mask for every step."""
        return self._drop(x.flatten(0, 1), self.dropout).view_as(x)

    def table(self, E: Tensor) -> Tensor:
        """Apply dropout to an embedding table E (V, D)."""
        return self._drop(E, self.embedding_dropout)

    def _drop(self, x: Tensor, rate: float) -> Tensor:
        if rate == 0:
            return x
        return x * ((self.draw(x.shape[-2:]) >= rate).to(x.dtype) / (1 - rate))


class TorchArchitecture(Protocol):
    """Interface of a `torch.nn.Module` that is created from a `ModelConfig` and `Sizes`."""

    def forward(self, batch: Tensors, noise: DropoutNoise | None = None) -> Tensor:
        """Sum of the losses over the valid target steps of a batch, divided by `batch.divisor`."""
        ...

    def encode(self, sources: Tensor, lengths: Tensor, copy_ids: Tensor | None = None) -> tuple[Any, Any]:
        """Encode sources (S, N) with lengths (N,) and, if the model needs them, copy ids (S, N) for decoding.

        Returns:
            the memory and the initial state. Both have a method `take(index)`, where `index` is a tensor (M,) of
            sequence numbers, which may repeat.
        """
        ...

    def step(self, memory: Any, state: Any, symbols: Tensor) -> tuple[Tensor, Any, Tensor | None]:
        """Run one decoding step; `symbols` (N,) are the symbols predicted last.

        Returns:
            log-probabilities (N, V) or, with copying, (N, V + S), the next state, and attention weights (N, S) or None.
        """
        ...

    def named(self, select: Callable[[nn.Parameter], Tensor] = ...) -> Mapping[str, Tensor]:
        """Return henkan's name of each weight -> a view, in henkan's shape, of a tensor of the parameter.

        Args:
            select: returns the tensor: the parameter itself, its gradient, or its optimiser state.
        """
        ...


def cross_entropy(logits: Tensor, batch: Tensors, noise: DropoutNoise | None) -> Tensor:
    """Sum of the cross-entropy of logits (T, N, V) over the valid target steps, divided by `batch.divisor`."""
    total: Tensor = functional.cross_entropy(
        _full(logits.flatten(0, 1)),
        batch.targets.flatten(),
        ignore_index=IGNORED,
        reduction="sum",
        label_smoothing=0.0 if noise is None else noise.label_smoothing,
    )
    return total / batch.divisor


def log_softmax(logits: Tensor) -> Tensor:
    """Log-probabilities (N, V) of logits (N, V)."""
    return _full(logits).log_softmax(1)


def _full(logits: Tensor) -> Tensor:
    """Logits in float32, if they have less precision."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def create_network(config: ModelConfig, sizes: Sizes) -> Any:
    """Create the module of an architecture, a `TorchArchitecture`.

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
