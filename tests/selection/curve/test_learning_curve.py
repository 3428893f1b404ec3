"""Learning curves from measurements, and of tiny models."""

import json
from collections import Counter

import pytest

from henkan.errors import DataError, SettingsError
from henkan.selection.curve.kept import KeptMeasurements
from henkan.selection.curve.learning_curve import curve_of, learning_curve
from henkan.selection.curve.measuring import Measurement
from henkan.selection.curve.plan import CurvePlan, plan_curve
from henkan.selection.training_run import TrainingRun
from henkan.text.pairs import Pairs
from henkan.training.choice import Wanted

WORDS = [a + b for a in "abcdefgh" for b in "abcdefgh"]
TRAIN, DEV = Pairs(WORDS[:56], [word.upper() for word in WORDS[:56]]), Pairs(WORDS[56:], ["x"] * 8)
TINY = {"epochs": 1, "hidden_size": 8, "embedding_size": 4}


def curve(*counts, validation=100, seeds=3, sizes=None, sources=None):
    """The curve of models that get these numbers of validation sources right."""
    sizes = sizes or [100 * 2**power for power in range(len(counts))]
    plan = CurvePlan(
        sizes, seeds, [TrainingRun(Pairs([], []), DEV, [])] * (seeds * len(sizes)), 0, sources or sizes[-1]
    )
    measurements = {}
    for size, count in zip(sizes, counts, strict=True):
        for seed, number in enumerate(plan.numbers_of(size)):
            right = count + (seed - 1 if 0 < count < validation and seeds > 1 else 0)
            measurements[number] = Measurement("1" * right + "0" * (validation - right), 0.5, 1.0)
    return curve_of(plan, measurements)


def test_growing_exact_match_is_continued():
    found = curve(30, 50, 62, 70, 75)
    assert [each.exact_match for each in found.points] == pytest.approx([0.3, 0.5, 0.62, 0.7, 0.75])
    assert found.points[0].deviation == pytest.approx(0.01)
    assert found.reason == ""
    assert found.expected.sources == 3200
    assert 0.76 < found.expected.exact_match < 0.81
    assert found.expected.low < found.expected.exact_match < found.expected.high
    assert 0.01 < found.expected.gain < 0.06


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ((30, 50), "a curve needs at least 3 sizes"),
        ((50, 90, 100), "all predictions are correct with all of the data"),
        ((0, 0, 0), "no prediction is correct"),
        ((30, 60, 40, 70), "exact match falls from 60.0% (200 sources) to 40.0% (400 sources)"),
        ((50, 51, 50, 51), "exact match does not grow"),
        ((0, 0, 20, 70), "exact match still grows faster with each doubling (from 20.0% to 70.0%"),
    ],
)
def test_nothing_is_said_without_a_curve(counts, reason):
    found = curve(*counts)
    assert reason in found.reason
    assert found.expected is None
    assert found.fit is None
    assert f"twice the data: nothing can be said; {found.reason}" in str(found).replace("\n", " ")


def test_chance_decline_is_no_obstacle():
    assert curve(30, 50, 61, 60, 68).expected is not None


def test_one_model_of_each_size_has_no_deviation():
    found = curve(30, 50, 62, 70, seeds=1)
    assert [each.deviation for each in found.points] == [None] * 4
    assert found.expected is not None


def test_interval_of_a_point_is_for_other_models_too():
    """Here each source is right for the same share of the models, so sources say little, but the models differ."""
    plan = CurvePlan([100], 3, [TrainingRun(Pairs([], []), DEV, [])] * 3, 0, 100)
    rights = ["1" * 90 + "0" * 210, "0" * 90 + "1" * 150 + "0" * 60, "0" * 240 + "1" * 60]
    found = curve_of(plan, {number: Measurement(right, 0.5, 1.0) for number, right in enumerate(rights)}).points[0]
    assert found.exact_match == pytest.approx(1 / 3)
    assert found.deviation == pytest.approx(0.153, abs=1e-3)
    assert 0.2 < found.high - found.low < 0.3  # that of 300 sources alone is 0.11 wide


def test_interval_of_a_point_is_for_other_sources_too():
    [*_, last] = curve(30, 50, 62, 70, 75).points
    assert last.low == pytest.approx(0.657, abs=0.01)  # Wilson's interval of 75 of 100, which the models add little to
    assert last.high == pytest.approx(0.825, abs=0.01)
    [*_, more] = curve(3000, 5000, 6200, 7000, 7500, validation=10_000).points
    assert more.high - more.low < 0.03
    first = curve(0, 30, 40).points[0]
    assert first.low == 0
    assert 0.02 < first.high < 0.06


def test_unfinished_curve_has_the_models_so_far():
    plan = plan_curve(TRAIN, DEV, Wanted(TINY, "modern"), seeds=2)
    found = curve_of(plan, {0: Measurement("11110000", 0.1, 1.0)})
    assert [each.sources for each in found.points] == [56]
    assert found.missing == len(plan.runs) - 1
    assert "3 sizes" in found.reason
    assert curve_of(plan, {}).points == []


