import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from henkan.batching.batch import source_batches
from henkan.batching.encoded_pairs import EncodedPairs, unknown_probabilities
from henkan.model import PlainTargets
from henkan.text.tokenizer import Sequences
from henkan.text.vocabulary import Vocabulary

STRINGS = st.lists(st.text("abc", max_size=6), min_size=1, max_size=8)


def test_padding_and_reversal():
    sequences = Sequences.of([[1, 2, 3], [], [4]], 5)
    ids, valid = sequences.padded(np.array([0, 2, 1]))
    assert ids.T.tolist() == [[1, 2, 3], [4, 0, 0], [0, 0, 0]]
    assert valid.T.tolist() == [[True, True, True], [True, False, False], [False, False, False]]
    ids, _ = sequences.padded(np.array([0, 2]), reverse=True)
    assert ids.T.tolist() == [[3, 2, 1], [4, 0, 0]]


def test_ids_have_the_smallest_sufficient_dtype():
    assert Sequences.of([[1]], 256).flat.dtype == np.uint8
    assert Sequences.of([[1]], 257).flat.dtype == np.uint16


def encode(sources, targets, *, reverse=False):
    vocabularies = Vocabulary.of(sources, boundary=False), Vocabulary.of(targets, boundary=True)
    return vocabularies, encode_texts(sources, targets, vocabularies, reverse=reverse)


def encode_texts(sources, targets, vocabularies, *, unknown_rate=0.0, reverse=False):
    source, codec = vocabularies[0], PlainTargets(vocabularies[1])
    ids = source.encode_all(sources)
    return EncodedPairs(
        ids,
        codec.encode(ids, vocabularies[1].encode_all(targets)),
        start=codec.start,
        reverse=reverse,
        unknown_probabilities=unknown_probabilities(ids, len(source), unknown_rate) if unknown_rate else None,
    )


def test_batch_targets_include_every_symbol_and_the_end():
    _, pairs = encode(["a", "bb"], ["xy", "x"])
    batch = pairs.batch(np.array([0, 1]))
    assert batch.sources.ids.T.tolist() == [[1, 1], [0, 0]]  # the longer source first
    assert batch.sources.active.tolist() == [2, 1]
    assert batch.targets.inputs.T.tolist() == [[0, 1, 0], [0, 1, 2]]
    assert batch.targets.ids.T.tolist() == [[1, 0, 0], [1, 2, 0]]
    assert batch.targets.valid.T.tolist() == [[True, True, False], [True, True, True]]
    assert batch.targets.active.tolist() == [2, 2, 2]  # the shorter target comes first, so no row may be dropped


def test_filled_targets_have_no_end():
    vocabularies = Vocabulary.of(["a"], boundary=False, fill=True), Vocabulary.of(["x", "yy"], boundary=True, fill=True)
    batch = encode_texts(["a"], ["x"], vocabularies, reverse=False).batch(np.array([0]))
    assert batch.targets.ids.T.tolist() == [[2, 1]]
    assert batch.targets.inputs.T.tolist() == [[0, 2]]


@given(STRINGS, st.booleans())
def test_every_pair_can_be_decoded_from_a_batch(strings, reverse):
    (sources, targets), pairs = encode(strings, strings[::-1], reverse=reverse)
    batch = pairs.batch(np.arange(len(strings)))
    decoded = []
    for column in range(len(strings)):
        length = int((batch.sources.active > column).sum())
        steps = int(batch.targets.valid[:, column].sum())
        source = sources.decode(batch.sources.ids[:length, column])
        assert (batch.targets.active[:steps] > column).all()
        decoded.append((source[::-1] if reverse else source, targets.decode(batch.targets.ids[:steps, column])))
        assert batch.targets.ids[steps - 1, column] == 0
    assert sorted(decoded) == sorted(zip(strings, strings[::-1], strict=True))


@given(st.integers(1, 20), st.integers(1, 7), st.booleans())
def test_epoch_contains_every_pair_once(count, size, by_length):
    strings = [chr(ord("a") + k) for k in range(count)]
    _, pairs = encode(strings, strings)
    batches = list(pairs.batches(size, np.random.default_rng(0), by_length=by_length))
    sizes = sorted((batch.size for batch in batches), reverse=True)
    assert sizes == [min(size, count - first) for first in range(0, count, size)]
    assert sorted(id for batch in batches for id in batch.sources.ids[0].tolist()) == list(range(count))


def test_batches_by_length_have_pairs_of_similar_lengths():
    generator = np.random.default_rng(0)
    strings = ["a" * length for length in generator.integers(1, 20, size=400)]
    _, pairs = encode(strings, strings)
    batches = list(pairs.batches(10, np.random.default_rng(0), by_length=True))
    padding = sum((~batch.targets.valid).sum() for batch in batches) / sum(
        batch.targets.valid.size for batch in batches
    )
    assert padding < 0.1  # about a half without sorting by length
    assert len({batch.targets.ids.shape[0] for batch in batches[:8]}) > 3  # batches are not sorted by length


def test_rare_symbols_are_replaced_by_unknown_most_often():
    strings = ["aaaaaaaaab"] * 50 + ["c"]
    vocabularies = Vocabulary.of(strings, boundary=False, unknown=True), Vocabulary.of(strings, boundary=True)
    pairs = encode_texts(strings, strings, vocabularies, reverse=False, unknown_rate=2.0)
    generator = np.random.default_rng(0)
    replaced = np.zeros(4)
    for _ in range(300):
        for batch in pairs.batches(64, generator):
            seen = np.bincount(batch.sources.ids[batch.sources.valid], minlength=4)
            replaced += [0, 450 - seen[1], 50 - seen[2], 1 - seen[3]]
            assert batch.targets.valid.sum() == 50 * 11 + 2
    np.testing.assert_allclose(replaced / 300, [0, 2 * 450 / 452, 2 * 50 / 52, 2 / 3], rtol=0.15)
    batch = pairs.batch(np.arange(len(strings)))
    assert batch.sources.ids[batch.sources.valid].all()  # outside training, no symbol is replaced


def test_source_batches_include_the_original_rows():
    ids = [[1], [2, 2, 2], [], [3, 3]]
    batches = list(source_batches(ids, 4, reverse=False, size=3))
    assert [rows.tolist() for rows, _ in batches] == [[1, 3, 0], [2]]
    assert batches[0][1].active.tolist() == [3, 2, 1]
    assert batches[1][1].ids.shape == (0, 1)
