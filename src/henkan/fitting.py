"""The one workflow behind every face: pairs and settings to a trained model, and a saved one back to life."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from henkan import artefact
from henkan._version import __version__
from henkan.artefact import Artefact
from henkan.card import model_card
from henkan.config import ModelConfig, TrainingConfig
from henkan.converter import Converter
from henkan.engine.numpy import NumpyEngine
from henkan.errors import DataError, ModelFolderError
from henkan.evaluation import evaluate
from henkan.text.batches import EncodedPairs
from henkan.text.pairs import Pairs, hold_out
from henkan.text.symbols import Cutting
from henkan.text.tasks import Task
from henkan.text.vocabulary import Vocabulary
from henkan.training import Epoch, Step, TrainingState, train


@dataclass(frozen=True)
class DataSource:
    """Where the training pairs came from; saved with the model.

    Attributes:
        name: of the task or the file.
        task: whether it is a task, which can be drawn from again.
        pairs: how many pairs it gave, the held-out ones included.
        held_out: "tenth" of these, a "file" of its own, or "none".
        seed: decided the drawing and the split.
    """

    name: str = "pairs given in Python"
    task: bool = False
    pairs: int = 0
    held_out: str = "none"
    seed: int = 0

    def is_of(self, task: Task) -> bool:
        """Whether the pairs were drawn from that task."""
        return self.task and self.name == task.name


@dataclass(frozen=True)
class Started:
    """Training is about to begin.

    Attributes:
        converter: the model, which can be asked at any time while it learns.
        pairs: number of training pairs.
        held_out: number of held-out pairs.
        epochs: planned passes over the training pairs.
        weights: number of weights.
    """

    converter: Converter
    pairs: int
    held_out: int
    epochs: int
    weights: int


@dataclass(frozen=True)
class Preparing:
    """The engine is getting ready; where fused kernels are installed, they are compiled at the first time."""


Event = Started | Preparing | Step | Epoch
Report = Callable[[Event], None]


@dataclass(frozen=True)
class FittedModel:
    """A trained model.

    Attributes:
        artefact: what is kept of it.
        converter: answers with it.
        data: what it was trained on.
    """

    artefact: Artefact
    converter: Converter
    data: DataSource

    def save(self, folder: Path, *, force: bool = False, pictures: Mapping[str, bytes] | None = None) -> None:
        """Write it as a folder.

        Raises:
            ModelFolderError: see `henkan.artefact.save`.
        """
        card = model_card(self.artefact, folder, __version__, pictured=bool(pictures))
        artefact.save(self.artefact, folder, version=__version__, card=card, force=force, pictures=pictures)


def fit(
    pairs: Pairs,
    held_out: Pairs | None,
    model: ModelConfig,
    training: TrainingConfig,
    *,
    data: DataSource,
    report: Report | None = None,
) -> FittedModel:
    """Train a model.

    Args:
        pairs: what to learn from. The vocabularies are made of these alone.
        held_out: pairs to measure on after every epoch, or None.
        model, training: the settings.
        data: where the pairs came from.
        report: told of every event.

    Raises:
        DataError: if there are no pairs.
    """
    if not len(pairs):
        raise DataError("there are no pairs to train on")
    source_cutting, target_cutting = cuttings(model)
    source_vocabulary = Vocabulary.of(pairs.sources, boundary=False, fill=model.fill, cutting=source_cutting)
    target_vocabulary = Vocabulary.of(pairs.targets, boundary=True, fill=model.fill, cutting=target_cutting)
    engine = NumpyEngine(model, len(source_vocabulary), len(target_vocabulary), training=training)
    engine.initialize(training.initialization, training.seed)
    converter = Converter(engine, source_vocabulary, target_vocabulary, reverse=model.reverse)
    encoded = EncodedPairs(pairs.sources, pairs.targets, source_vocabulary, target_vocabulary, reverse=model.reverse)

    tell: Report = report if report is not None else lambda _: None
    weights = sum(array.size for array in engine.weights.values())
    held_out = held_out or None  # no pairs at all cannot be measured on
    held_out_count = len(held_out or ())
    tell(Started(converter, len(pairs), held_out_count, training.planned_epochs(len(pairs)), weights))
    state = TrainingState(np.random.default_rng([training.seed, 3]))

    def exact_match() -> float | None:
        return evaluate(converter, held_out).exact_match if held_out is not None else None

    tell(Preparing())
    engine.prepare(encoded.batch(np.arange(min(len(encoded), training.batch_size))))
    with engine.at_work():
        for event in train(engine, encoded, training, state, exact_match):
            tell(event)
    kept = Artefact(
        model=model,
        training=training,
        source_vocabulary=source_vocabulary,
        target_vocabulary=target_vocabulary,
        members=[dict(engine.weights)],
        data=asdict(data),
        metrics={
            "epochs": [asdict(record) for record in state.records],
            "pairs": len(pairs),
            "held_out": held_out_count,
            "weights": weights,
        },
    )
    return FittedModel(kept, converter, data)


def cuttings(model: ModelConfig) -> tuple[Cutting, Cutting]:
    """How sources and targets are cut into symbols."""
    return (
        Cutting(model.source_symbols, model.source_normalization, model.features),
        Cutting(model.target_symbols, model.target_normalization),
    )


def load(folder: Path) -> FittedModel:
    """Read a saved model.

    Raises:
        ModelFolderError: if it cannot be read, or its parts do not fit each other.
    """
    kept = artefact.load(folder)
    try:
        data = DataSource(**kept.data)
    except TypeError:
        raise ModelFolderError(f"{folder}: config.json does not have the form that henkan writes") from None
    if len(kept.members) != 1:
        raise ModelFolderError(f"{folder}: it has {len(kept.members)} members; this henkan reads models of one")
    if kept.source_vocabulary.boundary or not kept.target_vocabulary.boundary:
        raise ModelFolderError(f"{folder}: vocabulary.json does not fit config.json")
    filled = (kept.source_vocabulary.width, kept.target_vocabulary.width)
    if any((width is not None) != kept.model.fill for width in filled):
        raise ModelFolderError(f"{folder}: vocabulary.json does not fit config.json")
    if (kept.source_vocabulary.cutting, kept.target_vocabulary.cutting) != cuttings(kept.model):
        raise ModelFolderError(f"{folder}: vocabulary.json does not fit config.json")
    sizes = len(kept.source_vocabulary), len(kept.target_vocabulary)
    weights = kept.members[0]
    if NumpyEngine.shapes(kept.model, *sizes) != {name: array.shape for name, array in weights.items()}:
        raise ModelFolderError(f"{folder}: weights.safetensors does not fit config.json and vocabulary.json")
    engine = NumpyEngine(kept.model, *sizes, training=kept.training)
    engine.set_weights(weights)
    converter = Converter(engine, kept.source_vocabulary, kept.target_vocabulary, reverse=kept.model.reverse)
    return FittedModel(kept, converter, data)


def task_questions(task: Task, data: DataSource) -> Pairs:
    """Pairs of a task that a model was not trained on.

    A model of this task that held a tenth of its pairs out is asked these; one that did not, pairs drawn
    after those it was trained on. A model of something else is asked pairs drawn after the task's own number
    of them, or, where these are all there are, a tenth of them.

    Args:
        task: whose pairs.
        data: what the model was trained on.

    Raises:
        DataError: if all pairs that exist were trained on.
    """
    own = data.is_of(task)
    count, seed = (data.pairs, data.seed) if own else (task.count, 0)
    if own and data.held_out == "tenth":
        return hold_out(task.generate(count, seed), seed)[1]
    left = min(task.count // 10, task.available - count)
    if left > 0:
        return task.generate(left, seed, skip=count)
    if own:
        raise DataError(f"every pair of {task.name} was in training; evaluate on a file of other pairs")
    return hold_out(task.generate(count, seed), seed)[1]
