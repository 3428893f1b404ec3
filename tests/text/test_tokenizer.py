import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
        (Tokenizer(features=True, sort_tags=True), "run\tV; PST;V;", ["\tPST", "\tV", "r", "u", "n"]),
        (Tokenizer(features=True, tag_separator="|"), "run\tV|PST;3", ["\tV", "\tPST;3", "r", "u", "n"]),
        (Tokenizer(features=True, sort_tags=True, tag_separator=" "), "a\t V  PST ", ["\tPST", "\tV", "a"]),
        (Tokenizer(features=True, case="lower"), "Run\tV", ["\tV", "r", "u", "n"]),
        (Tokenizer(case="upper"), "straße", ["S", "T", "R", "A", "S", "S", "E"]),
        (Tokenizer(case="lower", normalization="NFC"), "E\u0301", ["\u00e9"]),
        (Tokenizer(case="upper", normalization="NFC"), "\u0390", ["\u03aa", "\u0301"]),
        (Tokenizer(" ", case="lower"), "K  Sh", ["k", "sh"]),
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


def test_normalize_gives_sources_that_are_read_alike_the_same_form():
    tokenizer = Tokenizer(" ", "NFC", "lower", features=True, sort_tags=True)
    assert tokenizer.normalize("K  E\u0301\tV; PST;V") == "k \u00e9\tPST;V"
    assert tokenizer.normalize("k\t;") == tokenizer.normalize("K") == "k"
    as_given = Tokenizer(features=True)
    assert as_given.normalize("a\tV;PST") != as_given.normalize("a\tPST;V")


@given(st.text(), st.sampled_from(["none", "NFC", "NFD", "NFKC", "NFKD"]), st.sampled_from(["lower", "upper"]))
@settings(derandomize=True, database=None)
def test_normalized_text_is_read_as_it_is(text, form, case):
    tokenizer = Tokenizer(normalization=form, case=case)
    assert list(tokenizer.tokenize(text)) == list(tokenizer.normalize(text))
    assert tokenizer.normalize(text) == tokenizer.normalize(tokenizer.normalize(text))


def test_text_and_tags_of_a_source():
    tokenizer = Tokenizer(features=True, tag_separator=",", sort_tags=True)
    assert (tokenizer.text("Run\tV,PST"), tokenizer.tags("Run\tV,PST")) == ("Run", ("PST", "V"))
    assert (tokenizer.text("Run"), tokenizer.tags("Run")) == ("Run", ())
    assert (Tokenizer().text("a\tb"), Tokenizer().tags("a\tb")) == ("a\tb", ())


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
