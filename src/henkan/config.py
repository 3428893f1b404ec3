"""The settings of a model and of its training, and the two recipes that fill them in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from math import isfinite, log2
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


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """What the network is. Saved with the model; training and prediction both obey it.

    Attributes:
        reverse: the encoder reads the source backwards (Sutskever et al. 2014).
        peeky: the decoder sees the encoder's last hidden state at every step, not at the first alone.
        attention: at every step the decoder looks back at all that the encoder has read; see
            `henkan.model.attention`.
        attention_kind: how it is decided where to look, "dot" or "general".
        bidirectional: the encoder reads in both directions.
        layers: LSTMs upon one another, in the encoder and in the decoder.
        tied: the output layer's weights are the target embeddings, turned; both sizes must be the same.
        embedding_size: numbers that stand for one symbol (D).
        hidden_size: numbers in the hidden state of encoder and decoder (H), for each direction.
        fill: fill sources and targets with spaces to the longest, as the book does, instead of masking
            the padding; there is no end symbol then.
        source_symbols, target_symbols: what a string is cut into: "characters", "graphemes" (Unicode's grapheme
            clusters), or what a separator, any other string, stands between.
        source_normalization, target_normalization: of Unicode, made before a string is cut.
        features: a source may carry feature tags, as in "walk TAB V;PST", each a whole symbol.
    """

    reverse: bool = True
    peeky: bool = True
    attention: bool = False
    attention_kind: AttentionKind = "general"
    bidirectional: bool = False
    layers: int = 1
    tied: bool = False
    embedding_size: int = 16
    hidden_size: int = 128
    fill: bool = False
    source_symbols: str = "characters"
    target_symbols: str = "characters"
    source_normalization: Normalization = "none"
    target_normalization: Normalization = "none"
    features: bool = False

    def __post_init__(self) -> None:
        for name in ("reverse", "peeky", "attention", "bidirectional", "tied", "fill", "features"):
            _require(isinstance(getattr(self, name), bool), name, "true or false", getattr(self, name))
        for name in ("embedding_size", "hidden_size"):
            _require_whole(name, getattr(self, name), at_most=65536)
        _require_whole("layers", self.layers, at_most=MOST_LAYERS)
        _require_choice("attention_kind", self.attention_kind, AttentionKind)
        if self.tied and self.embedding_size != self.hidden_size:
            raise SettingsError(
                f"tied weights need an embedding size like the hidden size, not {self.embedding_size} and "
                f"{self.hidden_size}; change one of them, or leave the weights untied"
            )
        for name in ("source_symbols", "target_symbols"):
            unit = getattr(self, name)
            wanted = "characters, graphemes, or a separator without letters, digits, tabs and line ends"
            _require(isinstance(unit, str) and _is_unit(unit), name, wanted, unit)
        for name in ("source_normalization", "target_normalization"):
            _require_choice(name, getattr(self, name), Normalization)
        for side in ("source", "target"):
            unit, form = getattr(self, f"{side}_symbols"), getattr(self, f"{side}_normalization")
            if form != "none" and normalize(form, unit) != unit:
                raise SettingsError(f"the {side}'s normalization {form} would take the separator {unit!r} away")
        plain = self.source_symbols == self.target_symbols == "characters" and not self.features
        if self.fill and not plain:
            raise SettingsError("strings can be filled (the recipe `book`) only if they are cut into characters alone")

    @property
    def directions(self) -> int:
        """In how many directions the encoder reads."""
        return 2 if self.bidirectional else 1


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How the network is trained.

    Attributes:
        epochs: passes over the training pairs; None chooses so many that about `updates` updates are made.
        updates: see epochs.
        batch_size: pairs in one update (N); None chooses by the number of pairs.
        by_length: pairs of like lengths come into one batch, which leaves less padding.
        learning_rate: Adam's step size; the peak of it where the schedule varies it.
        schedule: "one-cycle" rises to the peak and falls to nothing along cosines (Smith & Topin 2017);
            "constant" stays at the peak.
        warmup: share of all updates in which the one-cycle schedule rises.
        beta2: how slowly Adam's mean of squared gradients changes. Below the usual 0.999 it follows the
            gradients of a late epoch, small as they are, in tens of updates instead of a thousand.
        weight_decay: how fast weights shrink by themselves (AdamW, Loshchilov & Hutter 2019).
        clip_norm: gradients of a larger global norm are scaled down to it (Pascanu et al. 2013).
        initialization: "orthogonal" or "book"; see `henkan.model.initialization`.
        dropout, embedding_dropout, label_smoothing: see `henkan.nn.Regularization`. A dropout of None is chosen by the
            number of pairs.
        patience: with the constant schedule, end after so many epochs without a better model; None: never. A one-cycle
            schedule has a planned end, where it is at its best.
        unknown_rate: how often an epoch each source symbol is replaced by the unknown one; see
            `henkan.batching.encoded_pairs.EncodedPairs`. At 0 the model has none, and cannot read symbols that it
            does not know.
        seed: decides the first weights and the order of the batches.
    """

    epochs: int | None = None
    updates: int = 3000
    batch_size: int | None = 128
    by_length: bool = False
    learning_rate: float = 1e-2
    schedule: Schedule = "one-cycle"
    warmup: float = 0.2
    beta2: float = 0.98
    weight_decay: float = 0.05
    clip_norm: float = 5.0
    initialization: Initialization = "orthogonal"
    dropout: float | None = 0.0
    embedding_dropout: float = 0.0
    label_smoothing: float = 0.0
    unknown_rate: float = 0.0
    patience: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs is not None:
            _require_whole("epochs", self.epochs)
        if self.batch_size is not None:
            _require_whole("batch_size", self.batch_size)
        _require_whole("updates", self.updates)
        _require(isinstance(self.by_length, bool), "by_length", "true or false", self.by_length)
        _require_whole("seed", self.seed, at_least=0, at_most=2**63 - 1)
        _require_positive("learning_rate", self.learning_rate)
        _require_positive("clip_norm", self.clip_norm)
        rate = self.unknown_rate
        _require(_is_number(rate) and 0 <= rate <= 1000, "unknown_rate", "a number from 0 to 1000", rate)
        for name in ("warmup", "beta2", "weight_decay", "dropout", "embedding_dropout", "label_smoothing"):
            share = getattr(self, name)
            if name == "dropout" and share is None:
                continue
            _require(_is_number(share) and 0 <= share < 1, name, "from 0 to below 1", share)
        _require_choice("schedule", self.schedule, Schedule)
        if self.patience is not None:
            _require_whole("patience", self.patience)
            if self.schedule != "constant":
                raise SettingsError("patience needs the constant schedule; a one-cycle schedule has a planned end")
        _require_choice("initialization", self.initialization, Initialization)

    def sized(self, pairs: int) -> TrainingConfig:
        """The same for so many training pairs, with a number for everything that depends on it.

        Batches of about the square root of the pairs, but a power of two from 16 to 256; a dropout of 0.3, 0.2 from
        20,000 and 0.1 from 60,000 pairs; and enough epochs for about `updates` updates, from 8 to 200.
        """
        batch_size, dropout, epochs = self.batch_size, self.dropout, self.epochs
        if batch_size is None:
            batch_size = 2 ** min(8, max(4, round(log2(max(pairs, 1)) / 2)))
        if dropout is None:
            dropout = 0.3 if pairs < 20_000 else 0.2 if pairs < 60_000 else 0.1
        if epochs is None:
            updates_an_epoch = max(1, -(-pairs // batch_size))
            epochs = max(FEWEST_EPOCHS, min(MOST_EPOCHS, -(-self.updates // updates_an_epoch)))
        return replace(self, batch_size=batch_size, dropout=dropout, epochs=epochs)


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """Who does the arithmetic, and on what. No part of the model: it can be chosen anew at every use.

    Attributes:
        engine: "numpy", or "torch" for PyTorch. "auto" is PyTorch where a device, a precision or determinism is asked
            for, or where torchrun has started the process, and else NumPy.
        device: for PyTorch. "auto" takes a GPU if there is one.
        precision: of PyTorch's products. "float32" is what it says, on a GPU too. "tf32" cuts the factors' mantissas
            from 23 bits to 10 on NVIDIA's GPUs since Ampere. "bf16" multiplies numbers of 8 bits of mantissa
            everywhere but in the recurrence, and keeps the weights and their updates in float32.
        deterministic: make PyTorch use only algorithms that give the same bits every time, or refuse.
    """

    engine: EngineName = "auto"
    device: Device = "auto"
    precision: Precision = "float32"
    deterministic: bool = False

    def __post_init__(self) -> None:
        for name, choices in (("engine", EngineName), ("device", Device), ("precision", Precision)):
            _require_choice(name, getattr(self, name), choices)
        _require(isinstance(self.deterministic, bool), "deterministic", "true or false", self.deterministic)
        if self.engine == "numpy" and self.asks_for_torch:
            raise SettingsError(
                "the NumPy engine has no choice of device, precision or determinism (it is always the CPU's, float32, "
                "and the same bits); leave these out, or choose the engine torch"
            )

    @property
    def asks_for_torch(self) -> bool:
        """Whether anything is set that PyTorch alone can do."""
        return self.device != "auto" or self.precision != "float32" or self.deterministic


class Settings(TypedDict, total=False):
    """All settings by name, for a caller who gives some of them."""

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


MOST_LAYERS = 4
FEWEST_EPOCHS = 8
MOST_EPOCHS = 200

# The defaults above are the modern recipe, that of the article's model. "words" is for people's own pairs: words and
# what becomes of them. The book's is chapter 7 of Saito's "Deep Learning from Scratch 2".
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
    """Settings by name, over a recipe's, over the data's own defaults, over the modern recipe's.

    Without a recipe, it is "modern" for data that has defaults of its own, as tasks do, and else "words".

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
    """A configuration from its names and values.

    Raises:
        SettingsError: for a name that it does not have, or an impossible value.
    """
    unknown = set(values) - {field.name for field in fields(kind)}
    if unknown:
        raise SettingsError(f"there is no setting {sorted(unknown)[0]!r}")
    return kind(**values)


def to_dict(config: ModelConfig | TrainingConfig) -> dict[str, Any]:
    """A configuration as plain names and values, for JSON."""
    return asdict(config)


def _is_unit(text: str) -> bool:
    """Whether that can be said of what strings are cut into: a misspelled word is no separator."""
    if text in ("characters", "graphemes"):
        return True
    return bool(text) and not any(character.isalnum() or character in "\t\r\n" for character in text)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _require(condition: bool, name: str, wanted: str, value: object) -> None:
    if not condition:
        raise SettingsError(f"{name.replace('_', ' ')} must be {wanted}, not {value!r}")


def _require_whole(name: str, value: object, *, at_least: int = 1, at_most: int = 10**9) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool) and at_least <= value <= at_most
    _require(whole, name, f"a whole number from {at_least} to {at_most}", value)


def _require_positive(name: str, value: object) -> None:
    _require(_is_number(value) and value > 0, name, "a number above 0", value)  # type: ignore[operator]


def _require_choice(name: str, value: object, choices: Any) -> None:
    _require(value in get_args(choices), name, "one of " + ", ".join(get_args(choices)), value)
