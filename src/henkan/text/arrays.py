"""The type of a NumPy array outside `henkan.nn`, which has its own because it imports nothing else of henkan."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
