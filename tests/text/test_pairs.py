import io
from unicodedata import normalize

import pytest

from henkan.errors import DataError
from henkan.text.pairs import Pairs, hold_out, write_pairs


def test_pairs_are_written_as_lines():
    out = io.BytesIO()
    write_pairs(Pairs(["a"], ["é"]), out)
    assert out.getvalue() == "a\té\n".encode()


@pytest.mark.parametrize("text", ["a\tb", "a\nb", "a\0b", "\ud800", "a\r"])
def test_characters_that_a_line_cannot_contain_are_refused(text):
    out = io.BytesIO()
    with pytest.raises(DataError, match=r"pair 2 .* write JSON Lines instead"):
        write_pairs(Pairs(["a", "b"], ["c", text]), out)
    assert out.getvalue() == b"a\tc\n"


def test_a_tenth_is_held_out_depending_on_the_seed():
    pairs = Pairs.of((str(k), str(-k)) for k in range(100))
    train, held_out = hold_out(pairs, seed=1)
    assert (len(train), len(held_out)) == (90, 10)
    assert sorted([*train.sources, *held_out.sources]) == sorted(pairs.sources)
    assert all(int(source) == -int(target) for source, target in zip(train.sources, train.targets, strict=True))
    assert hold_out(pairs, seed=1)[1] == held_out
    assert hold_out(pairs, seed=2)[1] != held_out


def test_equal_sources_are_in_the_same_part():
    pairs = Pairs.of((str(k % 20), str(k)) for k in range(100))
    train, held_out = hold_out(pairs, seed=0)
    assert not set(train.sources) & set(held_out.sources)
    assert len(held_out) == 10


def test_a_single_source_cannot_be_split():
    with pytest.raises(DataError, match="at least two distinct sources are needed"):
        hold_out(Pairs(["a", "a"], ["b", "c"]), seed=0)


def test_different_numbers_of_sources_and_targets_are_refused():
    with pytest.raises(DataError, match="2 sources but 1 targets"):
        Pairs(["a", "b"], ["c"])


def test_sources_equal_after_normalisation_are_in_the_same_part():
    words = [f"{letter}e\u0301" for letter in "abcdefghij"]
    both = Pairs([*words, *(normalize("NFC", word) for word in words)], ["x"] * 20)
    kept, held_out = hold_out(both, 0, normalize=lambda text: normalize("NFC", text))
    assert len(held_out) == 2
    assert not {normalize("NFC", s) for s in held_out.sources} & {normalize("NFC", s) for s in kept.sources}
