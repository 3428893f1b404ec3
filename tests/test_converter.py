import numpy as np
import pytest

from henkan.errors import SettingsError, UnanswerableError
from models import SOURCES, small_model


def test_answers_keep_the_callers_order(trained, words):
    sources, targets = words
    order = np.random.default_rng(0).permutation(len(sources))
    assert trained.predict([sources[k] for k in order]) == [targets[k] for k in order]


def test_batches_make_no_difference(monkeypatch):
    converter, _ = small_model()
    together = converter.convert(SOURCES * 3)
    monkeypatch.setattr("henkan.converter.BATCH_SIZE", 2)
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
        trained.predict(["ab", "axb", "y"])
    assert (caught.value.index, caught.value.text) == (1, "axb")
    assert "unknown symbol 'x'" in str(caught.value)
    assert trained.predict(["ab", "axb", "c"], unknown="skip") == ["AB", "", "C"]
    with pytest.raises(SettingsError, match="error or skip"):
        trained.predict(["a"], unknown="guess")


def test_a_conversion_carries_the_reason(trained):
    known, unknown = trained.convert(["b", "?"])
    assert (known.prediction, known.reason) == ("B", None)
    assert (unknown.prediction, unknown.log_probability, unknown.reason) == (None, None, "unknown symbol '?'")


def test_a_runaway_answer_is_cut_off():
    converter, _ = small_model()
    engine = converter.engine
    engine.parameters["decoder.by"][0] = -1e3  # never the end
    [conversion] = converter.convert(["1+2"])
    assert len(conversion.prediction) == 2 * (2 + 1)
