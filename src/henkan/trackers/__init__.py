"""Callbacks that log training runs to TensorBoard, MLflow and Weights & Biases.

>>> import henkan
>>> tracker = henkan.trackers.TensorBoard("runs", name="capitals")  # doctest: +SKIP
>>> henkan.Seq2Seq().fit(sources, targets, callback=tracker)  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from henkan.trackers.mlflow import MLflow
    from henkan.trackers.tensorboard import TensorBoard
    from henkan.trackers.tracker import Run, Tracker
    from henkan.trackers.wandb import WandB

__all__ = ["MLflow", "Run", "TensorBoard", "Tracker", "WandB"]

MODULES = {"MLflow": "mlflow", "Run": "tracker", "TensorBoard": "tensorboard", "Tracker": "tracker", "WandB": "wandb"}
"""Name -> module of this package, imported when the name is first used."""


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