def test_values_are_json():
    values = json.loads(json.dumps(curve(30, 50, 62, 70, 75).to_dict()))
    assert values["validation_sources"] == 100
    assert values["points"][0] | {"low": 0, "high": 0} == {
        "sources": 100, "pairs": 0, "models": 3, "exact_match": pytest.approx(0.3), "deviation": pytest.approx(0.01),
        "low": 0, "high": 0, "symbol_error_rate": 0.5,
    }  # fmt: skip
    assert values["twice_the_data"]["sources"] == 3200
    assert 0 <= values["error_of_curve"]["limit"] < 0.25
    assert json.loads(json.dumps(curve(0, 0, 0).to_dict()))["twice_the_data"] is None


def test_models_have_the_settings_for_their_number_of_pairs_and_the_recipe_of_all():
    sources = [f"{number:05}" for number in range(8100)]
    plan = plan_curve(Pairs(sources, sources), DEV, Wanted({}), seeds=1, fractions=[0.001, 0.5, 1])
    assert plan.sizes == [4050, 8100]
    assert plan.left_out == 1
    full, half = plan.runs
    assert (len(full.pairs), len(half.pairs)) == (8100, 4050)
    assert (full.variants[0].model.hidden_size, half.variants[0].model.hidden_size) == (192, 128)
    assert {each.variants[0].model.architecture for each in plan.runs} == {"transducer"}
    assert [plan.size_of(number) for number in (0, 1)] == [8100, 4050]


def test_members_of_ensembles_have_other_seeds_in_each_model():
    plan = plan_curve(TRAIN, DEV, Wanted({**TINY, "seed": 5}, "modern", members=3), seeds=2, fractions=[1])
    assert [each.seed for each in plan.runs] == [5, 8]


def test_models_are_trained_on_nested_subsets_without_validation_sources():
    plan = plan_curve(TRAIN, DEV, Wanted(TINY, "modern"), seeds=2)
    for number in range(2):
        parts = [set(plan.runs[each].pairs.sources) for each in range(number * 3, number * 3 + 3)]
        assert parts[0] > parts[1] > parts[2]
        assert not parts[0] & set(DEV.sources)
    assert set(plan.runs[2].pairs.sources) != set(plan.runs[5].pairs.sources)


def test_validation_sources_in_the_training_pairs_are_refused():
    with pytest.raises(DataError, match="1 pair has a source of the validation set"):
        learning_curve(TRAIN, Pairs(["aa", "??"], ["x", "y"]), Wanted(TINY, "modern"), jobs=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fractions": [0.5, 2]}, "fractions must be one or more numbers above 0"),
        ({"fractions": []}, "fractions must be one or more numbers above 0"),
        ({"seeds": 0}, "seeds must be at least 1, not 0"),
    ],
)
def test_invalid_arguments_are_refused(arguments, message):
    with pytest.raises(SettingsError, match=message):
        learning_curve(TRAIN, DEV, Wanted(TINY, "modern"), **arguments)


@pytest.mark.parametrize(("pairs", "message"), [(5, "but there are 5 in all; add pairs"), (56, "choose larger sizes")])
def test_too_few_sources_are_refused(pairs, message):
    with pytest.raises(DataError, match=message):
        learning_curve(TRAIN.take(range(pairs)), DEV, Wanted(TINY, "modern"), fractions=[0.1])


def test_measurements_are_kept_and_only_missing_models_are_trained(tmp_path):
    path, events = tmp_path / "folder" / "kept.json", []

    def run(seeds=1, report=events.append, settings=TINY):
        events.clear()
        kept = KeptMeasurements(path)
        return learning_curve(TRAIN, DEV, Wanted(settings, "modern"), seeds=seeds, jobs=1, kept=kept, report=report)

    def stop(event):
        events.append(event)
        if event.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(report=stop)
    assert len(KeptMeasurements(path)) == 2
    first = run()
    assert [event.kept for event in events] == [True, True, False]
    assert [event.done for event in events] == [1, 2, 3]
    assert events[-1].seconds_left == 0
    assert [each.models for each in run(seeds=2).points] == [2, 2, 2]
    assert Counter(event.kept for event in events) == {True: 3, False: 3}
    assert run() == first
    assert all(event.kept for event in events)
    run(settings={**TINY, "hidden_size": 6})
    assert not any(event.kept for event in events)
    assert len(KeptMeasurements(path)) == 9


def test_models_in_processes_are_the_same():
    here, there = (
        learning_curve(TRAIN, DEV, Wanted({**TINY, "epochs": 3}, "modern"), seeds=1, jobs=jobs) for jobs in (1, 2)
    )
    assert here == there


def test_part_of_the_data_is_not_all_of_it():
    """With sizes up to a half, twice the largest size is what there is."""
    sizes = [20, 40, 80]
    half = curve(30, 50, 65, sizes=sizes, sources=160)
    assert half.doubled == "twice the largest size"
    assert "twice the largest size (160 sources): " in str(half)
    assert curve(30, 50, 65, sizes=sizes).doubled == "twice the data"
    assert "with the largest size, so" in curve(30, 50, 100, sizes=sizes, sources=160).reason
