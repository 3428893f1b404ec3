"""Held-out pairs, asked part by part: what training measures itself by, and what calibrates a trained model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from henkan.batching.encoded_pairs import EncodedPairs
from henkan.engine.base import Engine, Team
from henkan.evaluation.error_rates import AT_ONCE, Answered, Tally
from henkan.evaluation.evaluation_set import Questions
from henkan.inference.calibration import TEMPERATURES, Calibration
from henkan.inference.converter import BATCH_SIZE, Converter

Pause = Callable[[], None]


def parts(count: int, pause: Pause) -> Iterator[slice]:
    """The rows of some pairs, as many at a time as the memory is to hold, and a pause after each part.

    Every member of a team goes through them, for a pause is one of all.
    """
    for start in range(0, count, AT_ONCE):
        yield slice(start, min(start + AT_ONCE, count))
        pause()


class HeldOut:
    """Measures a model on held-out pairs; a pair whose target it cannot write has no loss.

    Of a team, the leader measures and tells the others.
    """

    def __init__(self, engine: Engine, converter: Converter, questions: Questions, team: Team, pause: Pause) -> None:
        self.engine, self.converter, self.questions, self.team, self.pause = engine, converter, questions, team, pause
        vocabularies = converter.source_vocabulary, converter.target_vocabulary
        sources, readable = vocabularies[0].encode_known(questions.pairs.sources, use_unknown=True)
        targets, writable = vocabularies[1].encode_known(questions.pairs.targets)
        self.encoded = EncodedPairs(sources, targets, *vocabularies, reverse=converter.reverse)
        self.rows = np.flatnonzero(readable & writable)

    def exact_match(self) -> float:
        """The share of the pairs that are answered rightly."""
        tally = Tally()
        for part in parts(len(self.questions), self.pause):
            if self.team.rank == 0:
                tally.add(self.questions.ask(self.converter, part))
        return self.team.share(tally.exact_match)

    def loss(self) -> float:
        """The mean loss of the pairs, in nats a symbol."""

        def of(start: int) -> tuple[float, int]:
            batch = self.encoded.batch(self.rows[start : start + BATCH_SIZE])
            return self.engine.loss(batch), int(batch.targets.valid.sum())

        total, symbols = 0.0, 0
        for part in parts(len(self.rows), self.pause):
            if self.team.rank == 0:
                for loss, count in self.engine.map(of, range(part.start, part.stop, BATCH_SIZE)):
                    total, symbols = total + loss * count, symbols + count
        return self.team.share(total / max(1, symbols))


def examine(converter: Converter, questions: Questions, team: Team, pause: Pause) -> Tally | None:
    """Measure a trained converter, and give it the temperature that fits its answers; the leader of a team alone."""
    tally, calibration = Tally(), Calibration()
    for part in parts(len(questions), pause):
        if team.rank == 0:
            answers = questions.ask(converter, part)
            tally.add(answers)
            _calibrate(calibration, converter, answers)
    if tally.total > tally.unanswerable:
        converter.temperature = calibration.temperature()
    return tally if team.rank == 0 else None


def _calibrate(calibration: Calibration, converter: Converter, answers: Sequence[Answered]) -> None:
    """Take some answers into account."""
    given = [each for each in answers if each.conversion.prediction is not None]
    scores = converter.score(
        [each.conversion.source for each in given],
        [each.conversion.prediction or "" for each in given],
        TEMPERATURES,
    )
    calibration.add(scores, [each.right for each in given])
