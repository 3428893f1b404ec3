import numpy as np
import pytest

from henkan.batching.copy_ids import IMPOSSIBLE, NEVER, CopyIds, copies_of
from henkan.batching.encoded_pairs import EncodedPairs
from henkan.model import PlainTargets
from henkan.text.tokenizer import Tokenizer, tokenize
from henkan.text.vocabulary import Vocabulary

TAGGED = Tokenizer(features=True)


def test_copy_ids_are_target_ids_or_first_positions():
    target = Vocabulary.of(["ab"], boundary=True)
    copy_ids = CopyIds.of(tokenize(["xaxyb", "", "byx"], Tokenizer()), Tokenizer(), target)
    assert len(target) == copy_ids.symbols == 3
    assert [ids.tolist() for ids in map(copy_ids.ids.__getitem__, range(3))] == [[3, 1, 3, 6, 2], [], [2, 4, 5]]
    assert copy_ids.padded(np.array([0, 2]), reverse=True).T.tolist() == [[2, 6, 3, 1, 3], [5, 4, 2, NEVER, NEVER]]
    assert copy_ids.take(np.array([2])).ids.flat.tolist() == [2, 4, 5]
    assert copies_of("xaxyb", Tokenizer(), target) == {"x": 3, "y": 6}


def test_tags_and_symbols_that_no_target_can_have_are_never_copied():
    target = Vocabulary.of(["a PL"], boundary=True, tokenizer=Tokenizer(unit=" "))
    copy_ids = CopyIds.of(tokenize(["a x\tPL"], TAGGED), TAGGED, target)
    assert copy_ids.ids.flat.tolist() == [NEVER, 2, NEVER, 3 + 3]  # the tag, a, the separator of the targets, x
    assert copies_of(TAGGED.tokenize("a x\tPL"), TAGGED, target) == {"x": 6}
    words, letters = Tokenizer(unit=" "), Vocabulary.of(["ab"], boundary=True)
    assert CopyIds.of(tokenize(["a ab x"], words), words, letters).ids.flat.tolist() == [1, IMPOSSIBLE, 3 + 2]


@pytest.mark.parametrize("reverse", [False, True])
def test_replaced_symbols_can_only_be_copied(reverse):
    """All occurrences of a replaced symbol become unknown, and the targets that equal it are copies of it."""
    sources, targets = ["abab\tT", "ba", "cc"], ["aabd", "ab", "c"]
    source = Vocabulary.of(sources, boundary=False, unknown=True, tokenizer=TAGGED)
    target = Vocabulary.of(targets, boundary=True)
    codec, ids = PlainTargets(target), source.encode_all(sources)
    probabilities = np.zeros(len(source))
    probabilities[[source.id_of("a"), source.id_of("\tT")]] = 0.5
    pairs = EncodedPairs(
        ids,
        codec.encode(ids, target.encode_all(targets)),
        start=codec.start,
        reverse=reverse,
        unknown_probabilities=probabilities,
        copy_ids=CopyIds.of(tokenize(sources, TAGGED), TAGGED, target),
    )
    V, a, b, seen = len(target), target.id_of("a"), target.id_of("b"), set()
    for seed in range(60):
        batch = pairs.batch(np.arange(3), np.random.default_rng(seed))
        unknown, copy_ids = batch.sources.ids[:, 0] == 0, batch.sources.copy_ids[:, 0].tolist()
        tag, *text = zip(*(each[::-1] if reverse else each for each in (unknown.tolist(), copy_ids)), strict=True)
        assert tag[1] == NEVER
        assert text[0] == text[2]
        assert text[1] == text[3] == (False, b)
        (is_unknown, copied), wanted = text[0], batch.targets.ids[:5, 0].tolist()
        assert (copied >= V) == is_unknown
        assert wanted == [copied, copied, b, target.id_of("d"), 0]
        assert batch.targets.inputs[1:5, 0].tolist() == wanted[:4]
        assert copied == a or is_unknown
        seen.add((tag[0], is_unknown))
    assert len(seen) == 4
    plain = pairs.batch(np.arange(3))
    assert plain.targets.ids.max() < V
    assert plain.sources.copy_ids.max() < V
