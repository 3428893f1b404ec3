import pytest

from henkan.errors import ModelFolderError, UnanswerableError
from henkan.text.tokenizer import Cutting
from henkan.text.vocabulary import Vocabulary

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"  # three people joined to one picture


@pytest.mark.parametrize(
    ("cutting", "string", "symbols"),
    [
        (Cutting(), "ab c", ["a", "b", " ", "c"]),
        (Cutting("graphemes"), f"a\u0320b{FAMILY}", ["a\u0320", "b", FAMILY]),
        (Cutting(" "), "k a\u0320 \u0261 e\u031e", ["k", "a\u0320", "\u0261", "e\u031e"]),
        (Cutting(" "), " k  a ", ["k", "a"]),
        (Cutting("--"), "a-b--c", ["a-b", "c"]),
        (Cutting(normalization="NFD"), "\uac01", ["\u1100", "\u1161", "\u11a8"]),
        (Cutting(normalization="NFC"), "e\u0301", ["\u00e9"]),
        (Cutting(features=True), "run\tV;PST", ["\tV", "\tPST", "r", "u", "n"]),
        (Cutting(features=True), "V", ["V"]),
        (Cutting(" ", features=True), "r u\tV", ["\tV", "r", "u"]),
        (Cutting(" "), "", []),
    ],
)
def test_cutting(cutting, string, symbols):
    pytest.importorskip("regex", reason="regex is not installed; `henkan[graphemes]` brings it")
    assert list(cutting.cut(string)) == symbols
    assert all(map(cutting.is_symbol, symbols))


def test_symbols_are_joined_as_they_were_cut():
    for cutting, string in ((Cutting(), "ab c"), (Cutting(" "), "k a e"), (Cutting("graphemes"), "a\u0320b")):
        assert cutting.join(cutting.cut(string)) == string


def test_what_is_the_same_after_normalisation():
    assert Cutting(" ", "NFC").normalize("k  e\u0301 ") == "k \u00e9"
    assert Cutting(normalization="NFD", features=True).normalize("\u00e9\tV") == "e\u0301\tV"


def test_a_tag_is_no_character():
    vocabulary = Vocabulary.of(["V\tV", "a\tN"], boundary=False, cutting=Cutting(features=True))
    assert vocabulary.symbols == ("\tN", "\tV", "V", "a")
    assert vocabulary.encode("V\tN") == [0, 2]
    with pytest.raises(UnanswerableError, match="unknown feature 'PST'"):
        vocabulary.encode("a\tPST")


def test_a_vocabulary_remembers_how_strings_are_cut():
    vocabulary = Vocabulary.of(["k a", "a"], boundary=True, cutting=Cutting(" ", "NFC"))
    again = Vocabulary.from_dict(vocabulary.to_dict())
    assert again.encode("a k") == [1, 2]
    assert again.decode([2, 1]) == "k a"
    assert again.longest == 2


@pytest.mark.parametrize("change", [{"unit": 5}, {"unit": ""}, {"unit": "k"}, {"features": 1, "strange": 2}])
def test_a_vocabulary_that_cannot_be_is_refused(change):
    values = Vocabulary.of(["k a"], boundary=True, cutting=Cutting(" ")).to_dict()
    values["cut"] = values["cut"] | change
    with pytest.raises(ModelFolderError):
        Vocabulary.from_dict(values)
