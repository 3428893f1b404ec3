"""Parameters are kept as they are given, and `fit` uses those of the moment."""

import copy
import pickle
import re
from dataclasses import fields
from inspect import Parameter, signature
from typing import get_args, get_type_hints

import numpy as np
import pytest

from henkan import NotFittedError, Seq2Seq, SettingsError, combine, inspect, load
from henkan.config import EngineConfig, ModelConfig, TrainingConfig
from henkan.estimator.parameters import Parameters
from henkan.recipes import make_configs, restored_settings
from henkan.training.fitted_model import FittedModel

SMALL = {"epochs": 1, "hidden_size": 8, "embedding_size": 4, "calibrate_outside": False}
OTHERS = ["recipe", "ensemble", "verbose"]


def parameters(function):
    return {name: each for name, each in signature(function).parameters.items() if name != "self"}


def test_constructor_lists_every_setting_with_its_type():
    """A new setting of the configuration must be added to the constructor."""
    names = [each.name for kind in (ModelConfig, TrainingConfig, EngineConfig) for each in fields(kind)]
    found = parameters(Seq2Seq)
    assert sorted(found) == sorted([*names, *OTHERS])
    assert {each.kind for each in found.values()} == {Parameter.KEYWORD_ONLY}
    hints = get_type_hints(Parameters)
    for kind in (ModelConfig, TrainingConfig):
        for name, hint in get_type_hints(kind).items():
            wanted = {*get_args(hint)} or {hint}
            given = {*get_args(hints[name])} or {hints[name]}
            given = {each for part in given for each in (get_args(part) or [part])}
            assert wanted <= given, name
            assert found[name].default == "auto"
    for name, hint in get_type_hints(EngineConfig).items():
        assert hints[name] == hint
        assert found[name].default == getattr(EngineConfig(), name)


def test_inspect_has_the_settings_of_symbols():
    symbols = [each.name for each in fields(ModelConfig) if each.metadata["group"] == "symbols"]
    assert sorted(parameters(inspect)) == sorted(["sources", "targets", "dev", "test", *symbols, "features"])


def test_docstring_has_the_help_of_every_setting():
    for kind in (ModelConfig, TrainingConfig, EngineConfig):
        for each in fields(kind):
            assert f"        {each.name}: {each.metadata['help']}" in Seq2Seq.__doc__


def test_parameters_are_kept_as_they_are_given():
    given = {"epochs": np.int64(3), "dropout": None, "recipe": None, "hidden_size": "wrong", "seed": -1}
    model = Seq2Seq(**given)
    for name, value in given.items():
        assert getattr(model, name) is value
        assert model.get_params()[name] is value
    assert vars(model) == model.get_params(deep=False)


def test_values_are_checked_by_fit(words):
    for settings, message in [
        ({"hidden_size": "wrong"}, "hidden_size must be a whole number"),
        ({"ensemble": 0}, "ensemble must be a whole number from 1"),
        ({"copy": True, "attention": False}, "copying needs attention"),
        ({"engine": "jax"}, "engine must be one of"),
        ({"recipe": "soup"}, "there is no recipe 'soup'"),
        ({"epochs": np.array([1, 2])}, "epochs must be a whole number"),
        ({"verbose": "loud"}, "verbose must be"),
    ]:
        with pytest.raises(SettingsError, match=message):
            Seq2Seq(**SMALL | settings).fit(*words)


def test_unknown_parameter_is_refused_and_nothing_is_changed():
    model = Seq2Seq()
    with pytest.raises(SettingsError, match=r"no parameter 'hiden_size'; did you mean hidden_size\?"):
        model.set_params(epochs=3, hiden_size=3)
    with pytest.raises(SettingsError, match=r"no parameter 'qqq'; get_params\(\) has all names"):
        model.set_params(qqq=3)
    assert model.get_params() == Seq2Seq().get_params()


def test_not_given_differs_from_none(words):
    """None makes the dropout depend on the number of pairs, whatever the recipe says."""
    dropout = [
        Seq2Seq(**SMALL, recipe="modern", **given).fit(*words).settings_["dropout"] for given in ({}, {"dropout": None})
    ]
    assert dropout == [0, 0.3]


def test_numpy_numbers_are_accepted(words):
    model = Seq2Seq(**SMALL | {"hidden_size": np.int64(6), "ensemble": np.int32(2), "learning_rate": np.float32(0.5)})
    fitted = model.fit(*words)
    assert (fitted.settings_["hidden_size"], len(fitted._fitted.saved.members)) == (6, 2)


def test_next_fit_uses_new_parameters_and_predictions_the_old(words):
    model = Seq2Seq(**SMALL, recipe="modern").fit(*words)
    before = model.convert(words[0])
    assert model.set_params(hidden_size=5, seed=3) is model
    model.source_case = "upper"
    assert model.convert(words[0]) == before
    assert model.settings_["hidden_size"] == 8
    again = Seq2Seq(**SMALL | {"hidden_size": 5}, recipe="modern", seed=3, source_case="upper").fit(*words)
    assert model.fit(*words).convert(words[0]) == again.convert(words[0]) != before


