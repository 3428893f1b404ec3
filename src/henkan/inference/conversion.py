"""How texts are to be converted, and what becomes of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from henkan.errors import SettingsError

Unknown = Literal["use", "copy", "skip", "error"]
Fallback = Callable[[str], str]

MAX_BEAM = 1000


@dataclass(frozen=True)
class Request:
    """How texts are to be converted.

    Attributes:
        unknown: what to do with a text that has symbols which were not in training. "use": the model reads them as the
            unknown symbol, which it has seen in training. "copy": also, where attention looks at one, copy the symbol
            itself into the prediction. "skip" and "error": do not convert the text.
        beam: beam width; 1 is greedy search.
        nbest: predictions for each text, at most `beam`.
        confidence: whether to compute confidences; see `Conversion`.
        abstain_below: confidence below which no prediction is given, or None.

    Raises:
        SettingsError: if a value is impossible.
    """

    unknown: Unknown = "use"
    beam: int = 1
    nbest: int = 1
    confidence: bool = False
    abstain_below: float | None = None

    def __post_init__(self) -> None:
        if self.unknown not in get_args(Unknown):
            raise SettingsError(f"unknown must be one of {', '.join(get_args(Unknown))}, not {self.unknown!r}")
        if not _is_whole(self.beam, MAX_BEAM):
            raise SettingsError(f"beam must be a whole number from 1 to {MAX_BEAM}, not {self.beam!r}")
        if not _is_whole(self.nbest, self.beam):
            raise SettingsError(
                f"nbest must be a whole number from 1 to the beam width, which is {self.beam}, not {self.nbest!r}; "
                "choose a wider beam"
            )
        below = self.abstain_below
        if below is not None and (isinstance(below, bool) or not isinstance(below, int | float) or not 0 <= below <= 1):
            raise SettingsError(f"abstain below must be a probability from 0 to 1, not {below!r}")

    @property
    def needs_confidence(self) -> bool:
        """Whether confidences must be computed."""
        return self.confidence or self.abstain_below is not None


def _is_whole(value: object, most: int) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(1 <= value <= most)


@dataclass(frozen=True)
class Answer:
    """One of several predictions for a text.

    Attributes:
        prediction: the text.
        log_probability: in nats.
    """

    prediction: str
    log_probability: float


@dataclass(frozen=True)
class Conversion:
    """What became of one source.

    Attributes:
        source: as it was given.
        prediction: the model's prediction, or None if there is none.
        log_probability: of the prediction, in nats, or None.
        reason: why there is no prediction, or None if there is one.
        confidence: estimated probability that the prediction is right: its probability at the temperature that was
            fitted to the validation set; None if it was not asked for.
        abstained: whether there is no prediction because the confidence was too low.
        cut_off: whether the prediction reached the length limit before it ended.
        unknown: the source's unknown symbols, named.
        nbest: several different predictions, the best first, if they were asked for.
        ids: the prediction's symbols, as the target vocabulary numbers them.

    If symbols were copied, all probabilities are those of the prediction before that.
    """

    source: str
    prediction: str | None
    log_probability: float | None
    reason: str | None = None
    confidence: float | None = None
    abstained: bool = False
    cut_off: bool = False
    unknown: Sequence[str] = ()
    nbest: Sequence[Answer] = ()
    ids: Sequence[int] = field(default=(), repr=False)
