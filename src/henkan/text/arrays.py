"""The type of a NumPy array. `henkan.nn` has its own definition, because it imports nothing from other packages."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # importing it takes a tenth of the start of `henkan predict`
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    Array = np.ndarray
