"""The interface of a model architecture, and the registry of architectures.

An architecture computes losses, gradients and log-probabilities from batches of symbol ids. Memory, threads and the
optimiser belong to the engine. Search treats the state of an architecture as an opaque object.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from henkan.batching.batch import Batch, Sources
from henkan.config import ModelConfig
from henkan.errors import SettingsError
from henkan.model.codec import PlainTargets, TargetCodec
from henkan.model.rules import OutputRules
from henkan.model.weights import Specs
from henkan.nn import Array, Backend, Parameters, Regularization
from henkan.text.vocabulary import Vocabulary

Self = TypeVar("Self", bound="Indexed")


class Indexed(Protocol):
    """Opaque data of N sequences, used only by the architecture that created it."""

    def take(self: Self, rows: Array) -> Self:
        """Select sequences.

        Args:
            rows: (M,) indices, which may repeat, or (N,) booleans.
        """
        ...


@dataclass(frozen=True)
class StepOutput:
    """The result of one decoding step.

    Attributes:
        log_probabilities: (N, V) log-probabilities of the next symbol, in nats; (N, V + S) from a model that copies the
            source symbols with the ids V to V + S - 1.
        state: the state after the step, an `Indexed`.
        attention: (N, S) attention weights over the source steps, in the order in which the model reads them, or None.
    """

    log_probabilities: Array
    state: Any
    attention: Array | None = None


@dataclass(frozen=True)
class GreedyOptions:
    """Options of a greedy search.

    Attributes:
        start: the decoder's input at the first step.
        end: the symbol that ends an output; None: every output has `steps` symbols.
        steps: maximum number of steps.
        forbidden: symbols that are never chosen.
        temperatures: temperatures at which to compute the log-probability in addition.
        rules: what the outputs may write; None: anything.
    """

    start: int
    end: int | None
    steps: int
    forbidden: Sequence[int] = ()
    temperatures: Sequence[float] = ()
    rules: OutputRules | None = None


@dataclass(frozen=True)
class GreedyOutputs:
    """The outputs of a greedy search for N sources.

    Attributes:
        symbols: (N, T) symbols. lengths: (N,) numbers of symbols.
        log_probabilities: (N, 1 + K) log-probabilities in nats, and those at each temperature.
        complete: (N,) whether the output ended before the limit.
        attended: (N, T), for each symbol the source step with the largest attention weight; None without attention.
    """

    symbols: Array
    lengths: Array
    log_probabilities: Array
    complete: Array
    attended: Array | None


@dataclass(frozen=True)
class Capabilities:
    """What a model with given settings can do.

    Attributes:
        reverse: whether it reads sources backwards.
        attention: whether its decoding steps return attention weights.
        pointer: whether a step edits one source symbol; see `henkan.model.codec.TargetCodec.pointer`.
        copying: whether it copies symbols that are not in the target vocabulary; see `TargetCodec.decode`.
        copy_ids: whether it needs the copy ids of its sources (`henkan.batching.batch.Sources`).
        source_embeddings: name of the embedding table (V, D) of the source symbols, which is needed to compute saliency
            (`henkan.model.saliency`). None: not available.
    """

    reverse: bool = False
    attention: bool = False
    pointer: bool = False
    copying: bool = False
    copy_ids: bool = False
    source_embeddings: str | None = None

    @property
    def saliency(self) -> bool:
        """Whether saliency can be computed."""
        return self.source_embeddings is not None


@dataclass(frozen=True)
class Sizes:
    """Numbers of symbols.

    Attributes:
        source: size of the source vocabulary.
        target: number of symbols that can be predicted; see `henkan.model.codec.TargetCodec.size`.
        tags: ids of the source symbols that are feature tags.
    """

    source: int
    target: int
    tags: Sequence[int] = ()

    @classmethod
    def of(cls, source: Vocabulary, codec: TargetCodec) -> Sizes:
        """Return the sizes for a source vocabulary and a target codec."""
        return cls(len(source), codec.size, tuple(source.tag_ids))


class Architecture(Protocol):
    """A model without its weights.

    Attributes:
        specs: weight name -> shape and initializer.
        capabilities: what the model can do.
    """

    @property
    def specs(self) -> Specs: ...  # noqa: D102
    @property
    def capabilities(self) -> Capabilities: ...  # noqa: D102

    def loss(
        self, weights: Parameters, batch: Batch, count: int | None, regularization: Regularization, backend: Backend
    ) -> tuple[float, Callable[[Parameters], None]]:
        """Mean cross-entropy over the valid target steps of a batch.

        Args:
            weights: the weights, named as in `specs`.
            batch: N pairs.
            count: number of valid steps of the complete batch, if `batch` is a shard of it; None: that of `batch`.
            regularization: dropout and label smoothing; `henkan.nn.NONE` for evaluation.
            backend: the kernels, and the allocator of large arrays.

        Returns:
            the loss in nats per symbol, and backward, which writes the gradients of all weights to its argument.
        """
        ...

    def encode(self, weights: Parameters, sources: Sources, backend: Backend) -> tuple[Any, Any]:
        """Encode N sources for decoding.

        Returns:
            memory, which stays constant during decoding, and the initial state; both are `Indexed`.
        """
        ...

    def step(self, weights: Parameters, memory: Any, state: Any, symbols: Array, backend: Backend) -> StepOutput:
        """Run one decoding step.

        Args:
            weights: the weights, named as in `specs`.
            memory: the memory from `encode`.
            state: the state from `encode` or from the previous step.
            symbols: (N,) the symbols predicted last; at the first step, the codec's start symbol.
            backend: the kernels.
        """
        ...


@runtime_checkable
class CompiledSearch(Protocol):
    """An architecture whose greedy search is one call of compiled code."""

    def greedy(
        self, weights: Parameters, memory: Any, state: Any, options: GreedyOptions, backend: Backend
    ) -> GreedyOutputs | None:
        """Search for the outputs of N sources.

        Args:
            weights: the weights, named as in `specs`.
            memory, state: the results of `encode`.
            options: options of the search.
            backend: fused kernels.

        Returns:
            the outputs, or None if the compiled code does not support the settings of the model.
        """
        ...


@dataclass(frozen=True)
class Registration:
    """A registered architecture.

    Attributes:
        name: its name, the value of `ModelConfig.architecture`.
        create: creates the architecture from settings and numbers of symbols.
        codec: creates its target codec from settings, source vocabulary and target vocabulary.
        torch: "module:Class" of its implementation for the PyTorch engine, or None.
    """

    name: str
    create: Callable[[ModelConfig, Sizes], Architecture]
    codec: Callable[[ModelConfig, Vocabulary, Vocabulary], TargetCodec]
    torch: str | None


REGISTRY: dict[str, Registration] = {}


def _plain_targets(config: ModelConfig, _source: Vocabulary, target: Vocabulary) -> TargetCodec:
    return PlainTargets(target, reverse=config.target_reverse)


def register_architecture(
    name: str,
    create: Callable[[ModelConfig, Sizes], Architecture],
    *,
    codec: Callable[[ModelConfig, Vocabulary, Vocabulary], TargetCodec] = _plain_targets,
    torch: str | None = None,
) -> None:
    """Make an architecture available as `ModelConfig(architecture=name)`.

    Args:
        name: its name, which is saved with models.
        create: creates the architecture from settings and numbers of symbols.
        codec: creates its target codec. The default predicts the symbols of the target and an end symbol.
        torch: "module:Class" of its implementation for the PyTorch engine, imported when that engine is used.

    Raises:
        SettingsError: if another architecture is registered under this name.
    """
    known = REGISTRY.get(name)
    if known is not None and known.create is not create:
        raise SettingsError(f"another architecture is already registered as {name!r}")
    REGISTRY[name] = Registration(name, create, codec, torch)


def find_architecture(name: str) -> Registration:
    """Return the architecture registered under a name.

    Raises:
        SettingsError: if none is registered.
    """
    if name not in REGISTRY:
        raise SettingsError(
            f"the architecture {name!r} is not registered (registered architectures: {', '.join(sorted(REGISTRY))})",
            "choose_architecture",
        )
    return REGISTRY[name]


def create_architecture(config: ModelConfig, sizes: Sizes) -> Architecture:
    """Create the architecture that the settings select."""
    return find_architecture(config.architecture).create(config, sizes)


def target_codec(config: ModelConfig, source: Vocabulary, target: Vocabulary) -> TargetCodec:
    """Create the target codec of the architecture that the settings select."""
    return find_architecture(config.architecture).codec(config, source, target)
