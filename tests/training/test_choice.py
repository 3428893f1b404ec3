"""Which models are trained if the pairs decide."""

import numpy as np
import pytest

from henkan import Seq2Seq
from henkan.config import ModelConfig
from henkan.errors import SettingsError
from henkan.text.edit_statistics import EditStatistics
from henkan.text.pairs import Pairs
from henkan.text.tasks import TASKS
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.training.choice import Wanted

LETTERS = "abcdefghijklm"


def words(count=300, seed=0):
    generator = np.random.default_rng(seed)
    return ["".join(generator.choice(list(LETTERS), generator.integers(3, 9))) for _ in range(count)]


INFLECTED = Pairs(words(), [word + "ed" for word in words()])
SPELLED = Pairs(words(), [word.translate(str.maketrans(LETTERS, "nopqrstuvwxyz")) for word in words()])
SHUFFLED = Pairs(words(), words(seed=1))
SUMS, DIFFERENCES = (TASKS[name].generate(500, seed=0) for name in ("addition", "subtraction"))


def choose(pairs, *, members=1, **settings):
    return Wanted(settings, members=members).choose(pairs)


def statistics(pairs):
    return EditStatistics.of(TokenizedPairs.of(pairs, ModelConfig()))


def test_statistics_of_alignment():
    inflected, spelled, shuffled = map(statistics, (INFLECTED, SPELLED, SHUFFLED))
    assert inflected.copied > 0.6
    assert spelled.copied == 0
    assert spelled.explained > 0.8
    assert shuffled.explained < 0.2
    assert statistics(Pairs(["a"], ["b"])).explained == 0


@pytest.mark.parametrize(
    ("pairs", "architecture", "reason"),
    [
        (INFLECTED, "transducer", "are copies of source symbols"),
        (SPELLED, "transducer", "correspond from left to right"),
        (SHUFFLED, "encoder-decoder", "do not correspond from left to right"),
        (SUMS, "encoder-decoder", "do not correspond from left to right"),
        (DIFFERENCES, "encoder-decoder", "do not correspond from left to right"),
    ],
)
def test_architecture_is_chosen_by_the_pairs(pairs, architecture, reason):
    choice = choose(pairs)
    assert choice.model.architecture == architecture
    assert architecture in choice.note
    assert reason in choice.note
    assert "\n" not in choice.note


@pytest.mark.parametrize(
    ("settings", "architecture", "note"),
    [
        ({"peeky": True}, "encoder-decoder", "encoder-decoder (recipe words): selected by the setting peeky"),
        ({"attention": False}, "encoder-decoder", "encoder-decoder (recipe words): selected by the setting attention"),
        ({"copy": True}, "encoder-decoder", "encoder-decoder (recipe words): selected by the setting copy"),
        ({"architecture": "transducer"}, "transducer", ""),
        ({"architecture": "encoder-decoder"}, "encoder-decoder", ""),
    ],
)
def test_settings_of_one_architecture_choose_it(settings, architecture, note):
    for pairs in (INFLECTED, SHUFFLED):
        choice = choose(pairs, **settings)
        assert choice.model.architecture == architecture
        assert choice.note == note


def test_a_recipe_overrides_the_pairs():
    for recipe, architecture in (("words", "encoder-decoder"), ("edits", "transducer")):
        choice = Wanted({}, recipe).choose(SHUFFLED)
        assert (choice.model.architecture, choice.note) == (architecture, "")


def test_models_for_many_pairs_are_larger():
    few = INFLECTED
    many = Pairs([*few.sources] * 100, [*few.targets] * 100)
    for settings in ({}, {"architecture": "encoder-decoder"}):
        [[small], [large]] = (choose(pairs, **settings).variants for pairs in (few, many))
        assert large.model.hidden_size > small.model.hidden_size
        assert large.training.updates > small.training.updates
    assert choose(many, hidden_size=32).model.hidden_size == 32
    assert Wanted({}, defaults={}).choose(many).model == Wanted({}, defaults={}).choose(few).model  # of a task


def test_members_of_an_ensemble_are_of_several_kinds():
    choice = choose(INFLECTED, members=5, hidden_size=8)
    kinds = [(each.model.architecture, each.model.target_reverse, each.members) for each in choice.variants]
    assert len(kinds) == len(set(kinds)) > 1
    assert sum(members for *_, members in kinds) == 5
    assert all(each.model.hidden_size == 8 for each in choice.variants)
    assert len(choose(INFLECTED, members=1).variants) == 1
    [single] = choose(SHUFFLED, members=5).variants
    assert single.members == 5


def test_invalid_settings_are_refused_before_there_are_pairs():
    with pytest.raises(SettingsError, match="hidden_size must be"):
        Wanted({"hidden_size": 0})
    with pytest.raises(SettingsError, match="ensemble must be a whole number"):
        Wanted({}, members=0)


def test_fit_chooses():
    model = Seq2Seq(epochs=1, hidden_size=4, embedding_size=4, augment=0, calibrate_outside=False)
    for pairs, architecture in ((INFLECTED, "transducer"), (SHUFFLED, "encoder-decoder")):
        fitted = model.fit(pairs.sources, pairs.targets)._fitted
        assert fitted.saved.first.model.architecture == architecture
