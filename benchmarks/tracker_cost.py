"""Measure which share of the training time a tracker takes.

    python benchmarks/tracker_cost.py TensorBoard

The time is processor time of the training thread, so that other programs do not count. Starting and ending a run is
printed apart: it takes as long for a short run as for a long one.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time

import henkan
from henkan.text.tasks import TASKS
from henkan.trackers.tracker import UPDATES_BETWEEN


class Timed:
    """Calls a tracker, and adds up the time of its calls in seconds: during training, and at its start and end."""

    def __init__(self, tracker: henkan.trackers.Tracker) -> None:
        self.tracker, self.during, self.around, self.started, self.ended = tracker, 0.0, 0.0, 0.0, 0.0

    def __call__(self, event: henkan.Event) -> None:
        start = time.thread_time()
        self.tracker(event)
        end = time.thread_time()
        if isinstance(event, henkan.Step | henkan.Epoch):
            self.during += end - start
            self.ended = end
        else:
            self.around += end - start
            self.started = self.started or end


def main() -> None:
    """Train one model, and print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tracker", choices=["TensorBoard", "MLflow", "WandB"])
    parser.add_argument("--every", type=int, default=UPDATES_BETWEEN)
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    pairs = TASKS["addition"].generate(options.pairs, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        timed = Timed(getattr(henkan.trackers, options.tracker)(every=options.every))
        settings = {"epochs": options.epochs, "calibrate_outside": False}
        henkan.Seq2Seq(**settings).fit(pairs.sources, pairs.targets, callback=timed)
        os.chdir("/")
    whole = timed.ended - timed.started
    print(f"{options.tracker}: {timed.during / whole:.2%} of {whole:.1f} s; start and end {timed.around:.2f} s")


if __name__ == "__main__":
    main()
