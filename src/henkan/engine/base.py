"""The engine protocol: the interface that training and inference use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, SupportsFloat, TypeVar

from henkan.batching.batch import Batch, Sources
from henkan.config import ModelConfig, TrainingConfig
from henkan.model.architecture import Capabilities as Capabilities
from henkan.model.architecture import GreedyOptions as GreedyOptions
from henkan.model.architecture import GreedyOutputs as GreedyOutputs
from henkan.model.architecture import Sizes as Sizes
from henkan.model.architecture import StepOutput as StepOutput
from henkan.text.arrays import Array

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Execution:
    """How a call is computed. Affects the speed, and possibly the last bits of the result, but nothing else.

    Attributes:
        threads: distribute batches over threads. Starting threads takes time.
        compiled: encode and decode with compiled kernels. Loading them takes time.
    """

    threads: bool = False
    compiled: bool = False


@dataclass(frozen=True)
class Encoded:
    """Encoded sources, ready for decoding.

    Attributes:
        memory: data that stays constant during decoding. state: the initial state. Both are opaque; see
            `henkan.model.architecture.Indexed`.
        count: number of sources (N).
        steps: number of symbols in the longest source (S).
        greedy: a greedy search for the outputs of all sources in compiled code, or None; it gives the same outputs as
            `Predictor.step`.
    """

    memory: Any
    state: Any
    count: int
    steps: int
    greedy: Callable[[GreedyOptions], GreedyOutputs | None] | None = None


class Predictor(Protocol):
    """The interface of a model for inference."""

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do."""
        ...

    def session(self, execution: Execution) -> AbstractContextManager[None]:
        """Context in which threads and compiled kernels are ready, as specified by `execution`."""
        ...

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield function(item) for every item, in order, computed by the threads of the session."""
        ...

    def encode(self, sources: Sources, execution: Execution = Execution()) -> Encoded:
        """Encode sources for decoding."""
        ...

    def step(self, memory: Any, state: Any, symbols: Array) -> StepOutput:
        """Run one decoding step; `symbols` (N,) are the symbols predicted last."""
        ...

    def saliency(self, batch: Batch) -> Array:
        """Influence of each source step on each target step, (T, S), for a batch of one pair.

        See `henkan.model.saliency`.
        """
        ...


class Engine(Predictor, Protocol):
    """A model with its weights, and the interface for training it.

    Copies, and engines that were pickled, have the weights but not the state of training.
    """

    @property
    def sync_interval(self) -> int:
        """Number of updates between two reads of the losses.

        It is 1 if an update is complete when `train_step` returns. On a GPU, `train_step` only queues the update, and
        reading the loss waits for it.
        """
        ...

    @property
    def weights(self) -> Mapping[str, Array]:
        """Weight name -> array."""
        ...

    def set_weights(self, weights: Mapping[str, Array]) -> None:
        """Copy weights in by name. All weights must be given, with the right shapes."""
        ...

    def prepare(self, batch: Batch) -> None:
        """Do one-time work such as compilation, and compute the gradients of a batch without an update.

        So the first update takes no longer than others, and the time of a second call is about that of an update.
        """
        ...

    def train_step(self, parts: Sequence[Batch], learning_rate: float) -> SupportsFloat:
        """Make one update and return the loss of the batch before the update, in nats per symbol.

        The batch is given in one or more parts (see `henkan.batching.parts`), which are processed one after another to
        limit memory. The loss and the gradients are those of all parts together.

        If several processes share the batch, the loss and the update are those of the complete batch. Converting the
        loss with `float` may wait for the device.
        """
        ...

    def end_training(self) -> None:
        """Free the memory that only training needs. A later update starts with a new optimiser."""
        ...

    def loss(self, batch: Batch) -> float:
        """Mean cross-entropy over the valid steps of the batch, in nats per symbol."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of everything that training changes."""
        ...

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Restore the state in which `snapshot` was taken."""
        ...


RESTARTS = "TORCHELASTIC_RESTART_COUNT"
"""Environment variable of torchrun: number of times it has restarted the process group after a failure."""


class ProcessGroup(Protocol):
    """The processes that train one model together.

    All processes run the same program on the same data and call these methods in the same order.

    Attributes:
        rank: rank of this process, from 0. Only process 0 prints, saves and evaluates.
        size: number of processes.
    """

    @property
    def rank(self) -> int: ...  # noqa: D102

    @property
    def size(self) -> int: ...  # noqa: D102

    def broadcast(self, number: float) -> float:
        """Return the number given by process 0. Every process waits for it."""
        ...

    def max(self, number: int) -> int:
        """Return the maximum over all processes."""
        ...


class SingleProcess:
    """A group of one process."""

    rank, size = 0, 1

    def broadcast(self, number: float) -> float:
        """Return the number itself."""
        return number

    def max(self, number: int) -> int:
        """Return the number itself."""
        return number


class Engines(Protocol):
    """Factory for engines of one kind.

    Attributes:
        group: the process group that shares the work.
    """

    @property
    def group(self) -> ProcessGroup: ...  # noqa: D102

    def make(self, config: ModelConfig, sizes: Sizes, *, training: TrainingConfig | None = None) -> Engine:
        """Create an engine for a model with these settings. Its weights must be set before use.

        Raises:
            SettingsError: if the architecture is not registered, or this kind of engine does not support it.
        """
        ...

    def describe(self) -> str:
        """Describe the engine, including everything that the last bits of its results may depend on."""
        ...
