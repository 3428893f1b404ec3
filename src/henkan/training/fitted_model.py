"""A trained model in memory: saving and loading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from henkan._version import __version__
from henkan.config import ModelConfig
from henkan.engine.base import Engine, Engines
from henkan.engine.numpy import NumpyEngines
from henkan.errors import ModelFolderError
from henkan.evaluation.evaluation_set import Counts
from henkan.inference.converter import Converter
from henkan.inference.ensemble import Ensemble
from henkan.inference.outside import Correction, TrainingDomain
from henkan.model import Sizes, create_architecture, shapes_of, target_codec
from henkan.storage import model_folder
from henkan.storage.model_card import model_card
from henkan.storage.model_folder import SavedModel
from henkan.storage.save_model import save as save_model
from henkan.text.arrays import Array
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
    vocabularies_fit = not saved.source_vocabulary.boundary and saved.target_vocabulary.boundary
    if not vocabularies_fit or (saved.source_vocabulary.unknown and saved.model.fill):
        raise ModelFolderError(f"{folder}: vocabulary.json does not fit config.json")
    filled = (saved.source_vocabulary.width, saved.target_vocabulary.width)
    if any((width is not None) != saved.model.fill for width in filled):
        raise ModelFolderError(f"{folder}: vocabulary.json does not fit config.json")
    if (saved.source_vocabulary.tokenizer, saved.target_vocabulary.tokenizer) != tokenizers(saved.model):
        raise ModelFolderError(f"{folder}: vocabulary.json does not fit config.json")
    vocabularies = saved.source_vocabulary, saved.target_vocabulary
    created = make_engines(saved, saved.members, engines or NumpyEngines())
    try:
        domain = make_domain(saved)
    except TypeError:
        raise ModelFolderError(f"{folder}: config.json does not have the format that henkan writes") from None
    converter = make_converter(created, *vocabularies, saved.model, domain)
    converter.temperature = saved.temperature
    return FittedModel(saved, converter, data)


def _shapes(model: ModelConfig, source: Vocabulary, target: Vocabulary) -> dict[str, tuple[int, ...]]:
    """Return weight name -> shape."""
    codec = target_codec(model, source, target)
    return shapes_of(create_architecture(model, Sizes(len(source), codec.size)).specs)


def make_engines(saved: SavedModel, members: Sequence[Mapping[str, Array]], engines: Engines) -> list[Engine]:
    """Create an engine for each member of a saved model."""
    created = []
    for weights in members:
        codec = target_codec(saved.model, saved.source_vocabulary, saved.target_vocabulary)
        sizes = Sizes(len(saved.source_vocabulary), codec.size)
        engine = engines.make(saved.model, sizes, training=saved.training)
        engine.set_weights(weights)
        created.append(engine)
    return created


def make_converter(
    engines: Sequence[Engine],
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    model: ModelConfig,
    domain: TrainingDomain | None = None,
) -> Converter:
    """Create a converter for one engine, or for several engines as an ensemble."""
    return Converter(
        engines[0] if len(engines) == 1 else Ensemble(engines),
        source_vocabulary,
        target_vocabulary,
        target_codec(model, source_vocabulary, target_vocabulary),
        domain=domain,
    )


def make_domain(saved: SavedModel) -> TrainingDomain | None:
    """Create the training domain of a saved model; None for a model of format 1.

    Raises:
        TypeError: if a correction has other numbers than `henkan.inference.outside.Correction`.
    """
    if saved.training_range is None:
        return None
    corrections = {kind: Correction(**numbers) for kind, numbers in saved.corrections.items()}
    return TrainingDomain(saved.training_range, corrections)
