"""What the training sources contained, and sources outside it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from henkan import ModelFolderError
from henkan.text.source_statistics import SourceStatistics
from henkan.text.tokenizer import Sequences, Tokenizer, tokenize
from henkan.text.training_range import TrainingRange

TAGS = Tokenizer(features=True)


def range_of(sources, tokenizer=Tokenizer()):  # noqa: B008
    return TrainingRange.from_tokens(tokenize(sources, tokenizer), tokenizer)


@given(st.lists(st.text("a1٣ ", max_size=12), min_size=1))
def test_statistics_of_each_source(sources):
    sequences, symbols = tokenize(sources, Tokenizer())
    found = SourceStatistics(sequences, symbols, features=False)
    assert found.lengths.tolist() == list(map(len, sources))
    spaced = ["".join(c if c.isdecimal() else " " for c in source) for source in sources]
    assert found.digits.tolist() == [max(map(len, text.split()), default=0) for text in spaced]
    assert found.blank.tolist() == [not source.strip() for source in sources]


def test_statistics_do_not_depend_on_the_blocks(monkeypatch):
    monkeypatch.setattr("henkan.text.source_statistics.CHUNK_ROWS", 2)
    sequences, symbols = tokenize(["12", "3a", "", "4567", "89"], Tokenizer())
    found = SourceStatistics(sequences, symbols, features=False)
    assert found.digits.tolist() == [2, 1, 0, 4, 2]
    nothing = SourceStatistics(Sequences(np.zeros(0, np.uint8), np.zeros(1, np.int64)), [], features=False)
    assert nothing.lengths.tolist() == []


def test_range_of_plain_sources():
    found = range_of(["58+7", "a 1234", "x"])
    assert found == TrainingRange(longest=6, digits=4, blank=False)
    assert range_of(["a", " "]).blank
    assert range_of([""]).blank


def test_range_of_sources_with_tags():
    """Tags do not count as symbols of the text, and neither their order nor repetitions matter."""
    found = range_of(["walk\tV;PST", "go\tPST;V;V", "we\t"], TAGS)
    assert found == TrainingRange(4, 0, False, frozenset([frozenset({"V", "PST"}), frozenset()]))


def test_outside():
    found = range_of(["58+7", "1+1"])
    assert found.outside("58+7", 4, ()) == {}
    assert found.outside("58+77+", 6, ()) == {"longer than in training": 0.5}
    assert found.outside("123", 3, ()) == {"longer number than in training": 0.5}
    assert found.outside("1a", 2, ["symbol 'a'", "symbol 'b'"]) == {"symbols not in training": 1}
    assert found.is_blank(" \u3000")
    assert not found.is_blank("a")
    assert not range_of([" ", "a"]).is_blank(" ")


def test_outside_by_tags():
    found = range_of(["walk\tV;PST", "walk\tN;PL"], TAGS)

    def kinds(*tags, unknown=()):
        return list(found.outside("walk", 4, unknown, frozenset(tags)))

    assert kinds("PST", "V") == []
    assert kinds("N", "PST") == ["tag combination not in training"]
    assert kinds() == ["no tags"]
    assert kinds("V", "FUT", unknown=["feature 'FUT'"]) == ["tags not in training"]


def test_union():
    joined = range_of(["ab\tV"], TAGS).joined(range_of(["12\tN"], TAGS))
    assert joined == TrainingRange(2, 2, False, frozenset([frozenset({"V"}), frozenset({"N"})]))


def test_very_many_tag_combinations_are_not_kept(monkeypatch):
    monkeypatch.setattr("henkan.text.training_range.MAX_TAG_SETS", 1)
    assert range_of(["a\tV", "a\tN"], TAGS).tag_sets is None


def test_round_trip():
    for found in (range_of(["a1"]), range_of(["walk\tV;PST", "a\t"], TAGS)):
        assert TrainingRange.from_dict(found.to_dict()) == found


@pytest.mark.parametrize(
    "change",
    [
        {"longest": -1},
        {"digits": True},
        {"blank": 1},
        {"tag_sets": [1]},
        {"tag_sets": 5},
        {"more": 1},
        {"longest": None},
    ],
)
def test_invalid_values_are_refused(change):
    with pytest.raises(ModelFolderError, match="training range"):
        TrainingRange.from_dict({**range_of(["a"]).to_dict(), **change})
    with pytest.raises(ModelFolderError, match="training range"):
        TrainingRange.from_dict({})
