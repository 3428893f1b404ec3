"""The one workflow behind every face: pairs and settings to a trained model, and a saved one back to life."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from math import prod
from pathlib import Path

import numpy as np

from henkan import artefact
from henkan._version import __version__
from henkan.artefact import Artefact
from henkan.batch import Array
from henkan.card import model_card
from henkan.checkpoint import Checkpoints, Progress
from henkan.config import ModelConfig, TrainingConfig, to_dict
from henkan.converter import Converter
from henkan.engine.base import Alone, Engine, Engines, Team
from henkan.engine.ensemble import Ensemble
from henkan.engine.numpy import NumpyEngines
from henkan.errors import DataError, ModelFolderError, SettingsError
from henkan.evaluation import Questions, Tally
from henkan.examination import HeldOut, Pause, examine
from henkan.model import first_weights, parameter_shapes, transplant
from henkan.storage import sha256, to_json
from henkan.text.batches import EncodedPairs
from henkan.text.pairs import Pairs, hold_out
from henkan.text.symbols import Cutting
from henkan.text.tasks import Task
from henkan.text.vocabulary import Vocabulary
from henkan.training import Epoch, Setback, Step, TrainingState, train


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

    def __post_init__(self) -> None:
        if [type(value) for value in astuple(self)] != [str, bool, int, str, int] or self.pairs < 0 or self.seed < 0:
            raise ValueError("no such source of data")

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
        member, members: which model of an ensemble it is, from 1, and of how many.
    """

    converter: Converter
    pairs: int
    held_out: int
    epochs: int
    weights: int
    member: int = 1
    members: int = 1


@dataclass(frozen=True)
class Preparing:
    """The engine is getting ready; where fused kernels are installed, they are compiled at the first time."""


Event = Started | Preparing | Step | Epoch | Setback
Report = Callable[[Event], None]


@dataclass(frozen=True)
class FittedModel:
    """A trained model.

    Attributes:
        artefact: what is kept of it.
        converter: answers with it.
        data: what it was trained on.
        held_out: what came of the pairs that were held out, or None; not kept when it is saved.
    """

    artefact: Artefact
    converter: Converter
    data: DataSource
    held_out: Tally | None = None

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
    members: int = 1,
    report: Report | None = None,
    start: FittedModel | None = None,
    checkpoints: Checkpoints | None = None,
    engines: Engines | None = None,
) -> FittedModel:
    """Train a model.

    Where pairs are held out, the epoch that answers most of them is kept (of several, that with the least loss), and
    they calibrate its probabilities.

    Args:
        pairs: what to learn from. The vocabularies are made of these alone, and of the model's that it starts from.
        held_out: pairs to measure on after every epoch, or None.
        model, training: the settings.
        data: where the pairs came from.
        members: how many to train, with the seed and those that follow it; several answer together, as an ensemble.
        report: told of every event.
        start: a trained model of the same settings and as many members, whose weights to start from.
        checkpoints: where to keep what it takes to go on after a stop, held by the caller; None: nowhere.
        engines: who does the arithmetic; None: NumPy. Where a team of processes shares it, all of them call this, and
            the leader's result alone has been measured on the held-out pairs.

    Raises:
        DataError: if there are no pairs.
        SettingsError: if the settings do not fit each other or the model to start from.
        CheckpointError, Interrupted: see `henkan.checkpoint`.
    """
    if not len(pairs):
        raise DataError("there are no pairs to train on")
    if not isinstance(members, int) or isinstance(members, bool) or not 1 <= members <= artefact.MOST_MEMBERS:
        raise SettingsError(f"ensemble must be a whole number from 1 to {artefact.MOST_MEMBERS}, not {members!r}")
    held_out = held_out or None  # no pairs at all cannot be measured on
    if training.patience is not None and held_out is None:
        raise SettingsError("patience needs held-out pairs, or nobody knows which epoch is better")
    if start is not None and (start.artefact.model != model or len(start.artefact.members) != members):
        raise SettingsError("a model to start from must have the same settings and as many members")
    engines = engines or NumpyEngines()
    team = engines.team
    training = training.sized(len(pairs))
    source_vocabulary, target_vocabulary = _vocabularies(pairs, model, training, start)
    encoded = EncodedPairs(
        source_vocabulary.encode_all(pairs.sources),
        target_vocabulary.encode_all(pairs.targets),
        source_vocabulary,
        target_vocabulary,
        reverse=model.reverse,
        unknown_rate=training.unknown_rate,
    )
    progress = Progress()
    if checkpoints is not None:
        plan = {
            "model": to_dict(model),
            "training": to_dict(training),
            "ensemble": members,
            "started from a model": start is not None,
            "data": asdict(data),
            "marks": _marks(encoded, (source_vocabulary, target_vocabulary), held_out),
            "versions": versions(engines),
        }
        checkpoints.clear()
        if start is not None:
            checkpoints.keep_start(start.save)
        progress = checkpoints.open(plan)
        team.share(0)  # nobody writes before all have read
    questions = None if held_out is None else Questions(held_out, source_vocabulary, target_vocabulary)
    tell: Report = report if report is not None else lambda _: None
    shapes = parameter_shapes(model, len(source_vocabulary), len(target_vocabulary))
    size, trained = sum(map(prod, shapes.values())), []
    for member in range(members):
        config = replace(training, seed=training.seed + member)
        engine = engines.make(model, len(source_vocabulary), len(target_vocabulary), training=config)
        trained.append(engine)
        if member < len(progress.done):
            if checkpoints is not None:
                checkpoints.check_fits(progress.done[member], engine.weights)
            engine.set_weights(progress.done[member])
            continue
        converter = _converter([engine], source_vocabulary, target_vocabulary, model)
        epochs = config.epochs or 0
        tell(Started(converter, len(pairs), len(held_out or ()), epochs, size, member + 1, members))
        if progress.state is None:
            kept_start = None if start is None else (start.artefact, member)
            engine.set_weights(_first_weights(model, config, source_vocabulary, target_vocabulary, kept_start))
        _fit_member(engine, converter, encoded, questions, config, progress, tell, checkpoints, team)
    converter = _converter(trained, source_vocabulary, target_vocabulary, model)
    result = None
    if questions is not None:
        result = examine(converter, questions, team, _pause(checkpoints, lambda: progress))
    kept = Artefact(
        model=model,
        training=training,
        source_vocabulary=source_vocabulary,
        target_vocabulary=target_vocabulary,
        members=[dict(engine.weights) for engine in trained],
        data=asdict(data),
        metrics={
            **progress.histories[0],
            **({"members": progress.histories} if members > 1 else {}),
            "pairs": len(pairs),
            "held_out": len(held_out or ()),
            "exact_match": None if result is None else result.exact_match,
            "weights": size,
        },
        temperature=converter.temperature,
    )
    return FittedModel(kept, converter, data, result)


