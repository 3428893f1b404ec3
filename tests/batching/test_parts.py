import numpy as np
import pytest

from henkan.batching.batch import source_batches
from henkan.batching.parts import LONG, MAX_SYMBOLS, divide


@pytest.mark.parametrize("sides", [1, 2])
def test_ordinary_batches_are_not_divided(sides):
    lengths = np.random.default_rng(0).integers(0, LONG * sides + 1, 256)
    [part] = divide(lengths, sides=sides)
    assert part.tolist() == list(range(256))


def test_similar_long_strings_share_a_batch():
    [part] = divide(np.full(MAX_SYMBOLS // 1000, 1000))
    assert len(part) == MAX_SYMBOLS // 1000


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("longest", [100, 2000, 10**6])
def test_parts_are_limited_and_have_every_row_once(longest, copies):
    generator = np.random.default_rng(longest)
    lengths = np.concatenate([generator.integers(0, 12, 200), generator.integers(longest // 9, longest, 56)])
    parts = divide(lengths, copies=copies)
    assert sorted(np.concatenate(parts).tolist()) == list(range(256))
    longest_of_parts = [int(lengths[part].max()) for part in parts]
    assert longest_of_parts == sorted(longest_of_parts, reverse=True)
    for part in parts:
        padded = len(part) * lengths[part].max()
        assert padded * copies <= MAX_SYMBOLS or len(part) == 1
        assert lengths[part].max() <= max(LONG, 2 * lengths[part].min())


def test_a_long_string_is_not_batched_with_one_short_string():
    assert [part.tolist() for part in divide(np.array([4, 10_000]))] == [[1], [0]]


def test_a_long_source_gets_a_batch_of_its_own():
    ids = [[1] * 4] * 255 + [[1] * 2000]
    batches = list(source_batches(ids, 2, reverse=False, size=256))
    assert [sources.ids.shape for _, sources in batches] == [(2000, 1), (4, 255)]
    assert batches[0][0].tolist() == [255]


def test_halves_have_the_columns_of_the_batch():
    [(_, sources)] = source_batches([[1, 2, 3], [1, 2], [3], [], [2, 2]], 4, reverse=True, size=5)
    longer, shorter = sources.halves()
    assert longer.ids.T.tolist() == [[3, 2, 1], [2, 1, 0], [2, 2, 0]]
    assert (longer.active.tolist(), shorter.active.tolist()) == ([3, 3, 1], [1])
    assert shorter.ids.tolist() == [[3, 0]]
