from copy import copy
from itertools import accumulate
from math import exp

import numpy as np
import pytest

from henkan import Seq2Seq
from henkan.errors import SettingsError, UnanswerableError
from henkan.inference.conversion import Request
from models import SOURCES, TRANSDUCER, small_model


def test_predictions_keep_the_order_of_the_sources(trained, words):
    sources, targets = words
    order = np.random.default_rng(0).permutation(len(sources))
    assert trained.predict([sources[k] for k in order]) == [targets[k] for k in order]


def test_batch_size_does_not_affect_predictions(monkeypatch):
    converter, _ = small_model()
    in_one_batch = converter.convert(SOURCES * 3)
    monkeypatch.setattr("henkan.inference.converter.BATCH_SIZE", 2)
    for one, other in zip(in_one_batch, converter.convert(SOURCES * 3), strict=True):
        assert one.prediction == other.prediction
        assert one.log_probability == pytest.approx(other.log_probability, rel=1e-12)


@pytest.mark.parametrize(
    "settings", [{}, {"target_reverse": True}, {"fill": True}, {"target_symbols": "-"}, TRANSDUCER], ids=str
)
@pytest.mark.parametrize("compiled", [False, True])
def test_predictions_are_those_of_the_conversions(settings, compiled):
    """`predict` joins the symbols of a batch at once."""
    converter, _ = small_model(dtype=np.float32, hidden_size=20, **settings)
    converter.model.set_weights({name: 6 * array for name, array in converter.model.weights.items()})
    if compiled:
        pytest.importorskip("numba", reason="numba is not installed; install `henkan[fast]`")
        converter.warm_up()
    predictions = converter.predict([*SOURCES, "?"], Request(unknown="skip"))
    assert predictions == [each.prediction or "" for each in converter.convert([*SOURCES, "?"])]
    assert len(set(predictions)) > 2


def test_kernels_remain_in_use_once_they_have_repaid_their_loading(monkeypatch):
    converter, _ = small_model()
    used = []
    encode = converter.model.encode
    monkeypatch.setattr(
        converter.model, "encode", lambda sources, execution: used.append(execution.compiled) or encode(sources)
    )
    monkeypatch.setattr("henkan.inference.source_reader.MIN_SYMBOLS_FOR_KERNELS", 10)
    for text in ("12+34", "1+1", "1+2", "5"):
        converter.convert([text])
    assert used == [False, False, True, True]


def test_no_sources_give_no_predictions(trained):
    assert trained.predict([]) == []


def test_log_probabilities_of_learnt_pairs_are_near_zero(trained):
    for conversion in trained.convert(["a", "abc"]):
        assert -0.2 < conversion.log_probability < 0


def test_unknown_symbol_raises_an_error_or_is_skipped(trained):
    with pytest.raises(UnanswerableError) as caught:
        trained.predict(["ab", "axb", "y"], unknown="error")
    assert (caught.value.index, caught.value.text) == (1, "axb")
    assert "unknown symbol 'x'" in str(caught.value)
    assert trained.predict(["ab", "axb", "c"], unknown="skip") == ["AB", "", "C"]
    with pytest.raises(SettingsError, match="unknown must be one of use, copy, skip, error"):
        trained.predict(["a"], unknown="guess")


def test_conversion_without_a_prediction_has_a_reason(trained):
    known, unknown = trained.convert(["b", "?"], unknown="error")
    assert (known.prediction, known.reason) == ("B", None)
    assert (unknown.prediction, unknown.log_probability, unknown.reason) == (None, None, "unknown symbol '?'")


def test_endless_prediction_is_cut_off():
    converter, _ = small_model()
    engine = converter.model
    engine.parameters["decoder.by"][0] = -1e3  # never predict the end
    [conversion] = converter.convert(["1+2"])
    assert len(conversion.prediction) == 2 * (2 + 1)


