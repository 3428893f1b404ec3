"""Settings of a model, of its training and of the compute engine, and the recipes that preset them.

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

import numpy as np

from henkan.errors import SettingsError

Schedule = Literal["one-cycle", "constant"]
Initialization = Literal["orthogonal", "book"]
AttentionKind = Literal["dot", "general"]
Normalization = Literal["none", "NFC", "NFD", "NFKC", "NFKD"]
EngineName = Literal["auto", "numpy", "torch"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["float32", "tf32", "bf16"]

MAX_LAYERS = 4
MIN_EPOCHS = 8
MAX_EPOCHS = 200


@dataclass(frozen=True)
class Allowed:
    """The values that a setting may have.

    Attributes:
        kind: bool, int, float or str.
        text: what a value must be, as a phrase.
        accepts: whether a value, of whatever type, is allowed.
        choices: all of them, if they are a few strings.
    """

    kind: type
    text: str
    accepts: Callable[[Any], bool]
    choices: tuple[str, ...] = ()


def _whole(minimum: int = 1, maximum: int = 10**9) -> Allowed:
    def accepts(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum

    return Allowed(int, f"a whole number from {minimum} to {maximum}", accepts)


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
    """Whether strings can be split by that: a separator with letters is rather a misspelled "graphemes"."""
    if not isinstance(value, str) or value in ("characters", "graphemes"):
        return isinstance(value, str)
    return value != "" and not any(each.isalnum() or each in "\t\r\n" for each in value)


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


def setting(default: Any, help: str, allowed: Any = BOOLEAN, *, none: str = "", group: str = "model") -> Any:
    """Declare a setting: a dataclass field with metadata.

    Args:
        default: its value in the recipe `modern`.
        help: what it is or does, in full sentences.
        allowed: the values that it may have: an `Allowed`, or the Literal type that lists them.
        none: what None means; empty if None is not allowed.
        group: the command-line options that it is part of: "model", "symbols" or "engine"; empty for no option.
    """
    values = allowed if isinstance(allowed, Allowed) else _one_of(get_args(allowed))
    return field(default=default, metadata={"help": help, "allowed": values, "none": none, "group": group})


def _validate(config: ModelConfig | TrainingConfig | EngineConfig) -> None:
    for each in fields(config):
        value = getattr(config, each.name)
        if not each.metadata["allowed"].accepts(value) and not (value is None and each.metadata["none"]):
            wanted = each.metadata["allowed"].text
            raise SettingsError(f"{each.name.replace('_', ' ')} must be {wanted}, not {value!r}")


Documented = TypeVar("Documented", bound=type)


def _documented(kind: Documented) -> Documented:
    """Add the settings to the docstring of their class."""
    lines = [f"{kind.__doc__}", "", "    Attributes:"]
    for each in fields(kind):
        none = each.metadata["none"]
        lines.append(f"        {each.name}: {each.metadata['help']}" + (f" None: {none}." if none else ""))
    kind.__doc__ = "\n".join([*lines, "    "])
    return kind


@_documented
@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Settings of the network. They are saved with the model, and prediction uses them as well as training."""

    architecture: str = setting("encoder-decoder", "Architecture of the network.", NAME)
    reverse: bool = setting(True, "Read the source backwards.")
    peeky: bool = setting(True, "Feed the encoder's last hidden state to the decoder at every step.")
    attention: bool = setting(False, "Use attention: at every step the decoder looks at all encoder states.")
    attention_kind: AttentionKind = setting(
        "general", "Score function of the attention; general has a weight matrix.", AttentionKind
    )
    bidirectional: bool = setting(False, "Use a bidirectional encoder.")
    layers: int = setting(1, "Number of stacked LSTM layers in encoder and decoder (1 to 4).", LAYERS)
    tied: bool = setting(
        False, "Use the target embeddings as weights of the output layer. Needs equal embedding and hidden sizes."
    )
    embedding_size: int = setting(16, "Size of the symbol embeddings.", SIZE)
    hidden_size: int = setting(128, "Size of the LSTM hidden states (for each direction).", SIZE)
    fill: bool = setting(
        False, "Pad strings with spaces to the length of the longest, with no mask and no end symbol.", group=""
    )
    source_symbols: str = setting(
        "characters",
        "How to split a source into symbols: characters, graphemes (Unicode grapheme clusters, such as a letter with "
        "its accents; needs henkan[graphemes]), or any other text as the separator, such as ' '.",
        UNIT,
        group="symbols",
    )
    target_symbols: str = setting(
        "characters", "How to split a target into symbols, with the same choices.", UNIT, group="symbols"
    )
    source_normalization: Normalization = setting(
        "none",
        "Unicode normalization of a source before it is split. NFD decomposes accented letters and Korean syllables.",
        Normalization,
        group="symbols",
    )
    target_normalization: Normalization = setting(
        "none", "Unicode normalization of a target before it is split.", Normalization, group="symbols"
    )
    features: bool = setting(
        False, "Sources carry feature tags, as in 'walk TAB V;PST'. Each tag is one symbol.", group=""
    )

    def __post_init__(self) -> None:
        _validate(self)
        if self.tied and self.embedding_size != self.hidden_size:
            raise SettingsError(
                f"tied weights need an embedding size like the hidden size, not {self.embedding_size} and "
                f"{self.hidden_size}; change one of them, or leave the weights untied"
            )
        for side in ("source", "target"):
            unit, form = getattr(self, f"{side}_symbols"), getattr(self, f"{side}_normalization")
            if form != "none" and normalize(form, unit) != unit:
                raise SettingsError(f"the {side}'s normalization {form} would take the separator {unit!r} away")
        plain = self.source_symbols == self.target_symbols == "characters" and not self.features
        if self.fill and not plain:
            raise SettingsError("strings can be filled (the recipe `book`) only if they are cut into characters alone")

    @property
    def directions(self) -> int:
        """Number of directions in which the encoder reads."""
        return 2 if self.bidirectional else 1


