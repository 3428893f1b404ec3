"""Data of a training run, prepared once for all ensemble members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from henkan.batching.encoded_pairs import EncodedPairs, unknown_probabilities
from henkan.config import ModelConfig, TrainingConfig
from henkan.engine.base import Engine
from henkan.engine.workers import WORKERS
from henkan.errors import DataError, SettingsError
from henkan.evaluation.evaluation_set import EvaluationSet
from henkan.inference.converter import Converter
from henkan.inference.outside import TrainingDomain
from henkan.model import (
    Sizes,
    TargetCodec,
    WeightSpec,
    copy_known_symbols,
    create_architecture,
    draw_weights,
    shapes_of,
    target_codec,
)
from henkan.model.weights import Side
from henkan.storage.files import sha256, to_json
from henkan.storage.model_folder import MAX_MEMBERS
from henkan.text.arrays import Array
from henkan.text.data_source import DataSource
from henkan.text.pairs import Pairs
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.text.training_range import TrainingRange
from henkan.text.vocabulary import Vocabulary
from henkan.training.fitted_model import FittedModel, make_converter


@dataclass(frozen=True)
class TrainingJob:
    """What to train.

    Attributes:
        model, training: the settings.
        data: source of the pairs; saved with the model.
        members: number of ensemble members. Member k (from 0) is trained with the seed plus k.
        start: a trained model, with the same settings and number of members, whose weights to start from, or None.

    Raises:
        SettingsError: if the number of members is out of range, or `start` does not match.
    """

    model: ModelConfig
    training: TrainingConfig
    data: DataSource = DataSource()  # noqa: RUF009  (immutable)
    members: int = 1
    start: FittedModel | None = None

    def __post_init__(self) -> None:
        members, start = self.members, self.start
        if not isinstance(members, int) or isinstance(members, bool) or not 1 <= members <= MAX_MEMBERS:
            raise SettingsError(
                f"ensemble must be a whole number from 1 to {MAX_MEMBERS}, not {members!r}", argument="ensemble"
            )
        if start is not None and (start.saved.model != self.model or len(start.saved.members) != members):
            raise SettingsError("a model to start from must have the same settings and as many members")


@dataclass(frozen=True)
class PreparedData:
    """Encoded data and vocabularies.

    Attributes:
        source_vocabulary, target_vocabulary: symbols of the training pairs and of the start model.
        training_range: what the training sources, also those of the start model, contained; None if unknown.
        codec: the target codec.
        specs: weight name -> spec, for the weights of the architecture.
        pairs: the encoded training pairs.
        validation: the validation set, or None.
        validation_pairs: the pairs of the validation set, or None.
    """

    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
    training_range: TrainingRange | None
    codec: TargetCodec
    specs: dict[str, WeightSpec]
    pairs: EncodedPairs
    validation: EvaluationSet | None
    validation_pairs: Pairs | None

    @property
    def sizes(self) -> Sizes:
        """Numbers of symbols."""
        return Sizes(len(self.source_vocabulary), self.codec.size)

    @property
    def weights(self) -> int:
        """Number of weights of one member."""
        return sum(prod(shape) for shape in shapes_of(self.specs).values())

    def fingerprints(self) -> dict[str, str | None]:
        """Return SHA-256 fingerprints of the pairs, which are compared when a run is resumed."""
        symbols = to_json([vocabulary.to_dict() for vocabulary in (self.source_vocabulary, self.target_vocabulary)])
        return {
            "training pairs": sha256(self.pairs.digest().encode() + symbols),
            "held-out pairs": None if self.validation_pairs is None else self.validation_pairs.digest(),
        }

    def converter(self, engines: Sequence[Engine], model: ModelConfig) -> Converter:
        """Create a converter for one engine, or for several engines as an ensemble."""
        domain = None if self.training_range is None else TrainingDomain(self.training_range)
        return make_converter(engines, self.source_vocabulary, self.target_vocabulary, model, domain)

    def initial_weights(self, job: TrainingJob, member: int) -> dict[str, Array]:
        """Return the initial weights of a member: random, or those of the start model for the symbols that it has."""
        training = job.training
        with WORKERS.computing():  # BLAS would never return from its own threads after a fork
            weights = draw_weights(self.specs, training.initialization, training.seed + member)
        if job.start is not None:
            start = job.start.saved
            old = target_codec(job.model, start.source_vocabulary, start.target_vocabulary)
            positions: dict[Side, list[int]] = {
                "source": start.source_vocabulary.positions_in(self.source_vocabulary),
                "target": old.positions_in(self.codec),
            }
            copy_known_symbols(weights, self.specs, start.members[member], positions)
        return weights


def prepare(tokenized: TokenizedPairs, validation: Pairs | None, job: TrainingJob) -> tuple[PreparedData, TrainingJob]:
    """Build the vocabularies, and encode the pairs.

    Args:
        tokenized: the training pairs. The vocabularies contain their symbols and those of the start model.
        validation: the validation pairs, or None.
        job: what to train.

    Returns:
        the data, and the job with the settings that depend on the number of pairs filled in.

    Raises:
        DataError: if there are no pairs.
        SettingsError: if the settings do not fit the data.
    """
    if not len(tokenized):
        raise DataError("there are no pairs to train on")
    validation = validation or None  # treat an empty validation set as none
    if job.training.patience is not None and validation is None:
        raise SettingsError(
            "patience needs a validation set, because only validation can find an improvement", argument="patience"
        )
    job = replace(job, training=job.training.sized(len(tokenized)))
    source, target = _vocabularies(tokenized, job)
    codec = target_codec(job.model, source, target)
    architecture = create_architecture(job.model, Sizes(len(source), codec.size))
    sources, targets = source.encode_tokens(tokenized.source), target.encode_tokens(tokenized.target)
    rate = job.training.unknown_rate
    pairs = EncodedPairs(
        sources,
        codec.encode(sources, targets),
        start=codec.start,
        reverse=architecture.capabilities.reverse,
        unknown_probabilities=unknown_probabilities(sources, len(source), rate) if rate and source.unknown else None,
    )
    evaluation_set = None if validation is None else EvaluationSet(validation, source, target)
    data = PreparedData(
        source_vocabulary=source,
        target_vocabulary=target,
        training_range=_training_range(tokenized, job.start),
        codec=codec,
        specs=dict(architecture.specs),
        pairs=pairs,
        validation=evaluation_set,
        validation_pairs=validation,
    )
    return data, job


def _training_range(tokenized: TokenizedPairs, start: FittedModel | None) -> TrainingRange | None:
    """Return what the training sources and those of the start model contained."""
    found = TrainingRange.from_tokens(tokenized.source, tokenized.source_tokenizer)
    if start is None:
        return found
    earlier = start.saved.training_range
    return None if earlier is None else earlier.joined(found)


def _vocabularies(tokenized: TokenizedPairs, job: TrainingJob) -> tuple[Vocabulary, Vocabulary]:
    """Build the vocabularies from the pairs and the start model."""
    start, fill = job.start, job.model.fill
    unknown = job.training.unknown_rate > 0 if start is None else start.saved.source_vocabulary.unknown
    source = Vocabulary.from_tokens(
        tokenized.source, tokenized.source_tokenizer, boundary=False, unknown=unknown, fill=fill
    )
    target = Vocabulary.from_tokens(tokenized.target, tokenized.target_tokenizer, boundary=True, fill=fill)
    if start is None:
        return source, target
    return start.saved.source_vocabulary.joined(source), start.saved.target_vocabulary.joined(target)
