"""A trained model in memory: saving and loading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from henkan._version import __version__
from henkan.config import ModelConfig
from henkan.engine.base import Engine, Engines
from henkan.engine.numpy import NumpyEngines
from henkan.errors import ModelFolderError
from henkan.evaluation.evaluation_set import Counts
from henkan.inference.converter import Converter
from henkan.inference.ensemble import Ensemble
from henkan.inference.lexicon import Lexicon
from henkan.inference.mixture import Mixture
from henkan.inference.outside import Correction, TrainingDomain
from henkan.model import Sizes, TargetCodec, create_architecture, shapes_of, target_codec
from henkan.storage import model_folder
from henkan.storage.files import sha256, to_json
from henkan.storage.model_card import model_card
from henkan.storage.model_folder import SavedModel, SavedVariant
from henkan.storage.save_model import save as save_model
from henkan.text.data_source import DataSource
from henkan.text.tokenizer import tokenizers
from henkan.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class FittedModel:
    """A trained model.

    Attributes:
        saved: the contents of the model folder.
        converter: converts texts with the model.
        data: source of the training data.
        held_out: counts of the predictions on the validation set, or None. Not saved.
    """

    saved: SavedModel
    converter: Converter
    data: DataSource
    held_out: Counts | None = None

    @cached_property
    def lexicon(self) -> Lexicon | None:
        """The stored lexicon, ready for look-ups; None if there is none. It is parsed when it is first needed.

        Raises:
            ModelFolderError: if it is damaged.
        """
        return None if self.saved.lexicon is None else Lexicon(self.saved.lexicon.pairs(), self.normalize)

    def normalize(self, source: str) -> str:
        """Convert a source to the form that is looked up in a lexicon: that of all sources that are read alike."""
        return self.converter.source_vocabulary.tokenizer.normalize(source)

    def save(self, folder: Path, *, force: bool = False, pictures: Mapping[str, bytes] | None = None) -> None:
        """Save the model as a folder.

        Args:
            folder: path of the folder.
            force: whether to replace an existing model.
            pictures: file name -> bytes of additional images.

        Raises:
            ModelFolderError: see `henkan.storage.save_model.save`.
        """
        card = model_card(self.saved, folder, __version__, pictured=bool(pictures))
        save_model(self.saved, folder, version=__version__, card=card, force=force, pictures=pictures)

    def digest(self) -> str:
        """Return a SHA-256 fingerprint of the weights and vocabularies."""
        found = [
            [
                variant.source_vocabulary.to_dict(),
                variant.target_vocabulary.to_dict(),
                [{name: sha256(array.tobytes()) for name, array in each.items()} for each in variant.members],
            ]
            for variant in self.saved.variants
        ]
        return sha256(to_json(found))


def load_model(folder: Path, engines: Engines | None = None) -> FittedModel:
    """Load a saved model.

    Args:
        folder: the model folder.
        engines: factory for the compute engines, which may differ from those used for training; None: NumPy.

    Raises:
        ModelFolderError: if the folder cannot be read, or its files do not match each other.
    """
    saved = model_folder.load(folder, _shapes)
    try:
        data = DataSource(**saved.data)
    except (TypeError, ValueError):
        raise ModelFolderError(f"{folder}: config.json does not have the form that henkan writes") from None
    for variant in saved.variants:
        _check_vocabularies(folder, variant)
    try:
        converter = converter_of(saved, engines or NumpyEngines(), make_domain(saved))
    except ValueError:
        raise ModelFolderError(f"{folder}: weights.safetensors does not fit vocabulary.json") from None
    except TypeError:
        raise ModelFolderError(f"{folder}: config.json does not have the format that henkan writes") from None
    converter.temperature = saved.temperature
    return FittedModel(saved, converter, data)


def _check_vocabularies(folder: Path, variant: SavedVariant) -> None:
    """Check that the vocabularies fit the settings.

    Raises:
        ModelFolderError: if not.
    """
    model, source, target = variant.model, variant.source_vocabulary, variant.target_vocabulary
    fits = (
        not source.boundary
        and target.boundary
        and not (source.unknown and model.fill)
        and all((each.width is not None) == model.fill for each in (source, target))
        and (source.tokenizer, target.tokenizer) == tokenizers(model)
    )
    if not fits:
        raise ModelFolderError(f"{folder}: vocabulary.json does not fit config.json")


def _shapes(model: ModelConfig, source: Vocabulary, target: Vocabulary) -> dict[str, tuple[int, ...]]:
    """Return weight name -> shape."""
    codec = target_codec(model, source, target)
    return shapes_of(create_architecture(model, Sizes.of(source, codec)).specs)


def converter_of(saved: SavedModel, engines: Engines, domain: TrainingDomain | None) -> Converter:
    """Create a converter for a saved model.

    Args:
        saved: the model.
        engines: factory for the engines.
        domain: what the model was trained on; None if unknown.

    Raises:
        ValueError: if the arrays of a codec do not fit the vocabularies.
    """
    converters = [_variant_converter(variant, engines, domain) for variant in saved.variants]
    return joined(converters, [variant.weight * len(variant.members) for variant in saved.variants])


def _variant_converter(variant: SavedVariant, engines: Engines, domain: TrainingDomain | None) -> Converter:
    codec = target_codec(variant.model, variant.source_vocabulary, variant.target_vocabulary)
    codec.restore(variant.codec)
    sizes, created = Sizes.of(variant.source_vocabulary, codec), []
    for weights in variant.members:
        engine = engines.make(variant.model, sizes, training=variant.training)
        engine.set_weights(weights)
        created.append(engine)
    return make_converter(created, variant.source_vocabulary, variant.target_vocabulary, codec, domain)


def make_converter(
    engines: Sequence[Engine],
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    codec: TargetCodec,
    domain: TrainingDomain | None = None,
) -> Converter:
    """Create a converter for one engine, or for several engines as an ensemble."""
    model = engines[0] if len(engines) == 1 else Ensemble(engines)
    return Converter(model, source_vocabulary, target_vocabulary, codec, domain=domain)


def joined(converters: Sequence[Converter], weights: Sequence[float]) -> Converter:
    """Return the only converter, or a mixed ensemble of several ones with these weights."""
    return converters[0] if len(converters) == 1 else Mixture(converters, weights)


def make_domain(saved: SavedModel) -> TrainingDomain | None:
    """Create the training domain of a saved model; None for a model of format 1.

    Raises:
        TypeError: if a correction has other numbers than `henkan.inference.outside.Correction`.
    """
    if saved.training_range is None:
        return None
    corrections = {kind: Correction(**numbers) for kind, numbers in saved.corrections.items()}
    return TrainingDomain(saved.training_range, corrections)