def test_unknown_symbol_is_used_by_default(copying_model):
    [conversion] = copying_model.convert(["ab?"])
    assert conversion.unknown == ["symbol '?'"]
    assert conversion.prediction.startswith("AB")
    assert copying_model.predict(["ab?"]) == [conversion.prediction]


def test_model_trained_without_unknown_symbols_cannot_read_them(words):
    model = Seq2Seq(recipe="modern", epochs=1).fit(*words)
    assert model.convert(["ab?"])[0].reason == "unknown symbol '?'"


@pytest.fixture(scope="module", params=[False, True], ids=["forwards", "reversed"])
def copying_model(words, request):
    """A model with attention that has seen many unknown symbols in training."""
    sizes = {"epochs": 120, "batch_size": 8, "hidden_size": 32, "embedding_size": 8, "reverse": request.param}
    return Seq2Seq(dropout=0.0, embedding_dropout=0.0, unknown_rate=20, **sizes).fit(*words)


@pytest.mark.parametrize("text", ["ab", "a?b", "?ab", "ab?", "?"])
def test_unknown_symbols_are_copied_where_attention_points(copying_model, text):
    assert copying_model.predict([text], unknown="copy") == [text.upper()]


def test_copying_needs_attention(trained):
    with pytest.raises(SettingsError, match="only by a model with attention"):
        trained.predict(["a?"], unknown="copy")


def test_nbest_stops_at_a_calibrated_probability_mass(trained, words):
    converter = replace_temperature(trained._fitted.converter, 4.0)

    def convert(**options):
        return converter.convert(words[0], Request(beam=6, nbest=6, **options))

    everything, sizes = convert(confidence=True), set()
    for mass in (0.0, 0.3, 0.6, 1.0):
        for found, full in zip(convert(mass=mass), everything, strict=True):
            targets = [each.prediction for each in full.nbest]
            [logs] = converter.score([full.source] * len(targets), targets, [4.0]).tolist()
            needed = [total >= mass for total in accumulate(map(exp, logs))]
            assert list(found.nbest) == list(full.nbest[: needed.index(True) + 1 if True in needed else None])
            assert found.confidence == full.confidence
            sizes.add(len(found.nbest))
    assert sizes == {1, 2, 3, 4, 5, 6}
    with pytest.raises(SettingsError, match=r"mass needs several predictions .* pass nbest and beam, such as nbest=5"):
        trained.convert(["a"], mass=0.9)
    for wrong in (95, -0.1, float("nan"), "0.9", True):
        with pytest.raises(SettingsError, match="mass must be a probability from 0 to 1"):
            trained.convert(["a"], beam=2, nbest=2, mass=wrong)
    assert len(trained.convert(["ab"], beam=3, nbest=3, mass=0.5)[0].nbest) == 1


def replace_temperature(converter, temperature):
    changed = copy(converter)
    changed.temperature = temperature
    return changed


def test_nbest_starts_with_the_best_prediction(trained, words):
    for conversion, target in zip(trained.convert(words[0], beam=4, nbest=3), words[1], strict=True):
        assert conversion.nbest[0].prediction == conversion.prediction == target
        assert len({hypothesis.prediction for hypothesis in conversion.nbest}) == 3
        log_probabilities = [hypothesis.log_probability for hypothesis in conversion.nbest]
        assert log_probabilities[0] == max(log_probabilities) == conversion.log_probability
    with pytest.raises(SettingsError, match="nbest must be a whole number from 1 to the beam width, which is 2"):
        trained.convert(["a"], beam=2, nbest=3)
    with pytest.raises(SettingsError, match="beam must be"):
        trained.convert(["a"], beam=0)


def test_log_probabilities_of_given_targets(trained):
    [conversion] = trained.convert(["ab"])
    scores = trained.log_probability(["ab", "ab", "ab"], ["AB", "AC", "A?"])
    assert scores[0] == pytest.approx(conversion.log_probability, rel=1e-5)
    assert scores[1] < scores[0]
    assert scores[2] == float("-inf")  # the target vocabulary has no '?'


