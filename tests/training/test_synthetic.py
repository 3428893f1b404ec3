"""Synthetic pairs for small data."""

import numpy as np
import pytest

from henkan import Seq2Seq, Started
from henkan.config import ModelConfig
from henkan.errors import SettingsError
from henkan.text.pairs import Pairs
from henkan.text.tokenized_pairs import TokenizedPairs
from henkan.training.synthetic import synthetic_pairs

STEMS = ["walk", "listen", "Perform", "remember", "paint", "clean", "order", "visit"]
PAIRS = Pairs(
    [f"{stem}\tV;{tag}" for stem in STEMS for tag in ("PST", "PRS")],
    [stem + ending for stem in STEMS for ending in ("ed", "ing")],
)
TAGS = ModelConfig(features=True)


def pairs_of(pairs, model=TAGS, count=200, seed=0):
    return synthetic_pairs(TokenizedPairs.of(pairs, model), count, seed)


def test_shared_letters_are_replaced_alike_and_endings_stay():
    found = pairs_of(PAIRS)
    assert len(found) == 200
    for each in found:
        text, tags = each.source.split("\t")
        original, original_tags = PAIRS.sources[each.row].split("\t")
        ending = "ed" if "PST" in tags else "ing"
        assert set(tags.split(";")) == set(original_tags.split(";"))
        assert each.target == text + ending
        assert len(text) == len(original)
        assert text[-2:] == original[-2:]  # letters next to the change
    changed = sum(each.source.split("\t")[0] != PAIRS.sources[each.row].split("\t")[0] for each in found)
    assert changed > 150


def test_letters_are_replaced_by_letters_of_the_same_kind():
    for each in pairs_of(PAIRS):
        original = PAIRS.sources[each.row].split("\t")[0]
        assert [letter.isupper() for letter in each.source.split("\t")[0]] == [letter.isupper() for letter in original]


def test_digits_and_other_symbols_are_not_replaced():
    pairs = Pairs(["no 12345 yes", "ab-cd 12345"], ["no 12345 yes!", "ab-cd 12345!"])
    for each in pairs_of(pairs, ModelConfig()):
        original = pairs.sources[each.row]
        assert [letter for letter in each.source if not letter.isalpha()] == [
            letter for letter in original if not letter.isalpha()
        ]
        assert each.target == each.source + "!"


def test_pairs_depend_on_the_seed_alone():
    assert pairs_of(PAIRS) == pairs_of(PAIRS)
    assert pairs_of(PAIRS) != pairs_of(PAIRS, seed=1)


def test_pairs_without_shared_parts_give_none():
    assert pairs_of(Pairs(["abc", "bca"], ["xyz", "zyx"]), ModelConfig()) == []


def trained(pairs, callback=None, **settings):
    model = Seq2Seq(epochs=2, hidden_size=8, embedding_size=4, batch_size=16, **settings)
    return model.fit(pairs.sources, pairs.targets, callback=callback)


@pytest.mark.parametrize(("given", "saved"), [(None, 480), (0, 0), (20, 20)])
def test_number_of_synthetic_pairs(given, saved):
    settings = {} if given is None else {"augment": given}
    fitted = trained(PAIRS, features=True, **settings)._fitted
    assert fitted.saved.first.training.augment == saved
    assert fitted.saved.metrics["pairs"] == len(PAIRS)


def test_none_by_default_if_few_pairs_share_a_part():
    generator = np.random.default_rng(0)
    sources = ["".join(generator.choice(list("abcdef"), 6)) for _ in range(40)]
    targets = [source.translate(str.maketrans("abcdef", "uvwxyz")) for source in sources]
    fitted = trained(Pairs(sources, targets))._fitted
    assert fitted.saved.first.training.augment == 0


def test_a_number_is_refused_if_none_can_be_made():
    with pytest.raises(SettingsError, match="no source shares three letters with its target"):
        trained(Pairs(["abc", "bca"], ["xyz", "zyx"]), augment=10)


def test_an_epoch_has_as_many_copies_of_the_pairs_as_synthetic_ones():
    seen = []
    trained(PAIRS, lambda event: seen.append(event), features=True, augment=160)
    [started] = [event for event in seen if isinstance(event, Started)]
    assert (started.pairs, started.synthetic) == (len(PAIRS), 160)
    updates = {event.epoch: event.step for event in seen if hasattr(event, "step")}
    assert updates[1] == 320 / 16
