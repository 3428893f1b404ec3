"""The settings that are searched, and the points of the first trials."""

import pytest

from henkan.selection.tuning.space import CHANGED_AT_ONCE, MAX_COST, key_of
from henkan.text.pairs import Pairs
from tuned import SMALL, UPPER, space

VERBS = [f"{a}{b}l{c}" for a in "bdfgkmnp" for b in "aeiou" for c in "kmprt"]
INFLECTED = Pairs(VERBS, [f"{verb}ed" for verb in VERBS])


def test_given_settings_are_not_searched_and_keep_their_values():
    given = {"hidden_size": 10, "learning_rate": 0.5, "dropout": 0.1, "target_reverse": False}
    found = space(given)
    assert not found.values.keys() & given.keys()
    for point in found.first_points(0):
        variant = found.variant(point)
        assert (variant.model.hidden_size, variant.model.target_reverse) == (10, False)
        assert (variant.training.learning_rate, variant.training.dropout) == (0.5, 0.1)


def test_default_point_has_the_settings_that_train_chooses():
    found = space()
    [variant] = found.choice.variants
    assert found.variant(found.default) == variant


def test_point_changes_the_settings_that_it_names():
    found = space({})
    variant = found.variant({**found.default, "layers": 2, "batch_size": 8, "updates": 6000, "recipe": "words"})
    assert (variant.model.layers, variant.training.batch_size, variant.training.updates) == (2, 8, 6000)
    assert variant.model.architecture == "encoder-decoder"
    assert variant.training.embedding_dropout == 0.1  # a default of the other recipe


def test_both_recipes_are_searched_only_where_both_are_plausible():
    assert space({}).values["recipe"] == ("words",)
    assert "recipe" not in space({}, INFLECTED).values  # most symbols are copied
    assert "recipe" not in space({}, recipe="words").values
    assert "recipe" not in space({"architecture": "transducer"}).values
    shuffled = Pairs(UPPER.sources, [UPPER.targets[(row * 29) % 64] for row in range(64)])
    assert space({}, shuffled).choice.recipe == "words"
    assert "recipe" not in space({}, shuffled).values


def test_more_synthetic_pairs_are_searched_where_they_are_added_by_default():
    assert space({}, INFLECTED).values["augment"] == (9000,)
    assert "augment" not in space({}).values
    assert "augment" not in space({"augment": 0}, INFLECTED).values


def test_number_of_updates_is_searched_unless_that_of_epochs_is_given():
    assert space({}).values["updates"] == (6000,)
    assert "updates" not in space({"epochs": 3}).values


@pytest.mark.parametrize("seed", range(3))
def test_first_points_are_the_defaults_and_then_have_every_value_once(seed):
    found = space({})
    default, *others = found.first_points(seed)
    assert default == found.default
    changes = [(name, value) for point in others for name, value in point.items() if value is not None]
    assert sorted(map(repr, changes)) == sorted(map(repr, found.changes))
    counts = [sum(value is not None for value in point.values()) for point in others]
    assert min(counts) >= 1
    assert max(counts) == CHANGED_AT_ONCE
    assert all(found.allows(point) for point in others)


def test_settings_that_take_much_longer_or_contradict_each_other_are_not_allowed():
    found = space({})
    large = {**found.default, "layers": 2, "hidden_size": 192, "updates": 6000}
    assert found.cost(found.default) == 1
    assert found.cost(large) > MAX_COST
    assert not found.allows(large)
    assert found.cost({**found.default, "updates": 6000}) == pytest.approx(2)
    tied = space({"tied": True, "architecture": "encoder-decoder", "embedding_size": 8, "hidden_size": 8})
    assert "hidden_size" not in tied.values  # it must equal the embedding size


def test_key_does_not_depend_on_the_order_of_settings():
    assert key_of({"a": 1, "b": None}) == key_of({"b": None, "a": 1}) != key_of({"a": 1, "b": 2})


def test_space_of_a_task_has_the_defaults_of_its_recipe():
    found = space(SMALL, UPPER, defaults={})
    assert found.choice.recipe == "modern"
    assert found.values["learning_rate"] == (0.005, 0.02)
