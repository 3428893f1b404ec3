"""Mixed ensembles: models of several kinds that combine strings."""

import json

import numpy as np
import pytest

import henkan
from henkan import Seq2Seq
from henkan.errors import SettingsError
from henkan.inference.conversion import Request
from henkan.inference.explanation import explain

SIZES = {"hidden_size": 24, "embedding_size": 8, "epochs": 30, "batch_size": 8, "calibrate_outside": False}
KINDS = [
    {"recipe": "edits", "augment": 0, "embedding_dropout": 0.0, "unknown_rate": 4.0},
    {"recipe": "words"},
    {"recipe": "words", "target_reverse": True, "seed": 3},
]


@pytest.fixture(scope="module")
def models(words):
    return [Seq2Seq(**SIZES, **kind).fit(*words) for kind in KINDS]


@pytest.fixture(scope="module")
def mixture(models, words):
    return henkan.combine(models, dev=words)


def test_the_score_is_the_mean_of_the_members(models, mixture, words):
    sources, targets = words
    each = [model.log_probability(sources, targets) for model in models]
    np.testing.assert_allclose(mixture.log_probability(sources, targets), np.mean(each, axis=0), rtol=1e-5)


def test_the_best_proposal_by_the_mean_is_predicted(models, mixture, words):
    sources = words[0][:20]
    for conversion in mixture.convert(sources, nbest=3, beam=4, confidence=True):
        source = conversion.source
        proposals = {
            answer.prediction for model in models for answer in model.convert([source], beam=4, nbest=4)[0].nbest
        }
        scores = {text: mixture.log_probability([source], [text])[0] for text in proposals}
        best = max(scores, key=scores.__getitem__)
        assert conversion.prediction == best
        assert conversion.log_probability == pytest.approx(scores[best], abs=1e-4)
        assert [answer.log_probability for answer in conversion.nbest] == sorted(
            (answer.log_probability for answer in conversion.nbest), reverse=True
        )
        assert 0 < conversion.confidence <= 1
    assert mixture.score(*words) >= max(model.score(*words) for model in models) - 0.05


def test_models_propose_more_than_one_output_only_if_they_differ(models, mixture):
    sources = [a + b + c for a in "abc" for b in "abc" for c in "abc"] + ["cabcabcab", "bbbbbbbb", "acacacac"]
    own = [model.predict(sources) for model in models]
    wide = [each.prediction for each in mixture.convert(sources, beam=4, nbest=2)]
    agreed = [len(set(each)) == 1 for each in zip(*own, strict=True)]
    assert 0 < sum(agreed) < len(agreed)
    expected = [first if same else best for first, same, best in zip(own[0], agreed, wide, strict=True)]
    assert mixture.predict(sources) == expected


def test_saved_and_loaded(mixture, words, tmp_path):
    mixture.save(tmp_path / "m")
    loaded = henkan.load(tmp_path / "m")
    assert loaded.convert(words[0], confidence=True) == mixture.convert(words[0], confidence=True)
    config = json.loads((tmp_path / "m/config.json").read_text())
    assert [each["model"]["architecture"] for each in config["variants"]] == [
        "transducer",
        "encoder-decoder",
        "encoder-decoder",
    ]
    assert config["calibration"]["temperature"] > 0


def test_members_of_the_same_kind_become_one_variant(models, words):
    other = Seq2Seq(**SIZES, **KINDS[1] | {"seed": 7}).fit(*words)
    joined = henkan.combine([models[0], models[1], other])._fitted.saved
    assert [len(each.members) for each in joined.variants] == [1, 2]
    nested = henkan.combine([henkan.combine(models[:2]), other])._fitted.saved
    assert [len(each.members) for each in nested.variants] == [1, 2]


def test_symbols_that_a_member_cannot_write_are_left_to_the_others(mixture):
    [conversion] = mixture.convert(["a?b"])
    assert conversion.unknown == ["symbol '?'"]
    assert conversion.prediction is not None
    assert np.isfinite(conversion.log_probability)


def test_blank_unreadable_and_abstained_sources(mixture):
    blank, known = mixture.convert([" ", "ab"], abstain_below=1.0)
    assert blank.blank
    assert known.abstained
    assert known.prediction is None
    assert mixture.predict([]) == []
    assert mixture._fitted.converter.convert(["ab?"], Request(unknown="skip"))[0].reason == "unknown symbol '?'"


