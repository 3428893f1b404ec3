"""Log training runs to Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from henkan.trackers.tracker import Run, Tracker
from henkan.training.events import Outcome

RUN = "henkan_run"
METRICS = ("epoch", "rollbacks", "train/*", "dev/*", "best/*", "final/*")


class WandB(Tracker[Any]):
    """Logs training runs to Weights & Biases. Needs `henkan[wandb]`.

    Project, entity and mode come from environment variables such as `WANDB_PROJECT` and `WANDB_MODE`, or from
    `init`. If a run is active when training starts (`wandb.run`), the model is logged there, and the run stays open.
    The members of an ensemble, and the ensemble, are runs of one group.

    Args:
        init: further arguments for `wandb.init`, such as `{"project": "names"}`.
        options: `name`, `every` and `warn`; see `Tracker`.
    """

    label, package, extra = "Weights & Biases", "wandb", "wandb"

    def __init__(self, init: Mapping[str, Any] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.init = dict(init or {})
        self._of_caller: Any = None  # a run that the caller has started
        self._continues = True  # whether the open run, if Weights & Biases has resumed it, is of this training run

    def start(self, run: Run) -> Any:
        """Start or continue a run."""
        import wandb

        active = None
        if run.ensemble is None and not run.teacher:
            active = self._of_caller = wandb.run
        if active is None:
            whole = run.ensemble or run
            kind = "model" if run.step is not None and run.member is None else "member" if run.member else "ensemble"
            group = None if kind == "model" else f"{whole.name}-{whole.id[:8]}"
            own = {"id": run.id, "resume": "allow", "name": run.name, "group": group, "job_type": kind}
            active = wandb.init(**{**own, "reinit": "create_new", **self.init})
        for name in METRICS:  # an axis of its own, because several metrics may be logged after the same update
            active.define_metric(name, step_metric="update")
        self._continues = active is not self._of_caller or active.config.get(RUN) == run.id
        active.config.update({**run.settings, RUN: run.id}, allow_val_change=True)
        return active

    def logged(self, handle: Any) -> tuple[int, int]:
        """Return the last update and epoch of a run that is continued; zeros offline."""
        if not (handle.resumed and self._continues):
            return 0, 0
        return int(handle.summary.get("update") or 0), int(handle.summary.get("epoch") or 0)

    def log(self, handle: Any, values: Mapping[str, float], step: int) -> None:
        """Log values."""
        handle.log({**values, "update": step})

    def finish(self, handle: Any, outcome: Outcome) -> None:
        """Finish the run, unless the caller has started it."""
        if handle is not self._of_caller:
            handle.finish(exit_code=int(outcome != "finished"))
