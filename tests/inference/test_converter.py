import numpy as np
import pytest

from henkan import Seq2Seq
from henkan.errors import SettingsError, UnanswerableError
from models import SOURCES, small_model


def test_answers_keep_the_callers_order(trained, words):
    sources, targets = words
    order = np.random.default_rng(0).permutation(len(sources))
    assert trained.predict([sources[k] for k in order]) == [targets[k] for k in order]


def test_batches_make_no_difference(monkeypatch):
    converter, _ = small_model()
    together = converter.convert(SOURCES * 3)
    monkeypatch.setattr("henkan.inference.converter.BATCH_SIZE", 2)
    for one, other in zip(together, converter.convert(SOURCES * 3), strict=True):
        assert one.prediction == other.prediction
        assert one.log_probability == pytest.approx(other.log_probability, rel=1e-12)


def test_nothing_asked_nothing_answered(trained):
    assert trained.predict([]) == []


def test_log_probabilities_are_those_of_the_answers(trained):
    for conversion in trained.convert(["a", "abc"]):
        assert -0.2 < conversion.log_probability < 0


def test_an_unknown_symbol_is_an_error_or_skipped(trained):
    with pytest.raises(UnanswerableError) as caught:
        trained.predict(["ab", "axb", "y"], unknown="error")
    assert (caught.value.index, caught.value.text) == (1, "axb")
    assert "unknown symbol 'x'" in str(caught.value)
    assert trained.predict(["ab", "axb", "c"], unknown="skip") == ["AB", "", "C"]
    with pytest.raises(SettingsError, match="unknown must be one of use, copy, skip, error"):
        trained.predict(["a"], unknown="guess")


def test_a_conversion_carries_the_reason(trained):
    known, unknown = trained.convert(["b", "?"], unknown="error")
    assert (known.prediction, known.reason) == ("B", None)
    assert (unknown.prediction, unknown.log_probability, unknown.reason) == (None, None, "unknown symbol '?'")


def test_a_runaway_answer_is_cut_off():
    converter, _ = small_model()
    engine = converter.model
    engine.parameters["decoder.by"][0] = -1e3  # never the end
    [conversion] = converter.convert(["1+2"])
    assert len(conversion.prediction) == 2 * (2 + 1)


def test_an_unknown_symbol_is_used_by_default(copyist):
    [conversion] = copyist.convert(["ab?"])
    assert conversion.unknown == ["symbol '?'"]
    assert conversion.prediction.startswith("AB")
    assert copyist.predict(["ab?"]) == [conversion.prediction]


def test_a_model_that_was_shown_none_cannot_read_unknown_symbols(words):
    model = Seq2Seq(recipe="modern", epochs=1).fit(*words)
    assert model.convert(["ab?"])[0].reason == "unknown symbol '?'"


@pytest.fixture(scope="module", params=[False, True], ids=["forwards", "reversed"])
def copyist(words, request):
    """A model that looks at what it writes down, and has seen many symbols become unknown."""
    sizes = {"epochs": 120, "batch_size": 8, "hidden_size": 32, "embedding_size": 8, "reverse": request.param}
    return Seq2Seq(dropout=0.0, embedding_dropout=0.0, unknown_rate=20, **sizes).fit(*words)


@pytest.mark.parametrize("text", ["ab", "a?b", "?ab", "ab?", "?"])
def test_unknown_symbols_are_copied_to_where_attention_looks(copyist, text):
    assert copyist.predict([text], unknown="copy") == [text.upper()]


def test_copying_needs_attention(trained):
    with pytest.raises(SettingsError, match="only by a model with attention"):
        trained.predict(["a?"], unknown="copy")


def test_several_answers_the_best_first(trained, words):
    for conversion, target in zip(trained.convert(words[0], beam=4, nbest=3), words[1], strict=True):
        assert conversion.nbest[0].prediction == conversion.prediction == target
        assert len({answer.prediction for answer in conversion.nbest}) == 3
        logs = [answer.log_probability for answer in conversion.nbest]
        assert logs[0] == max(logs) == conversion.log_probability
    with pytest.raises(SettingsError, match="nbest must be a whole number from 1 to the beam width, which is 2"):
        trained.convert(["a"], beam=2, nbest=3)
    with pytest.raises(SettingsError, match="beam must be"):
        trained.convert(["a"], beam=0)


