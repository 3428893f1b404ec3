"""The type of a NumPy array outside `henkan.nn`, which imports nothing else of henkan and defines its own."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