@_documented
@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Settings of a training run."""

    epochs: int | None = setting(None, "Number of passes over the training pairs.", COUNT, none="from updates")
    updates: int = setting(
        3000,
        f"Number of updates to aim for, between {MIN_EPOCHS} and {MAX_EPOCHS} epochs, if no number of epochs is set.",
        COUNT,
        group="",
    )
    batch_size: int | None = setting(128, "Number of pairs in a batch.", COUNT, none="by data size")
    by_length: bool = setting(False, "Make batches of pairs of similar length, which need less padding.", group="")
    learning_rate: float = setting(1e-2, "Learning rate of Adam; with the one-cycle schedule, its peak.", POSITIVE)
    schedule: Schedule = setting(
        "one-cycle",
        "Learning rate schedule. one-cycle rises to a peak and falls to zero.",
        Schedule,
    )
    warmup: float = setting(0.2, "Share of the updates in which the one-cycle schedule rises.", SHARE, group="")
    beta2: float = setting(0.98, "Decay rate of Adam's running mean of squared gradients.", SHARE, group="")
    weight_decay: float = setting(0.05, "Decoupled weight decay (AdamW).", SHARE)
    clip_norm: float = setting(5.0, "Maximum global norm of the gradients.", POSITIVE, group="")
    initialization: Initialization = setting(
        "orthogonal",
        "How to draw the initial weights: orthogonal recurrent weights, or as in the book.",
        Initialization,
        group="",
    )
    dropout: float | None = setting(0.0, "Dropout rate between layers.", SHARE, none="by data size")
    embedding_dropout: float = setting(0.0, "Dropout rate of the symbol embeddings.", SHARE)
    label_smoothing: float = setting(
        0.0, "Share of the target probability to spread evenly over all symbols (label smoothing).", SHARE
    )
    unknown_rate: float = setting(
        0.0,
        "Average number of times per epoch that each source symbol is replaced by the unknown symbol, so that the "
        "model learns to read symbols that it has never seen. At 0 it cannot read them.",
        RATE,
    )
    patience: int | None = setting(
        None,
        "With the constant schedule, stop after this many epochs without improvement on the validation set.",
        COUNT,
        none="never",
    )
    seed: int = setting(
        0,
        "Random seed: pairs of a task, validation split, initial weights, order of the batches.",
        SEED,
    )

    def __post_init__(self) -> None:
        _validate(self)
        if self.patience is not None and self.schedule != "constant":
            raise SettingsError("patience needs the constant schedule; a one-cycle schedule has a planned end")

    def sized(self, pairs: int) -> TrainingConfig:
        """The same for a number of training pairs, with a number for each setting that depends on it.

        The batch size is about the square root of the pairs, as a power of two from 16 to 256. Dropout is 0.3, from
        20,000 pairs 0.2 and from 60,000 pairs 0.1. The epochs give about `updates` updates.
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


