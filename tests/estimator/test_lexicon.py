"""The lexicon of a model in Python."""

import copy
import pickle

import pytest

import henkan
from henkan import DataError, NotFittedError, Seq2Seq, SettingsError

SMALL = {"epochs": 1, "hidden_size": 8, "embedding_size": 4}


@pytest.fixture
def model(words):
    """A model that has hardly been trained, so that its own predictions are wrong."""
    return Seq2Seq(**SMALL).fit(*words, keep_lexicon=True)


def test_pairs_are_kept_and_answer_before_the_model(model, words):
    assert model.predict(words[0]) == words[1]
    assert model.score(*words) == 1
    assert model.lexicon == {source: [target] for source, target in zip(*words, strict=True)}
    known, other = model.convert(["ab", "abca"])
    assert (known.prediction, known.origin, known.log_probability) == ("AB", "lexicon", None)
    assert other.origin == "model"


def test_model_alone(model, words):
    plain = Seq2Seq(**SMALL).fit(*words)
    assert plain.lexicon == {}
    assert model.predict(words[0], lexicon=None) == plain.predict(words[0], lexicon=None) == plain.predict(words[0])
    assert model.score(*words, lexicon=None) == plain.score(*words) < 1
    assert model.convert(["ab"], lexicon=None) == plain.convert(["ab"])
    assert model.log_probability(["ab"], ["AB"]) == plain.log_probability(["ab"], ["AB"])
    assert model.align(["ab"]) == plain.align(["ab"])


def test_lexicon_of_a_call_comes_first(model):
    assert model.predict(["ab", "c"], lexicon={"ab": "mine"}) == ["mine", "C"]
    assert model.score(["ab", "c"], ["mine", "C"], lexicon={"ab": "mine"}) == 1
    with pytest.raises(DataError, match="lexicon is 'other'; give a dictionary"):
        model.predict(["ab"], lexicon="other")


def test_lexicon_is_saved_loaded_copied_and_pickled(model, words, tmp_path):
    model.save(tmp_path / "m")
    loaded = henkan.load(tmp_path / "m")
    assert loaded.predict(words[0]) == words[1]
    for each in (loaded, copy.deepcopy(loaded), pickle.loads(pickle.dumps(loaded))):
        assert each.predict(["ab"]) == ["AB"]
        assert each.lexicon == model.lexicon
    loaded.fit(["x"], ["y"])
    assert loaded.lexicon == {}


def test_held_out_pairs_are_not_kept_and_validation_does_not_use_the_lexicon(words):
    model = Seq2Seq(**SMALL).fit(*words, dev=(["ab", "acc"], ["AB", "ACC"]), keep_lexicon=True)
    plain = Seq2Seq(**SMALL).fit(*words, dev=(["ab", "acc"], ["AB", "ACC"]))
    assert model._fitted.saved.metrics["exact_match"] == plain._fitted.saved.metrics["exact_match"]
    assert model._fitted.saved.temperature == plain._fitted.saved.temperature
    kept = Seq2Seq(**SMALL).fit(["ab", "b"], ["AB", "B"], dev=(["ac"], ["AC"]), keep_lexicon=True)
    assert kept.lexicon == {"ab": ["AB"], "b": ["B"]}


def test_entries_are_added_assigned_and_removed(model):
    model.lexicon = {"ab": "1", "c": ["2", "3", "2"]}
    assert model.lexicon == {"ab": ["1"], "c": ["2", "3"]}
    assert model.add_to_lexicon(["ab", "d"], ["4", "5"]) is model
    assert model.predict(["ab", "c", "d"]) == ["1", "2", "5"]
    model.add_to_lexicon(["ab"], ["6"], place="first")
    assert model.lexicon["ab"] == ["6", "1", "4"]
    model.add_to_lexicon(["ab"], ["7"], place="replace")
    assert model.predict(["ab"]) == ["7"]
    for nothing in (None, {}):
        model.lexicon = nothing
        assert model.lexicon == {}
    assert model.convert(["ab"])[0].origin == ""


def test_sources_are_normalized_but_kept_as_given():
    model = Seq2Seq(**SMALL, source_case="lower").fit(["ab", "c"], ["AB", "C"])
    model.lexicon = {"Ab": "1", "aB": "2"}
    assert model.lexicon == {"Ab": ["1", "2"]}
    assert model.predict(["AB"]) == ["1"]


def test_mistakes(model):
    with pytest.raises(SettingsError, match="place must be one of last, first, replace, not 'top'"):
        model.add_to_lexicon(["a"], ["b"], place="top")
    with pytest.raises(DataError, match="there are 2 sources but 1 targets"):
        model.add_to_lexicon(["a", "b"], ["c"])
    with pytest.raises(DataError, match=r"lexicon\['a'\] is 3"):
        model.lexicon = {"a": 3}
    assert "a" in model.lexicon
    for use in (lambda m: m.lexicon, lambda m: m.add_to_lexicon(["a"], ["b"]), lambda m: setattr(m, "lexicon", {})):
        with pytest.raises(NotFittedError):
            use(Seq2Seq())


def test_combined_models_have_the_entries_of_all_in_order(words):
    models = [Seq2Seq(**SMALL, seed=seed).fit(*words) for seed in (0, 1, 2)]
    models[0].lexicon, models[2].lexicon = {"ab": "1", "c": "2"}, {"ab": ["3", "1"], "d": "4"}
    assert henkan.combine(models).lexicon == {"ab": ["1", "3"], "c": ["2"], "d": ["4"]}
    assert henkan.combine(models[:2], dev=words).score(["ab"], ["1"]) == 1
    assert henkan.combine([models[1], Seq2Seq(**SMALL, seed=4).fit(*words)]).lexicon == {}


def test_interrupted_run_has_the_lexicon(words):
    def stop(event):
        if isinstance(event, henkan.Step):
            raise KeyboardInterrupt

    model = Seq2Seq(**SMALL)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*words, keep_lexicon=True, callback=stop)
    assert model.lexicon["ab"] == ["AB"]
