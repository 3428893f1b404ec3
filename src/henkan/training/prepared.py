"""Pairs, vocabularies and sizes, prepared once for all members of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from henkan.batching.encoded_pairs import EncodedPairs, unknown_probabilities
from henkan.config import ModelConfig, TrainingConfig
from henkan.engine.base import Engine
from henkan.errors import DataError, SettingsError
from henkan.evaluation.evaluation_set import EvaluationSet
from henkan.inference.converter import Converter
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
from henkan.text.vocabulary import Vocabulary
from henkan.training.fitted_model import FittedModel, make_converter


@dataclass(frozen=True)
class TrainingJob:
    """What is to be trained.

    Attributes:
        model, training: the settings.
        data: where the pairs came from; saved with the model.
        members: how many models to train, with the seed and those that follow it; several predict as an ensemble.
        start: a trained model of the same settings and as many members whose weights to start from, or None.
    """

    model: ModelConfig
    training: TrainingConfig
    data: DataSource = DataSource()  # noqa: RUF009  (it cannot be changed)
    members: int = 1
    start: FittedModel | None = None

    def __post_init__(self) -> None:
        members, start = self.members, self.start
        if not isinstance(members, int) or isinstance(members, bool) or not 1 <= members <= MAX_MEMBERS:
            raise SettingsError(f"ensemble must be a whole number from 1 to {MAX_MEMBERS}, not {members!r}")
        if start is not None and (start.saved.model != self.model or len(start.saved.members) != members):
            raise SettingsError("a model to start from must have the same settings and as many members")


@dataclass(frozen=True)
class PreparedData:
    """Everything about the data that training needs.

    Attributes:
        source_vocabulary, target_vocabulary: of the training pairs and of the model that is started from.
        codec: the target codec.
        specs: the weights of the architecture.
        pairs: the training pairs as ids.
        validation: the validation set, or None.
        validation_pairs: the same as strings.
    """

    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
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
        """SHA-256 sums by which the same pairs are recognised when a run is resumed."""
        symbols = to_json([vocabulary.to_dict() for vocabulary in (self.source_vocabulary, self.target_vocabulary)])
        return {
            "training pairs": sha256(self.pairs.digest().encode() + symbols),
            "held-out pairs": None if self.validation_pairs is None else self.validation_pairs.digest(),
        }

    def converter(self, engines: Sequence[Engine], model: ModelConfig) -> Converter:
        """A converter for one engine, or for several as an ensemble."""
        return make_converter(engines, self.source_vocabulary, self.target_vocabulary, model)

    def first_weights(self, job: TrainingJob, member: int) -> dict[str, Array]:
        """The first weights of a member: drawn, and replaced by those of the model that is started from."""
        training = job.training
        weights = draw_weights(self.specs, training.initialization, training.seed + member)
        if job.start is not None:
            kept = job.start.saved
            old = target_codec(job.model, kept.source_vocabulary, kept.target_vocabulary)
            positions: dict[Side, list[int]] = {
                "source": kept.source_vocabulary.positions_in(self.source_vocabulary),
                "target": old.positions_in(self.codec),
            }
            copy_known_symbols(weights, self.specs, kept.members[member], positions)
        return weights


def prepare(tokenized: TokenizedPairs, validation: Pairs | None, job: TrainingJob) -> tuple[PreparedData, TrainingJob]:
    """Build the vocabularies, and encode the pairs.

    Args:
        tokenized: the training pairs. The vocabularies hold their symbols, and those of the model that is started
            from.
        validation: pairs to evaluate on after every epoch, or None.
        job: what is to be trained.

    Returns:
        the data, and the job with every setting that depends on the number of pairs filled in.

    Raises:
        DataError: if there are no pairs.
        SettingsError: if the settings do not fit the data.
    """
    if not len(tokenized):
        raise DataError("there are no pairs to train on")
    validation = validation or None  # an empty validation set is none
    if job.training.patience is not None and validation is None:
        raise SettingsError("patience needs a validation set, or no epoch can be better than another")
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
    return PreparedData(source, target, codec, dict(architecture.specs), pairs, evaluation_set, validation), job


def _vocabularies(tokenized: TokenizedPairs, job: TrainingJob) -> tuple[Vocabulary, Vocabulary]:
    """Those of the pairs, with the symbols of the model that is started from."""
    start, fill = job.start, job.model.fill
    unknown = job.training.unknown_rate > 0 if start is None else start.saved.source_vocabulary.unknown
    source = Vocabulary.from_tokens(
        tokenized.source, tokenized.source_tokenizer, boundary=False, unknown=unknown, fill=fill
    )
    target = Vocabulary.from_tokens(tokenized.target, tokenized.target_tokenizer, boundary=True, fill=fill)
    if start is None:
        return source, target
    return start.saved.source_vocabulary.joined(source), start.saved.target_vocabulary.joined(target)
