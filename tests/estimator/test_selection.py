"""Functions that compare models, train on parts of the pairs, and choose what to label."""

import numpy as np
import pytest

from henkan import DataError, NotFittedError, Seq2Seq, SettingsError, compare, learning_curve, rank_unlabelled

SMALL = {"recipe": "modern", "epochs": 1, "hidden_size": 8, "embedding_size": 4}
UNLABELLED = ["dab", "abc", "acb", "ab"]


def test_models_are_compared_by_name(trained, words):
    poor = Seq2Seq(**SMALL).fit(*words)
    comparison = compare({"good": trained, "poor": poor}, *words)
    assert comparison.names == ["good", "poor"]
    assert [each.exact_match for each in comparison.evaluations] == [each.score(*words) for each in (trained, poor)]
    poor.lexicon = dict(zip(*words, strict=True))
    rates = [
        compare({"good": trained, "poor": poor}, *words, lexicon=lexicon).evaluations[1].exact_match
        for lexicon in ("stored", None)
    ]
    assert rates == [1, poor.score(*words, lexicon=None)]


@pytest.mark.parametrize(
    ("models", "error", "message"),
    [
        ([Seq2Seq()], SettingsError, "models must be a dictionary of names and models, .* not list"),
        ({"a": Seq2Seq()}, NotFittedError, "call fit first"),
        ({"a": "models/a"}, SettingsError, "'models/a' is not a model; pass a Seq2Seq"),
        ({}, SettingsError, "a comparison needs two or more models"),
    ],
)
def test_what_cannot_be_compared_is_refused(models, error, message, words):
    with pytest.raises(error, match=message):
        compare(models, *words)


def test_learning_curve_trains_with_the_parameters_and_leaves_the_model_alone(words):
    model = Seq2Seq(**SMALL | {"epochs": 60, "hidden_size": 24, "embedding_size": 8, "batch_size": 8})
    train, dev = ([side[:30] for side in words], [side[30:] for side in words])
    curve = learning_curve(model, *train, dev=dev, fractions=np.array([0.5, 1]), seeds=1)
    assert [point.sources for point in curve.points] == [15, 30]
    assert curve.points[1].exact_match > 0.3  # a model of one epoch is never right
    assert not model.__sklearn_is_fitted__()


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"dev": None}, SettingsError, "dev must be the sources and targets of a validation set, not None"),
        ({"dev": (["aa"], ["AA"])}, DataError, "a source of the validation set"),
        ({"dev": (["x"], ["X"]), "fractions": [2]}, SettingsError, "fractions must be one or more numbers above 0"),
        ({"dev": (["x"], ["X"]), "fractions": 0.5}, SettingsError, "fractions must be a list of numbers, not 0.5"),
        ({"dev": (["x"], ["X"]), "fractions": ["1/2"]}, SettingsError, "fractions must be a list of numbers"),
        ({"dev": (["x"], ["X"]), "seeds": 0}, SettingsError, "seeds must be a whole number from 1, not 0"),
        ({"dev": (["x"], ["X"]), "seeds": 1.5}, SettingsError, "seeds must be a whole number from 1, not 1.5"),
        ({"dev": (["x"], ["X"]), "jobs": 0}, SettingsError, "jobs must be a whole number from 1, not 0"),
    ],
)
def test_curves_that_cannot_be_measured_are_refused(changed, error, message, words):
    with pytest.raises(error, match=message):
        learning_curve(Seq2Seq(**SMALL), *words, **changed)


def test_sources_to_label_are_those_without_targets(trained, words):
    ranking = rank_unlabelled(trained, UNLABELLED, count=np.int64(2), labelled=words[0])
    assert [each.source for each in ranking.proposals] == ["dab"]
    ranking = rank_unlabelled(trained, UNLABELLED, count=2)
    assert len(ranking.proposals) == 2
    assert [each.target for each in ranking.proposals] == trained.predict([each.source for each in ranking.proposals])


@pytest.mark.parametrize("count", [0, -1, 1.5, "10", True, None])
def test_numbers_of_sources_to_label_are_checked(trained, count):
    with pytest.raises(SettingsError, match="count must be a whole number from 1, not"):
        rank_unlabelled(trained, UNLABELLED, count=count)


def test_models_that_are_not_trained_rank_nothing():
    with pytest.raises(NotFittedError):
        rank_unlabelled(Seq2Seq(), UNLABELLED)
