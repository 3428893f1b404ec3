from dataclasses import fields
from typing import Literal, get_args, get_origin, get_type_hints

import click
import numpy as np
import pytest

from henkan.cli.options import engine_options, model_options, option_name, symbol_options
from henkan.config import (
    RECIPE_HELP,
    RECIPES,
    EngineConfig,
    ModelConfig,
    Settings,
    TrainingConfig,
    from_dict,
    make_configs,
    to_dict,
)
from henkan.errors import SettingsError


def test_the_modern_recipe_is_that_of_data_with_defaults_of_its_own():
    model, training = make_configs({}, defaults={})
    assert (model, training) == make_configs({}, recipe="modern") == (ModelConfig(), TrainingConfig())
    assert (model.reverse, model.peeky, model.fill) == (True, True, False)
    assert (training.schedule, training.initialization) == ("one-cycle", "orthogonal")


def test_the_words_recipe_is_that_of_all_other_data():
    model, training = make_configs({})
    assert (model, training) == make_configs({}, recipe="words")
    assert (model.attention, model.bidirectional, model.fill) == (True, True, False)
    assert (training.batch_size, training.dropout) == (None, None)
    assert training.unknown_rate > 0


def test_the_book_recipe_is_the_articles():
    model, training = make_configs({}, recipe="book")
    assert (model.embedding_size, model.hidden_size, model.fill) == (16, 128, True)
    assert (training.epochs, training.batch_size, training.learning_rate) == (25, 128, 1e-3)
    assert (training.schedule, training.clip_norm, training.initialization) == ("constant", 5, "book")
    assert (training.beta2, training.weight_decay) == (0.999, 0)


def test_a_given_setting_beats_the_recipe_and_the_recipe_beats_the_datas_own():
    defaults = {"hidden_size": 7, "reverse": False}
    model, training = make_configs({"epochs": 3}, recipe="book", defaults=defaults)
    assert (training.epochs, model.hidden_size, model.reverse) == (3, 128, False)
    assert make_configs({}, defaults=defaults)[0].hidden_size == 7


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 0}, "epochs must be a whole number from 1"),
        ({"batch_size": 1.5}, "batch size must be a whole number"),
        ({"hidden_size": True}, "hidden size must be a whole number"),
        ({"embedding_size": -1}, "embedding size"),
        ({"learning_rate": 0}, "learning rate must be a number above 0"),
        ({"learning_rate": float("nan")}, "learning rate"),
        ({"clip_norm": "five"}, "clip norm"),
        ({"warmup": 1}, "warmup must be a number from 0 to below 1, not 1"),
        ({"learning_rate": 10**400}, "learning rate must be a number above 0"),
        ({"dropout": True}, "dropout must be a number"),
        ({"layers": None}, "layers must be a whole number from 1 to 4, not None"),
        ({"hidden_size": "x"}, "hidden size must be a whole number from 1 to 65536, not 'x'"),
        ({"architecture": ""}, "architecture must be a name of 1 to 100 characters on one line"),
        ({"architecture": "a\nb"}, "architecture must be a name"),
        ({"architecture": "a\n"}, "architecture must be a name"),
        ({"architecture": "a" * 101}, "architecture must be a name"),
        ({"architecture": 1}, "architecture must be a name"),
        ({"seed": -1}, "seed"),
        ({"reverse": 1}, "reverse must be true or false"),
        ({"schedule": "linear"}, "schedule must be one of one-cycle, constant"),
        ({"schedule": []}, "schedule must be one of"),
        ({"hiden_size": 3}, "no setting 'hiden_size'"),
    ],
    ids=str,
)
def test_impossible_settings_are_refused_by_name(settings, words):
    with pytest.raises(SettingsError, match=words):
        make_configs(settings)


def test_numpys_numbers_are_numbers():
    model, training = make_configs({"hidden_size": np.int64(8), "learning_rate": np.float32(0.5)})
    assert (model.hidden_size, training.learning_rate) == (8, 0.5)


KINDS = (ModelConfig, TrainingConfig, EngineConfig)
DECLARED = [pytest.param(kind, each, id=each.name) for kind in KINDS for each in fields(kind)]


def test_settings_are_typed_as_they_are_declared():
    hints = {**get_type_hints(ModelConfig), **get_type_hints(TrainingConfig)}
    assert get_type_hints(Settings) == hints
    assert list(Settings.__annotations__) == [
        each.name for kind in (ModelConfig, TrainingConfig) for each in fields(kind)
    ]


