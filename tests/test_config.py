from dataclasses import fields
from typing import Literal, get_args, get_origin, get_type_hints

import click
import numpy as np
import pytest

from henkan.cli.options import engine_options, model_options, option_name, symbol_options
from henkan.config import EngineConfig, ModelConfig, Settings, TrainingConfig, from_dict, to_dict
from henkan.errors import SettingsError
from henkan.recipes import ONLY_ENCODER_DECODER, RECIPE_HELP, RECIPES, make_configs


def test_data_with_own_defaults_use_the_modern_recipe():
    model, training = make_configs({}, defaults={})
    assert (model, training) == make_configs({}, recipe="modern") == (ModelConfig(), TrainingConfig())
    assert (model.reverse, model.peeky, model.fill) == (True, True, False)
    assert (training.schedule, training.initialization) == ("one-cycle", "orthogonal")


def test_other_data_use_the_words_recipe():
    model, training = make_configs({})
    assert (model, training) == make_configs({}, recipe="words")
    assert (model.attention, model.bidirectional, model.fill) == (True, True, False)
    assert (training.batch_size, training.dropout) == (None, None)
    assert training.unknown_rate > 0


def test_book_recipe_has_the_settings_of_the_article():
    model, training = make_configs({}, recipe="book")
    assert (model.embedding_size, model.hidden_size, model.fill) == (16, 128, True)
    assert (training.epochs, training.batch_size, training.learning_rate) == (25, 128, 1e-3)
    assert (training.schedule, training.clip_norm, training.initialization) == ("constant", 5, "book")
    assert (training.beta2, training.weight_decay) == (0.999, 0)


def test_settings_override_the_recipe_which_overrides_data_defaults():
    defaults = {"hidden_size": 7, "reverse": False}
    model, training = make_configs({"epochs": 3}, recipe="book", defaults=defaults)
    assert (training.epochs, model.hidden_size, model.reverse) == (3, 128, False)
    assert make_configs({}, defaults=defaults)[0].hidden_size == 7


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number from 1"),
        ({"batch_size": 1.5}, "batch_size must be a whole number"),
        ({"hidden_size": True}, "hidden_size must be a whole number"),
        ({"embedding_size": -1}, "embedding_size"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"clip_norm": "five"}, "clip_norm"),
        ({"warmup": 1}, "warmup must be a number from 0 to below 1, not 1"),
        ({"learning_rate": 10**400}, "learning_rate must be a number above 0"),
        ({"dropout": True}, "dropout must be a number"),
        ({"layers": None}, "layers must be a whole number from 1 to 4, not None"),
        ({"hidden_size": "x"}, "hidden_size must be a whole number from 1 to 65,536, not 'x'"),
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
def test_invalid_setting_is_rejected_with_its_name(settings, message):
    with pytest.raises(SettingsError, match=message):
        make_configs(settings)


def test_numpy_scalars_are_accepted():
    model, training = make_configs({"hidden_size": np.int64(8), "learning_rate": np.float32(0.5)})
    assert (model.hidden_size, training.learning_rate) == (8, 0.5)


CONFIG_CLASSES = (ModelConfig, TrainingConfig, EngineConfig)
DECLARED = [pytest.param(kind, field, id=field.name) for kind in CONFIG_CLASSES for field in fields(kind)]


def test_settings_type_matches_the_declared_fields():
    hints = {**get_type_hints(ModelConfig), **get_type_hints(TrainingConfig)}
    assert get_type_hints(Settings) == hints
    assert list(Settings.__annotations__) == [
        field.name for kind in (ModelConfig, TrainingConfig) for field in fields(kind)
    ]


@pytest.mark.parametrize(("kind", "setting"), DECLARED)
def test_declaration_matches_its_type_hint(kind, setting):
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
def test_command_line_option_matches_its_declaration(kind, setting):
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
    is_engine_option, is_boolean = kind is EngineConfig, setting.metadata["allowed"].kind is bool
    assert option.opts == ["--" + setting.name.replace("_", "-")]
    assert option.secondary_opts == (
        ["--no-" + setting.name.replace("_", "-")] if is_boolean and not is_engine_option else []
    )
    assert option.default == (setting.default if is_engine_option else None)
    selects = " Selects the encoder-decoder." if setting.name in ONLY_ENCODER_DECODER else ""
    assert option.help.startswith(f"{setting.metadata['help']}{selects}  [default: ")


