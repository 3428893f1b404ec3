"""The NumPy engine: memory, threads and Adam for an architecture of `henkan.model`.

With the fused kernels, a batch is split into a fixed number of shards, which are processed by threads. The order of
every sum depends on the shards, not on the threads, so the same seed gives the same bits with any number of threads.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from henkan.batching.batch import Batch, Sources
from henkan.config import ModelConfig, TrainingConfig
from henkan.engine.base import (
    Encoded,
    Execution,
    GreedyOptions,
    GreedyOutputs,
    Item,
    ProcessGroup,
    Result,
    SingleProcess,
)
from henkan.engine.workers import WORKERS
from henkan.model import Capabilities, Sizes, StepOutput, create_architecture, saliency, shapes_of
from henkan.model.architecture import CompiledSearch
from henkan.nn import NONE, PLAIN, Adam, Backend, Parameters, Regularization, Workspace, clip_by_global_norm
from henkan.nn.kernels import choose_kernels, plain
from henkan.nn.kernels.structures import AdamStep
from henkan.text.arrays import Array

SHARDS = 2


@dataclass(frozen=True)
class Memory:
    """The memory of an architecture, and the kernels for its decoding steps."""

    inner: Any
    backend: Backend

    def take(self, rows: Array) -> Memory:
        """Select sequences."""
        return Memory(self.inner.take(rows), self.backend)


class NumpyEngine:
    """An engine in NumPy.

    Args:
        config: the model's settings.
        sizes: numbers of symbols.
        training: settings of the updates (regularisation, gradient clipping and Adam); None: the defaults.
        dtype: float32, or float64 for gradient checks.
    """

    def __init__(
        self,
        config: ModelConfig,
        sizes: Sizes,
        *,
        training: TrainingConfig | None = None,
        dtype: type[np.floating] = np.float32,
    ) -> None:
        self.config, self.sizes = config, sizes
        self.architecture = create_architecture(config, sizes)
        self.parameters = Parameters(shapes_of(self.architecture.specs), dtype)
        self.training = training or TrainingConfig()
        searchable = isinstance(self.architecture, CompiledSearch) and dtype == np.float32
        self._searchable: Any = self.architecture if searchable else None  # has a compiled search
        self._constants: dict[str, Any] = {}  # computed from the weights for predictions; emptied when they change
        self.end_training()

    def end_training(self) -> None:
        """Free the memory that only training needs; the first update creates it."""
        # One gradient and workspace per shard.
        self._gradients: list[Parameters] = []
        self._workspaces: list[Workspace] = []
        self._adam: Adam | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle the settings and the weights: specs of weights have functions, which cannot be pickled."""
        return _engine_of, (self.config, self.sizes, self.training, self.parameters.vector)

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do."""
        return self.architecture.capabilities

    @property
    def sync_interval(self) -> int:
        """Always 1: an update is complete when `train_step` returns."""
        return 1

    @property
    def weights(self) -> Mapping[str, Array]:
        """Weight name -> array."""
        return self.parameters.arrays

    def set_weights(self, weights: Mapping[str, Array]) -> None:
        """Copy weights in by name. All weights must be given, with the right shapes."""
        for name, array in self.parameters.arrays.items():
            array[...] = weights[name]
        self._constants.clear()

    def session(self, execution: Execution) -> AbstractContextManager[None]:
        """Context in which threads are ready for `train_step` and `map`.

        The plain kernels train on a single shard, so only the threads of BLAS can speed them up.
        """
        if execution.compiled:
            _choose_kernels()  # loads their BLAS, so that it is limited to one thread too
        trains_plain = self._adam is not None and not self._adam.kernels.FUSED
        return WORKERS.session() if execution.threads and not trains_plain else nullcontext()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield function(item) for every item, in order, computed by the threads of the session."""
        return WORKERS.map(function, items)

    def prepare(self, batch: Batch) -> None:
        """Compile the kernels for training, unless they are compiled already."""
        adam = self._training()
        self._loss_and_gradients([batch])
        number = np.zeros_like(self.parameters.vector[:1])
        with WORKERS.computing():
            adam.kernels.adam_update(*(number.copy() for _ in range(4)), AdamStep(0.1, 1.0, 0.9, 0.9, 1.0, 1.0))

    def train_step(self, parts: Sequence[Batch], learning_rate: float) -> float:
        """Make one update and return the loss of the batch before the update, in nats per symbol."""
        adam = self._training()
        loss, gradient = self._loss_and_gradients(parts)
        with WORKERS.computing():
            clip_by_global_norm(gradient, self.training.clip_norm)
            adam.update(self.parameters.vector, gradient, learning_rate)
        self._constants.clear()
        return loss

    def _loss_and_gradients(self, parts: Sequence[Batch]) -> tuple[float, Array]:
        """Return the loss of a batch, and the gradients of all weights as one vector."""
        count = sum(int(part.targets.valid.sum()) for part in parts)
        loss, total = self._part_loss_and_gradients(parts[0], 0, count)
        for number, part in enumerate(parts[1:], start=1):
            total = total if number > 1 else total.copy()  # the next part reuses its memory
            part_loss, gradient = self._part_loss_and_gradients(part, number, count)
            loss += part_loss
            total += gradient
        return loss, total

    def _part_loss_and_gradients(self, batch: Batch, part: int, count: int) -> tuple[float, Array]:
        """Return the share of a part in the loss and in the gradients of a batch with `count` valid steps."""
        adam = self._training()
        shards = min(len(self._gradients), batch.size)

        def work(number: int) -> float:
            """Compute one shard, including slicing it, so that no work on all pairs runs in a single thread."""
            gradients, workspace = self._gradients[number], self._workspaces[number]
            workspace.reset()
            backend = Backend(adam.kernels, workspace.empty)
            noise, shard = self._regularization(part * SHARDS + number), batch.shard(number, shards)
            with WORKERS.computing():
                loss, backward = self.architecture.loss(self.parameters, shard, count, noise, backend)
                backward(gradients)
            return loss

        loss = sum(WORKERS.map(work, range(shards)))
        total = self._gradients[0].vector
        for gradients in self._gradients[1:shards]:
            total += gradients.vector
        return loss, total

    def _regularization(self, shard: int) -> Regularization:
        """Regularisation, seeded by the numbers of update and shard, so that a resumed run draws the same."""
        config, steps = self.training, 0 if self._adam is None else self._adam.steps
        rates, generator = (config.dropout or 0.0, config.embedding_dropout), None
        if any(rates):
            generator = np.random.Generator(np.random.SFC64([config.seed, 4, steps, shard]))
        return Regularization(*rates, config.label_smoothing, generator)

    def loss(self, batch: Batch) -> float:
        """Mean cross-entropy over the valid steps of the batch, in nats per symbol."""
        backend = PLAIN if self._adam is None else Backend(self._adam.kernels)
        with WORKERS.computing():
            return self.architecture.loss(self.parameters, batch, None, NONE, backend)[0]

    def snapshot(self) -> dict[str, Any]:
        """Return copies of the weights and of Adam's moments, and the number of updates."""
        adam = self._training()
        vectors = {"weights": self.parameters.vector, "m": adam.m, "v": adam.v}
        return {name: vector.copy() for name, vector in vectors.items()} | {"steps": adam.steps}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Restore the state in which `snapshot` was taken."""
        adam = self._training()
        self.parameters.vector[...] = snapshot["weights"]
        self._constants.clear()
        adam.m[...], adam.v[...], adam.steps = snapshot["m"], snapshot["v"], snapshot["steps"]

    def encode(self, sources: Sources, execution: Execution = Execution()) -> Encoded:  # noqa: B008
        """Read sources for decoding.

        The fused kernels take longer to load than a few thousand sources take with the plain ones.
        """
        backend = Backend(_choose_kernels() if execution.compiled else plain, constants=self._constants)
        with WORKERS.computing():
            memory, state = self.architecture.encode(self.parameters, sources, backend)
        steps, count = sources.ids.shape
        search = None
        if self._searchable is not None and backend.kernels.VECTORS:
            search = partial(self._greedy, self._searchable, memory, state, backend)
        return Encoded(Memory(memory, backend), state, count, steps, search)

    def _greedy(
        self, architecture: CompiledSearch, memory: Any, state: Any, backend: Backend, options: GreedyOptions
    ) -> GreedyOutputs | None:
        with WORKERS.computing():
            return architecture.greedy(self.parameters, memory, state, options, backend)

    def step(self, memory: Memory, state: Any, symbols: Array) -> StepOutput:
        """One decoding step; `symbols` (N,) are the last predicted ones."""
        with WORKERS.computing():
            return self.architecture.step(self.parameters, memory.inner, state, symbols, memory.backend)

    def saliency(self, batch: Batch) -> Array:
        """See `henkan.model.saliency`."""
        with WORKERS.computing():
            return saliency(self.architecture, self.parameters, batch)

    def _training(self) -> Adam:
        """Return the optimiser; create it, the gradients and the workspaces on the first call."""
        if self._adam is None:
            kernels = _choose_kernels()
            shards = SHARDS if kernels.FUSED else 1
            self._gradients = [self.parameters.zeros() for _ in range(shards)]
            self._workspaces = [Workspace() for _ in range(shards)]
            vector, config = self.parameters.vector, self.training
            self._adam = Adam(
                vector.size, vector.dtype, beta2=config.beta2, weight_decay=config.weight_decay, kernels=kernels
            )
        return self._adam


def _choose_kernels() -> ModuleType:
    with WORKERS.computing():
        return choose_kernels()


def _engine_of(config: ModelConfig, sizes: Sizes, training: TrainingConfig, vector: Array) -> NumpyEngine:
    """Create an engine with a copy of the weights of another."""
    engine = NumpyEngine(config, sizes, training=training, dtype=vector.dtype.type)
    engine.parameters.vector[...] = vector
    return engine


class NumpyEngines:
    """Factory for NumPy engines in a single process."""

    group: ProcessGroup = SingleProcess()

    def make(self, config: ModelConfig, sizes: Sizes, *, training: TrainingConfig | None = None) -> NumpyEngine:
        """Create an engine for a model with these settings. All its weights are zero."""
        return NumpyEngine(config, sizes, training=training)

    def describe(self) -> str:
        """Describe the kernels with the versions of their libraries, and the processor."""
        from importlib.metadata import version  # takes a tenth of the start of `henkan predict`, which needs none

        kernels = "plain kernels"
        if _choose_kernels().FUSED:
            kernels = ", ".join(f"{name} {version(name)}" for name in ("numba", "llvmlite", "scipy"))
            kernels = f"fused kernels ({kernels})"
        return f"NumPy {np.__version__} with {kernels} on {_processor()}"


def _processor() -> str:
    """Machine type, and the best instruction set that NumPy has detected."""
    found: Any = np.show_config(mode="dicts")
    instructions = (found or {}).get("SIMD Extensions", {}).get("found", [])
    return " with ".join([platform.machine() or "an unknown machine", *instructions[-1:]])
