"""Train a model and measure it on the validation set, as a call for a worker process."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from henkan._version import __version__
from henkan.evaluation.error_rates import evaluate
from henkan.selection.training_run import TrainingRun, train


@dataclass(frozen=True)
class Measurement:
    """What a model got right.

    Attributes:
        correct: whether the prediction is correct for each distinct source of the validation set, in order: "0" or "1".
        symbol_error_rate: edit operations per target symbol.
        seconds: time of the training run and the evaluation.
    """

    correct: str
    symbol_error_rate: float
    seconds: float

    @property
    def exact_match(self) -> float:
        """Share of the sources that are predicted correctly, from 0 to 1."""
        return self.correct.count("1") / len(self.correct)

    def to_dict(self) -> dict[str, Any]:
        """Convert the measurement to JSON values."""
        return {"correct": self.correct, "symbol_error_rate": self.symbol_error_rate, "seconds": self.seconds}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Measurement:
        """Restore a measurement from the values of `to_dict`.

        Raises:
            KeyError, TypeError, ValueError: if the values are invalid.
        """
        correct = values["correct"]
        if not isinstance(correct, str) or not correct or not set(correct) <= set("01"):
            raise ValueError(correct)
        return cls(correct, float(values["symbol_error_rate"]), float(values["seconds"]))


def measure(run: TrainingRun) -> Measurement:
    """Train a model and evaluate it on its validation set, of which it has the weights of the best epoch."""
    assert run.validation is not None
    start = time.perf_counter()
    found = evaluate(train(run).converter, run.validation)
    correct = "".join(str(int(each.right)) for each in found.predictions)
    return Measurement(correct, found.symbol_error_rate, round(time.perf_counter() - start, 3))


def fingerprint(run: TrainingRun) -> str:
    """Return what the measurement of a model depends on, as a SHA-256 sum: pairs, settings, seed and version."""
    assert run.validation is not None
    parts = [
        run.pairs.digest(),
        run.validation.digest(),
        [each.to_dict() for each in run.variants],
        run.seed,
        __version__,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
