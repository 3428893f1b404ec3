import numpy as np
import pytest

import henkan
from henkan import Seq2Seq, Started
from henkan.engine.numpy import NumpyEngines
from henkan.errors import SettingsError
from henkan.inference.ensemble import Ensemble
from henkan.text.pairs import Pairs
from henkan.training.combine import combine
from models import SOURCES, small_model

SMALL = {"recipe": "words", "epochs": 4, "batch_size": 8, "hidden_size": 16, "embedding_size": 4}


def test_ensemble_averages_log_probabilities_and_normalises():
    converters = [small_model(seed=seed, attention=True)[0] for seed in (0, 1, 2)]
    _, batch = small_model()
    ensemble = Ensemble([converter.model for converter in converters])
    joint = ensemble.encode(batch.sources)
    output = ensemble.step(joint.memory, joint.state, np.zeros(len(SOURCES), int))
    parts = [
        member.step(encoded.memory, encoded.state, np.zeros(len(SOURCES), int)).log_probabilities
        for member in ensemble.members
        for encoded in [member.encode(batch.sources)]
    ]
    product = np.exp(np.mean(parts, axis=0))
    np.testing.assert_allclose(np.exp(output.log_probabilities), product / product.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(output.attention.sum(axis=1)[:-1], 1)


def test_ensemble_is_trained_saved_and_loaded_as_one_model(words, tmp_path):
    started = []
    model = Seq2Seq(ensemble=3, seed=5, **SMALL).fit(
        *words, callback=lambda event: started.append(event) if isinstance(event, Started) else None
    )
    assert [(event.member, event.members) for event in started] == [(1, 3), (2, 3), (3, 3)]
    model.save(tmp_path / "m")
    loaded = henkan.load(tmp_path / "m")
    assert loaded.convert(words[0]) == model.convert(words[0])
    single_models = [Seq2Seq(seed=seed, **SMALL).fit(*words) for seed in (5, 6, 7)]
    [score] = model.log_probability(["ab"], ["AB"])
    assert score > min(single.log_probability(["ab"], ["AB"])[0] for single in single_models)
    assert model._fitted.saved.members[1].keys() == single_models[1]._fitted.saved.members[0].keys()
    for name, array in single_models[1]._fitted.saved.members[0].items():
        np.testing.assert_array_equal(model._fitted.saved.members[1][name], array)


def test_separately_trained_models_can_be_combined(words):
    ensemble = Seq2Seq(ensemble=2, seed=5, **SMALL).fit(*words)
    members = [Seq2Seq(seed=seed, **SMALL).fit(*words)._fitted for seed in (5, 6)]
    combined = combine(members, Pairs(["ab"], ["AB"]), NumpyEngines())
    assert combined.converter.convert(words[0]) == ensemble.convert(words[0])
    assert combined.saved.temperature is not None
    assert len(combined.saved.variants) == 1


def test_models_to_combine_are_different(words):
    model, other = (Seq2Seq(seed=seed, **SMALL).fit(*words) for seed in (0, 1))
    for models in ([], [model]):
        with pytest.raises(SettingsError, match=f"at least two models are needed for an ensemble, not {len(models)}; "):
            henkan.combine(models)
    with pytest.raises(SettingsError, match="model 3 is the same as model 1; give each model only once"):
        henkan.combine([model, other, model])


def test_ensemble_size_must_be_a_positive_integer():
    with pytest.raises(SettingsError, match="ensemble must be a whole number"):
        Seq2Seq(ensemble=0).fit(["a"], ["b"])
