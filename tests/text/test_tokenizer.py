import pytest

from henkan.errors import ModelFolderError, UnanswerableError
from henkan.text.tokenizer import Tokenizer
from henkan.text.vocabulary import Vocabulary

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"  # one grapheme of three joined emoji


@pytest.mark.parametrize(
    ("tokenizer", "string", "symbols"),
    [
        (Tokenizer(), "ab c", ["a", "b", " ", "c"]),
        (Tokenizer("graphemes"), f"a\u0320b{FAMILY}", ["a\u0320", "b", FAMILY]),
        (Tokenizer(" "), "k a\u0320 \u0261 e\u031e", ["k", "a\u0320", "\u0261", "e\u031e"]),
        (Tokenizer(" "), " k  a ", ["k", "a"]),
        (Tokenizer("--"), "a-b--c", ["a-b", "c"]),
        (Tokenizer(normalization="NFD"), "\uac01", ["\u1100", "\u1161", "\u11a8"]),
        (Tokenizer(normalization="NFC"), "e\u0301", ["\u00e9"]),
        (Tokenizer(features=True), "run\tV;PST", ["\tV", "\tPST", "r", "u", "n"]),
        (Tokenizer(features=True), "V", ["V"]),
        (Tokenizer(" ", features=True), "r u\tV", ["\tV", "r", "u"]),
        (Tokenizer(" "), "", []),
    ],
)
def test_strings_are_tokenized_by_unit_and_normalisation(tokenizer, string, symbols):
    pytest.importorskip("regex", reason="regex is not installed; `henkan[graphemes]` brings it")
    assert list(tokenizer.tokenize(string)) == symbols
    assert all(map(tokenizer.is_symbol, symbols))


def test_join_inverts_tokenize():
    for tokenizer, string in ((Tokenizer(), "ab c"), (Tokenizer(" "), "k a e"), (Tokenizer("graphemes"), "a\u0320b")):
        assert tokenizer.join(tokenizer.tokenize(string)) == string


def test_normalize_applies_unicode_form_and_separators():
    assert Tokenizer(" ", "NFC").normalize("k  e\u0301 ") == "k \u00e9"
    assert Tokenizer(normalization="NFD", features=True).normalize("\u00e9\tV") == "e\u0301\tV"


def test_feature_tags_differ_from_characters():
    vocabulary = Vocabulary.of(["V\tV", "a\tN"], boundary=False, tokenizer=Tokenizer(features=True))
    assert vocabulary.symbols == ("\tN", "\tV", "V", "a")
    assert vocabulary.encode("V\tN") == [0, 2]
    with pytest.raises(UnanswerableError, match="unknown feature 'PST'"):
        vocabulary.encode("a\tPST")


def test_saved_vocabulary_keeps_its_tokenizer():
    vocabulary = Vocabulary.of(["k a", "a"], boundary=True, tokenizer=Tokenizer(" ", "NFC"))
    again = Vocabulary.from_dict(vocabulary.to_dict())
    assert again.encode("a k") == [1, 2]
    assert again.decode([2, 1]) == "k a"
    assert again.longest == 2


@pytest.mark.parametrize("change", [{"unit": 5}, {"unit": ""}, {"unit": "k"}, {"features": 1, "strange": 2}])
def test_invalid_tokenizer_settings_are_refused(change):
    values = Vocabulary.of(["k a"], boundary=True, tokenizer=Tokenizer(" ")).to_dict()
    values["cut"] = values["cut"] | change
    with pytest.raises(ModelFolderError):
        Vocabulary.from_dict(values)
