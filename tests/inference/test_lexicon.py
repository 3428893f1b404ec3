from dataclasses import replace

import pytest

from henkan import Seq2Seq
from henkan.errors import DataError
from henkan.inference.lexicon import Lexicon
from henkan.text.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def model():
    return Seq2Seq(epochs=50).fit(["ab", "ba"], ["AB", "BA"])


def test_known_sources_are_not_predicted(model):
    assert model.predict(["ab", "xyz", "ba"], lexicon={"ab": "42", "xyz": ["u", "v"]}) == ["42", "u", "BA"]
    assert model.predict(["ab"], lexicon={}) == ["AB"]


def test_conversions_tell_where_they_come_from(model):
    known, other = model.convert(["ab", "ba"], lexicon={"ab": ["one", "two", "one"]}, beam=2, nbest=2, confidence=True)
    assert (known.prediction, known.origin, known.log_probability, known.confidence) == ("one", "lexicon", None, None)
    assert [(each.prediction, each.log_probability) for each in known.nbest] == [("one", None), ("two", None)]
    assert (other.prediction, other.origin, len(other.nbest)) == ("BA", "model", 2)
    assert model.convert(["ab"], lexicon={"ab": ["one", "two"]})[0].nbest == ()
    [free] = model.convert(["ba"], beam=2, nbest=2, confidence=True)
    assert free == replace(other, origin="")


def test_a_lexicon_answers_what_the_model_would_refuse(model):
    long = "ab" * 500
    assert model.predict([long, "語"], unknown="error", lexicon={long: "L", "語": "go"}) == ["L", "go"]
    assert model.convert(["ab"], abstain_below=1.0, lexicon={"ab": "1"})[0].prediction == "1"
    assert model.predict(["ab", "ba"], allow=["AB", "BA"], lexicon={"ab": "not allowed"})[0] == "not allowed"


def test_sources_are_looked_up_as_the_model_reads_them():
    tokenizer = Tokenizer(normalization="NFC", case="lower")
    lexicon = Lexicon([("CAFÉ", "kafe")], tokenizer.normalize)
    assert lexicon.targets("cafe\N{COMBINING ACUTE ACCENT}") == ["kafe"]
    assert lexicon.targets("cafe") == []
    assert len(lexicon) == 1


def test_a_source_is_looked_up_in_the_next_lexicon_only_if_it_is_not_in_the_first():
    second = Lexicon([("a", "1"), ("b", "2"), ("b", "3"), ("b", "2")], str.lower)
    first = Lexicon([("A", "4"), ("a", "5")], str.lower, second)
    assert [first.targets(text) for text in ("a", "B", "c")] == [["4", "5"], ["2", "3"], []]
    assert (len(first), len(second)) == (1, 2)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["ab"], r"lexicon is \['ab'\]; give a dictionary of sources and targets"),
        ({"ab": 3}, r"lexicon\['ab'\] is 3; give a list of strings"),
        ({3: "ab"}, r"lexicon\[0\] is 3, not a string"),
    ],
)
def test_invalid_lexicons(model, entries, message):
    with pytest.raises(DataError, match=message):
        model.predict(["ab"], lexicon=entries)
