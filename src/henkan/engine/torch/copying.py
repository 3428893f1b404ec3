"""Copying in PyTorch; see `henkan.nn.copying` for the formulas and `henkan.model.copying` for the weights."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from henkan.engine.torch.architecture import IGNORED

NEVER = -1e30
"""The log-probability of what is impossible: finite, because derivatives at infinity are not numbers."""


@dataclass(frozen=True)
class Copying:
    """The two distributions that are mixed.

    Attributes:
        vocabulary: (T, N, V) log-probabilities of the output layer.
        gates: (T, N) logits of the probability of copying; very low for a source without symbols to copy.
        weights: (T, N, S) log-probabilities of the source symbols, `NEVER` for those that cannot be copied.
        copy_ids: (N, S) copy ids of the source symbols.
    """

    vocabulary: Tensor
    gates: Tensor
    weights: Tensor
    copy_ids: Tensor

    @classmethod
    def of(cls, logits: Tensor, gates: Tensor, scores: Tensor, copy_ids: Tensor) -> Copying:
        """Compute the distributions.

        Args:
            logits: (T, N, V), of the output layer.
            gates: (T, N, 1), logits of the probability of copying.
            scores: (N, T, S), of attention.
            copy_ids: (S, N).
        """
        dtype = torch.promote_types(logits.dtype, torch.float32)
        allowed = copy_ids.T >= 0
        masked = scores.transpose(0, 1).to(dtype).masked_fill(~allowed, NEVER)
        weights = masked.log_softmax(2).masked_fill(~allowed, NEVER)
        z = gates[..., 0].to(dtype).masked_fill(~allowed.any(1), NEVER)
        return cls(logits.to(dtype).log_softmax(2), z, weights, copy_ids.T)

    def loss(self, targets: Tensor, smoothing: float) -> Tensor:
        """Sum of the losses of the targets (T, N), `IGNORED` at padding; see `henkan.nn.copy_loss`."""
        V = self.vocabulary.shape[2]
        valid, predicted = targets != IGNORED, targets.clamp(0, V - 1)
        by_vocabulary = self.vocabulary.gather(2, predicted[..., None])[..., 0] + functional.logsigmoid(-self.gates)
        by_vocabulary = by_vocabulary.masked_fill(targets >= V, NEVER)
        matching = self.copy_ids == targets[..., None]
        by_copy = self.weights.masked_fill(~matching, NEVER).logsumexp(2) + functional.logsigmoid(self.gates)
        losses = -torch.logaddexp(by_vocabulary, by_copy)
        losses = (1 - smoothing) * losses - smoothing * self.vocabulary.mean(2)
        return losses.masked_fill(~valid, 0).sum()

    def log_probabilities(self) -> Tensor:
        """Log-probabilities (T, N, V + S) of the next symbol, minus infinity for ids that are not copy ids."""
        (T, N, V), S = self.vocabulary.shape, self.copy_ids.shape[1]
        by_vocabulary = functional.pad(
            self.vocabulary + functional.logsigmoid(-self.gates)[..., None], (0, S), value=NEVER
        )
        index = self.copy_ids.clamp(min=0).expand(T, N, S)
        weights = self.weights.exp().clamp(min=torch.finfo(torch.float32).tiny).masked_fill(self.copy_ids < 0, 0)
        copied = weights.new_zeros(T, N, V + S).scatter_add(2, index, weights)
        by_copy = copied.log() + functional.logsigmoid(self.gates)[..., None]
        by_vocabulary[..., V:] = -torch.inf
        return torch.logaddexp(by_vocabulary, by_copy)