def versions(engines: Engines) -> dict[str, str]:
    """What the bits of a training may depend on."""
    return {"henkan": __version__, "engine": engines.describe()}


def _marks(
    encoded: EncodedPairs, vocabularies: tuple[Vocabulary, Vocabulary], held_out: Pairs | None
) -> dict[str, str | None]:
    """By what the same pairs are known again."""
    symbols = to_json([vocabulary.to_dict() for vocabulary in vocabularies])
    return {
        "training pairs": sha256(encoded.digest().encode() + symbols),
        "held-out pairs": None if held_out is None else held_out.digest(),
    }


def _first_weights(
    model: ModelConfig,
    training: TrainingConfig,
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    start: tuple[Artefact, int] | None,
) -> dict[str, Array]:
    """Those that are drawn, and over them those of a model that is started from: which, and which of its members."""
    sizes = len(source_vocabulary), len(target_vocabulary)
    weights = first_weights(model, *sizes, training.initialization, training.seed)
    if start is not None:
        kept, member = start
        places = (
            kept.source_vocabulary.places_in(source_vocabulary),
            kept.target_vocabulary.places_in(target_vocabulary),
        )
        transplant(weights, kept.members[member], model, *places)
    return weights


def _vocabularies(
    pairs: Pairs, model: ModelConfig, training: TrainingConfig, start: FittedModel | None
) -> tuple[Vocabulary, Vocabulary]:
    """Those of the pairs, with the symbols of the model that is started from."""
    unknown = training.unknown_rate > 0 if start is None else start.artefact.source_vocabulary.unknown
    source_cutting, target_cutting = cuttings(model)
    source = Vocabulary.of(pairs.sources, boundary=False, unknown=unknown, fill=model.fill, cutting=source_cutting)
    target = Vocabulary.of(pairs.targets, boundary=True, fill=model.fill, cutting=target_cutting)
    if start is None:
        return source, target
    return start.artefact.source_vocabulary.joined(source), start.artefact.target_vocabulary.joined(target)


def _fit_member(
    engine: Engine,
    converter: Converter,
    encoded: EncodedPairs,
    questions: Questions | None,
    training: TrainingConfig,
    progress: Progress,
    tell: Report,
    checkpoints: Checkpoints | None,
    team: Team,
) -> None:
    """Train one model, or the rest of it, leave it at its best, and add it to the progress."""
    if progress.state is None:
        progress.state = TrainingState(np.random.default_rng([training.seed, 3]))
    else:
        assert checkpoints is not None  # where else should it come from?
        _check_fits(progress, engine, checkpoints)
        engine.restore(progress.snapshot)
    state = progress.state

    def now() -> Progress:
        progress.snapshot = engine.snapshot()
        return progress

    if checkpoints is not None:
        checkpoints.keep(now())
    examiner = None if questions is None else HeldOut(engine, converter, questions, team, _pause(checkpoints, now))
    tell(Preparing())
    engine.prepare(encoded.batch(np.arange(min(len(encoded), training.batch_size or 1))))
    with engine.at_work():
        for event in train(engine, encoded, training, state, examiner):
            tell(event)
            if checkpoints is not None:
                checkpoints.after(event, now)
    if state.best is not None:
        engine.set_weights(state.best.weights)
    progress.done.append({name: array.copy() for name, array in engine.weights.items()})
    epochs = [asdict(record) for record in state.records]
    best = None if state.best is None else state.best.epoch
    setbacks = {"setbacks": state.setbacks} if state.setbacks else {}
    progress.histories.append({"seed": training.seed, "epochs": epochs, "best_epoch": best, **setbacks})
    progress.state = None
    if checkpoints is not None:
        checkpoints.keep(progress)