@pytest.mark.parametrize(("kind", "setting"), DECLARED)
def test_a_declaration_agrees_with_its_type(kind, setting):
    hint, (allowed, none) = get_type_hints(kind)[setting.name], (setting.metadata[name] for name in ("allowed", "none"))
    optional = type(None) in get_args(hint)
    assert optional == bool(none)
    if get_origin(hint) is Literal:
        assert (allowed.kind, allowed.choices) == (str, get_args(hint))
    else:
        assert hint == (allowed.kind | None if optional else allowed.kind)
        assert not allowed.choices
    assert allowed.accepts(setting.default) or optional
    assert setting.metadata["help"].endswith(".")
    assert f"{setting.name}: {setting.metadata['help']}" in kind.__doc__


@pytest.mark.parametrize(("kind", "setting"), DECLARED)
def test_an_option_is_made_from_its_declaration(kind, setting):
    @model_options
    @symbol_options
    @engine_options
    @click.command
    def command(**_):
        pass

    options = {option.name: option for option in command.params}
    option = options.get(setting.name)
    if option is None:
        assert option_name(setting) == setting.metadata["group"] == ""
        return
    fixed, boolean = kind is EngineConfig, setting.metadata["allowed"].kind is bool
    assert option.opts == ["--" + setting.name.replace("_", "-")]
    assert option.secondary_opts == (["--no-" + setting.name.replace("_", "-")] if boolean and not fixed else [])
    assert option.default == (setting.default if fixed else None)
    assert option.help.startswith(setting.metadata["help"] + "  [default: ")


def test_an_architecture_is_part_of_the_model():
    assert next(iter(to_dict(ModelConfig()))) == "architecture"
    assert ModelConfig(architecture="mine").architecture == "mine"
    saved = {name: value for name, value in to_dict(ModelConfig()).items() if name != "architecture"}
    assert from_dict(ModelConfig, saved) == ModelConfig()


def test_every_recipe_is_described():
    assert set(RECIPE_HELP) == set(RECIPES)


def test_an_unknown_recipe():
    with pytest.raises(SettingsError, match="no recipe 'old'; choose one of book, modern"):
        make_configs({}, recipe="old")


@pytest.mark.parametrize("config", [ModelConfig(hidden_size=3), TrainingConfig(epochs=2)])
def test_survives_being_written_down(config):
    assert from_dict(type(config), to_dict(config)) == config


@pytest.mark.parametrize(("pairs", "epochs"), [(45_000, 9), (1_000_000, 8), (3_600, 104), (1, 200)])
def test_few_pairs_are_read_more_often(pairs, epochs):
    assert TrainingConfig().sized(pairs).epochs == epochs
    assert TrainingConfig(epochs=5).sized(pairs).epochs == 5


@pytest.mark.parametrize(
    ("pairs", "batch_size", "dropout"),
    [(1, 16, 0.3), (800, 32, 0.3), (3_600, 64, 0.3), (45_000, 256, 0.2), (10**6, 256, 0.1)],
)
def test_what_is_left_open_depends_on_the_number_of_pairs(pairs, batch_size, dropout):
    sized = TrainingConfig(batch_size=None, dropout=None).sized(pairs)
    assert (sized.batch_size, sized.dropout) == (batch_size, dropout)
    assert TrainingConfig(batch_size=7, dropout=0.5).sized(pairs).batch_size == 7


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"target_symbols": "grapheme"}, "target symbols must be characters, graphemes, or a separator"),
        ({"source_symbols": ""}, "source symbols must be"),
        ({"source_symbols": "\u3000", "source_normalization": "NFKC"}, "NFKC of the source would change the separator"),
        ({"tied": True, "embedding_size": 3}, "tied weights need equal embedding and hidden sizes, not 3 and 128"),
        ({"layers": 5}, "layers must be a whole number from 1 to 4"),
        ({"attention_kind": "cosine"}, "attention kind must be one of dot, general"),
        ({"fill": True}, "a model with padded strings .* has no unknown symbol"),
    ],
    ids=str,
)
def test_combinations_that_cannot_be(settings, words):
    with pytest.raises(SettingsError, match=words):
        make_configs(settings)
