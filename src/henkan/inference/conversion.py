"""Options of a conversion, and its results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

import numpy as np

from henkan.errors import SettingsError
from henkan.inference.constraint import Constraint
from henkan.inference.lexicon import FROM_LEXICON, Lexicon

Unknown = Literal["use", "copy", "skip", "error"]
Fallback = Callable[[str], str]

MAX_BEAM = 1000


@dataclass(frozen=True)
class Request:
    """How to convert texts.

    Attributes:
        unknown: what to do with a text that contains symbols that were not in training. "use": replace them by the
            unknown symbol, which the model has been trained with. "copy": in addition, copy an unknown symbol to the
            prediction where it has the largest attention weight; a model that copies by itself (`Capabilities.copying`)
            also does so with "use". "skip" and "error": do not convert the text.
        beam: beam width; 1 is greedy search.
        nbest: number of predictions for each text, at most `beam`.
        confidence: whether to compute confidences; see `Conversion`.
        abstain_below: abstain if the confidence is below this probability or cannot be estimated; None: never.
        abstain_outside: whether to abstain for sources outside the training data; see
            `henkan.text.training_range.KINDS`.
        mass: stop the list of several predictions as soon as their probabilities, calibrated as the confidence, add up
            to this number; None, or for a source outside the training data: return `nbest` predictions.
        constraint: what a prediction may be; None: anything. Probabilities and confidences are those of the model
            without the constraint, so a prediction that the model would not have made has a low one.
        lexicon: where texts are looked up first; None: nowhere. Its targets need not fulfil the constraint.

    Raises:
        SettingsError: if a value is out of range.
    """

    unknown: Unknown = "use"
    beam: int = 1
    nbest: int = 1
    confidence: bool = False
    abstain_below: float | None = None
    abstain_outside: bool = False
    mass: float | None = None
    constraint: Constraint | None = None
    lexicon: Lexicon | None = None

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
        for name in ("abstain_below", "mass"):
            _check_probability(getattr(self, name), name)
        if self.mass is not None and self.nbest == 1:
            raise SettingsError(
                "mass needs several predictions for each text, but nbest is 1", "several_predictions", argument="mass"
            )

    def reason_to_abstain(self, confidence: float | None) -> str | None:
        """Return why there is no prediction for a source with this confidence; None if there is one."""
        below = self.abstain_below
        if below is None or (confidence is not None and confidence >= below):
            return None
        if confidence is None:
            return "its confidence cannot be estimated"
        return f"its confidence {confidence:.3f} is below {below:g}"

    @property
    def needs_confidence(self) -> bool:
        """Whether confidences must be computed."""
        return self.confidence or self.abstain_below is not None or self.mass is not None


def _check_probability(value: object, name: str) -> None:
    is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if value is not None and not (is_number and 0 <= value <= 1):  # type: ignore[operator]
        is_percentage = is_number and value > 1  # type: ignore[operator]
        raise SettingsError(
            f"{name} must be a probability from 0 to 1, not {value!r}",
            "divide_percentage" if is_percentage else None,
            argument=name,
        )


def _is_integer(value: object, maximum: int) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(1 <= value <= maximum)


@dataclass(frozen=True)
class Answer:
    """One of several predictions for a text.

    Attributes:
        prediction: the predicted text.
        log_probability: its log-probability in nats; None if it is from a lexicon.
    """

    prediction: str
    log_probability: float | None


@dataclass(frozen=True)
class Conversion:
    """The result for one source.

    Attributes:
        source: the source as given.
        prediction: the model's prediction, or None if there is none.
        log_probability: log-probability of the prediction in nats, or None.
        reason: why there is no prediction, or None if there is one.
        confidence: estimated probability that the prediction is correct: its probability at the temperature fitted to
            the validation set, lowered for a source outside the training data. None if confidences were not requested,
            or nothing supports an estimate for such a source.
        abstained: whether there is no prediction because the confidence was too low, or the source is outside the
            training data.
        blank: whether there is no prediction because the source has only whitespace, and no training source had.
        out_of_memory: whether there is no prediction because there was not enough memory for the source.
        disallowed: whether there is no prediction because the constraint allows none.
        cut_off: whether the prediction reached the length limit before it ended.
        unknown: names of the unknown symbols in the source.
        outside: in which ways the source is outside the training data; see `henkan.text.training_range.KINDS`.
        origin: "lexicon" or "model", if a lexicon was given. A prediction from a lexicon has no log-probability and no
            confidence.
        nbest: distinct predictions, best first, if more than one was requested. From a lexicon: all its targets.
        ids: ids of the prediction's symbols in the target vocabulary.

    If symbols were copied where the attention weights are largest, all probabilities are those of the prediction before
    copying.
    """

    source: str
    prediction: str | None
    log_probability: float | None
    reason: str | None = None
    confidence: float | None = None
    abstained: bool = False
    blank: bool = False
    out_of_memory: bool = False
    disallowed: bool = False
    cut_off: bool = False
    unknown: Sequence[str] = ()
    outside: Sequence[str] = ()
    origin: str = ""
    nbest: Sequence[Answer] = ()
    ids: Sequence[int] = field(default=(), repr=False)

    @property
    def failed(self) -> bool:
        """Whether the source could not be converted, for another reason than a decision to give no prediction."""
        return self.reason is not None and not (self.abstained or self.blank or self.disallowed)


def of_lexicon(text: str, targets: Sequence[str], request: Request) -> Conversion:
    """The conversion of a text that is in a lexicon."""
    nbest = [Answer(target, None) for target in targets] if request.nbest > 1 else ()
    return Conversion(text, targets[0], None, origin=FROM_LEXICON, nbest=nbest)


ALWAYS_IN_JSON = ("source", "prediction", "log_probability", "confidence")
IN_JSON = tuple(each.name for each in fields(Conversion) if each.name != "ids")


def json_fields(conversion: Conversion) -> dict[str, Any]:
    """The fields of a conversion in JSON: `ALWAYS_IN_JSON`, and of the others those that apply."""
    values: dict[str, Any] = {}
    for name in IN_JSON:
        value = getattr(conversion, name)
        if value or name in ALWAYS_IN_JSON:
            values[name] = value
    if conversion.nbest:
        values["nbest"] = [vars(answer) for answer in conversion.nbest]
    return values
