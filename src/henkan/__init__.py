"""Train and use small sequence-to-sequence models that convert strings to strings, on a CPU, with NumPy.

>>> import henkan
>>> model = henkan.Seq2Seq(reverse=True, peeky=True).fit(sources, targets)  # doctest: +SKIP
>>> model.predict(["58+77"])  # doctest: +SKIP
['135']
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from henkan._version import __version__
from henkan.errors import (
    CheckpointError,
    DataError,
    EngineError,
    HenkanError,
    ModelFolderError,
    NotFittedError,
    SettingsError,
    UnanswerableError,
)

if TYPE_CHECKING:
    from henkan.estimator import Seq2Seq, combine, compare, inspect, learning_curve, load, rank_unlabelled
    from henkan.evaluation.comparison import Comparison
    from henkan.evaluation.error_rates import Evaluation
    from henkan.inference.alignment import Alignment, Link
    from henkan.inference.conversion import Conversion, Unknown
    from henkan.inference.explanation import Choice, Explanation
    from henkan.selection.annotation.ranking import Proposal, Ranking
    from henkan.selection.curve.learning_curve import LearningCurve
    from henkan.storage.model_summary import ModelSummary
    from henkan.text.audit import Audit
    from henkan.training.events import (
        Calibrating,
        Ended,
        Epoch,
        Estimated,
        Event,
        Labelled,
        Labelling,
        Preparing,
        Report,
        Rollback,
        Started,
        Step,
    )

__all__ = [
    "Alignment",
    "Audit",
    "Calibrating",
    "CheckpointError",
    "Choice",
    "Comparison",
    "Conversion",
    "DataError",
    "Ended",
    "EngineError",
    "Epoch",
    "Estimated",
    "Evaluation",
    "Event",
    "Explanation",
    "HenkanError",
    "Labelled",
    "Labelling",
    "LearningCurve",
    "Link",
    "ModelFolderError",
    "ModelSummary",
    "NotFittedError",
    "Preparing",
    "Proposal",
    "Ranking",
    "Report",
    "Rollback",
    "Seq2Seq",
    "SettingsError",
    "Started",
    "Step",
    "UnanswerableError",
    "Unknown",
    "__version__",
    "combine",
    "compare",
    "inspect",
    "learning_curve",
    "load",
    "rank_unlabelled",
]

MODULES = {
    "henkan.estimator": ("Seq2Seq", "combine", "compare", "inspect", "learning_curve", "load", "rank_unlabelled"),
    "henkan.evaluation.comparison": ("Comparison",),
    "henkan.evaluation.error_rates": ("Evaluation",),
    "henkan.inference.alignment": ("Alignment", "Link"),
    "henkan.inference.conversion": ("Conversion", "Unknown"),
    "henkan.inference.explanation": ("Choice", "Explanation"),
    "henkan.storage.model_summary": ("ModelSummary",),
    "henkan.selection.annotation.ranking": ("Proposal", "Ranking"),
    "henkan.selection.curve.learning_curve": ("LearningCurve",),
    "henkan.text.audit": ("Audit",),
    "henkan.training.events": (
        *("Calibrating", "Ended", "Epoch", "Estimated", "Event", "Labelled", "Labelling", "Preparing", "Report"),
        *("Rollback", "Started", "Step"),
    ),
}
"""Module -> names, imported when they are first used: `henkan predict` does not wait for the imports of training."""


def __getattr__(name: str) -> Any:
    if name == "trackers":
        return import_module("henkan.trackers")
    for module, names in MODULES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(module), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*(name for name in globals() if name.startswith("__")), *__all__, "trackers"})
