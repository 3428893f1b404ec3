"""The type of a NumPy array. `henkan.nn` has its own definition, because it imports nothing from other packages."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
