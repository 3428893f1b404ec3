"""Data of a training run, prepared once for all ensemble members of a variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from henkan.batching.copy_ids import CopyIds
from henkan.batching.encoded_pairs import EncodedPairs, unknown_probabilities
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
from henkan.storage.model_folder import SavedVariant
from henkan.text.arrays import Array
from henkan.text.pairs import Pairs
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.text.tokenizer import Sequences, Tokenized
from henkan.text.training_range import TrainingRange
from henkan.text.vocabulary import Vocabulary
from henkan.training.checkpoint import LABELLED_SOURCES
from henkan.training.fitted_model import FittedModel, make_converter
from henkan.training.job import Unlabelled, Variant
from henkan.training.synthetic import IdPairs, draw_synthetic_pairs, epoch_of, joined


@dataclass(frozen=True)
class PreparedData:
    """Encoded data and vocabularies.

    Attributes:
        variant: settings of the models that are trained on the data, without None where they depend on the data.
        source_vocabulary, target_vocabulary: symbols of the training pairs and of the start model.
        training_range: what the training sources contained.
        codec: the target codec.
        specs: weight name -> spec, for the weights of the architecture.
        pairs: the encoded training pairs.
        epoch_pairs: the pairs of one epoch: the same, or copies of them with synthetic pairs and labelled sources.
        validation: the validation set, or None.
        validation_pairs: the pairs of the validation set, or None.
        start: the variant of another model whose weights to start from, or None.
        labelled: number of unlabelled sources with predicted targets among the pairs of an epoch.
    """

    variant: Variant
    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
    training_range: TrainingRange
    codec: TargetCodec
    specs: dict[str, WeightSpec]
    pairs: EncodedPairs
    epoch_pairs: EncodedPairs
    validation: EvaluationSet | None
    validation_pairs: Pairs | None
    start: SavedVariant | None
    labelled: int

    @property
    def sizes(self) -> Sizes:
        """Numbers of symbols."""
        return Sizes.of(self.source_vocabulary, self.codec)

    @property
    def weights(self) -> int:
        """Number of weights of one member."""
        return sum(prod(shape) for shape in shapes_of(self.specs).values())

    def converter(self, engines: Sequence[Engine], domain: TrainingDomain | None = None) -> Converter:
        """Create a converter for one engine, or for several engines as an ensemble."""
        return make_converter(engines, self.source_vocabulary, self.target_vocabulary, self.codec, domain)

    def initial_weights(self, member: int, seed: int) -> dict[str, Array]:
        """Return the initial weights of a member: random, or those of the start model for the symbols that it has.

        Args:
            member: number of the member in the variant.
            seed: its seed.
        """
        with WORKERS.computing():  # BLAS would never return from its own threads after a fork
            weights = draw_weights(self.specs, self.variant.training.initialization, seed)
        if self.start is not None:
            old = target_codec(self.variant.model, self.start.source_vocabulary, self.start.target_vocabulary)
            positions: dict[Side, list[int]] = {
                "source": self.start.source_vocabulary.positions_in(self.source_vocabulary),
                "target": old.positions_in(self.codec),
            }
            copy_known_symbols(weights, self.specs, self.start.members[member], positions)
        return weights


def prepare(
    tokenized: TokenizedPairs,
    validation: Pairs | None,
    variant: Variant,
    start: SavedVariant | None,
    labelled: Pairs | None = None,
) -> PreparedData:
    """Build the vocabularies, and encode the pairs.

    Args:
        tokenized: the training pairs. The vocabularies contain their symbols and those of the start model.
        validation: the validation pairs, or None.
        variant: settings of the models.
        start: the variant of another model whose weights to start from, or None.
        labelled: unlabelled sources and their predicted targets, or None. Pairs with symbols that the other pairs do
            not have are left out.

    Raises:
        DataError: if there are no pairs, or no labelled one can be used.
        SettingsError: if the settings do not fit the data.
    """
    if not len(tokenized):
        raise DataError("there are no pairs to train on")
    validation = validation or None  # treat an empty validation set as none
    if variant.training.patience is not None and validation is None:
        raise SettingsError(
            "patience needs a validation set, because only validation can find an improvement", argument="patience"
        )
    source, target = _vocabularies(tokenized, variant, start)
    codec = target_codec(variant.model, source, target)
    architecture = create_architecture(variant.model, Sizes.of(source, codec))
    sources, targets = source.encode_tokens(tokenized.source), target.encode_tokens(tokenized.target)
    codec.learn(sources, targets)
    given = IdPairs(sources, targets)
    synthetic = draw_synthetic_pairs(given, (source, target), variant.training)
    training = replace(variant.training, augment=0 if synthetic is None else len(synthetic.sources))
    predicted = None if labelled is None else _encoded(labelled, source, target)
    others = [each for each in (synthetic, predicted) if each is not None]
    epoch, training = epoch_of(given, joined(others), training) if others else (given, training)
    training, capabilities = training.sized(len(epoch.sources)), architecture.capabilities
    rate = training.unknown_rate if source.unknown else 0.0

    def encoded(sources: Sequences, targets: Sequences) -> EncodedPairs:
        tokens = Tokenized(sources, source.symbols_by_id)
        return EncodedPairs(
            sources,
            codec.encode(sources, targets),
            start=codec.start,
            reverse=capabilities.reverse,
            unknown_probabilities=unknown_probabilities(sources, len(source), rate) if rate else None,
            copy_ids=CopyIds.of(tokens, source.tokenizer, target) if capabilities.copy_ids else None,
        )

    pairs = encoded(sources, targets)
    return PreparedData(
        variant=replace(variant, training=training),
        source_vocabulary=source,
        target_vocabulary=target,
        training_range=TrainingRange.from_tokens(tokenized.source, tokenized.source_tokenizer),
        codec=codec,
        specs=dict(architecture.specs),
        pairs=pairs,
        epoch_pairs=encoded(*epoch) if others else pairs,
        validation=None if validation is None else EvaluationSet(validation, source, target),
        validation_pairs=validation,
        start=start,
        labelled=0 if predicted is None else len(predicted.sources),
    )


def _encoded(labelled: Pairs, source: Vocabulary, target: Vocabulary) -> IdPairs:
    """Encode the pairs whose symbols are known.

    Raises:
        DataError: if there are none.
    """
    sources, known_sources = source.encode_known(labelled.sources)
    targets, known_targets = target.encode_known(labelled.targets)
    rows = np.flatnonzero(known_sources & known_targets)
    if not len(rows):
        raise DataError(
            "the model that predicts the targets of unlabelled sources uses other symbols than the pairs; give the "
            "pairs that it was trained on"
        )
    return IdPairs(sources.take(rows), targets.take(rows))


def _vocabularies(
    tokenized: TokenizedPairs, variant: Variant, start: SavedVariant | None
) -> tuple[Vocabulary, Vocabulary]:
    """Build the vocabularies from the pairs and the start model."""
    fill = variant.model.fill
    unknown = variant.training.unknown_rate > 0 if start is None else start.source_vocabulary.unknown
    source = Vocabulary.from_tokens(
        tokenized.source, tokenized.source_tokenizer, boundary=False, unknown=unknown, fill=fill
    )
    target = Vocabulary.from_tokens(tokenized.target, tokenized.target_tokenizer, boundary=True, fill=fill)
    if start is None:
        return source, target
    return start.source_vocabulary.joined(source), start.target_vocabulary.joined(target)


def training_domain(data: PreparedData, start: FittedModel | None) -> TrainingDomain | None:
    """Return what the training sources and those of the start model contained; None if that is unknown."""
    if start is None:
        return TrainingDomain(data.training_range)
    earlier = start.saved.training_range
    return None if earlier is None else TrainingDomain(earlier.joined(data.training_range))


def fingerprints(
    data: Sequence[PreparedData], unlabelled: Unlabelled | None, labelled: Pairs | None
) -> dict[str, str | None]:
    """Return SHA-256 fingerprints of the pairs of all variants, which are compared when a run is resumed."""
    contents = [
        [each.pairs.digest(), each.source_vocabulary.to_dict(), each.target_vocabulary.to_dict()] for each in data
    ]
    pairs = data[0].validation_pairs
    return {
        "training pairs": sha256(to_json(contents)),
        "held-out pairs": None if pairs is None else pairs.digest(),
        "unlabelled sources": None if unlabelled is None else unlabelled.digest(),
        "predictions of the teacher": None if unlabelled is None else unlabelled.mark,
        LABELLED_SOURCES: None if labelled is None else labelled.digest(),
    }