@pytest.mark.parametrize("duplicate", [copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_are_complete(trained, words, duplicate):
    other = duplicate(trained)
    assert other.get_params() == trained.get_params()
    assert other.convert(words[0]) == trained.convert(words[0])
    assert other.history_ == trained.history_


def test_repr_has_what_differs_from_the_defaults(trained):
    assert repr(Seq2Seq()) == "Seq2Seq()"
    model = Seq2Seq(epochs=2, dropout=None, recipe="words", ensemble=2, deterministic=0)
    assert repr(model) == "Seq2Seq(recipe='words', ensemble=2, epochs=2, dropout=None, deterministic=0)"
    assert eval(repr(model)).get_params() == model.get_params()
    assert repr(trained).startswith("<Seq2Seq(recipe='modern', embedding_size=8, hidden_size=32, epochs=80,")
    assert repr(trained).endswith(" trained on 39 pairs>")


@pytest.mark.parametrize(
    "settings",
    [
        {"recipe": "words", "epochs": 3},
        {"recipe": "edits", "hidden_size": 8, "dropout": 0.1},
        {"recipe": "modern"},
        {"recipe": "book", "hidden_size": 8},
        {"recipe": "modern", "architecture": "transducer", "epochs": 2},
        {"architecture": "mine", "epochs": 2, "seed": 7},
    ],
    ids=str,
)
@pytest.mark.parametrize("pairs", [3, 10_000])
def test_settings_are_restored_exactly_and_briefly(settings, pairs):
    recipe = settings.get("recipe")
    given = {name: value for name, value in settings.items() if name != "recipe"}
    model, training = make_configs(given, recipe=recipe, pairs=pairs)
    configs = model, training.sized(pairs)
    found = restored_settings([configs], pairs)
    assert len(found) <= len(settings) + 3  # also the recipe, and what a transducer turns off
    model, training = make_configs(
        {n: v for n, v in found.items() if n != "recipe"}, recipe=found["recipe"], pairs=pairs
    )
    assert (model, training.sized(pairs)) == configs


def test_loaded_model_has_the_parameters_to_train_it_again(words, tmp_path):
    model = Seq2Seq(**SMALL, seed=4).fit(*words, dev=words)
    model.save(tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert loaded.history_ == model.history_
    again = Seq2Seq(**loaded.get_params()).fit(*words, dev=words)
    assert again.settings_ == model.settings_
    assert again.convert(words[0], confidence=True) == model.convert(words[0], confidence=True)


def test_loaded_mixture_is_trained_again_alike(words, tmp_path):
    """Parameters are of one model; those that would select one kind for all members are left open."""
    mixed = Seq2Seq(**SMALL, ensemble=4).fit(*words)
    assert len(mixed.summary().kinds) == 4
    mixed.save(tmp_path / "m")
    shown = load(tmp_path / "m").get_params()
    names = ("recipe", "architecture", "attention", "reverse", "target_reverse", "ensemble", "hidden_size")
    assert [shown[name] for name in names] == ["auto"] * 5 + [4, 8]
    assert Seq2Seq(**shown).fit(*words).convert(words[0]) == mixed.convert(words[0])


def test_parameters_of_a_mixture_are_what_its_models_have_in_common(words):
    sizes = {"edits": 8, "words": 6}
    models = [Seq2Seq(**SMALL | {"hidden_size": size, "recipe": recipe}).fit(*words) for recipe, size in sizes.items()]
    shown = combine(models).get_params()
    assert [shown[name] for name in ("hidden_size", "embedding_size", "epochs", "ensemble")] == ["auto", 4, 1, 2]


def test_attributes_of_training_exist_only_after_it(trained):
    names = ("history_", "settings_", "exact_match_", "source_vocabulary_", "target_vocabulary_", "temperature_")
    for name in names:
        assert not hasattr(Seq2Seq(), name)
        assert hasattr(trained, name)
        with pytest.raises(NotFittedError, match="call fit first"):
            getattr(Seq2Seq(), name)
    assert Seq2Seq().__sklearn_is_fitted__() is False
    assert trained.__sklearn_is_fitted__() is True
    assert isinstance(trained._fitted, FittedModel)


@pytest.mark.parametrize("settings", [{"recipe": ["words"]}, {"recipe": ""}, {"architecture": ["edits"]}])
def test_values_of_another_type_are_named(words, settings):
    [value] = settings.values()
    with pytest.raises(SettingsError, match=re.escape(repr(value))):
        Seq2Seq(**settings).fit(*words)


def test_methods_can_be_pickled():
    for method in (Seq2Seq.fit, Seq2Seq.predict, Seq2Seq.evaluate):
        assert pickle.loads(pickle.dumps(method)) is method
