import pickle

import pytest

from henkan.errors import ModelFolderError, UnanswerableError
from henkan.text.tokenizer import Tokenizer
from henkan.text.vocabulary import Vocabulary


def test_symbols_are_characters_in_code_point_order():
    vocabulary = Vocabulary.of(["ba", "c漢"], boundary=False)
    assert vocabulary.symbols == ("a", "b", "c", "漢")
    assert vocabulary.encode("cab") == [2, 0, 1]
    assert vocabulary.decode([3, 0]) == "漢a"
    assert (len(vocabulary), vocabulary.longest) == (4, 2)


def test_id_zero_of_targets_is_the_boundary():
    vocabulary = Vocabulary.of(["ab"], boundary=True)
    assert vocabulary.encode("ab") == [1, 2]
    assert vocabulary.decode([0, 1, 0, 2]) == "ab"
    assert len(vocabulary) == 3


def test_sources_are_padded_with_spaces():
    vocabulary = Vocabulary.of(["1", "123"], boundary=False, fill=True)
    assert vocabulary.encode("2") == [2, 0, 0]
    assert vocabulary.decode([2, 0, 0]) == "2"
    with pytest.raises(UnanswerableError, match=r"4 symbols \(this model reads at most 3\) in '1231'"):
        vocabulary.encode("1231")


def test_error_names_the_unknown_symbol_and_its_text():
    vocabulary = Vocabulary.of(["ab"], boundary=False)
    with pytest.raises(UnanswerableError) as caught:
        vocabulary.encode("axb", 7)
    assert str(caught.value) == "unknown symbol 'x' in 'axb'"
    assert (caught.value.text, caught.value.index) == ("axb", 7)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.text, copy.index) == (str(caught.value), "axb", 7)


def test_unknown_symbols_can_be_encoded_as_unknown():
    vocabulary = Vocabulary.of(["ab"], boundary=False, unknown=True)
    assert vocabulary.encode("axby", use_unknown=True) == [1, 0, 2, 0]
    assert vocabulary.unknown_symbols("axbyx") == ["symbol 'x'", "symbol 'y'"]
    assert Vocabulary.from_dict(vocabulary.to_dict()).encode("a?", use_unknown=True) == [1, 0]
    filled = Vocabulary.of(["ab"], boundary=False, unknown=True, fill=True)
    with pytest.raises(UnanswerableError, match="unknown symbol 'x'"):
        filled.encode("x", use_unknown=True)


@pytest.mark.parametrize("boundary", [False, True])
@pytest.mark.parametrize("fill", [False, True])
def test_vocabulary_survives_a_dict_round_trip(boundary, fill):
    vocabulary = Vocabulary.of(["ab", "語 c"], boundary=boundary, fill=fill)
    again = Vocabulary.from_dict(vocabulary.to_dict())
    assert again.to_dict() == vocabulary.to_dict()
    assert again.encode("a語") == vocabulary.encode("a語")


@pytest.mark.parametrize(
    "change",
    [
        {"symbols": ["a", "a"]},
        {"symbols": ["ab"]},
        {"symbols": "ab"},
        {"specials": ["start"]},
        {"longest": -1},
        {"longest": True},
        {"width": 3},
        {"cut": "words"},
        {"more": 1},
    ],
    ids=str,
)
def test_invalid_vocabularies_are_refused(change):
    values = Vocabulary.of(["ab"], boundary=True).to_dict() | change
    with pytest.raises(ModelFolderError):
        Vocabulary.from_dict(values)


@pytest.mark.parametrize("use_unknown", [False, True])
@pytest.mark.parametrize(
    "settings",
    [{}, {"unknown": True}, {"fill": True}, {"tokenizer": Tokenizer(" ")}],
    ids=["plain", "unknown", "fill", "cut"],
)
def test_encode_known_equals_encode_and_reports_refused_strings(settings, use_unknown):
    vocabulary = Vocabulary.of(["a b", "c"], boundary=False, **settings)
    strings = ["ab", "", "x", "a b", "c c c", "cb", "bx", "a"]
    encoded, known = vocabulary.encode_known(strings, use_unknown=use_unknown)
    assert len(encoded) == len(strings)
    for row, string in enumerate(strings):
        try:
            wanted = vocabulary.encode(string, use_unknown=use_unknown)
        except UnanswerableError:
            assert not known[row]
        else:
            assert known[row]
            assert encoded.flat[encoded.offsets[row] : encoded.offsets[row + 1]].tolist() == wanted
