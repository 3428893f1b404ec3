"""Settings of the model, the training run and the compute engine.

Each setting is declared once, as a dataclass field: type, default, help text, allowed values. Validation, the class
docstrings, the options of the command line and the page docs/settings.md derive from that.
"""

# ruff: noqa: RUF009  (`setting` is `dataclasses.field` with metadata)

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from math import log2
from typing import Any, Literal, TypedDict, TypeVar, get_args
from unicodedata import normalize

from henkan.errors import SettingsError

Schedule = Literal["one-cycle", "constant"]
Initialization = Literal["orthogonal", "book"]
AttentionKind = Literal["dot", "general"]
Normalization = Literal["none", "NFC", "NFD", "NFKC", "NFKD"]
Case = Literal["keep", "lower", "upper"]
EngineName = Literal["auto", "numpy", "torch"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["float32", "tf32", "bf16"]

UNSUPPORTED: Mapping[str, tuple[str, ...]] = {"transducer": ("reverse", "peeky", "attention", "copy", "tied")}
"""Architecture -> switches of `ModelConfig` that it does not have. Recipes and tasks do not turn them on."""

WORDED_UNITS = ("characters", "graphemes")
MAX_LAYERS = 4
MIN_EPOCHS = 8
MAX_EPOCHS = 200


@dataclass(frozen=True)
class Allowed:
    """The values that a setting may have.

    Attributes:
        kind: bool, int, float or str.
        text: description of the allowed values, for error messages.
        accepts: whether a value of any type is allowed.
        choices: the allowed strings; empty if the values cannot be listed.
    """

    kind: type
    text: str
    accepts: Callable[[Any], bool]
    choices: tuple[str, ...] = ()


MAX_SYNTHETIC = 1_000_000
"""Maximum number of synthetic pairs."""


def _whole(minimum: int = 1, maximum: int = 10**9) -> Allowed:
    def accepts(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum

    return Allowed(int, f"a whole number from {minimum} to {maximum:,}", accepts)


def _number(text: str, within: Callable[[float], bool]) -> Allowed:
    def accepts(value: Any) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and abs(value) <= sys.float_info.max and within(value)

    return Allowed(float, f"a number {text}", accepts)


def _one_of(choices: tuple[str, ...]) -> Allowed:
    def accepts(value: Any) -> bool:
        return isinstance(value, str) and value in choices

    return Allowed(str, "one of " + ", ".join(choices), accepts, choices)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 100 and value.splitlines() == [value]


def _is_unit(value: Any) -> bool:
    """Whether strings can be split this way. A separator must not have letters: it may be a misspelled "graphemes"."""
    return _is_separator(value) or (isinstance(value, str) and value in WORDED_UNITS)


def _is_separator(value: Any) -> bool:
    return isinstance(value, str) and value != "" and not any(each.isalnum() or each in "\t\r\n" for each in value)


BOOLEAN = Allowed(bool, "true or false", lambda value: isinstance(value, bool))
POSITIVE = _number("above 0", lambda value: value > 0)
SHARE = _number("from 0 to below 1", lambda value: 0 <= value < 1)
RATE = _number("from 0 to 1000", lambda value: 0 <= value <= 1000)
COUNT = _whole()
SEED = _whole(0, 2**63 - 1)
LAYERS = _whole(1, MAX_LAYERS)
SIZE = _whole(maximum=65536)
NAME = Allowed(str, "a name of 1 to 100 characters on one line", _is_name)
UNIT = Allowed(str, "characters, graphemes, or a separator without letters, digits, tabs and line ends", _is_unit)
SEPARATOR = Allowed(str, "a separator without letters, digits, tabs and line ends", _is_separator)


def setting(default: Any, help: str, allowed: Any = BOOLEAN, *, none: str = "", group: str = "model") -> Any:
    """Declare a setting: a dataclass field with metadata.

    Args:
        default: default value, which is that of the recipe `modern`.
        help: help text, in full sentences.
        allowed: the allowed values, as an `Allowed` or a Literal type.
        none: meaning of None; empty if None is not allowed.
        group: group of command-line options: "model", "symbols" or "engine"; empty: no option.
    """
    values = allowed if isinstance(allowed, Allowed) else _one_of(get_args(allowed))
    return field(default=default, metadata={"help": help, "allowed": values, "none": none, "group": group})


def _validate(config: ModelConfig | TrainingConfig | EngineConfig) -> None:
    for each in fields(config):
        value = getattr(config, each.name)
        if not each.metadata["allowed"].accepts(value) and not (value is None and each.metadata["none"]):
            wanted = each.metadata["allowed"].text
            raise SettingsError(f"{each.name} must be {wanted}, not {value!r}", argument=each.name)


Documented = TypeVar("Documented", bound=type)


def _documented(kind: Documented) -> Documented:
    """Add the settings' help texts to the docstring of their class."""
    lines = [f"{kind.__doc__}", "", "    Attributes:"]
    for each in fields(kind):
        none = each.metadata["none"]
        lines.append(f"        {each.name}: {each.metadata['help']}" + (f" None: {none}." if none else ""))
    kind.__doc__ = "\n".join([*lines, "    "])
    return kind


@_documented
@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Settings of the model. They are saved with it, and used for training and for prediction."""

    architecture: str = setting("encoder-decoder", "Architecture of the network: encoder-decoder or transducer.", NAME)
    reverse: bool = setting(True, "Reverse the source, so that the encoder reads it from the last symbol to the first.")
    peeky: bool = setting(True, "Feed the encoder's last hidden state to the decoder at every step.")
    attention: bool = setting(
        False, "Use attention: at every step, the decoder uses a weighted mean of all encoder hidden states."
    )
    attention_kind: AttentionKind = setting(
        "general",
        "Attention score: dot (dot product), or general (dot product with a weight matrix in between).",
        AttentionKind,
    )
    copy: bool = setting(
        False,
        "Copy symbols of the source, also unknown ones: at every step, the decoder predicts a target symbol or copies "
        "the source symbols that it attends to. Requires attention.",
    )
    bidirectional: bool = setting(False, "Use a bidirectional encoder.")
    target_reverse: bool = setting(
        False,
        "Predict the target from its last symbol to the first. Models of both directions in an ensemble make different "
        "errors.",
    )
    layers: int = setting(1, "Number of stacked LSTM layers in encoder and decoder (1 to 4).", LAYERS)
    tied: bool = setting(
        False,
        "Share the weights of target embedding and output layer. Requires equal embedding and hidden sizes.",
    )
    embedding_size: int = setting(16, "Embedding size.", SIZE)
    hidden_size: int = setting(
        128, "Hidden size of the LSTM layers (for each direction of a bidirectional encoder).", SIZE
    )
    fill: bool = setting(
        False, "Pad all strings with spaces to the length of the longest, without a mask or an end symbol.", group=""
    )
    source_symbols: str = setting(
        "characters",
        "How to split a source into symbols: characters; graphemes (Unicode grapheme clusters, such as a letter with "
        "its accents; requires henkan[graphemes]); or a separator between symbols, such as ' '.",
        UNIT,
        group="symbols",
    )
    target_symbols: str | None = setting(
        "characters",
        "How to split a target into symbols; same values as for the source. By data: ' ' for a pronunciation "
        "lexicon and for targets that clearly are symbols separated by spaces, such as phones; otherwise characters.",
        UNIT,
        none="by data",
        group="symbols",
    )
    source_normalization: Normalization = setting(
        "none",
        "Unicode normalization form of the source. NFD splits accented letters and Korean syllables into their parts.",
        Normalization,
        group="symbols",
    )
    target_normalization: Normalization = setting(
        "none", "Unicode normalization form of the target.", Normalization, group="symbols"
    )
    source_case: Case = setting(
        "keep",
        "Convert the letters of every source to lower or upper case, in training and prediction, so that the model "
        "reads 'Tokyo' and 'TOKYO' alike. Feature tags are not converted.",
        Case,
        group="symbols",
    )
    features: bool = setting(
        False, "Sources carry feature tags, as in 'walk TAB V;PST'. Each tag is one symbol.", group=""
    )
    tag_separator: str | None = setting(
        None,
        "Separator between the feature tags of a source, such as ';' or '|'.",
        SEPARATOR,
        none="detected in the training data",
        group="symbols",
    )
    sort_tags: bool = setting(
        True,
        "Sort the feature tags of a source, and remove repeated tags and spaces around tags, so that 'V;PST' and "
        "'PST; V' are the same. Otherwise, tags are read as given.",
        group="symbols",
    )

    def __post_init__(self) -> None:
        _validate(self)
        if self.tied and self.embedding_size != self.hidden_size:
            raise SettingsError(
                f"tied weights need equal embedding and hidden sizes, not {self.embedding_size} and "
                f"{self.hidden_size}; make them equal, or do not tie the weights"
            )
        for name in UNSUPPORTED.get(self.architecture, ()):
            if getattr(self, name):
                raise SettingsError(
                    f"{name} is not supported by the architecture {self.architecture}; turn it off", argument=name
                )
        if self.fill and self.architecture == "transducer":
            raise SettingsError(
                "padding to a fixed length (recipe `book`) is not supported by the architecture transducer; use "
                "another recipe"
            )
        if self.copy and not self.attention:
            raise SettingsError("copying needs attention; use attention, or do not copy")
        if self.copy and self.fill:
            raise SettingsError("strings that are padded to a fixed length (recipe `book`) cannot be copied")
        for side in ("source", "target"):
            unit, form = getattr(self, f"{side}_symbols"), getattr(self, f"{side}_normalization")
            if form != "none" and unit is not None and normalize(form, unit) != unit:
                raise SettingsError(
                    f"normalization {form} of the {side} would change the separator {unit!r}; choose another of either"
                )
        unit, case = self.source_symbols, self.source_case
        if case != "keep" and unit not in WORDED_UNITS and getattr(unit, case)() != unit:
            raise SettingsError(f"source case {case} would change the separator {unit!r}; choose another of either")
        if self.tag_separator is not None and not self.features:
            raise SettingsError("a tag separator needs sources with feature tags", "name_features")
        plain = {self.source_symbols, self.target_symbols} <= {"characters", None} and not self.features
        if self.fill and not plain:
            raise SettingsError(
                "padding to a fixed length (recipe `book`) requires characters as symbols, and no features"
            )

    @property
    def kind(self) -> str:
        """The architecture and the direction of its targets, in words."""
        return self.architecture + ", reversed targets" * self.target_reverse

    @property
    def directions(self) -> int:
        """Number of directions of the encoder, 1 or 2."""
        return 2 if self.bidirectional else 1


@_documented
@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Settings of a training run."""

    epochs: int | None = setting(None, "Number of passes over the training set.", COUNT, none="from updates")
    updates: int = setting(
        3000,
        f"Approximate number of updates if epochs is None. The number of epochs is then from {MIN_EPOCHS} to "
        f"{MAX_EPOCHS}.",
        COUNT,
        group="",
    )
    batch_size: int | None = setting(128, "Number of pairs in a batch.", COUNT, none="by data size")
    by_length: bool = setting(False, "Put pairs of similar length into a batch, to reduce padding.", group="")
    learning_rate: float = setting(1e-2, "Learning rate of Adam; with the one-cycle schedule, its peak.", POSITIVE)
    schedule: Schedule = setting(
        "one-cycle",
        "Learning rate schedule: one-cycle (rises to a peak, then falls to zero) or constant.",
        Schedule,
    )
    warmup: float = setting(0.2, "Fraction of the updates during which the one-cycle schedule rises.", SHARE, group="")
    beta2: float = setting(0.98, "Decay rate of Adam's running mean of squared gradients.", SHARE, group="")
    weight_decay: float = setting(0.05, "Decoupled weight decay (AdamW).", SHARE)
    clip_norm: float = setting(5.0, "Maximum global norm of the gradients.", POSITIVE, group="")
    initialization: Initialization = setting(
        "orthogonal",
        "Initial weights: orthogonal (orthogonal recurrent weights), or as in the book.",
        Initialization,
        group="",
    )
    dropout: float | None = setting(0.0, "Dropout rate between layers.", SHARE, none="by data size")
    embedding_dropout: float = setting(0.0, "Dropout rate of the symbol embeddings.", SHARE)
    label_smoothing: float = setting(
        0.0, "Label smoothing: fraction of the target probability that is spread evenly over all symbols.", SHARE
    )
    unknown_rate: float = setting(
        0.0,
        "Expected number of times per epoch that each distinct source symbol is replaced by the unknown symbol (a "
        "count, not a fraction), so that the model learns to read symbols outside its vocabulary. With 0, the model "
        "cannot read them.",
        RATE,
    )
    augment: int | None = setting(
        0,
        "Number of synthetic pairs, in which letters that source and target share, as in 'walk' and 'walked', are "
        "replaced at random. By data: 30 per pair and at most 3,000, for up to 1,500 pairs of which most share at "
        "least three letters.",
        _whole(0, MAX_SYNTHETIC),
        none="by data",
    )
    patience: int | None = setting(
        None,
        "With the constant schedule, stop after this many epochs without improvement on the validation set.",
        COUNT,
        none="never",
    )
    calibrate_outside: bool = setting(
        True,
        "Estimate the confidence of sources outside the training data, such as longer ones. This trains another model "
        "(or three, for sources with feature tags) on a part of the pairs, with at most 30 % of the updates each.",
    )
    seed: int = setting(
        0,
        "Random seed of the pairs of a task, the validation split, the initial weights and the order of the batches.",
        SEED,
    )

    def __post_init__(self) -> None:
        _validate(self)
        if self.patience is not None and self.schedule != "constant":
            raise SettingsError(
                "patience needs the constant schedule, because a one-cycle schedule has a fixed end; omit one of them",
                argument="patience",
            )

    def sized(self, pairs: int) -> TrainingConfig:
        """Replace None by the values for a number of training pairs.

        The batch size is about the square root of the number of pairs, as a power of two from 16 to 256. Dropout is 0.3
        for fewer than 20,000 pairs, 0.2 for fewer than 60,000 and 0.1 otherwise. The number of epochs gives about
        `updates` updates.
        """
        batch_size, dropout, epochs = self.batch_size, self.dropout, self.epochs
        if batch_size is None:
            batch_size = 2 ** min(8, max(4, round(log2(max(pairs, 1)) / 2)))
        if dropout is None:
            dropout = 0.3 if pairs < 20_000 else 0.2 if pairs < 60_000 else 0.1
        if epochs is None:
            updates_per_epoch = max(1, -(-pairs // batch_size))
            epochs = max(MIN_EPOCHS, min(MAX_EPOCHS, -(-self.updates // updates_per_epoch)))
        return replace(self, batch_size=batch_size, dropout=dropout, epochs=epochs)

    def total_updates(self, pairs: int) -> int:
        """Return the number of updates of all epochs. The settings must be the result of `sized`."""
        return (self.epochs or 0) * -(-pairs // (self.batch_size or 1))


@_documented
@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """Settings of the compute engine. They are not saved with the model, so prediction may use others than training.

    In a training run that torchrun has started, the engine auto is torch.
    """

    engine: EngineName = setting(
        "auto",
        "Compute engine: numpy, or torch (requires henkan[torch]). Saved models work with both. auto is torch if "
        "device, precision or deterministic is set, or torchrun has started the run; otherwise numpy.",
        EngineName,
        group="engine",
    )
    device: Device = setting(
        "auto", "PyTorch device. auto is a GPU if one is available, otherwise the CPU.", Device, group="engine"
    )
    precision: Precision = setting(
        "float32",
        "Precision of matrix products in PyTorch: float32; tf32 (10 bits of mantissa, on NVIDIA GPUs since Ampere); "
        "bf16 (8 bits; recurrence, weights and updates stay float32).",
        Precision,
        group="engine",
    )
    deterministic: bool = setting(
        False, "Use only deterministic PyTorch algorithms; an operation that has none fails.", group="engine"
    )

    def __post_init__(self) -> None:
        _validate(self)
        if self.engine == "numpy" and self.needs_torch:
            raise SettingsError(
                "the NumPy engine has no options for device, precision or determinism (it runs on the CPU, in float32, "
                "deterministically); omit them, or choose the engine torch"
            )

    @property
    def needs_torch(self) -> bool:
        """Whether a setting requires PyTorch."""
        return self.device != "auto" or self.precision != "float32" or self.deterministic


class Settings(TypedDict, total=False):
    """Types of all model and training settings, for keyword arguments."""

    architecture: str
    reverse: bool
    peeky: bool
    attention: bool
    attention_kind: AttentionKind
    copy: bool
    bidirectional: bool
    target_reverse: bool
    layers: int
    tied: bool
    embedding_size: int
    hidden_size: int
    fill: bool
    source_symbols: str
    target_symbols: str | None
    source_normalization: Normalization
    target_normalization: Normalization
    source_case: Case
    features: bool
    tag_separator: str | None
    sort_tags: bool
    epochs: int | None
    updates: int
    batch_size: int | None
    by_length: bool
    learning_rate: float
    schedule: Schedule
    warmup: float
    beta2: float
    weight_decay: float
    clip_norm: float
    initialization: Initialization
    dropout: float | None
    embedding_dropout: float
    label_smoothing: float
    unknown_rate: float
    augment: int | None
    patience: int | None
    calibrate_outside: bool
    seed: int


Config = TypeVar("Config", ModelConfig, TrainingConfig)


def from_dict(kind: type[Config], values: Mapping[str, Any]) -> Config:
    """Create a configuration from a mapping of names to values; missing settings have their defaults.

    Raises:
        SettingsError: for an unknown name, or an invalid value.
    """
    unknown = set(values) - {field.name for field in fields(kind)}
    if unknown:
        raise SettingsError(f"there is no setting {sorted(unknown)[0]!r}")
    return kind(**values)


def to_dict(config: ModelConfig | TrainingConfig) -> dict[str, Any]:
    """Convert a configuration to a mapping of names to JSON values."""
    return asdict(config)
