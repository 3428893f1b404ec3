"""Train and use small sequence-to-sequence models that convert strings to strings, on a CPU, with NumPy.

>>> import henkan
>>> model = henkan.Seq2Seq(reverse=True, peeky=True).fit(sources, targets)  # doctest: +SKIP
>>> model.predict(["58+77"])  # doctest: +SKIP
['135']
"""

from henkan._version import __version__
from henkan.errors import (
    DataError,
    HenkanError,
    ModelFolderError,
    NotFittedError,
    SettingsError,
    UnanswerableError,
)
from henkan.estimator import Seq2Seq, combine, load
from henkan.inference.conversion import Conversion, Unknown
from henkan.training.events import Epoch, Estimated, Event, Labelled, Labelling, Preparing, Report, Started, Step

__all__ = [
    "Conversion",
    "DataError",
    "Epoch",
    "Estimated",
    "Event",
    "HenkanError",
    "Labelled",
    "Labelling",
    "ModelFolderError",
    "NotFittedError",
    "Preparing",
    "Report",
    "Seq2Seq",
    "SettingsError",
    "Started",
    "Step",
    "UnanswerableError",
    "Unknown",
    "__version__",
    "combine",
    "load",
]