@_documented
@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """Settings of the compute engine. They are no part of the model: each run may choose others."""

    engine: EngineName = setting(
        "auto",
        "Compute engine: numpy, or torch (needs henkan[torch]). The saved model is the same. auto is torch if another "
        "engine setting is given or torchrun has started the process, and numpy otherwise.",
        EngineName,
        group="engine",
    )
    device: Device = setting("auto", "Device for PyTorch. auto is a GPU if there is one.", Device, group="engine")
    precision: Precision = setting(
        "float32",
        "Precision of matrix products in PyTorch: float32; tf32 (10 bits of mantissa, on NVIDIA GPUs since Ampere); "
        "bf16 (8 bits; recurrence, weights and updates stay float32).",
        Precision,
        group="engine",
    )
    deterministic: bool = setting(
        False, "Let PyTorch use deterministic algorithms only, or fail where there is none.", group="engine"
    )

    def __post_init__(self) -> None:
        _validate(self)
        if self.engine == "numpy" and self.needs_torch:
            raise SettingsError(
                "the NumPy engine has no choice of device, precision or determinism (it is always the CPU's, float32, "
                "and the same bits); leave these out, or choose the engine torch"
            )

    @property
    def needs_torch(self) -> bool:
        """Whether anything is set that only PyTorch can do."""
        return self.device != "auto" or self.precision != "float32" or self.deterministic


class Settings(TypedDict, total=False):
    """All settings of a model and its training by name, for a caller who gives some of them."""

    architecture: str
    reverse: bool
    peeky: bool
    attention: bool
    attention_kind: AttentionKind
    bidirectional: bool
    layers: int
    tied: bool
    embedding_size: int
    hidden_size: int
    fill: bool
    source_symbols: str
    target_symbols: str
    source_normalization: Normalization
    target_normalization: Normalization
    features: bool
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
    patience: int | None
    seed: int


RECIPE_HELP: Mapping[str, str] = {
    "words": "for a file of word pairs; the default for files",
    "modern": "for a task; trains a small reversed Peeky model quickly; the default for tasks",
    "book": "as in chapter 7 of 'Deep Learning from Scratch 2', with padded strings",
}

# A recipe lists what differs from the defaults above, which are those of the recipe `modern`, or from those of a task.
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "modern": {},
    "words": {
        "reverse": False,
        "attention": True,
        "bidirectional": True,
        "peeky": False,
        "embedding_size": 64,
        "hidden_size": 128,
        "updates": 4500,
        "batch_size": None,
        "by_length": True,
        "learning_rate": 4e-3,
        "dropout": None,
        "embedding_dropout": 0.1,
        "unknown_rate": 0.25,
    },
    "book": {
        "embedding_size": 16,
        "hidden_size": 128,
        "fill": True,
        "epochs": 25,
        "batch_size": 128,
        "learning_rate": 1e-3,
        "schedule": "constant",
        "beta2": 0.999,
        "weight_decay": 0.0,
        "clip_norm": 5.0,
        "initialization": "book",
    },
}

Config = TypeVar("Config", ModelConfig, TrainingConfig)


def make_configs(
    settings: Mapping[str, Any], *, recipe: str | None = None, defaults: Mapping[str, Any] | None = None
) -> tuple[ModelConfig, TrainingConfig]:
    """The settings given, completed by those of a recipe, of the data and the defaults, in this order.

    Args:
        settings: settings by name.
        recipe: a key of `RECIPES`. None: "modern" if the data have defaults, as tasks do, and "words" otherwise.
        defaults: settings that the data prefer, or None.

    Raises:
        SettingsError: for an unknown recipe or setting, or an impossible value.
    """
    if recipe is None:
        recipe = "words" if defaults is None else "modern"
    if recipe not in RECIPES:
        raise SettingsError(f"there is no recipe {recipe!r}; choose one of {', '.join(sorted(RECIPES))}")
    merged = {**(defaults or {}), **RECIPES[recipe], **settings}
    merged = {name: value.item() if isinstance(value, np.generic) else value for name, value in merged.items()}
    model_names = {field.name for field in fields(ModelConfig)}
    model = {name: value for name, value in merged.items() if name in model_names}
    training = {name: value for name, value in merged.items() if name not in model_names}
    configs = from_dict(ModelConfig, model), from_dict(TrainingConfig, training)
    if configs[0].fill and configs[1].unknown_rate:
        raise SettingsError("a filled model (the recipe `book`) has no unknown symbol; leave the unknown rate at 0")
    return configs


def from_dict(kind: type[Config], values: Mapping[str, Any]) -> Config:
    """A configuration from names and values; a setting that is not among them has its default.

    Raises:
        SettingsError: for an unknown name, or an impossible value.
    """
    unknown = set(values) - {field.name for field in fields(kind)}
    if unknown:
        raise SettingsError(f"there is no setting {sorted(unknown)[0]!r}")
    return kind(**values)


def to_dict(config: ModelConfig | TrainingConfig) -> dict[str, Any]:
    """A configuration as plain names and values, for JSON."""
    return asdict(config)
