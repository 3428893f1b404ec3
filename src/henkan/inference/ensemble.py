"""Several models that answer as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from henkan.batching.batch import Batch, Sources
from henkan.engine.base import Predictor, StepOutput
from henkan.nn import log_softmax
from henkan.text.arrays import Array

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Parts:
    """What each member keeps of the sequences."""

    each: Sequence[Any]

    def take(self, rows: Array) -> Parts:
        """The parts of some sequences."""
        return Parts([part.take(rows) for part in self.each])


class Ensemble:
    """The mean of the members' log-probabilities, made probabilities again.

    Args:
        members: models of the same symbols, at least one.
    """

    def __init__(self, members: Sequence[Predictor]) -> None:
        self.members = members

    def at_work(self, *, many: bool = False) -> AbstractContextManager[None]:
        """Have threads ready; all members share them."""
        return self.members[0].at_work(many=many)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """function(item) for every item, in order, on the threads at work."""
        return self.members[0].map(function, items)

    def encode(self, sources: Sources, *, many: bool = False) -> tuple[Parts, Parts]:
        """What each member makes of the sources."""
        both = [member.encode(sources, many=many) for member in self.members]
        return Parts([memory for memory, _ in both]), Parts([state for _, state in both])

    def step(self, memory: Parts, state: Parts, symbols: Array) -> StepOutput:
        """One step of decoding: the mean of the members' log-probabilities and of their attention."""
        outputs = [
            member.step(its_memory, its_state, symbols)
            for member, its_memory, its_state in zip(self.members, memory.each, state.each, strict=True)
        ]
        looks = [output.attention for output in outputs if output.attention is not None]
        return StepOutput(
            log_softmax(np.mean([output.log_probabilities for output in outputs], axis=0)),
            Parts([output.state for output in outputs]),
            np.mean(looks, axis=0) if looks else None,
        )

    def saliency(self, batch: Batch) -> Array:
        """The mean of the members'."""
        mean: Array = np.mean([member.saliency(batch) for member in self.members], axis=0)
        return mean
