"""What training and decoding may ask of an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, SupportsFloat, TypeVar

from henkan.batching.batch import Batch, Sources
from henkan.config import ModelConfig, TrainingConfig
from henkan.text.arrays import Array

Self = TypeVar("Self", bound="Indexed")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Indexed(Protocol):
    """Something kept for each of N sequences, of which some can be taken; only its engine looks inside."""

    def take(self: Self, rows: Array) -> Self:
        """The parts of the sequences in `rows`, an array of places or of booleans."""
        ...


@dataclass(frozen=True)
class StepOutput:
    """What one step of decoding gives.

    Attributes:
        log_probabilities: (N, V) of the next symbol.
        state: the decoder's state after the step.
        attention: (N, S) weights over the source's steps as the encoder reads them, or None without attention.
    """

    log_probabilities: Array
    state: Any
    attention: Array | None = None


class Predictor(Protocol):
    """What decoding asks of a model."""

    def at_work(self, *, many: bool = False) -> AbstractContextManager[None]:
        """Have threads ready, for as long as the caller is inside; `many`: and what `encode` needs for as many."""
        ...

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """function(item) for every item, in order, on the threads at work."""
        ...

    def encode(self, sources: Sources, *, many: bool = False) -> tuple[Any, Any]:
        """Read the sources: what stays the same through decoding (the memory), and the first state.

        Both are `Indexed`. `many` says that there are so many more to come that faster means are worth loading.
        """
        ...

    def step(self, memory: Any, state: Any, symbols: Array) -> StepOutput:
        """One step of decoding: `symbols` (N,) are the last ones."""
        ...

    def saliency(self, batch: Batch) -> Array:
        """How much of each source step reaches each target step of a batch of one pair, (T, S).

        See `henkan.model.saliency`.
        """
        ...


class Engine(Predictor, Protocol):
    """A model's arithmetic, with all that training asks."""

    @property
    def look_every(self) -> int:
        """Updates after which their losses are looked at: 1 where an update is done when its call returns.

        Where the call only orders it, as on a GPU, looking means waiting.
        """
        ...

    @property
    def weights(self) -> Mapping[str, Array]:
        """Name -> array of every weight."""
        ...

    def set_weights(self, weights: Mapping[str, Array]) -> None:
        """Copy weights in, by name; every one must be there and have its shape."""
        ...

    def prepare(self, batch: Batch) -> None:
        """Do what must be done once before training, such as compiling, so that no update pays for it."""
        ...

    def train_step(self, batch: Batch, learning_rate: float) -> SupportsFloat:
        """Make one update; return the batch's loss before it, in nats a symbol.

        The batch is the whole one, also where several processes share it out, and so is the loss. `float` of it may
        have to wait until it is known.
        """
        ...

    def loss(self, batch: Batch) -> float:
        """The mean cross-entropy over the batch's valid steps, in nats a symbol."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """A copy of everything that training changes."""
        ...

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go back to where `snapshot` was taken."""
        ...


RESTARTS = "TORCHELASTIC_RESTART_COUNT"
"""How often torchrun has started the processes of a team again after one had died; it sets that in the environment."""


class Team(Protocol):
    """The processes that train one model together.

    All of them run the same program on the same data; whatever a member calls here, all call, in the same order.

    Attributes:
        rank: which this is, from 0. The first leads: it alone prints, saves and measures.
        size: how many there are.
    """

    @property
    def rank(self) -> int: ...  # noqa: D102

    @property
    def size(self) -> int: ...  # noqa: D102

    def share(self, number: float) -> float:
        """The leader's number, for all; also the place where each waits for it."""
        ...

    def most(self, number: int) -> int:
        """The largest of all members' numbers."""
        ...


class Alone:
    """A team of one."""

    rank, size = 0, 1

    def share(self, number: float) -> float:
        """The number itself."""
        return number

    def most(self, number: int) -> int:
        """The number itself."""
        return number


class Engines(Protocol):
    """Makes the engines of one kind.

    Attributes:
        team: who shares the work.
    """

    @property
    def team(self) -> Team: ...  # noqa: D102

    def make(
        self,
        config: ModelConfig,
        source_symbols: int,
        target_symbols: int,
        *,
        training: TrainingConfig | None = None,
    ) -> Engine:
        """An engine for such a model, all of whose weights are still to be set."""
        ...

    def describe(self) -> str:
        """What does the arithmetic, in words; what the bits of its sums may depend on is in it."""
        ...
