"""The trials of a search, chosen and stored by Optuna."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from henkan.errors import SettingsError
from henkan.selection.tuning.space import Point, Space
from henkan.selection.tuning.trial import TrialResult

if TYPE_CHECKING:
    import optuna

NAME = "henkan"
LOST, ASKED = "lost points", "first points asked"
"""Attributes of the study: points of trials that an interruption has ended, and how many first points were tried."""

PRUNED_BELOW = 40.0
"""A trial is pruned if its value is below this percentile of those of earlier trials at the same step."""

TRIALS_BEFORE = 4
"""Number of complete trials before one is pruned."""


class Record(NamedTuple):
    """A trial.

    Attributes:
        number: its number, from 0.
        point: its settings.
        state: "complete", "pruned", "failed" or "running".
        steps: step -> value during training.
        measured: what was measured; None: not complete.
        reason: why it failed; empty if it did not.
    """

    number: int
    point: Point
    state: str
    steps: Mapping[int, float]
    measured: TrialResult | None
    reason: str


class Study:
    """The trials in a SQLite database.

    Args:
        path: the database, which is created if it does not exist.
        space: the settings.
        seed: random seed of the search.
        jobs: number of trials at the same time.
        warmup: number of steps before a trial is pruned.

    Raises:
        SettingsError: if Optuna is not installed, or the database cannot be read.
    """

    def __init__(self, path: Path, space: Space, *, seed: int, jobs: int, warmup: int) -> None:
        self.optuna, self.space, self.path = import_optuna(), space, path
        optuna = self.optuna
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with self._readable(), warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
            self.study = optuna.create_study(
                storage=storage, study_name=NAME, direction="maximize", load_if_exists=True, pruner=self._pruner(warmup)
            )
            count = len(self.study.get_trials(deepcopy=False))
            self.study.sampler = optuna.samplers.TPESampler(
                n_startup_trials=1, multivariate=True, constant_liar=jobs > 1, seed=seed + count
            )
            self._end_lost_trials()
        self.first_points = space.first_points(seed)
        self.running: dict[int, Any] = {}
        self.distributions = {
            name: optuna.distributions.CategoricalDistribution((None, *values)) for name, values in space.values.items()
        }

    def _pruner(self, warmup: int) -> optuna.pruners.BasePruner:
        return self.optuna.pruners.PercentilePruner(
            100 - PRUNED_BELOW, n_startup_trials=TRIALS_BEFORE, n_warmup_steps=warmup
        )

    def _end_lost_trials(self) -> None:
        """End the trials that were running when the search was interrupted. Their points are tried next."""
        running = self.optuna.trial.TrialState.RUNNING
        lost = self.get(LOST, [])
        for trial in self.study.get_trials(deepcopy=False, states=(running,)):
            point = trial.system_attrs.get("fixed_params", trial.params)
            if point.keys() == self.space.values.keys():
                lost = [*lost, dict(point)]
            self.study.tell(trial.number, state=self.optuna.trial.TrialState.FAIL)
        self.put(LOST, lost)

    def ask(self, proposal: Callable[[], Point | None] = lambda: None) -> tuple[int, Point]:
        """Start a trial.

        Args:
            proposal: returns the point to try next if there is no other that must be; None: Optuna chooses it.
        """
        with self._readable(), warnings.catch_warnings():
            warnings.simplefilter("ignore", self.optuna.exceptions.ExperimentalWarning)
            waiting = self.study.get_trials(deepcopy=False, states=(self.optuna.trial.TrialState.WAITING,))
            point = None if waiting else self._next_point(proposal)
            if point is not None:
                self.study.enqueue_trial(dict(point))
            trial = self.study.ask(self.distributions)
        self.running[trial.number] = trial
        return trial.number, dict(trial.params)

    def _next_point(self, proposal: Callable[[], Point | None]) -> Point | None:
        """Return the point to try next: a lost one, one of the first, or the proposal."""
        lost, asked = self.get(LOST, []), self.get(ASKED, 0)
        if lost:
            self.put(LOST, lost[1:])
            return dict(lost[0])
        if asked < len(self.first_points):
            self.put(ASKED, asked + 1)
            return dict(self.first_points[asked])
        return proposal()

    def report(self, number: int, step: int, value: float) -> bool:
        """Store a value during training; return whether the trial should be pruned."""
        with self._readable():
            self.running[number].report(value, step)
            return bool(self.running[number].should_prune())

    def complete(self, number: int, measured: TrialResult) -> None:
        """Store the result of a trial."""
        with self._readable():
            trial = self.running.pop(number)
            trial.set_user_attr("measured", to_text(measured))
            self.study.tell(trial, measured.value)

    def prune(self, number: int) -> None:
        """Record that a trial was pruned."""
        with self._readable():
            self.study.tell(self.running.pop(number), state=self.optuna.trial.TrialState.PRUNED)

    def fail(self, number: int, reason: str) -> None:
        """Record that a trial failed."""
        with self._readable():
            trial = self.running.pop(number)
            trial.set_user_attr("reason", reason)
            self.study.tell(trial, state=self.optuna.trial.TrialState.FAIL)

    def records(self) -> list[Record]:
        """Return the trials. Those that an interruption has ended are left out, because they are started again."""
        states = self.optuna.trial.TrialState
        names = {states.COMPLETE: "complete", states.PRUNED: "pruned", states.FAIL: "failed", states.RUNNING: "running"}
        with self._readable():
            found = self.study.get_trials(deepcopy=False, states=tuple(names))
        return [
            Record(
                each.number,
                dict(each.params),
                names[each.state],
                dict(each.intermediate_values),
                from_text(each.user_attrs["measured"]) if "measured" in each.user_attrs else None,
                each.user_attrs.get("reason", ""),
            )
            for each in found
            if each.state != states.FAIL or "reason" in each.user_attrs
        ]

    def put(self, name: str, value: Any) -> None:
        """Store a JSON value with the study."""
        with self._readable():
            self.study.set_user_attr(name, value)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value of `put`, or a default."""
        with self._readable():
            return self.study.user_attrs.get(name, default)

    def _readable(self) -> _Readable:
        return _Readable(self.path)


class _Readable:
    """Context manager that converts errors of the database."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None:
            return
        is_internal = kind.__module__ == "optuna.exceptions" and kind.__name__ == "StorageInternalError"  # a full disk
        if is_internal or kind.__module__.partition(".")[0] in ("sqlalchemy", "sqlite3"):
            raise SettingsError(
                f"{self.path}: the trials cannot be read or written; check permissions and free disk space and run "
                "the same command again, or delete the file to start over"
            ) from None


def import_optuna() -> Any:
    """Import Optuna.

    Raises:
        SettingsError: if it is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise SettingsError("the search for settings needs Optuna, which is not installed", "install_tune") from None
    return optuna


def to_text(measured: TrialResult) -> str:
    """Convert a result to JSON."""
    right = "".join("01"[each] for each in measured.right)
    return json.dumps({**asdict(measured), "right": right})


def from_text(text: str) -> TrialResult:
    """Restore a result from JSON."""
    values = json.loads(text)
    return TrialResult(**{**values, "right": [each == "1" for each in values["right"]]})
