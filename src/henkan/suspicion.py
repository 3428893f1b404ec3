"""Which rows of one's own data look wrong: those that models trained on all other rows do not believe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isnan, nan

import numpy as np

from henkan import fitting
from henkan.config import ModelConfig, TrainingConfig
from henkan.engine.base import Engines
from henkan.errors import DataError, SettingsError
from henkan.fitting import DataSource
from henkan.text.pairs import Pairs

MOST_FOLDS = 100


@dataclass(frozen=True)
class Suspect:
    """A row, and what a model that has not seen it thinks of it.

    Attributes:
        source, target: the row.
        answer: the model's.
        log_probability: of the target, in nats; minus infinity if the model has never seen one of its symbols.
        margin: that less the answer's: how much less the model believes the row than its own answer; nan where it could
            not read the source, for want of a symbol.
    """

    source: str
    target: str
    answer: str
    log_probability: float
    margin: float


def suspects(
    pairs: Pairs,
    model: ModelConfig,
    training: TrainingConfig,
    *,
    folds: int = 5,
    report: Callable[[int, fitting.Event], None] | None = None,
    engines: Engines | None = None,
) -> list[Suspect]:
    """All rows, the least believable first, and last those of which nothing can be said.

    The rows are dealt out to so many parts, those of one source to the same; for each part a model is trained on all
    others, and asked about it.

    Args:
        pairs: the data.
        model, training: how to train.
        folds: how many parts, at least 2.
        report: told of every event, with the number of the part, from 1.
        engines: who does the arithmetic; None: NumPy.

    Raises:
        SettingsError: if there cannot be so many parts.
        DataError: if there are fewer different sources than parts.
    """
    if not isinstance(folds, int) or not 2 <= folds <= MOST_FOLDS:
        raise SettingsError(f"folds must be a whole number from 2 to {MOST_FOLDS}, not {folds!r}")
    training = replace(training, patience=None)  # nothing is held out that it could go by
    sources = list(map(fitting.cuttings(model)[0].normalize, pairs.sources))
    distinct = list(dict.fromkeys(sources))
    if len(distinct) < folds:
        raise DataError(
            f"{len(distinct)} different sources are too few for {folds} parts; give more pairs, or fewer --folds"
        )
    order = np.random.default_rng([training.seed, 5]).permutation(len(distinct))
    part_of = {distinct[place]: number % folds for number, place in enumerate(order)}
    parts = np.array([part_of[source] for source in sources])
    found = []
    for part in range(folds):

        def tell(event: fitting.Event, number: int = part + 1) -> None:
            if report is not None:
                report(number, event)

        asked = pairs.take(np.flatnonzero(parts == part).tolist())
        others = pairs.take(np.flatnonzero(parts != part).tolist())
        fitted = fitting.fit(others, None, model, training, data=DataSource(), report=tell, engines=engines)
        converter = fitted.converter
        answers = converter.convert(asked.sources)
        [scores] = converter.score(asked.sources, asked.targets).tolist()
        for conversion, target, score in zip(answers, asked.targets, scores, strict=True):
            unread = conversion.log_probability is None
            margin = nan if unread else score - (conversion.log_probability or 0.0)
            found.append(Suspect(conversion.source, target, conversion.prediction or "", score, margin))
    return sorted(found, key=lambda suspect: (isnan(suspect.margin), suspect.margin))
