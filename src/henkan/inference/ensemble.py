"""Several models that predict as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from henkan.batching.batch import Batch, Sources
from henkan.engine.base import Capabilities, Encoded, Execution, Item, Predictor, Result, StepOutput
from henkan.nn import log_softmax
from henkan.text.arrays import Array


@dataclass(frozen=True)
class Parts:
    """What each member keeps of the sequences."""

    each: Sequence[Any]

    def take(self, rows: Array) -> Parts:
        """The parts of some sequences."""
        return Parts([part.take(rows) for part in self.each])


class Ensemble:
    """The mean of the members' log-probabilities, normalised to probabilities again.

    Args:
        members: models of the same symbols, at least one.
    """

    def __init__(self, members: Sequence[Predictor]) -> None:
        self.members = members

    @property
    def capabilities(self) -> Capabilities:
        """What all members can do."""
        each = [member.capabilities for member in self.members]
        return replace(each[0], attention=all(its.attention for its in each))

    def session(self, execution: Execution) -> AbstractContextManager[None]:
        """Keep threads ready; all members share them."""
        return self.members[0].session(execution)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """function(item) for every item, in order, on the threads of the session."""
        return self.members[0].map(function, items)

    def encode(self, sources: Sources, execution: Execution = Execution()) -> Encoded:  # noqa: B008
        """Read sources with every member."""
        encoded = [member.encode(sources, execution) for member in self.members]
        memory, state = Parts([each.memory for each in encoded]), Parts([each.state for each in encoded])
        return Encoded(memory, state, encoded[0].count, encoded[0].steps)

    def step(self, memory: Parts, state: Parts, symbols: Array) -> StepOutput:
        """One decoding step: the mean of the members' log-probabilities and of their attention."""
        outputs = [
            member.step(its_memory, its_state, symbols)
            for member, its_memory, its_state in zip(self.members, memory.each, state.each, strict=True)
        ]
        weights = [output.attention for output in outputs if output.attention is not None]
        return StepOutput(
            log_softmax(np.mean([output.log_probabilities for output in outputs], axis=0)),
            Parts([output.state for output in outputs]),
            np.mean(weights, axis=0) if weights else None,
        )

    def saliency(self, batch: Batch) -> Array:
        """The mean of the members' saliency."""
        mean: Array = np.mean([member.saliency(batch) for member in self.members], axis=0)
        return mean
