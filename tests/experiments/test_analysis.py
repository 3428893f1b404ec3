import pytest

from henkan.text.pairs import Pairs
from henkan_experiments.analysis import Spread, Sum, by_place, differs, mistakes, shares, summarize

SUMS = [("58+77", "135"), ("1+2", "3"), ("999+1", "1000"), ("120+34", "154")]


def test_a_sum_is_taken_apart():
    assert [(each.digits, each.carries) for each in map(Sum.of, *zip(*SUMS, strict=True))] == [
        (2, 2), (1, 0), (3, 3), (3, 0),
    ]  # fmt: skip


def test_right_answers_by_what_is_asked():
    sums = list(map(Sum.of, *zip(*SUMS, strict=True)))
    answers = ["135", "4", "1000", "155"]
    assert shares(sums, answers, lambda each: each.carries) == {0: (0, 2), 2: (1, 1), 3: (1, 1)}
    assert shares(sums, answers, lambda each: each.digits) == {1: (0, 1), 2: (1, 1), 3: (1, 2)}
    assert by_place(sums, answers) == {"units": (2, 4), "tens": (3, 3), "hundreds": (3, 3), "thousands": (1, 1)}


def test_what_the_wrong_answers_have_in_common():
    sums = list(map(Sum.of, *zip(*SUMS, strict=True)))
    assert mistakes(sums, ["145", "3", "100", "1x"]) == {
        "wrong": 3,
        "right length": 1,
        "one digit wrong": 1,
        "first digit right": 3,
        "off by one, ten, hundred or thousand": 1,
        "within ten of the truth": 1,
        "no number": 1,
    }


def test_spreads_and_their_difference():
    spread = Spread.of([0.5, 0.7, 0.9])
    assert (spread.n, spread.least, spread.most) == (3, 0.5, 0.9)
    assert spread.mean == pytest.approx(0.7)
    assert spread.sd == pytest.approx(0.2)
    apart, error = differs(spread, 0.6, 0.3, 10)
    assert apart == pytest.approx(0.1)
    assert error == pytest.approx((0.04 / 3 + 0.09 / 10) ** 0.5)
    assert Spread.of([0.5]).sd is None
    assert differs(Spread.of([0.5]), 0.6, 0.3, 10) is None


def test_all_figures_of_an_experiment():
    epochs = [{"exact_match": 0.25, "seconds": 2.0}, {"exact_match": 0.5, "seconds": 2.0}]
    results = [
        {"task": "addition", "recipe": "book", "model": "both", "seed": seed, "exact_match": exact, "seconds": 4.0,
         "epochs": epochs, "answers": ["135", "3", answer, "0"], "weights": 7}
        for seed, exact, answer in ((0, 0.5, "1"), (1, 0.75, "1000"))
    ]  # fmt: skip
    asked = {"addition": Pairs(*map(list, zip(*SUMS, strict=True)))}
    found = summarize(results, asked)["addition"]["book"]["both"]
    assert found["exact_match"]["mean"] == 0.625
    assert found["by_seed"] == {"0": 0.5, "1": 0.75}
    assert [epoch["mean"] for epoch in found["by_epoch"]] == [0.25, 0.5]
    assert found["by_carries"] == {0: (2, 4), 2: (2, 2), 3: (1, 2)}
    assert found["mistakes"]["wrong"] == 3
    assert found["difference"][0] == pytest.approx(0.625 - 0.8940)
