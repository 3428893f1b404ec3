"""The NumPy engine: the model of `henkan.model`, updated by Adam.

With the fused kernels a batch is cut into a fixed number of shards, which threads work off. The shards, not
the threads, define the order of every sum: the same seed gives the same bits on one thread and on eight.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, TypeVar

import numpy as np

from henkan.batching.batch import Batch, Sources
from henkan.config import ModelConfig, TrainingConfig
from henkan.engine.base import Alone, StepOutput, Team
from henkan.engine.workers import WORKERS
from henkan.model import EncoderDecoder, parameter_shapes, saliency
from henkan.model.decoder import Outlook, decoder_step, look_out
from henkan.nn import (
    PLAIN,
    Adam,
    Array,
    Backend,
    Parameters,
    Regularization,
    Weights,
    Workspace,
    clip_by_global_norm,
)
from henkan.nn.kernels import choose_kernels, plain
from henkan.nn.kernels.structures import AdamStep

Item = TypeVar("Item")
Result = TypeVar("Result")

SHARDS = 2


@dataclass(frozen=True)
class Memory:
    """What stays the same through decoding, and whose arithmetic the steps use."""

    outlook: Outlook
    backend: Backend

    def take(self, rows: Array) -> Memory:
        """The parts of some sequences."""
        return Memory(self.outlook.take(rows), self.backend)


@dataclass(frozen=True)
class State:
    """The hidden and cell states of the decoder's layers, (L, N, H) each."""

    h: Array
    c: Array

    def take(self, rows: Array) -> State:
        """The parts of some sequences."""
        return State(self.h[:, rows], self.c[:, rows])


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
        # Made at the first update, for prediction needs none of it: for each shard its gradients and workspace.
        self._gradients: list[Parameters] = []
        self._workspaces: list[Workspace] = []
        self._adam: Adam | None = None

    @property
    def look_every(self) -> int:
        """An update is done when its call returns, so each loss is looked at."""
        return 1

    @property
    def weights(self) -> Weights:
        """Name -> array of every weight."""
        return self.parameters.arrays

    def set_weights(self, weights: Weights) -> None:
        """Copy weights in, by name; every one must be there and have its shape."""
        for name, array in self.parameters.arrays.items():
            array[...] = weights[name]

    def at_work(self, *, many: bool = False) -> AbstractContextManager[None]:
        """Have threads ready for `train_step` and `map`.

        The plain kernels train on one shard: there the only threads that can help are those of BLAS.
        """
        if many:
            choose_kernels()  # loads the BLAS they use, which is then held to one thread with the rest
        trains_plain = self._adam is not None and not self._adam.kernels.FUSED
        return nullcontext() if trains_plain else WORKERS.at_work()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """function(item) for every item, in order, on the threads at work."""
        return WORKERS.map(function, items)

    def prepare(self, batch: Batch) -> None:
        """Compile, at the first time, what training will need."""
        adam = self._training()
        self._loss_and_gradients(batch)
        number = np.zeros_like(self.parameters.vector[:1])
        adam.kernels.adam_update(*(number.copy() for _ in range(4)), AdamStep(0.1, 1.0, 0.9, 0.9, 1.0, 1.0))

    def train_step(self, batch: Batch, learning_rate: float) -> float:
        """Make one update; return the batch's loss before it, in nats a symbol."""
        adam = self._training()
        loss, gradient = self._loss_and_gradients(batch)
        clip_by_global_norm(gradient, self.training.clip_norm)
        adam.update(self.parameters.vector, gradient, learning_rate)
        return loss

    def _loss_and_gradients(self, batch: Batch) -> tuple[float, Array]:
        adam, config, count = self._training(), self.training, int(batch.targets.valid.sum())
        shards = min(len(self._gradients), batch.size)

        def work(number: int) -> float:
            workspace, gradients = self._workspaces[number], self._gradients[number]
            workspace.reset()
            backend = Backend(adam.kernels, workspace.empty)
            # Drawn anew from the number of the update: a training that goes on after a stop needs no more than that.
            generator = np.random.Generator(np.random.SFC64([config.seed, 4, adam.steps, number]))
            noise = Regularization(config.dropout or 0.0, config.embedding_dropout, config.label_smoothing, generator)
            loss, backward = self.model.loss(batch.shard(number, shards), count, noise, backend)
            backward(gradients)
            return loss

        loss = sum(WORKERS.share(work, range(shards)))
        total = self._gradients[0].vector
        for gradients in self._gradients[1:shards]:
            total += gradients.vector
        return loss, total

    def loss(self, batch: Batch) -> float:
        """The mean cross-entropy over the batch's valid steps, in nats a symbol."""
        backend = PLAIN if self._adam is None else Backend(self._adam.kernels)
        return self.model.loss(batch, backend=backend)[0]

    def snapshot(self) -> dict[str, Any]:
        """Copies of the weights, of Adam's moments and of its number of updates."""
        adam = self._training()
        vectors = {"weights": self.parameters.vector, "m": adam.m, "v": adam.v}
        return {name: vector.copy() for name, vector in vectors.items()} | {"steps": adam.steps}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go back to where `snapshot` was taken."""
        adam = self._training()
        self.parameters.vector[...] = snapshot["weights"]
        adam.m[...], adam.v[...], adam.steps = snapshot["m"], snapshot["v"], snapshot["steps"]

    def encode(self, sources: Sources, *, many: bool = False) -> tuple[Memory, State]:
        """Read the sources: what stays the same through decoding, and the decoder's first state.

        The fused kernels take longer to load than to answer a few thousand, so only `many` asks for them.
        """
        backend = Backend(choose_kernels() if many else plain)
        given = self.model.read(sources, backend)
        h = np.stack(given.first)
        return Memory(look_out(self.parameters.group("decoder"), given), backend), State(h, np.zeros_like(h))

    def step(self, memory: Memory, state: State, symbols: Array) -> StepOutput:
        """One step of decoding: `symbols` (N,) are the last ones."""
        decoder, attention = self.parameters.group("decoder"), self.parameters.group("attention")
        log_probabilities, h, c, looks = decoder_step(
            decoder, attention, memory.outlook, state.h, state.c, symbols, memory.backend
        )
        return StepOutput(log_probabilities, State(h, c), looks)

    def _training(self) -> Adam:
        """What training needs beyond the weights, chosen and made when it begins."""
        if self._adam is None:
            kernels = choose_kernels()
            shards = SHARDS if kernels.FUSED else 1
            self._gradients = [self.parameters.zeros() for _ in range(shards)]
            self._workspaces = [Workspace() for _ in range(shards)]
            vector, config = self.parameters.vector, self.training
            self._adam = Adam(
                vector.size, vector.dtype, beta2=config.beta2, weight_decay=config.weight_decay, kernels=kernels
            )
        return self._adam

    def saliency(self, batch: Batch) -> Array:
        """See `henkan.model.saliency`."""
        return saliency(self.model, batch)


class NumpyEngines:
    """Makes engines in NumPy, of one process."""

    team: Team = Alone()

    def make(
        self,
        config: ModelConfig,
        source_symbols: int,
        target_symbols: int,
        *,
        training: TrainingConfig | None = None,
    ) -> NumpyEngine:
        """An engine for such a model, all of whose weights are zero."""
        return NumpyEngine(config, source_symbols, target_symbols, training=training)

    def describe(self) -> str:
        """The kernels and the versions of what is in them, and the processor that they choose their code by."""
        kernels = "plain kernels"
        if choose_kernels().FUSED:
            kernels = ", ".join(f"{name} {version(name)}" for name in ("numba", "llvmlite", "scipy"))
            kernels = f"fused kernels ({kernels})"
        return f"NumPy {np.__version__} with {kernels} on {_processor()}"


def _processor() -> str:
    """Its kind, and the best instructions that NumPy has found in it."""
    found: Any = np.show_config(mode="dicts")
    instructions = (found or {}).get("SIMD Extensions", {}).get("found", [])
    return " with ".join([platform.machine() or "an unknown machine", *instructions[-1:]])
