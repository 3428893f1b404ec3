"""Ensembles: several models that predict together."""

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
class MemberStates:
    """The memory or the state of each member."""

    each: Sequence[Any]

    def take(self, rows: Array) -> MemberStates:
        """Select sequences."""
        return MemberStates([part.take(rows) for part in self.each])


class Ensemble:
    """Averages the log-probabilities of its members and normalises the result.

    Args:
        members: one or more models with the same vocabularies.
    """

    def __init__(self, members: Sequence[Predictor]) -> None:
        self.members = members

    @property
    def capabilities(self) -> Capabilities:
        """Capabilities that all members have."""
        each = [member.capabilities for member in self.members]
        return replace(each[0], attention=all(its.attention for its in each))

    def session(self, execution: Execution) -> AbstractContextManager[None]:
        """Context in which threads are ready. All members share them."""
        return self.members[0].session(execution)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield function(item) for every item, in order, computed by the threads of the session."""
        return self.members[0].map(function, items)

    def encode(self, sources: Sources, execution: Execution = Execution()) -> Encoded:  # noqa: B008
        """Encode sources with every member."""
        encoded = [member.encode(sources, execution) for member in self.members]
        memory, state = MemberStates([each.memory for each in encoded]), MemberStates([each.state for each in encoded])
        return Encoded(memory, state, encoded[0].count, encoded[0].steps)

    def step(self, memory: MemberStates, state: MemberStates, symbols: Array) -> StepOutput:
        """Run one decoding step; average the members' log-probabilities and attention weights."""
        outputs = [
            member.step(its_memory, its_state, symbols)
            for member, its_memory, its_state in zip(self.members, memory.each, state.each, strict=True)
        ]
        weights = [output.attention for output in outputs if output.attention is not None]
        return StepOutput(
            log_softmax(np.mean([output.log_probabilities for output in outputs], axis=0)),
            MemberStates([output.state for output in outputs]),
            np.mean(weights, axis=0) if weights else None,
        )

    def saliency(self, batch: Batch) -> Array:
        """Average the members' saliency, (T, S)."""
        mean: Array = np.mean([member.saliency(batch) for member in self.members], axis=0)
        return mean