def test_the_first_model_explains_the_prediction_of_all(mixture):
    explanation = explain(mixture._fitted.converter, "abc")
    assert explanation.answer == mixture.predict(["abc"])[0]
    assert explanation.by == "pointer"
    [conversion] = mixture.convert(["abc"], confidence=True)
    assert explanation.confidence == pytest.approx(conversion.confidence, rel=1e-5)


def test_the_confidence_is_the_mean_of_the_probabilities(models, mixture):
    temperature = mixture._fitted.saved.temperature
    for conversion in mixture.convert(["abc", "cab", "ba"], confidence=True):
        given = [conversion.source], [conversion.prediction], [temperature]
        each = [model._fitted.converter.score(*given)[0, 0] for model in models]
        assert conversion.confidence == pytest.approx(np.exp(each).mean(), rel=1e-4)
        assert conversion.log_probability == pytest.approx(
            np.mean([model.log_probability([conversion.source], [conversion.prediction])[0] for model in models]),
            abs=1e-4,
        )


def test_models_with_and_without_tags_cannot_be_combined(models):
    tagged = Seq2Seq(**SIZES | {"epochs": 1}, features=True).fit(["ab\tX"], ["AB"])
    with pytest.raises(SettingsError, match="only some of the models read feature tags"):
        henkan.combine([models[0], tagged])


def test_an_ensemble_of_several_kinds_is_trained_and_resumed(words, tmp_path):
    sources = words[0]
    targets = [source + "x" for source in sources]
    settings = SIZES | {"epochs": 2, "augment": 0}
    expected = Seq2Seq(ensemble=4, **settings).fit(sources, targets)
    kinds = {(each.model.architecture, each.model.target_reverse) for each in expected._fitted.saved.variants}
    assert len(kinds) == 4

    class StopError(Exception):
        pass

    stops = iter((5, 11, 9))

    def fit():
        count, limit = 0, next(stops, None)

        def stop(event):
            nonlocal count
            count += hasattr(event, "step")
            if count == limit:
                raise StopError

        return Seq2Seq(ensemble=4, **settings).fit(
            sources, targets, callback=stop, checkpoint=tmp_path / "c", checkpoint_every=0
        )

    for _ in range(3):
        with pytest.raises(StopError):
            fit()
    resumed = fit()
    for one, other in zip(expected._fitted.saved.members, resumed._fitted.saved.members, strict=True):
        for name, array in one.items():
            np.testing.assert_array_equal(array, other[name])
    assert resumed.convert(sources) == expected.convert(sources)


def test_fitted_weights_favour_the_better_model(models, words, tmp_path):
    """A model that has learned something else gets a small weight, and no longer spoils the predictions."""
    sources, targets = words
    wrong = Seq2Seq(**SIZES | {"epochs": 80}, recipe="words").fit(sources, [*targets[1:], targets[0]])
    pair = [models[2], wrong]
    weighted = henkan.combine(pair, dev=words, fit_weights=True)
    first, second = (each.weight for each in weighted._fitted.saved.variants)
    assert first > 3 * second > 0
    assert first + second == pytest.approx(2)
    assert weighted.score(*words) > henkan.combine(pair, dev=words).score(*words)
    each = [model.log_probability(sources, targets) for model in pair]
    expected = (first * np.array(each[0]) + second * np.array(each[1])) / 2
    np.testing.assert_allclose(weighted.log_probability(sources, targets), expected, rtol=1e-4)
    weighted.save(tmp_path / "m")
    assert henkan.load(tmp_path / "m").convert(sources) == weighted.convert(sources)


def test_fitted_weights_of_equally_good_models_are_nearly_equal(models, words):
    twins = [models[1], Seq2Seq(**SIZES, recipe="words", target_reverse=True).fit(*words)]
    weights = [each.weight for each in henkan.combine(twins, dev=words, fit_weights=True)._fitted.saved.variants]
    assert max(weights) < 2 * min(weights)


def test_weights_need_a_validation_set_and_different_models(models, words):
    with pytest.raises(
        SettingsError, match=r"weights are fitted to a validation set, .* pass dev=\(sources, targets\)"
    ):
        henkan.combine(models, fit_weights=True)
    twin = Seq2Seq(**SIZES | {"epochs": 1}, **KINDS[1] | {"seed": 1}).fit(*words)
    other = Seq2Seq(**SIZES | {"epochs": 1}, **KINDS[1] | {"seed": 2}).fit(*words)
    with pytest.raises(SettingsError, match="all models have the same settings"):
        henkan.combine([twin, other], dev=words, fit_weights=True)
