import pytest

from henkan import Seq2Seq
from henkan.display.model_facts import model_facts, recipe_of
from henkan.display.model_html import model_html
from henkan.recipes import RECIPES, make_configs
from henkan.storage.model_folder import SavedVariant
from markup import Markup

SMALL = {"epochs": 3, "hidden_size": 16, "calibrate_outside": False}


@pytest.fixture(scope="module")
def ensemble(words):
    """A mixed ensemble of two transducers and an encoder-decoder."""
    model = Seq2Seq(ensemble=3, **SMALL)
    return model.fit(*words, dev=(words[0][:8], words[1][:8]), keep_lexicon=True)._fitted


def shown(*arguments):
    return Markup(model_html(*arguments))


def test_a_model_that_is_not_trained_has_only_its_settings():
    markup = shown("Seq2Seq(<b>)", None, {"epochs": 3, "target_symbols": "<i>"})
    assert markup.tables == [[["epochs", "3"], ["target_symbols", "'<i>'"]]]
    assert "Seq2Seq(<b>)" in markup.text
    assert "not trained" in markup.text
    assert markup.elements("svg") == []
    assert shown("Seq2Seq()", None, {}).tables == []


def test_a_trained_model_is_described(words):
    fitted = Seq2Seq(recipe="words", **SMALL).fit(*words, dev=(words[0][:8], words[1][:8]))._fitted
    markup = shown("Seq2Seq()", fitted, {"ignored": 1})
    [rows] = markup.tables
    facts, metrics = dict(rows), fitted.saved.metrics
    assert facts["architecture"] == "encoder-decoder: LSTM, hidden size 16, embedding size 64, bidirectional, attention"
    assert facts["recipe"] == "words with hidden_size=16, calibrate_outside=False"
    assert facts["symbols"] == "3 of sources, 3 of targets"
    assert facts["weights"] == f"{metrics['weights']:,}"
    assert facts["trained on"] == "39 pairs"
    assert facts["epochs"].startswith("3 in ")
    assert facts["exact match"] == f"{metrics['exact_match']:.2%} on the validation set of 8 pairs"
    assert "lexicon" not in facts
    assert len(markup.elements("svg")) == 2
    assert f"in epoch {metrics['best_epoch']}" in markup.text


def test_a_mixed_ensemble_has_a_row_for_each_kind(ensemble):
    markup = shown("Seq2Seq(ensemble=3)", ensemble, {})
    facts = dict(markup.tables[0])
    assert facts["1 x transducer"].endswith("; recipe edits with hidden_size=16, calibrate_outside=False")
    assert "target_reverse=True" in facts["1 x transducer, reversed targets"]
    assert "attention; recipe words" in facts["1 x encoder-decoder"]
    assert facts["weights"].endswith(" in 3 models")
    assert facts["epochs"].startswith("3, 3, 3 in ")
    assert facts["lexicon"] == "39 entries"
    assert len(markup.elements("polyline")) == 6


def test_a_model_without_validation_set_or_metrics(words):
    fitted = Seq2Seq(recipe="modern", **SMALL).fit(*words)._fitted
    facts = dict(model_facts(fitted.saved))
    assert facts["exact match"] == "not measured"
    fitted.saved.metrics.clear()
    assert set(dict(model_facts(fitted.saved))) == {"architecture", "recipe", "symbols", "weights", "exact match"}
    assert shown("", fitted, {}).elements("svg") == []


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("pairs", [100, 10_000, 50_000])
def test_the_recipe_of_a_model_is_recognised(recipe, pairs):
    model, training = make_configs({"seed": 7, "layers": 2}, recipe=recipe, pairs=pairs)
    variant = SavedVariant(model, training.sized(pairs), None, None, [])
    assert recipe_of(variant, pairs)[0] == recipe
    named = {**recipe_of(variant, pairs)[1]}
    assert {name: named.pop(name) for name in ("seed", "layers")} == {"seed": 7, "layers": 2}
    assert named == {}


def test_the_size_of_an_epoch_with_synthetic_pairs_is_known():
    words = [a + b + c for a in "bdgk" for b in "aeiou" for c in "lmnrst"]
    settings = {"epochs": 1, "hidden_size": 8, "augment": 500, "calibrate_outside": False}
    fitted = Seq2Seq(recipe="edits", **settings).fit(words, [f"{word}ed" for word in words])._fitted
    recipe, others = recipe_of(fitted.saved.first, len(words))
    assert (recipe, others) == ("edits", {"hidden_size": 8, "calibrate_outside": False})
    assert dict(model_facts(fitted.saved))["trained on"] == "120 pairs, 500 synthetic pairs"


def test_how_targets_are_split_is_named(words):
    spaced = [" ".join(word) for word in words[1]]
    facts = dict(model_facts(Seq2Seq(recipe="words", **SMALL).fit(words[0], spaced)._fitted.saved))
    assert facts["symbols"] == "3 of sources, 3 of targets; targets are split at ' '"
    assert facts["recipe"] == "words with hidden_size=16, calibrate_outside=False"
