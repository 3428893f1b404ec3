"""The model as an estimator of the real scikit-learn."""

# ruff: noqa: E402  (imports after importorskip)

import warnings

import numpy as np
import pytest

from henkan import Seq2Seq, SettingsError

pytestmark = pytest.mark.workbench
pytest.importorskip("sklearn")

import joblib
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import FitFailedWarning, SkipTestWarning
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    train_test_split,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.validation import check_is_fitted

SMALL = {"recipe": "modern", "hidden_size": 16, "embedding_size": 8, "batch_size": 8, "calibrate_outside": False}
FOLDS = KFold(3, shuffle=True, random_state=0)


def strip(strings):
    """Remove whitespace around strings, as a cleaning step of a pipeline does."""
    return [each.strip() for each in strings]


@pytest.fixture
def model():
    return Seq2Seq(**SMALL, epochs=40)


def test_clone_has_the_same_parameters_and_is_not_trained(trained, model):
    for each in (trained, model, Seq2Seq(dropout=None, hidden_size="wrong")):
        copy = clone(each)
        assert copy.get_params() == each.get_params()
        assert copy is not each
        with pytest.raises(Exception, match="not fitted"):
            check_is_fitted(copy)
    check_is_fitted(trained)


def test_tags_say_that_sources_are_strings_and_targets_are_needed(model):
    tags = get_tags(model)
    assert (tags.input_tags.string, tags.input_tags.two_d_array, tags.target_tags.required) == (True, False, True)
    assert not is_classifier(model)  # would stratify the folds by targets
    assert not is_regressor(model)


def test_cross_validation_scores_and_predicts(model, words):
    scores = cross_val_score(model, *words, cv=FOLDS)
    [first, *_] = FOLDS.split(words[0])
    train, test = ([[side[row] for row in rows] for side in words] for rows in first)
    assert scores[0] == clone(model).fit(*train).score(*test)
    predictions = cross_val_predict(model, *words, cv=FOLDS)
    right = [np.mean(predictions[rows] == np.array(words[1])[rows]) for _, rows in FOLDS.split(words[0])]
    assert scores.tolist() == pytest.approx(right)
    assert scores.mean() > 0.3
    with pytest.raises(Exception, match="call fit first"):
        model.predict(["ab"])


def test_cross_validation_passes_arguments_to_fit(model, words):
    found = cross_validate(model.set_params(epochs=1), *words, cv=2, params={"dev": words}, return_estimator=True)
    assert all(each.exact_match_ is not None for each in found["estimator"])


@pytest.mark.parametrize("jobs", [1, 2])
def test_grid_search_finds_the_better_setting_and_trains_it_again(model, words, jobs):
    search = GridSearchCV(model, {"epochs": [1, 40], "hidden_size": np.array([12, 16])}, cv=FOLDS, n_jobs=jobs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of joblib, about workers that stop
        search.fit(*words)
    assert search.best_params_["epochs"] == 40
    assert search.best_estimator_.settings_["epochs"] == 40
    assert search.predict(["ab"]) == search.best_estimator_.predict(["ab"])
    assert len(search.cv_results_["params"]) == 4


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_invalid_combination_does_not_stop_a_search(model, words):
    search = GridSearchCV(model.set_params(epochs=1), {"copy": [False, True]}, cv=2)
    with pytest.warns(FitFailedWarning, match="copying needs attention"):
        search.fit(*words)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]


def test_random_search_and_learning_curve(model, words):
    model.set_params(epochs=1)
    search = RandomizedSearchCV(
        model, {"learning_rate": [1e-3, 1e-2], "seed": range(5)}, n_iter=2, cv=2, random_state=0
    )
    assert search.fit(*words).best_params_["learning_rate"] in (1e-3, 1e-2)
    sizes, _, scores = learning_curve(model, *words, train_sizes=[0.5, 1.0], cv=2)
    assert sizes.tolist() == [9, 19]
    assert scores.shape == (2, 2)


def test_pipeline_cleans_strings_before_the_model(model, words):
    padded = [f" {each} " for each in words[0]]
    pipeline = make_pipeline(FunctionTransformer(strip), model)
    pipeline.fit(padded, words[1])
    assert pipeline.predict([" cab "]) == model.predict(["cab"]) == ["CAB"]
    assert pipeline.score(padded, words[1]) == model.score(*words)
    assert pipeline.get_params()["seq2seq__epochs"] == 40
    search = GridSearchCV(pipeline, {"seq2seq__epochs": [1, 2]}, cv=2).fit(padded, words[1])
    assert search.best_params_["seq2seq__epochs"] in (1, 2)
    with pytest.raises(ValueError, match="no parameter 'epoch'; did you mean epochs"):
        pipeline.set_params(seq2seq__epoch=1)
    assert "Seq2Seq" in pipeline._repr_html_()
    assert "Seq2Seq(" in repr(Pipeline([("model", Seq2Seq())]))


def objects(side):
    return np.array(side, object)


@pytest.mark.parametrize("convert", [list, tuple, np.array, objects], ids=lambda convert: convert.__name__)
def test_pairs_are_split_in_every_form(model, words, convert):
    train, test, train_targets, test_targets = train_test_split(*map(convert, words), test_size=0.25, random_state=0)
    model.set_params(epochs=1).fit(train, train_targets, dev=(test, test_targets))
    assert model.exact_match_ == model.score(test, test_targets)
    assert cross_val_score(model, *map(convert, words), cv=2).shape == (2,)


def test_joblib_saves_the_model(trained, words, tmp_path):
    joblib.dump(trained, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    assert loaded.convert(words[0]) == trained.convert(words[0])
    assert joblib.hash(loaded.get_params()) == joblib.hash(trained.get_params())


# The checks that need no data. Those that train give arrays of numbers in two dimensions, or expect an array of
# features or a class of errors of scikit-learn itself, which an estimator of strings cannot have; `check_estimator`
# leaves them out itself, because of the tags.
CHECKS = [
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
]


@pytest.mark.parametrize("check", CHECKS)
def test_checks_of_scikit_learn(check):
    getattr(estimator_checks, check)("Seq2Seq", Seq2Seq(epochs=1))


def test_check_estimator():
    with pytest.warns(SkipTestWarning, match="Can't test estimator Seq2Seq which requires input"):
        results = estimator_checks.check_estimator(Seq2Seq(epochs=1))
    assert {each["status"] for each in results} == {"passed"}


def test_errors_are_those_that_scikit_learn_expects(model):
    with pytest.raises(ValueError, match="must be a whole number"):
        model.set_params(hidden_size=0).fit(["a"], ["b"])
    with pytest.raises(SettingsError, match="no parameter"):
        model.set_params(nothing=1)
    with pytest.raises(AttributeError, match="call fit first"):
        model.history_  # noqa: B018
