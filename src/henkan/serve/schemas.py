"""Requests and answers as pydantic models: they check requests, and describe both in the OpenAPI schema."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from henkan.inference.conversion import MAX_BEAM, Unknown
from henkan.inference.explanation import By
from henkan.serve.errors import ApiError
from henkan.text.strict_json import parse

MAX_VALUES = 1_000_000
"""Number of values in the JSON of a request; more would take much memory."""

Probability = Annotated[float, Field(ge=0, le=1)]
BeamWidth = Annotated[int, Field(ge=1, le=MAX_BEAM)]


class _Arguments(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class ConvertArguments(_Arguments):
    """Texts to convert, and how."""

    texts: Annotated[list[str], Field(description="The texts to convert.", examples=[["august 3, 1987"]])]
    model: Annotated[str | None, Field(description="Name of the model; null is the first.")] = None
    beam: Annotated[BeamWidth, Field(description="Beam width; 1 is greedy search.")] = 1
    nbest: Annotated[BeamWidth, Field(description="Number of predictions per text, at most the beam width.")] = 1
    confidence: Annotated[bool, Field(description="Whether to compute confidences.")] = True
    mass: Annotated[
        Probability | None, Field(description="With nbest, stop as soon as the probabilities add up to this.")
    ] = None
    abstain_below: Annotated[
        Probability | None, Field(description="Give no prediction whose confidence is lower or unknown.")
    ] = None
    abstain_outside: Annotated[bool, Field(description="Give no prediction for texts outside the training data.")] = (
        False
    )
    unknown: Annotated[
        Unknown, Field(description="How to treat symbols that were not in the training data, as in henkan predict.")
    ] = "use"
    allow: Annotated[list[str] | None, Field(description="The allowed predictions.")] = None
    pattern: Annotated[str | None, Field(description="A regular expression that the whole prediction must match.")] = (
        None
    )
    symbols: Annotated[str | None, Field(description="The symbols that a prediction may contain.")] = None


class ExplainArguments(_Arguments):
    """A text to explain."""

    text: Annotated[str, Field(description="The text.", examples=["august 3, 1987"])]
    model: Annotated[str | None, Field(description="Name of the model; null is the first.")] = None
    answer: Annotated[str | None, Field(description="Explain this target instead of the prediction.")] = None
    by: Annotated[By | None, Field(description="Kind of weights; null is the first that the model has.")] = None


class NBest(BaseModel):
    """One of several predictions."""

    prediction: str
    log_probability: float | None


class Result(BaseModel):
    """The prediction for a text. Fields without a default are always there, the others where they apply."""

    source: str
    prediction: str | None
    log_probability: float | None
    confidence: float | None
    reason: Annotated[str, Field(description="Why there is no prediction.")] = ""
    abstained: bool = False
    blank: bool = False
    out_of_memory: bool = False
    disallowed: Annotated[bool, Field(description="The constraints allow no prediction.")] = False
    cut_off: Annotated[bool, Field(description="The prediction reached the length limit.")] = False
    unknown: Annotated[list[str], Field(description="Source symbols that were not in the training data.")] = []
    outside: Annotated[list[str], Field(description="In which ways the text is outside the training data.")] = []
    origin: Literal["", "lexicon", "model"] = ""
    nbest: list[NBest] = []


class ConvertAnswer(BaseModel):
    """One result for each text, in the same order."""

    model: str
    results: list[Result]


class ExplainedChoice(BaseModel):
    """One step of a prediction; see `henkan explain --json`."""

    symbol: str
    probability: float
    runners_up: list[tuple[str, float]]
    weights: list[float]
    action: str


class ExplainAnswer(BaseModel):
    """An explained prediction; see `henkan explain --json`."""

    source: str
    answer: str
    confidence: float | None
    symbols: list[str]
    unknown: list[str]
    cut_off: bool
    choices: list[ExplainedChoice]
    by: By


class Description(BaseModel):
    """A model."""

    name: str
    default: bool
    architecture: str
    parameters: int
    members: int
    task: str | None
    examples: list[str]
    by: By | None
    calibrated: bool
    copying: bool
    source_symbols: str
    target_symbols: str
    tags: str | None
    symbols: dict[str, list[str]]
    metrics: dict[str, Any] | None
    limits: dict[str, int]


class Models(BaseModel):
    """The models; the first is the default."""

    models: list[Description]


class Status(BaseModel):
    """Whether the server works."""

    status: str


class Problem(BaseModel):
    """What is wrong, and what to do."""

    message: str
    argument: str | None


class Failure(BaseModel):
    """A request that was not fulfilled."""

    error: Problem


Given = TypeVar("Given", bound=_Arguments)

MESSAGES = {
    "missing": "{name} is missing; give it",
    "string_type": "{name} must be a string",
    "string_unicode": "{name} has an unpaired surrogate; give text that UTF-8 can encode",
    "int_type": "{name} must be a whole number",
    "int_from_float": "{name} must be a whole number",
    "float_type": "{name} must be a number",
    "bool_type": "{name} must be true or false",
    "list_type": "{name} must be a list",
    "extra_forbidden": "there is no argument {name}; the arguments are {known}",
    "literal_error": "{name} must be {expected}",
    "greater_than_equal": "{name} must be at least {ge}",
    "less_than_equal": "{name} must be at most {le}",
    "model_type": "the body must be a JSON object with the arguments {known}",
}
"""Kind of an error of pydantic -> what is wrong."""


def arguments(kind: type[Given], body: bytes) -> Given:
    """Read the arguments of a request.

    Raises:
        ApiError: if they are invalid.
    """
    example = '{"texts": ["abc"]}' if "texts" in kind.model_fields else '{"text": "abc"}'
    try:
        values = parse(body, max_values=MAX_VALUES)
    except ValueError as error:  # also if it is not UTF-8
        raise ApiError(400, f"the body is not valid JSON ({error!s:.80}); send an object such as {example}") from None
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    place, details = first["loc"], first.get("ctx", {})
    name = "".join(f"[{part}]" if isinstance(part, int) else str(part) for part in place)[:80]
    message = MESSAGES.get(first["type"], "{name}: " + first["msg"].replace("{", "{{").replace("}", "}}"))
    known = ", ".join(kind.model_fields)
    shown = message.format(**{"name": name or "the body", "known": known, **details})
    raise ApiError(422, shown, str(place[0])[:80] if place else None)