@pytest.fixture(scope="module")
def calibrated_model():
    """A model calibrated on a task in which a third of the targets cannot be predicted."""
    generator = np.random.default_rng(0)
    sources = ["".join(generator.choice(list("abc"), 4)) for _ in range(300)]
    targets = [source.upper() if generator.random() < 0.7 or "a" not in source else source for source in sources]
    settings = {"epochs": 15, "batch_size": 16, "hidden_size": 32, "embedding_size": 8}
    return Seq2Seq(recipe="modern", **settings).fit(sources[:200], targets[:200], dev=(sources[200:], targets[200:]))


def test_confidence_is_low_for_unpredictable_targets(calibrated_model):
    certain, uncertain = calibrated_model.convert(["bcbc", "aaaa"], confidence=True)
    assert 0.8 < certain.confidence <= 1
    assert uncertain.confidence < 0.8
    assert calibrated_model.convert(["bcbc"])[0].confidence is None


def test_model_can_abstain_and_call_a_fallback(calibrated_model):
    certain, uncertain = calibrated_model.convert(["bcbc", "aaaa"], abstain_below=0.8)
    assert (certain.prediction, certain.abstained) == ("BCBC", False)
    assert (uncertain.prediction, uncertain.abstained) == (None, True)
    assert "is below 0.8" in uncertain.reason
    assert calibrated_model.predict(["bcbc", "aaaa"], abstain_below=0.8) == ["BCBC", ""]
    fallback_calls = []

    def dictionary(text):
        fallback_calls.append(text)
        return "from the dictionary"

    predictions = calibrated_model.predict(["bcbc", "aaaa"], abstain_below=0.8, fallback=dictionary)
    assert (predictions, fallback_calls) == (["BCBC", "from the dictionary"], ["aaaa"])
    with pytest.raises(UnanswerableError):  # before any further call of the fallback
        calibrated_model.predict(["aaaa", "?"], abstain_below=0.8, fallback=dictionary, unknown="error")
    assert fallback_calls == ["aaaa"]
    with pytest.raises(SettingsError, match="probability from 0 to 1"):
        calibrated_model.predict(["a"], abstain_below=2)


def test_abstained_conversion_has_no_predictions(calibrated_model):
    [uncertain] = calibrated_model.convert(["aaaa"], beam=3, nbest=3, abstain_below=0.8)
    assert (uncertain.prediction, uncertain.nbest, uncertain.ids) == (None, (), ())


def test_filled_model_never_predicts_the_boundary(words):
    model = Seq2Seq(recipe="book", epochs=1, hidden_size=8).fit(*words)
    for conversion in model.convert(words[0], beam=6, nbest=6):
        assert 0 not in conversion.ids
        assert len({hypothesis.prediction for hypothesis in conversion.nbest}) == len(conversion.nbest)
    empty_targets = Seq2Seq(recipe="book", epochs=1, hidden_size=8).fit(["a", "b"], ["", ""])
    assert empty_targets.convert(["a"], beam=3)[0].prediction == ""


def test_feature_tags_are_never_copied():
    sources = [f"{word}\tV;{tag}" for word in ("ab", "ba", "aa", "bb") for tag in ("X", "Y")]
    model = Seq2Seq(features=True, epochs=2, hidden_size=8).fit(sources, [source[:2].upper() for source in sources])
    assert "\t" not in model.predict(["ab\tV;Z"], unknown="copy")[0]


def test_prediction_has_the_target_normalisation():
    model = Seq2Seq(target_normalization="NFC", epochs=80, batch_size=4, hidden_size=32, dropout=0.0)
    model.fit(["a", "b"], ["i\u0303", "x"])  # one symbol, composed
    assert model.predict(["a"]) == ["\u0129"]
    assert model._fitted.converter.target_vocabulary.join(["i", "\u0303"]) == "\u0129"
