"""Options of a conversion, its sources and its results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

import numpy as np

from henkan.engine.base import Execution
from henkan.errors import SettingsError

Unknown = Literal["use", "copy", "skip", "error"]
Fallback = Callable[[str], str]

MAX_BEAM = 1000
MIN_SYMBOLS_FOR_KERNELS = 300_000  # with fewer source symbols, compiled kernels take longer to load than they save
MIN_SOURCES_FOR_THREADS = 1024  # with fewer, threads take longer to start than they save


@dataclass(frozen=True)
class Request:
    """How to convert texts.

    Attributes:
        unknown: what to do with a text that contains symbols that were not in training. "use": replace them by the
            unknown symbol, which the model has been trained with. "copy": in addition, copy an unknown symbol to the
            prediction where it has the largest attention weight. "skip" and "error": do not convert the text.
        beam: beam width; 1 is greedy search.
        nbest: number of predictions for each text, at most `beam`.
        confidence: whether to compute confidences; see `Conversion`.
        abstain_below: abstain if the confidence is below this probability; None: never.

    Raises:
        SettingsError: if a value is out of range.
    """

    unknown: Unknown = "use"
    beam: int = 1
    nbest: int = 1
    confidence: bool = False
    abstain_below: float | None = None

    def __post_init__(self) -> None:
        if self.unknown not in get_args(Unknown):
            raise SettingsError(
                f"unknown must be one of {', '.join(get_args(Unknown))}, not {self.unknown!r}", argument="unknown"
            )
        if not _is_integer(self.beam, MAX_BEAM):
            raise SettingsError(f"beam must be a whole number from 1 to {MAX_BEAM}, not {self.beam!r}", argument="beam")
        if not _is_integer(self.nbest, self.beam):
            raise SettingsError(
                f"nbest must be a whole number from 1 to the beam width, which is {self.beam}, not {self.nbest!r}",
                "wider_beam" if _is_integer(self.nbest, MAX_BEAM) else None,
                argument="nbest",
            )
        below = self.abstain_below
        if below is not None and (isinstance(below, bool) or not isinstance(below, int | float) or not 0 <= below <= 1):
            is_percentage = isinstance(below, int | float) and below > 1
            raise SettingsError(
                f"abstain_below must be a probability from 0 to 1, not {below!r}",
                "divide_percentage" if is_percentage else None,
                argument="abstain_below",
            )

    @property
    def needs_confidence(self) -> bool:
        """Whether confidences must be computed."""
        return self.confidence or self.abstain_below is not None


def _is_integer(value: object, maximum: int) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(1 <= value <= maximum)


class SourceText(NamedTuple):
    """A text, its ids and its unknown symbols, named."""

    text: str
    ids: list[int]
    unknown: Sequence[str]


@dataclass
class ReadableTexts:
    """The texts that the model can read. Lists of numbers spare the garbage collector an object for each text.

    Attributes:
        indices: of each among all texts. ids: of each.
        unknown: index -> unknown symbols, named, where there are any.
    """

    indices: list[int] = field(default_factory=list)
    ids: list[list[int]] = field(default_factory=list)
    unknown: dict[int, Sequence[str]] = field(default_factory=dict)

    def add(self, index: int, ids: list[int]) -> None:
        """Add a text."""
        self.indices.append(index)
        self.ids.append(ids)

    def execution(self, share: float = 1.0) -> Execution:
        """Choose threads and compiled kernels where they save more time than they take to start.

        Args:
            share: share of these texts in those of all calls, from 0 to 1. Kernels are loaded only once for all calls.
        """
        symbols = sum(map(len, self.ids))
        return Execution(
            threads=len(self.ids) >= MIN_SOURCES_FOR_THREADS, compiled=symbols >= MIN_SYMBOLS_FOR_KERNELS * share
        )


@dataclass(frozen=True)
class Answer:
    """One of several predictions for a text.

    Attributes:
        prediction: the predicted text.
        log_probability: its log-probability in nats.
    """

    prediction: str
    log_probability: float


@dataclass(frozen=True)
class Conversion:
    """The result for one source.

    Attributes:
        source: the source as given.
        prediction: the model's prediction, or None if there is none.
        log_probability: log-probability of the prediction in nats, or None.
        reason: why there is no prediction, or None if there is one.
        confidence: estimated probability that the prediction is correct: its probability at the temperature fitted to
            the validation set. None if confidences were not requested.
        abstained: whether there is no prediction because the confidence was too low.
        out_of_memory: whether there is no prediction because there was not enough memory for the source.
        cut_off: whether the prediction reached the length limit before it ended.
        unknown: names of the unknown symbols in the source.
        nbest: distinct predictions, best first, if more than one was requested.
        ids: ids of the prediction's symbols in the target vocabulary.

    If symbols were copied, all probabilities are those of the prediction before copying.
    """

    source: str
    prediction: str | None
    log_probability: float | None
    reason: str | None = None
    confidence: float | None = None
    abstained: bool = False
    out_of_memory: bool = False
    cut_off: bool = False
    unknown: Sequence[str] = ()
    nbest: Sequence[Answer] = ()
    ids: Sequence[int] = field(default=(), repr=False)
