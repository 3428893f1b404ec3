"""Validation after every epoch, and confidence calibration at the end of training."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from henkan.batching.encoded_pairs import EncodedPairs
from henkan.engine.base import Engine, ProcessGroup
from henkan.evaluation.evaluation_set import CHUNK_SIZE, Counts, EvaluationSet
from henkan.inference.calibration import TEMPERATURES, Calibration
from henkan.inference.converter import BATCH_SIZE, Converter

Pause = Callable[[], None]
"""Called between two parts of a long evaluation. It may raise an exception to stop training."""


def parts(count: int, pause: Pause) -> Iterator[slice]:
    """Yield slices of `count` rows, each small enough for memory, and call `pause` after each.

    In a process group, all processes must iterate over them, because `pause` synchronises the processes.
    """
    for start in range(0, count, CHUNK_SIZE):
        yield slice(start, min(start + CHUNK_SIZE, count))
        pause()


class Validator:
    """Evaluates a model on a validation set.

    Pairs with symbols that the model cannot read or predict are ignored in the loss. In a process group, process 0
    evaluates and broadcasts the result.

    Args:
        engine: the engine of the model.
        converter: a converter with the same engine.
        evaluation_set: the validation set.
        group: the process group.
        pause: called between two parts of the evaluation.
    """

    def __init__(
        self, engine: Engine, converter: Converter, evaluation_set: EvaluationSet, group: ProcessGroup, pause: Pause
    ) -> None:
        self.engine, self.converter, self.evaluation_set = engine, converter, evaluation_set
        self.group, self.pause = group, pause
        codec, pairs = converter.codec, evaluation_set.pairs
        sources, readable = converter.source_vocabulary.encode_known(pairs.sources, use_unknown=True)
        targets, writable = converter.target_vocabulary.encode_known(pairs.targets)
        self.encoded = EncodedPairs(
            sources,
            codec.encode(sources, targets),
            start=codec.start,
            reverse=converter.capabilities.reverse,
            copy_ids=converter.pairs.copy_ids(pairs.sources),
        )
        self.rows = np.flatnonzero(readable & writable)

    def exact_match(self) -> float:
        """Share of the distinct sources whose prediction equals one of their targets, from 0 to 1."""
        counts = Counts()
        for part in parts(len(self.evaluation_set), self.pause):
            if self.group.rank == 0:
                counts.add(self.evaluation_set.predict(self.converter, part)[0])
        return self.group.broadcast(counts.exact_match)

    def estimated_seconds(self) -> float:
        """Estimate how long `exact_match` takes, by scoring targets: an untrained model would predict long ones."""
        rows = self.rows[:: max(1, len(self.rows) // (2 * BATCH_SIZE))].tolist()
        if self.group.rank > 0 or not rows:
            return 0.0
        pairs, seconds = self.evaluation_set.pairs, []
        sources, targets = [pairs.sources[row] for row in rows], [pairs.targets[row] for row in rows]
        for _ in range(2):  # the first call is slower
            start = time.perf_counter()
            self.converter.score(sources, targets)
            seconds.append(time.perf_counter() - start)
        return min(seconds) / len(rows) * len(self.evaluation_set)

    def loss(self) -> float:
        """Mean loss of the pairs, in nats per symbol."""

        def batch_loss(start: int) -> list[tuple[float, int]]:
            parts = self.encoded.parts(self.rows[start : start + BATCH_SIZE])
            return [(self.engine.loss(each), int(each.targets.valid.sum())) for each in parts]

        total, symbols = 0.0, 0
        for part in parts(len(self.rows), self.pause):
            if self.group.rank == 0:
                for found in self.engine.map(batch_loss, range(part.start, part.stop, BATCH_SIZE)):
                    for loss, count in found:
                        total, symbols = total + loss * count, symbols + count
        return self.group.broadcast(total / max(1, symbols))


def evaluate_and_calibrate(
    converter: Converter, evaluation_set: EvaluationSet, group: ProcessGroup, pause: Pause
) -> Counts | None:
    """Evaluate a trained model, and set the temperature of its converter. In a process group, only process 0 does so.

    Returns:
        the counts of the predictions, or None in the other processes.
    """
    counts, calibration = Counts(), Calibration()
    for part in parts(len(evaluation_set), pause):
        if group.rank == 0:
            found, scores = evaluation_set.predict(converter, part, TEMPERATURES)
            counts.add(found)
            calibration.add(scores, [each.right for each in found])
    if counts.total > counts.unanswerable:
        converter.temperature = calibration.temperature()
    return counts if group.rank == 0 else None