def test_architecture_is_part_of_the_model_config():
    assert next(iter(to_dict(ModelConfig()))) == "architecture"
    assert ModelConfig(architecture="mine").architecture == "mine"
    saved = {name: value for name, value in to_dict(ModelConfig()).items() if name != "architecture"}
    assert from_dict(ModelConfig, saved) == ModelConfig()


def test_every_recipe_has_a_help_text():
    assert set(RECIPE_HELP) == set(RECIPES)


def test_unknown_recipe_is_rejected():
    with pytest.raises(SettingsError, match="no recipe 'old'; choose one of book, edits, modern"):
        make_configs({}, recipe="old")


@pytest.mark.parametrize("config", [ModelConfig(hidden_size=3), TrainingConfig(epochs=2)])
def test_config_round_trips_through_a_dict(config):
    assert from_dict(type(config), to_dict(config)) == config


@pytest.mark.parametrize(("pairs", "epochs"), [(45_000, 9), (1_000_000, 8), (3_600, 104), (1, 200)])
def test_fewer_pairs_get_more_epochs(pairs, epochs):
    assert TrainingConfig().sized(pairs).epochs == epochs
    assert TrainingConfig(epochs=5).sized(pairs).epochs == 5


@pytest.mark.parametrize(
    ("pairs", "batch_size", "dropout"),
    [(1, 16, 0.3), (800, 32, 0.3), (3_600, 64, 0.3), (45_000, 256, 0.2), (10**6, 256, 0.1)],
)
def test_default_batch_size_and_dropout_depend_on_the_number_of_pairs(pairs, batch_size, dropout):
    sized = TrainingConfig(batch_size=None, dropout=None).sized(pairs)
    assert (sized.batch_size, sized.dropout) == (batch_size, dropout)
    assert TrainingConfig(batch_size=7, dropout=0.5).sized(pairs).batch_size == 7


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target_symbols": "grapheme"}, "target_symbols must be characters, graphemes, or a separator"),
        ({"source_symbols": ""}, "source_symbols must be"),
        ({"source_symbols": "\u3000", "source_normalization": "NFKC"}, "NFKC of the source would change the separator"),
        ({"tied": True, "embedding_size": 3}, "tied weights need equal embedding and hidden sizes, not 3 and 128"),
        ({"layers": 5}, "layers must be a whole number from 1 to 4"),
        ({"attention_kind": "cosine"}, "attention_kind must be one of dot, general"),
        ({"source_symbols": "\u24d0", "source_case": "upper"}, "source case upper would change the separator"),
        ({"tag_separator": "|"}, "a tag separator needs sources with feature tags; pass features=True"),
        ({"tag_separator": "x", "features": True}, "tag_separator must be a separator without letters"),
        ({"source_case": "title"}, "source_case must be one of keep, lower, upper"),
        ({"fill": True}, "a model with padded strings .* has no unknown symbol"),
    ],
    ids=str,
)
def test_invalid_combination_of_settings_is_rejected(settings, message):
    with pytest.raises(SettingsError, match=message):
        make_configs(settings)


@pytest.mark.parametrize("name", ["reverse", "peeky", "attention", "tied"])
def test_transducer_refuses_settings_that_it_does_not_have(name):
    given = {"architecture": "transducer", "embedding_size": 8, "hidden_size": 8, name: True}
    others = {"reverse": False, "peeky": False} | given
    for create in (lambda: ModelConfig(**others), lambda: make_configs(given)):
        with pytest.raises(SettingsError) as caught:
            create()
        assert str(caught.value) == f"{name} is not supported by the architecture transducer; turn it off"
        assert caught.value.message.argument == name


def test_transducer_does_not_pad_strings():
    for create in (
        lambda: make_configs({"architecture": "transducer"}, recipe="book"),
        lambda: ModelConfig(architecture="transducer", reverse=False, peeky=False, fill=True),
    ):
        with pytest.raises(SettingsError, match=r"padding to a fixed length .* transducer; use another recipe"):
            create()


@pytest.mark.parametrize("recipe", ["words", "modern"])
@pytest.mark.parametrize("defaults", [None, {"reverse": True, "attention": True, "hidden_size": 7}])
def test_recipes_and_tasks_do_not_turn_on_what_the_transducer_does_not_have(recipe, defaults):
    model, _ = make_configs({"architecture": "transducer"}, recipe=recipe, defaults=defaults)
    assert (model.reverse, model.peeky, model.attention, model.tied, model.fill) == (False,) * 5
    usual, _ = make_configs({}, recipe=recipe, defaults=defaults)
    assert (model.bidirectional, model.embedding_size, model.hidden_size) == (
        usual.bidirectional, usual.embedding_size, usual.hidden_size
    )  # fmt: skip