def test_log_probabilities_of_given_targets(trained):
    [conversion] = trained.convert(["ab"])
    scores = trained.log_probability(["ab", "ab", "ab"], ["AB", "AC", "A?"])
    assert scores[0] == pytest.approx(conversion.log_probability, rel=1e-5)
    assert scores[1] < scores[0]
    assert scores[2] == float("-inf")  # it cannot write that


@pytest.fixture(scope="module")
def unsure():
    """A model of a task in which a third of the answers cannot be known, which it was shown on held-out pairs."""
    generator = np.random.default_rng(0)
    sources = ["".join(generator.choice(list("abc"), 4)) for _ in range(300)]
    targets = [source.upper() if generator.random() < 0.7 or "a" not in source else source for source in sources]
    settings = {"epochs": 15, "batch_size": 16, "hidden_size": 32, "embedding_size": 8}
    return Seq2Seq(recipe="modern", **settings).fit(sources[:200], targets[:200], dev=(sources[200:], targets[200:]))


def test_confidence_tells_what_can_be_known(unsure):
    sure, guess = unsure.convert(["bcbc", "aaaa"], confidence=True)
    assert 0.8 < sure.confidence <= 1
    assert guess.confidence < 0.8
    assert unsure.convert(["bcbc"])[0].confidence is None


def test_a_model_can_abstain_and_hand_over(unsure):
    sure, guess = unsure.convert(["bcbc", "aaaa"], abstain_below=0.8)
    assert (sure.prediction, sure.abstained) == ("BCBC", False)
    assert (guess.prediction, guess.abstained) == (None, True)
    assert "is below 0.8" in guess.reason
    assert unsure.predict(["bcbc", "aaaa"], abstain_below=0.8) == ["BCBC", ""]
    asked = []

    def dictionary(text):
        asked.append(text)
        return "from the dictionary"

    answers = unsure.predict(["bcbc", "aaaa"], abstain_below=0.8, fallback=dictionary)
    assert (answers, asked) == (["BCBC", "from the dictionary"], ["aaaa"])
    with pytest.raises(SettingsError, match="probability from 0 to 1"):
        unsure.predict(["a"], abstain_below=2)


def test_an_abstained_conversion_has_no_answers(unsure):
    [guess] = unsure.convert(["aaaa"], beam=3, nbest=3, abstain_below=0.8)
    assert (guess.prediction, guess.nbest, guess.ids) == (None, (), ())


def test_a_filled_model_never_writes_the_boundary(words):
    model = Seq2Seq(recipe="book", epochs=1, hidden_size=8).fit(*words)
    for conversion in model.convert(words[0], beam=6, nbest=6):
        assert 0 not in conversion.ids
        assert len({answer.prediction for answer in conversion.nbest}) == len(conversion.nbest)
    empty = Seq2Seq(recipe="book", epochs=1, hidden_size=8).fit(["a", "b"], ["", ""])
    assert empty.convert(["a"], beam=3)[0].prediction == ""


def test_feature_tags_are_never_copied():
    sources = [f"{word}\tV;{tag}" for word in ("ab", "ba", "aa", "bb") for tag in ("X", "Y")]
    model = Seq2Seq(features=True, epochs=2, hidden_size=8).fit(sources, [source[:2].upper() for source in sources])
    assert "\t" not in model.predict(["ab\tV;Z"], unknown="copy")[0]


def test_an_answer_is_written_in_the_targets_normalisation():
    model = Seq2Seq(target_normalization="NFC", epochs=80, batch_size=4, hidden_size=32, dropout=0.0)
    model.fit(["a", "b"], ["i\u0303", "x"])  # one symbol, composed
    assert model.predict(["a"]) == ["\u0129"]
    assert model._fitted.converter.target_vocabulary.join(["i", "\u0303"]) == "\u0129"
