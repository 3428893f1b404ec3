"""A probe: a model trained briefly on a part of the training pairs, which shows how accurate predictions are outside.

The probe is trained on the pairs that `henkan.training.atypical_rows` leaves, and predicts the others. Its confidences
and its errors on these determine the confidence of sources outside the training data (`henkan.inference.outside`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from henkan.batching.batch import source_batches
from henkan.batching.encoded_pairs import EncodedPairs, unknown_probabilities
from henkan.config import TrainingConfig
from henkan.engine.base import Engine, Engines, Execution
from henkan.engine.numpy import NumpyEngines
from henkan.engine.workers import WORKERS
from henkan.inference.calibration import TEMPERATURES, Calibration
from henkan.inference.converter import BATCH_SIZE
from henkan.inference.outputs import SourceIds, find_outputs
from henkan.inference.outside import MIN_PREDICTIONS, Correction
from henkan.model import draw_weights
from henkan.text.arrays import Array
from henkan.text.vocabulary import UNKNOWN
from henkan.training.atypical_rows import COMBINATION_PROBES, AtypicalRows, choose_atypical_rows
from henkan.training.loop import train
from henkan.training.prepared import PreparedData
from henkan.training.state import TrainingState

UPDATE_SHARE = 0.3
MAX_UPDATES = 1500
"""A probe makes this share of the updates of a model, but at most this number."""

VALIDATION_SHARE = 0.1
MAX_PREDICTIONS = 1000
"""Number of predictions for the temperature, and for each kind of pairs."""

MAX_ROWS_TO_COMPARE = 200_000


def estimate_corrections(data: PreparedData, engines: Engines, pause: Callable[[], None]) -> dict[str, Correction]:
    """Train probes, and fit the correction of the confidence for each way of being outside the training data.

    Args:
        data: the training data, and the settings of the models that are trained.
        engines: factory for the engines. With several processes, this one uses the NumPy engine.
        pause: called after every update; it may raise an exception to stop.

    Returns:
        kind of `henkan.text.training_range.KINDS` -> correction, for the kinds that have enough pairs.
    """
    vocabulary, generator = data.source_vocabulary, np.random.default_rng([data.variant.training.seed, 6])
    groups = choose_atypical_rows(
        data.pairs.sources,
        vocabulary.symbols_by_id,
        features=vocabulary.tokenizer.features,
        unknown=vocabulary.unknown,
        generator=generator,
    )
    found: dict[str, list[tuple[Array, Array, Array]]] = defaultdict(list)
    for atypical in groups:
        rows = generator.permutation(np.flatnonzero(atypical.typical))
        held_out = min(MAX_PREDICTIONS, max(1, round(VALIDATION_SHARE * len(rows))))
        probe = _Probe(_train(data, engines, rows[held_out:], pause), data, atypical)
        logs, right = probe.predict(rows[:held_out], TEMPERATURES)
        calibration = Calibration()
        calibration.add(logs, right.tolist())
        for kind, distances in atypical.distances.items():
            rows = generator.permutation(atypical.rows(kind, MIN_PREDICTIONS))[:MAX_PREDICTIONS]
            [logs], right = probe.predict(rows, [calibration.temperature()])
            found[kind].append((np.exp(np.minimum(logs, 0.0)), distances[rows], right))
    with WORKERS.computing():
        fitted = {kind: Correction.fit(*map(np.concatenate, zip(*parts, strict=True))) for kind, parts in found.items()}
    return {kind: correction for kind, correction in fitted.items() if correction is not None}


def count_updates(data: PreparedData) -> int:
    """Return about how many updates `estimate_corrections` makes, if the data suffice for all probes."""
    probes = 1 + (COMBINATION_PROBES if data.source_vocabulary.tokenizer.features else 0)
    return probes * _updates(data.variant.training, len(data.epoch_pairs))


def _train(data: PreparedData, engines: Engines, rows: Array, pause: Callable[[], None]) -> Engine:
    """Train a probe on some rows."""
    config, rows = _plan(data.variant.training, len(data.epoch_pairs), rows)
    factory = engines if engines.group.size == 1 else NumpyEngines()
    engine = factory.make(data.variant.model, data.sizes, training=config)
    with WORKERS.computing():
        engine.set_weights(draw_weights(data.specs, config.initialization, config.seed))
    state = TrainingState(np.random.default_rng([config.seed, 3]))
    with engine.session(Execution(threads=True)):
        for _ in train(engine, _subset(data, rows, config), config, state, None):
            pause()
    return engine


def _plan(training: TrainingConfig, pairs: int, rows: Array) -> tuple[TrainingConfig, Array]:
    """Return the settings of the probe, and the rows that it is trained on."""
    batch_size, updates = training.batch_size or 1, _updates(training, pairs)
    rows = rows[: updates * batch_size]
    epochs = max(1, round(updates / -(-len(rows) // batch_size)))
    return replace(training, epochs=epochs, patience=None), rows


def _updates(training: TrainingConfig, pairs: int) -> int:
    """Return the number of updates of one probe."""
    return max(1, min(MAX_UPDATES, round(UPDATE_SHARE * training.total_updates(pairs))))


def _subset(data: PreparedData, rows: Array, config: TrainingConfig) -> EncodedPairs:
    sources, rate = data.pairs.sources.take(rows), config.unknown_rate
    has_unknown = rate > 0 and data.source_vocabulary.unknown
    return EncodedPairs(
        sources,
        data.pairs.targets.take(rows),
        start=data.pairs.start,
        reverse=data.pairs.reverse,
        unknown_probabilities=unknown_probabilities(sources, data.sizes.source, rate) if has_unknown else None,
        copy_ids=None if data.pairs.copy_ids is None else data.pairs.copy_ids.take(rows),
    )


@dataclass(frozen=True)
class _Probe:
    """A trained probe, which predicts training pairs.

    Attributes:
        engine: its engine.
        data: the training data.
        atypical: the pairs that it was not trained on, and the symbols that it reads as the unknown symbol.
    """

    engine: Engine
    data: PreparedData
    atypical: AtypicalRows

    def predict(self, rows: Array, temperatures: Sequence[float]) -> tuple[Array, Array]:
        """Return the log-probabilities (K, rows) of the predictions in nats, and whether each is correct (rows,)."""
        known = np.arange(self.data.sizes.source)
        known[self.atypical.held_out_ids] = UNKNOWN
        sources = [known[self.data.pairs.sources[row]].tolist() for row in rows.tolist()]
        logs, right = np.zeros((len(temperatures), len(rows))), np.zeros(len(rows), bool)
        pairs = self.data.pairs
        copy_ids = None if pairs.copy_ids is None else pairs.copy_ids.take(rows)
        batches = source_batches(sources, len(known), reverse=pairs.reverse, size=BATCH_SIZE, copy_ids=copy_ids)
        execution = Execution(compiled=True)
        for indices, batch in batches:
            encoded = self.engine.encode(batch, execution)
            ids = [self.data.pairs.sources[rows[index]].tolist() for index in indices.tolist()]
            found = find_outputs(self.engine, encoded, self.data.codec, SourceIds(ids), temperatures=temperatures)
            for index, [hypothesis] in zip(indices.tolist(), found, strict=True):
                logs[:, index] = hypothesis.calibrated
                right[index] = tuple(hypothesis.symbols) in self._targets(int(rows[index]))
        return logs, right

    def _targets(self, row: int) -> Iterable[tuple[int, ...]]:
        """The correct outputs for a source: all its targets or, among very many pairs, that of the row."""
        pairs = self.data.pairs
        if len(pairs) > MAX_ROWS_TO_COMPARE:
            return [tuple(pairs.targets[row].tolist())]
        return self._targets_by_source[pairs.sources[row].tobytes()]

    @cached_property
    def _targets_by_source(self) -> dict[bytes, set[tuple[int, ...]]]:
        pairs, found = self.data.pairs, defaultdict(set)
        for row in range(len(pairs)):
            found[pairs.sources[row].tobytes()].add(tuple(pairs.targets[row].tolist()))
        return dict(found)
