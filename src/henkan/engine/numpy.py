"""The NumPy engine: the model of `henkan.model`, updated by Adam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from henkan.batch import Array, Batch, Sources
from henkan.config import Initialization, ModelConfig, TrainingConfig
from henkan.engine.base import StepOutput
from henkan.model import EncoderDecoder, initialize, parameter_shapes
from henkan.model.bridge import bridge
from henkan.model.decoder import context_scores, decoder_step
from henkan.model.encoder import encode_without_backward
from henkan.nn import Adam, Parameters, clip_by_global_norm


@dataclass(frozen=True)
class Memory:
    """What peeking adds at every step: to the gates (N, 4H) and to the scores (N, V); None without it."""

    gates: Array | None
    scores: Array | None

    def take(self, rows: Array) -> Memory:
        """The parts of some sequences."""
        if self.gates is None or self.scores is None:
            return self
        return Memory(self.gates[rows], self.scores[rows])


@dataclass(frozen=True)
class State:
    """The decoder's hidden and cell states, (N, H) each."""

    h: Array
    c: Array

    def take(self, rows: Array) -> State:
        """The parts of some sequences."""
        return State(self.h[rows], self.c[rows])


class NumpyEngine:
    """An engine in NumPy.

    Args:
        config: the model's settings.
        source_symbols, target_symbols: sizes of the two vocabularies.
        training: settings of the updates (clipping and Adam's); None: the defaults.
        dtype: float32, or float64 for checking.
    """

    def __init__(
        self,
        config: ModelConfig,
        source_symbols: int,
        target_symbols: int,
        *,
        training: TrainingConfig | None = None,
        dtype: type[np.floating] = np.float32,
    ) -> None:
        self.parameters = Parameters(parameter_shapes(config, source_symbols, target_symbols), dtype)
        self.model = EncoderDecoder(config, self.parameters)
        self.training = training or TrainingConfig()
        self._gradients: Parameters | None = None  # made at the first update: prediction needs neither
        self._adam: Adam | None = None

    @staticmethod
    def shapes(config: ModelConfig, source_symbols: int, target_symbols: int) -> dict[str, tuple[int, ...]]:
        """Name -> shape of every weight of such a model."""
        return parameter_shapes(config, source_symbols, target_symbols)

    @property
    def weights(self) -> Mapping[str, Array]:
        """Name -> array of every weight."""
        return self.parameters.arrays

    def initialize(self, rule: Initialization, seed: int) -> None:
        """Draw the first weights."""
        initialize(self.parameters, self.model.config, rule, np.random.default_rng(seed))

    def set_weights(self, weights: Mapping[str, Array]) -> None:
        """Copy weights in, by name; every one must be there and have its shape."""
        for name, array in self.parameters.arrays.items():
            array[...] = weights[name]

    def train_step(self, batch: Batch, learning_rate: float) -> float:
        """Make one update; return the batch's loss before it, in nats a symbol."""
        gradients, adam = self._training()
        gradients.vector[...] = 0
        loss, backward = self.model.loss(batch)
        backward(gradients)
        clip_by_global_norm(gradients.vector, self.training.clip_norm)
        adam.update(self.parameters.vector, gradients.vector, learning_rate)
        return loss

    def loss(self, batch: Batch) -> float:
        """The mean cross-entropy over the batch's valid steps, in nats a symbol."""
        return self.model.loss(batch)[0]

    def snapshot(self) -> dict[str, Any]:
        """Copies of the weights, of Adam's moments and of its number of updates."""
        _, adam = self._training()
        vectors = {"weights": self.parameters.vector, "m": adam.m, "v": adam.v}
        return {name: vector.copy() for name, vector in vectors.items()} | {"steps": adam.steps}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go back to where `snapshot` was taken."""
        _, adam = self._training()
        self.parameters.vector[...] = snapshot["weights"]
        adam.m[...], adam.v[...], adam.steps = snapshot["m"], snapshot["v"], snapshot["steps"]

    def encode(self, sources: Sources) -> tuple[Memory, State]:
        """Read the sources: what peeking adds at every step, and the decoder's first state."""
        encoder, decoder = self.parameters.group("encoder"), self.parameters.group("decoder")
        h, c = encode_without_backward(encoder, sources.ids, sources.active)
        h0, c0, context, _ = bridge(h, c, peeky=self.model.config.peeky)
        return Memory(*context_scores(decoder, context)), State(h0, c0)

    def step(self, memory: Memory, state: State, symbols: Array) -> StepOutput:
        """One step of decoding: `symbols` (N,) are the last ones."""
        log_probabilities, h, c = decoder_step(
            self.parameters.group("decoder"), state.h, state.c, memory.gates, memory.scores, symbols
        )
        return StepOutput(log_probabilities, State(h, c))

    def _training(self) -> tuple[Parameters, Adam]:
        if self._gradients is None or self._adam is None:
            self._gradients = self.parameters.zeros()
            vector, config = self.parameters.vector, self.training
            self._adam = Adam(vector.size, vector.dtype, beta2=config.beta2, weight_decay=config.weight_decay)
        return self._gradients, self._adam
