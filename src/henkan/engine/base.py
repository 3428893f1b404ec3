"""The engine protocol: what training and inference may ask of an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, SupportsFloat, TypeVar

from henkan.batching.batch import Batch, Sources
from henkan.config import ModelConfig, TrainingConfig
from henkan.model.architecture import Capabilities as Capabilities
from henkan.model.architecture import Sizes as Sizes
from henkan.model.architecture import StepOutput as StepOutput
from henkan.text.arrays import Array

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Execution:
    """How a call is computed. It changes the speed and perhaps the last bits of the result, nothing else.

    Attributes:
        threads: share batches among threads, which take time to start.
        compiled: use compiled kernels for encoding and decoding, which take time to load.
    """

    threads: bool = False
    compiled: bool = False


@dataclass(frozen=True)
class Encoded:
    """Sources that were read for decoding.

    Attributes:
        memory: what stays the same during decoding. state: the first state. Both are opaque; see
            `henkan.model.architecture.Indexed`.
        count: number of sources (N).
        steps: symbols in the longest source (S).
    """

    memory: Any
    state: Any
    count: int
    steps: int


class Predictor(Protocol):
    """What inference asks of a model."""

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do."""
        ...

    def session(self, execution: Execution) -> AbstractContextManager[None]:
        """Keep threads and compiled kernels ready, as `execution` says, while the caller is inside."""
        ...

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """function(item) for every item, in order, on the threads of the session."""
        ...

    def encode(self, sources: Sources, execution: Execution = Execution()) -> Encoded:
        """Read sources for decoding."""
        ...

    def step(self, memory: Any, state: Any, symbols: Array) -> StepOutput:
        """One decoding step; `symbols` (N,) are the last predicted ones."""
        ...

    def saliency(self, batch: Batch) -> Array:
        """The influence of each source step on each target step of a batch of one pair, (T, S).

        See `henkan.model.saliency`.
        """
        ...


class Engine(Predictor, Protocol):
    """A model with its weights, and all that training asks."""

    @property
    def sync_interval(self) -> int:
        """Number of updates after which their losses are read: 1 if an update is complete when its call returns.

        If the call only queues it, as on a GPU, reading the loss means waiting.
        """
        ...

    @property
    def weights(self) -> Mapping[str, Array]:
        """Name -> array of every weight."""
        ...

    def set_weights(self, weights: Mapping[str, Array]) -> None:
        """Copy weights in, by name; each must be there and have its shape."""
        ...

    def prepare(self, batch: Batch) -> None:
        """Do what must be done once before training, such as compiling, so that no update is charged for it."""
        ...

    def train_step(self, batch: Batch, learning_rate: float) -> SupportsFloat:
        """Make one update; return the batch's loss before it, in nats per symbol.

        If several processes share the batch, both are of the whole batch. `float` of the loss may have to wait.
        """
        ...

    def loss(self, batch: Batch) -> float:
        """The mean cross-entropy over the batch's valid steps, in nats per symbol."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """A copy of everything that training changes."""
        ...

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Return to the state in which `snapshot` was taken."""
        ...


RESTARTS = "TORCHELASTIC_RESTART_COUNT"
"""Environment variable of torchrun: how often it has restarted a group after a process had died."""


class ProcessGroup(Protocol):
    """The processes that train one model together.

    All of them run the same program on the same data, and call the same methods here in the same order.

    Attributes:
        rank: number of this process, from 0. Process 0 alone prints, saves and evaluates.
        size: number of processes.
    """

    @property
    def rank(self) -> int: ...  # noqa: D102

    @property
    def size(self) -> int: ...  # noqa: D102

    def broadcast(self, number: float) -> float:
        """The number of process 0, for all; every process waits here for it."""
        ...

    def max(self, number: int) -> int:
        """The largest of the numbers of all processes."""
        ...


class SingleProcess:
    """A group of one process."""

    rank, size = 0, 1

    def broadcast(self, number: float) -> float:
        """The number itself."""
        return number

    def max(self, number: int) -> int:
        """The number itself."""
        return number


class Engines(Protocol):
    """Makes the engines of one kind.

    Attributes:
        group: the processes that share the work.
    """

    @property
    def group(self) -> ProcessGroup: ...  # noqa: D102

    def make(self, config: ModelConfig, sizes: Sizes, *, training: TrainingConfig | None = None) -> Engine:
        """An engine for such a model; its weights are still to be set.

        Raises:
            SettingsError: if the architecture is not registered, or this kind of engine does not support it.
        """
        ...

    def describe(self) -> str:
        """The engine in words, with everything that the last bits of its results may depend on."""
        ...
