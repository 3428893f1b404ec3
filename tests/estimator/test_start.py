"""Training that continues from a trained model."""

import numpy as np
import pytest

import henkan
from henkan import Epoch, NotFittedError, Seq2Seq, SettingsError, Started

MORE = ([a + b for a in "abxy" for b in "abxy"], [b + a + "!" for a in "abxy" for b in "abxy"])
STILL = {"epochs": 1, "learning_rate": 1e-12}
SMALL = {"hidden_size": 8, "embedding_size": 4, "calibrate_outside": False}


def test_weights_start_from_those_of_the_model_and_symbols_are_added(trained, words):
    """With a tiny learning rate the predictions do not change, although the symbols have new ids."""
    model = Seq2Seq(**STILL).fit(*MORE, start=trained)
    assert model.source_vocabulary_ == list("abcxy")
    assert model.target_vocabulary_ == list("!ABCabxy")
    assert sum(a == b for a, b in zip(model.predict(words[0]), words[1], strict=True)) > 35
    assert trained.source_vocabulary_ == list("abc")
    assert model.settings_["hidden_size"] == trained.settings_["hidden_size"] == 32


def test_new_pairs_are_learnt(trained):
    model = Seq2Seq(epochs=120, learning_rate=0.01, batch_size=8, dropout=0).fit(*MORE, start=trained)
    assert model.predict(["xa", "by"]) == ["ax!", "yb!"]


def test_model_may_start_from_itself(words):
    model = Seq2Seq(**SMALL, epochs=1).fit(*words)
    first = [each.copy() for each in model._fitted.saved.members[0].values()]
    model.set_params(**STILL)
    model.fit(*words, start=model)
    for before, after in zip(first, model._fitted.saved.members[0].values(), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-6)


def test_ensemble_has_as_many_members_as_the_model(words):
    two = Seq2Seq(**SMALL, epochs=1, ensemble=2).fit(*words)
    events = []
    model = Seq2Seq(**STILL).fit(*words, start=two, callback=events.append)
    assert [each.member for each in events if isinstance(each, Started)] == [1, 2]
    assert model.summary().kinds == two.summary().kinds
    with pytest.raises(SettingsError, match="the model to start from has 2 members, not 3; omit ensemble"):
        Seq2Seq(ensemble=3).fit(*words, start=two)


def test_kinds_of_a_mixed_ensemble_continue_with_their_own_recipes(words):
    kinds = [Seq2Seq(**SMALL, epochs=1, recipe=recipe).fit(*words) for recipe in ("edits", "words")]
    model = Seq2Seq(**STILL).fit(*words, start=henkan.combine(kinds))
    assert [each["embedding_dropout"] for each in model.summary().settings] == [0.3, 0.1]


def test_contradictions_are_refused(trained, words):
    message = "has hidden size 32, which cannot be changed to 64; omit this setting"
    with pytest.raises(SettingsError, match=message):
        Seq2Seq(hidden_size=64).fit(*words, start=trained)
    without = Seq2Seq(**SMALL, epochs=1, recipe="modern").fit(*words)
    with pytest.raises(SettingsError, match="no unknown symbol, so it cannot be trained with one; omit unknown_rate"):
        Seq2Seq(unknown_rate=0.2).fit(*words, start=without)
    assert Seq2Seq(**STILL, recipe="words").fit(*words, start=without).settings_["unknown_rate"] == 0
    with pytest.raises(SettingsError, match="start must be a trained Seq2Seq model, not 'model'"):
        Seq2Seq().fit(*words, start="model")
    with pytest.raises(NotFittedError):
        Seq2Seq().fit(*words, start=Seq2Seq())
    model = Seq2Seq(**STILL, hidden_size=32, target_symbols=None, tag_separator=None).fit(*words, start=trained)
    assert model.settings_["target_symbols"] == "characters"


def test_lexicon_of_the_model_follows_the_pairs(trained, words):
    start = henkan.combine([trained, Seq2Seq(**SMALL, epochs=1).fit(*words)])
    start.lexicon = {"ab": "one", "zz": "two"}
    model = Seq2Seq(**STILL).fit(["ab"], ["AB"], start=start, keep_lexicon=True)
    assert model.lexicon == {"ab": ["AB", "one"], "zz": ["two"]}
    assert Seq2Seq(**STILL).fit(["ab"], ["AB"], start=start).lexicon == {}


def test_interrupted_run_resumes_from_the_copy_of_the_model(words, tmp_path):
    def stop(event):
        if isinstance(event, Epoch) and event.epoch == 2:
            raise KeyboardInterrupt

    settings = {"epochs": 4, "batch_size": 8}
    start = Seq2Seq(**SMALL, epochs=1, recipe="edits").fit(*words)
    uninterrupted = Seq2Seq(**settings).fit(*MORE, start=start)
    with pytest.raises(KeyboardInterrupt):
        Seq2Seq(**settings).fit(*MORE, start=start, callback=stop, checkpoint=tmp_path / "c")
    other = Seq2Seq(**SMALL, epochs=1, recipe="edits").fit(["q"], ["Q"])  # has other symbols
    resumed = Seq2Seq(**settings).fit(*MORE, start=other, checkpoint=tmp_path / "c")
    for one, two in zip(*(each._fitted.saved.members[0].values() for each in (uninterrupted, resumed)), strict=True):
        np.testing.assert_array_equal(one, two)


def test_unlabelled_sources_with_a_model_to_start_from(trained, words):
    pairs, others = (words[0][:20], words[1][:20]), words[0][30:]
    model = Seq2Seq(**STILL).fit(*pairs, start=trained, unlabelled=others, dev=pairs)
    assert model.summary().labelled == len(others)


def test_settings_that_the_model_has_are_no_contradiction(words):
    """They may not suit the defaults of a recipe: tied weights need equal sizes."""
    tied = Seq2Seq(recipe="modern", hidden_size=8, embedding_size=8, tied=True, epochs=1).fit(*words)
    assert Seq2Seq(**STILL, tied=True).fit(*words, start=tied).settings_["hidden_size"] == 8
    with pytest.raises(SettingsError, match="ensemble"):
        Seq2Seq(**STILL, ensemble=0).fit(*words, start=tied)
