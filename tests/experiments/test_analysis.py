import pytest

from henkan.text.pairs import Pairs
from henkan_experiments.analysis import (
    Spread,
    SumFeatures,
    correct_by,
    correct_by_place,
    count_mistakes,
    mean_difference,
    summarize,
)

SUMS = [("58+77", "135"), ("1+2", "3"), ("999+1", "1000"), ("120+34", "154")]


def test_features_of_a_sum():
    assert [(features.digits, features.carries) for features in map(SumFeatures.of, *zip(*SUMS, strict=True))] == [
        (2, 2), (1, 0), (3, 3), (3, 0),
    ]  # fmt: skip


def test_correct_answers_are_counted_by_feature_of_the_sum():
    sums = list(map(SumFeatures.of, *zip(*SUMS, strict=True)))
    answers = ["135", "4", "1000", "155"]
    assert correct_by(sums, answers, lambda features: features.carries) == {0: (0, 2), 2: (1, 1), 3: (1, 1)}
    assert correct_by(sums, answers, lambda features: features.digits) == {1: (0, 1), 2: (1, 1), 3: (1, 2)}
    assert correct_by_place(sums, answers) == {"units": (2, 4), "tens": (3, 3), "hundreds": (3, 3), "thousands": (1, 1)}


def test_mistakes_are_counted_by_kind():
    sums = list(map(SumFeatures.of, *zip(*SUMS, strict=True)))
    assert count_mistakes(sums, ["145", "3", "100", "1x"]) == {
        "wrong": 3,
        "right length": 1,
        "one digit wrong": 1,
        "first digit right": 3,
        "off by one, ten, hundred or thousand": 1,
        "within ten of the truth": 1,
        "no number": 1,
    }


def test_spread_and_difference_of_means():
    spread = Spread.of([0.5, 0.7, 0.9])
    assert (spread.n, spread.least, spread.most) == (3, 0.5, 0.9)
    assert spread.mean == pytest.approx(0.7)
    assert spread.sd == pytest.approx(0.2)
    difference, error = mean_difference(spread, 0.6, 0.3, 10)
    assert difference == pytest.approx(0.1)
    assert error == pytest.approx((0.04 / 3 + 0.09 / 10) ** 0.5)
    assert Spread.of([0.5]).sd is None
    assert mean_difference(Spread.of([0.5]), 0.6, 0.3, 10) is None


def test_summary_has_all_figures():
    epochs = [{"exact_match": 0.25, "seconds": 2.0}, {"exact_match": 0.5, "seconds": 2.0}]
    results = [
        {"task": "addition", "recipe": "book", "model": "both", "seed": seed, "exact_match": exact, "seconds": 4.0,
         "epochs": epochs, "answers": ["135", "3", answer, "0"], "weights": 7}
        for seed, exact, answer in ((0, 0.5, "1"), (1, 0.75, "1000"))
    ]  # fmt: skip
    test_sets = {"addition": Pairs(*map(list, zip(*SUMS, strict=True)))}
    found = summarize(results, test_sets)["addition"]["book"]["both"]
    assert found["exact_match"]["mean"] == 0.625
    assert found["by_seed"] == {"0": 0.5, "1": 0.75}
    assert [epoch["mean"] for epoch in found["by_epoch"]] == [0.25, 0.5]
    assert found["by_carries"] == {0: (2, 4), 2: (2, 2), 3: (1, 2)}
    assert found["mistakes"]["wrong"] == 3
    assert found["difference"][0] == pytest.approx(0.625 - 0.8940)
