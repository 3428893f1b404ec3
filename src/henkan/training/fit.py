"""The one workflow behind every face: pairs and settings to a trained model, and a saved one back to life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from math import prod

import numpy as np

from henkan._version import __version__
from henkan.batching.encoded_pairs import EncodedPairs, unknown_probabilities
from henkan.config import ModelConfig, TrainingConfig, to_dict
from henkan.engine.base import Engine, Engines, Execution, ProcessGroup
from henkan.engine.numpy import NumpyEngines
from henkan.errors import DataError, SettingsError
from henkan.evaluation.evaluation_set import Questions
from henkan.inference.converter import Converter
from henkan.model import Sizes, copy_known_symbols, create_architecture, draw_weights, shapes_of, target_codec
from henkan.model.weights import Side
from henkan.storage.files import sha256, to_json
from henkan.storage.model_folder import MOST_MEMBERS, Artefact
from henkan.text.arrays import Array
from henkan.text.data_source import DataSource
from henkan.text.pairs import Pairs
from henkan.text.tokenizer import cuttings
from henkan.text.vocabulary import Vocabulary
from henkan.training.checkpoint import Checkpoints, Progress
from henkan.training.events import Preparing, Report, Started
from henkan.training.fitted_model import FittedModel, make_converter
from henkan.training.loop import train
from henkan.training.state import TrainingState
from henkan.training.validation import Pause, Validator, evaluate_and_calibrate


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
        CheckpointError, Interrupted: see `henkan.training.checkpoint`.
    """
    if not len(pairs):
        raise DataError("there are no pairs to train on")
    if not isinstance(members, int) or isinstance(members, bool) or not 1 <= members <= MOST_MEMBERS:
        raise SettingsError(f"ensemble must be a whole number from 1 to {MOST_MEMBERS}, not {members!r}")
    held_out = held_out or None  # no pairs at all cannot be measured on
    if training.patience is not None and held_out is None:
        raise SettingsError("patience needs held-out pairs, or nobody knows which epoch is better")
    if start is not None and (start.artefact.model != model or len(start.artefact.members) != members):
        raise SettingsError("a model to start from must have the same settings and as many members")
    engines = engines or NumpyEngines()
    group = engines.group
    training = training.sized(len(pairs))
    source_vocabulary, target_vocabulary = _vocabularies(pairs, model, training, start)
    codec = target_codec(model, source_vocabulary, target_vocabulary)
    sizes = Sizes(len(source_vocabulary), codec.size)
    architecture = create_architecture(model, sizes)
    sources, targets = source_vocabulary.encode_all(pairs.sources), target_vocabulary.encode_all(pairs.targets)
    rates = None
    if training.unknown_rate and source_vocabulary.unknown:
        rates = unknown_probabilities(sources, sizes.source, training.unknown_rate)
    encoded = EncodedPairs(
        sources,
        codec.encode(sources, targets),
        start=codec.start,
        reverse=architecture.capabilities.reverse,
        unknown_probabilities=rates,
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
        group.broadcast(0)  # nobody writes before all have read
    questions = None if held_out is None else Questions(held_out, source_vocabulary, target_vocabulary)
    tell: Report = report if report is not None else lambda _: None
    shapes = shapes_of(architecture.specs)
    size, trained = sum(map(prod, shapes.values())), []
    for member in range(members):
        config = replace(training, seed=training.seed + member)
        engine = engines.make(model, sizes, training=config)
        trained.append(engine)
        if member < len(progress.done):
            if checkpoints is not None:
                checkpoints.check_fits(progress.done[member], engine.weights)
            engine.set_weights(progress.done[member])
            continue
        converter = make_converter([engine], source_vocabulary, target_vocabulary, model)
        epochs = config.epochs or 0
        tell(Started(converter, len(pairs), len(held_out or ()), epochs, size, member + 1, members))
        if progress.state is None:
            kept_start = None if start is None else (start.artefact, member)
            engine.set_weights(_first_weights(model, config, source_vocabulary, target_vocabulary, kept_start))
        _fit_member(engine, converter, encoded, questions, config, progress, tell, checkpoints, group)
    converter = make_converter(trained, source_vocabulary, target_vocabulary, model)
    result = None
    if questions is not None:
        result = evaluate_and_calibrate(converter, questions, group, _pause(checkpoints, lambda: progress))
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
    codec = target_codec(model, source_vocabulary, target_vocabulary)
    specs = create_architecture(model, Sizes(len(source_vocabulary), codec.size)).specs
    weights = draw_weights(specs, training.initialization, training.seed)
    if start is not None:
        kept, member = start
        old = target_codec(model, kept.source_vocabulary, kept.target_vocabulary)
        positions: dict[Side, list[int]] = {
            "source": kept.source_vocabulary.places_in(source_vocabulary),
            "target": old.positions_in(codec),
        }
        copy_known_symbols(weights, specs, kept.members[member], positions)
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
    group: ProcessGroup,
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
    examiner = None if questions is None else Validator(engine, converter, questions, group, _pause(checkpoints, now))
    tell(Preparing())
    engine.prepare(encoded.batch(np.arange(min(len(encoded), training.batch_size or 1))))
    with engine.session(Execution(threads=True)):
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


def _pause(checkpoints: Checkpoints | None, progress: Callable[[], Progress]) -> Pause:
    """What is called between two parts of a long examination, which may have to end there."""
    return lambda: None if checkpoints is None else checkpoints.pause(progress)