def _check_fits(progress: Progress, engine: Engine, checkpoints: Checkpoints) -> None:
    """Whether an engine can go on from what was kept of the member under way."""
    state = progress.state
    checkpoints.check_fits(progress.snapshot, engine.snapshot())
    if state is not None and state.good is not None:
        checkpoints.check_fits(state.good.snapshot, progress.snapshot)
    if state is not None and state.best is not None:
        checkpoints.check_fits(state.best.weights, engine.weights)


def combine(models: Sequence[FittedModel], held_out: Pairs | None = None) -> FittedModel:
    """Several models of the same settings and symbols, as trained with different seeds, as one that answers together.

    Args:
        models: at least one.
        held_out: pairs that calibrate its probabilities, or None.

    Raises:
        SettingsError: if they do not fit together.
    """
    if not models:
        raise SettingsError("there are no models to combine")
    first = models[0]
    members = [member for model in models for member in model.artefact.members]
    for model in models:
        same = ("model", "source_vocabulary", "target_vocabulary")
        if any(
            _comparable(getattr(model.artefact, name)) != _comparable(getattr(first.artefact, name)) for name in same
        ):
            raise SettingsError("only models of the same settings and symbols can be combined")
    vocabularies = first.artefact.source_vocabulary, first.artefact.target_vocabulary
    converter = _converter(_engines(first.artefact, members, NumpyEngines()), *vocabularies, first.artefact.model)
    questions = None if held_out is None else Questions(held_out, *vocabularies)
    result = None if questions is None else examine(converter, questions, Alone(), lambda: None)
    metrics = {
        **first.artefact.metrics,
        "members": [model.artefact.metrics for model in models],
        "exact_match": None if result is None else result.exact_match,
        "held_out": len(held_out or ()),
    }
    data = replace(first.data, held_out="none")  # what the one held out, another may have been trained on
    temperature = converter.temperature
    kept = replace(first.artefact, members=members, temperature=temperature, metrics=metrics, data=asdict(data))
    return FittedModel(kept, converter, data)


def _comparable(part: ModelConfig | Vocabulary) -> object:
    return part.to_dict() if isinstance(part, Vocabulary) else part


def _engines(kept: Artefact, members: Sequence[Mapping[str, Array]], engines: Engines) -> list[Engine]:
    made = []
    for weights in members:
        engine = engines.make(
            kept.model, len(kept.source_vocabulary), len(kept.target_vocabulary), training=kept.training
        )
        engine.set_weights(weights)
        made.append(engine)
    return made


def _pause(checkpoints: Checkpoints | None, progress: Callable[[], Progress]) -> Pause:
    """What is called between two parts of a long examination, which may have to end there."""
    return lambda: None if checkpoints is None else checkpoints.pause(progress)


def _converter(
    engines: Sequence[Engine],
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    model: ModelConfig,
    temperature: float | None = None,
) -> Converter:
    return Converter(
        engines[0] if len(engines) == 1 else Ensemble(engines),
        source_vocabulary,
        target_vocabulary,
        reverse=model.reverse,
        attention=model.attention,
        temperature=temperature,
    )


def cuttings(model: ModelConfig) -> tuple[Cutting, Cutting]:
    """How sources and targets are cut into symbols."""
    return (
        Cutting(model.source_symbols, model.source_normalization, model.features),
        Cutting(model.target_symbols, model.target_normalization),
    )


def load(folder: Path, engines: Engines | None = None) -> FittedModel:
    """Read a saved model.

    Args:
        folder: where it is.
        engines: who is to do its arithmetic, whoever trained it; None: NumPy.

    Raises:
        ModelFolderError: if it cannot be read, or its parts do not fit each other.
    """
    kept = artefact.load(folder, parameter_shapes)
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
    if (kept.source_vocabulary.cutting, kept.target_vocabulary.cutting) != cuttings(kept.model):
        raise ModelFolderError(f"{folder}: vocabulary.json does not fit config.json")
    vocabularies = kept.source_vocabulary, kept.target_vocabulary
    made = _engines(kept, kept.members, engines or NumpyEngines())
    converter = _converter(made, *vocabularies, kept.model, kept.temperature)
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
