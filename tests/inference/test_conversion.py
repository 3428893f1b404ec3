"""Sources of a conversion, and how they are computed."""

import pytest

from henkan.engine.base import Execution
from henkan.inference.source_reader import ReadableTexts


@pytest.mark.parametrize(
    ("texts", "symbols", "share", "execution"),
    [
        (1023, 1, 1.0, Execution()),
        (1024, 1, 1.0, Execution(threads=True)),
        (1000, 299, 1.0, Execution()),
        (1000, 300, 1.0, Execution(compiled=True)),
        (1000, 150, 0.5, Execution(compiled=True)),
        (2000, 300, 1.0, Execution(threads=True, compiled=True)),
    ],
)
def test_threads_and_kernels_are_chosen_by_the_size_of_the_input(texts, symbols, share, execution):
    """Many texts repay the start of threads, many symbols the loading of kernels, also if other calls share it."""
    assert ReadableTexts(list(range(texts)), [[1] * symbols] * texts).execution(share) == execution
