"""What a model architecture provides, and the registry of architectures.

An architecture turns batches of symbol ids into losses, gradients and log-probabilities. It owns no memory, threads or
optimiser: these are an engine's. Search sees its state as an opaque object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from henkan.batching.batch import Batch, Sources
from henkan.config import ModelConfig
from henkan.errors import SettingsError
from henkan.model.codec import PlainTargets, TargetCodec
from henkan.model.weights import Specs
from henkan.nn import Array, Backend, Parameters, Regularization
from henkan.text.vocabulary import Vocabulary

Self = TypeVar("Self", bound="Indexed")


class Indexed(Protocol):
    """Something kept for each of N sequences; only the architecture that made it looks inside."""

    def take(self: Self, rows: Array) -> Self:
        """The parts of some sequences.

        Args:
            rows: (M,) indices, which may repeat, or (N,) booleans.
        """
        ...


@dataclass(frozen=True)
class StepOutput:
    """The result of one decoding step.

    Attributes:
        log_probabilities: (N, V) of the next symbol.
        state: the state after the step, an `Indexed`.
        attention: (N, S) weights over the source steps in the order in which the model reads them, or None.
    """

    log_probabilities: Array
    state: Any
    attention: Array | None = None


@dataclass(frozen=True)
class Capabilities:
    """What a model with given settings can do.

    Attributes:
        reverse: sources are given to it with the last symbol first.
        attention: its steps return weights over the source.
        source_embeddings: name of the weight (V, D) that source symbols are looked up in; with it, saliency can be
            computed (`henkan.model.saliency`). None: not available.
    """

    reverse: bool = False
    attention: bool = False
    source_embeddings: str | None = None

    @property
    def saliency(self) -> bool:
        """Whether saliency can be computed."""
        return self.source_embeddings is not None


@dataclass(frozen=True)
class Sizes:
    """Numbers of symbols.

    Attributes:
        source: in the source vocabulary.
        target: that can be predicted; see `henkan.model.codec.TargetCodec.size`.
    """

    source: int
    target: int


class Architecture(Protocol):
    """A model without its weights.

    Attributes:
        specs: name -> shape and first values of every weight.
        capabilities: what it can do.
    """

    @property
    def specs(self) -> Specs: ...  # noqa: D102
    @property
    def capabilities(self) -> Capabilities: ...  # noqa: D102

    def loss(
        self, weights: Parameters, batch: Batch, count: int | None, regularization: Regularization, backend: Backend
    ) -> tuple[float, Callable[[Parameters], None]]:
        """The mean cross-entropy over the valid target steps of a batch.

        Args:
            weights: by name, as in `specs`.
            batch: N pairs.
            count: number of valid steps of the whole batch, if `batch` is a shard of it; None: of this one.
            regularization: dropout and label smoothing; `henkan.nn.NONE` where it is only measured.
            backend: the kernels to use, and where large arrays come from.

        Returns:
            the loss in nats per symbol, and backward, which fills in the gradients of all weights.
        """
        ...

    def encode(self, weights: Parameters, sources: Sources, backend: Backend) -> tuple[Any, Any]:
        """Read N sources for decoding.

        Returns:
            memory, which stays the same during decoding, and the first state; both are `Indexed`.
        """
        ...

    def step(self, weights: Parameters, memory: Any, state: Any, symbols: Array, backend: Backend) -> StepOutput:
        """One decoding step.

        Args:
            weights: by name.
            memory: from `encode`. state: from `encode` or the step before.
            symbols: (N,) the last predicted symbols; at the first step, the codec's start symbol.
            backend: the kernels to use.
        """
        ...


@dataclass(frozen=True)
class Registration:
    """An architecture by its name.

    Attributes:
        name: as in `ModelConfig.architecture`.
        create: makes it for settings and numbers of symbols.
        codec: makes its target codec from settings, source vocabulary and target vocabulary.
        torch: "module:Class" of its counterpart for the PyTorch engine, or None.
    """

    name: str
    create: Callable[[ModelConfig, Sizes], Architecture]
    codec: Callable[[ModelConfig, Vocabulary, Vocabulary], TargetCodec]
    torch: str | None


REGISTRY: dict[str, Registration] = {}


def _plain_targets(_config: ModelConfig, _source: Vocabulary, target: Vocabulary) -> TargetCodec:
    return PlainTargets(target)


def register_architecture(
    name: str,
    create: Callable[[ModelConfig, Sizes], Architecture],
    *,
    codec: Callable[[ModelConfig, Vocabulary, Vocabulary], TargetCodec] = _plain_targets,
    torch: str | None = None,
) -> None:
    """Make an architecture available as `ModelConfig(architecture=name)`.

    Args:
        name: under which models are saved.
        create: makes it for settings and numbers of symbols.
        codec: makes its target codec; the default predicts the target's symbols and an end symbol.
        torch: "module:Class" of its counterpart for the PyTorch engine, imported when that engine is used.

    Raises:
        SettingsError: if another architecture has the name.
    """
    known = REGISTRY.get(name)
    if known is not None and known.create is not create:
        raise SettingsError(f"there is an architecture {name!r} already")
    REGISTRY[name] = Registration(name, create, codec, torch)


def find_architecture(name: str) -> Registration:
    """The architecture of that name.

    Raises:
        SettingsError: if none is registered.
    """
    if name not in REGISTRY:
        raise SettingsError(
            f"the architecture {name!r} is not registered here (registered: {', '.join(sorted(REGISTRY))})",
            "register_architecture",
        )
    return REGISTRY[name]


def create_architecture(config: ModelConfig, sizes: Sizes) -> Architecture:
    """The architecture of some settings."""
    return find_architecture(config.architecture).create(config, sizes)


def target_codec(config: ModelConfig, source: Vocabulary, target: Vocabulary) -> TargetCodec:
    """The target codec of some settings."""
    return find_architecture(config.architecture).codec(config, source, target)
