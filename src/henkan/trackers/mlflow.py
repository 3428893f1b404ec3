"""Log training runs to MLflow."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from henkan.trackers.tracker import Run, Tracker
from henkan.training.events import Outcome

STATUS = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
RUN_TAG = "henkan.run"
SECONDS_BETWEEN_REQUESTS = 5.0
MOST_METRICS, MOST_PARAMETERS = 500, 100  # of one request, below the limits of MLflow


class MLflow(Tracker[str]):
    """Logs training runs to MLflow. Needs `henkan[mlflow]`.

    Tracking server and experiment are those that MLflow is configured for, with `mlflow.set_tracking_uri`,
    `mlflow.set_experiment` or environment variables such as `MLFLOW_TRACKING_URI` and `MLFLOW_EXPERIMENT_NAME`. If a
    run is active when training starts, the model is logged there, and the run stays open. The members of an ensemble,
    and then the models that predict the targets of unlabelled sources, are nested runs. While a model is trained, its
    run is the active one.

    Args:
        options: `name`, `every` and `warn`; see `Tracker`.
    """

    label, package, extra = "MLflow", "mlflow", "mlflow"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._metrics: list[Any] = []  # not yet sent
        self._sent = 0.0
        self._of_caller: str | None = None  # id of a run that the caller has started
        self._resumed = False

    def start(self, run: Run) -> str:
        """Start or continue a run."""
        import mlflow

        active = mlflow.active_run()
        if active is not None and run.ensemble is None and not run.teacher:
            self._of_caller = active.info.run_id
        else:
            active = mlflow.start_run(_find(run.id), run_name=run.name, nested=active is not None)
        run_id = str(active.info.run_id)
        try:
            self._describe(run_id, run)
        except Exception:
            self.finish(run_id, "failed")
            raise
        return run_id

    def _describe(self, run_id: str, run: Run) -> None:
        """Log the settings of a run, unless it has them already."""
        import mlflow
        from mlflow.entities import Param

        client = mlflow.MlflowClient()
        data = client.get_run(run_id).data
        self._resumed = data.tags.get(RUN_TAG) == run.id
        client.set_tag(run_id, RUN_TAG, run.id)
        new = [Param(name, str(value)) for name, value in run.settings.items() if name not in data.params]
        for first in range(0, len(new), MOST_PARAMETERS):
            client.log_batch(run_id, params=new[first : first + MOST_PARAMETERS])
        if run.settings:
            client.set_tag(run_id, "henkan.version", run.settings["henkan"])

    def logged(self, handle: str) -> tuple[int, int]:
        """Return the last update and epoch of a run that is continued."""
        if not self._resumed:
            return 0, 0
        import mlflow

        client = mlflow.MlflowClient()
        losses, epochs = (client.get_metric_history(handle, name) for name in ("train/loss", "epoch"))
        return max((each.step for each in losses), default=0), int(max((each.value for each in epochs), default=0))

    def log(self, handle: str, values: Mapping[str, float], step: int) -> None:
        """Collect values, and send them every few seconds."""
        from mlflow.entities import Metric

        now = round(1000 * time.time())
        self._metrics += [Metric(name, value, now, step) for name, value in values.items()]
        if len(self._metrics) >= MOST_METRICS or time.monotonic() - self._sent > SECONDS_BETWEEN_REQUESTS:
            self._send(handle)

    def _send(self, handle: str) -> None:
        import mlflow

        metrics, self._metrics = self._metrics, []
        if metrics:
            mlflow.MlflowClient().log_batch(handle, metrics=metrics)
        self._sent = time.monotonic()

    def finish(self, handle: str, outcome: Outcome) -> None:
        """Send what is left, and set the status, unless the caller has started the run."""
        import mlflow

        try:
            self._send(handle)
        finally:
            if handle == self._of_caller:
                self._of_caller = None
            else:
                mlflow.end_run(STATUS[outcome])


def _find(run_id: str) -> str | None:
    """Return the MLflow id of the run that was started for this training run before it was interrupted."""
    import mlflow

    found = mlflow.search_runs(filter_string=f"tags.`{RUN_TAG}` = '{run_id}'", max_results=1, output_format="list")
    return str(found[0].info.run_id) if found else None
