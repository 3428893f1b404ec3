"""A trained model in memory: saved as a folder, and loaded from one."""

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
        saved: what is kept of it.
        converter: answers with it.
        data: what it was trained on.
        held_out: what came of the pairs that were held out, or None; not kept when it is saved.
    """

    saved: SavedModel
    converter: Converter
    data: DataSource
    held_out: Counts | None = None

    def save(self, folder: Path, *, force: bool = False, pictures: Mapping[str, bytes] | None = None) -> None:
        """Write it as a folder.

        Raises:
            ModelFolderError: see `henkan.storage.save_model.save`.
        """
        card = model_card(self.saved, folder, __version__, pictured=bool(pictures))
        save_model(self.saved, folder, version=__version__, card=card, force=force, pictures=pictures)


def load_model(folder: Path, engines: Engines | None = None) -> FittedModel:
    """Read a saved model.

    Args:
        folder: where it is.
        engines: who is to do its arithmetic, whoever trained it; None: NumPy.

    Raises:
        ModelFolderError: if it cannot be read, or its parts do not fit each other.
    """
    kept = model_folder.load(folder, _shapes)
    try:
        data = DataSource(**kept.data)
    except (TypeError, ValueError):
        raise ModelFolderError(f"{folder}: config.json does not have the form that henkan writes") from None
    vocabularies_fit = not kept.source_vocabulary.boundary and kept.target_vocabulary.boundary
    if not vocabularies_fit or (kept.source_vocabulary.unknown and kept.model.fill):
        raise ModelFolderError(f"{folder}: vocabulary.json does not fit config.json")
    filled = (kept.source_vocabulary.width, kept.target_vocabulary.width)
    if any((width is not None) != kept.model.fill for width in filled):
        raise ModelFolderError(f"{folder}: vocabulary.json does not fit config.json")
    if (kept.source_vocabulary.tokenizer, kept.target_vocabulary.tokenizer) != tokenizers(kept.model):
        raise ModelFolderError(f"{folder}: vocabulary.json does not fit config.json")
    vocabularies = kept.source_vocabulary, kept.target_vocabulary
    made = make_engines(kept, kept.members, engines or NumpyEngines())
    converter = make_converter(made, *vocabularies, kept.model, kept.temperature)
    return FittedModel(kept, converter, data)


def _shapes(model: ModelConfig, source: Vocabulary, target: Vocabulary) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every weight."""
    codec = target_codec(model, source, target)
    return shapes_of(create_architecture(model, Sizes(len(source), codec.size)).specs)


def make_engines(kept: SavedModel, members: Sequence[Mapping[str, Array]], engines: Engines) -> list[Engine]:
    """An engine for each member of a saved model."""
    made = []
    for weights in members:
        codec = target_codec(kept.model, kept.source_vocabulary, kept.target_vocabulary)
        sizes = Sizes(len(kept.source_vocabulary), codec.size)
        engine = engines.make(kept.model, sizes, training=kept.training)
        engine.set_weights(weights)
        made.append(engine)
    return made


def make_converter(
    engines: Sequence[Engine],
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    model: ModelConfig,
    temperature: float | None = None,
) -> Converter:
    """What answers with some engines; several are an ensemble."""
    return Converter(
        engines[0] if len(engines) == 1 else Ensemble(engines),
        source_vocabulary,
        target_vocabulary,
        target_codec(model, source_vocabulary, target_vocabulary),
        temperature,
    )
