"""The additive model of the exact match."""

import numpy as np
import pytest

from henkan.selection.tuning.effects import Effects, Observation
from tuned import space

SPACE = space({})


def observations(count, effects, noise, seed=0):
    """Values of random points: 0.6, the effects of their settings, and noise."""
    generator = np.random.default_rng(seed)
    found = [Observation(SPACE.default, 0.6 + generator.normal(0, noise))]
    for _ in range(count - 1):
        chosen = generator.random(len(SPACE.changes)) < 0.25
        point = {**SPACE.default, **dict(change for change, each in zip(SPACE.changes, chosen, strict=True) if each)}
        value = 0.6 + sum(effect for change, effect in effects.items() if change in point.items())
        found.append(Observation(point, value + generator.normal(0, noise)))
    return found


def test_effects_are_found_in_noise():
    true = {("target_reverse", True): 0.05, ("layers", 2): -0.04}
    table = Effects(SPACE, observations(40, true, 0.01), 1000).table()
    found = {(each.setting, each.value): each for each in table}
    assert [(each.setting, each.value) for each in table[:2]] == [("target_reverse", True), ("layers", 2)]
    for change, effect in true.items():
        assert found[change].gain == pytest.approx(effect, abs=0.012)
        assert found[change].error < 0.01
        assert found[change].trials > 3
    others = [each.gain for change, each in found.items() if change not in true]
    assert max(map(abs, others)) < 0.012


def test_without_effects_gains_shrink_to_zero():
    seeming, estimated = [], []
    for seed in range(20):
        only_noise = observations(25, {}, 0.012, seed=seed)
        best = max(only_noise[1:], key=lambda each: each.value)
        seeming.append(best.value - only_noise[0].value)
        estimated.append(Effects(SPACE, only_noise, 450).gains([best.point])[0])
    assert np.mean(seeming) > 0.02  # the best of many trials is a lucky one
    assert 0 < np.mean(estimated) < 0.006


def test_large_difference_of_a_combination_is_kept():
    point = {**SPACE.default, "layers": 2, "batch_size": 8}
    found = [Observation(SPACE.default, 0.5), Observation(SPACE.default, 0.51), Observation(point, 0.7)]
    assert Effects(SPACE, found, 1000).gains([point])[0] == pytest.approx(0.19, abs=0.03)


def test_repeated_points_count_more():
    point = {**SPACE.default, "layers": 2}
    once = [Observation(SPACE.default, 0.5), Observation(point, 0.52)]
    often = [*once, *([Observation(SPACE.default, 0.5), Observation(point, 0.52)] * 4)]
    assert Effects(SPACE, often, 500).gains([point])[0] > Effects(SPACE, once, 500).gains([point])[0]
    assert Effects(SPACE, often, 500).gains([SPACE.default])[0] == 0


def test_best_combination_has_the_good_values_only():
    true = {
        ("target_reverse", True): 0.05,
        ("dropout", 0.45): 0.05,
        ("layers", 2): -0.05,
        ("learning_rate", 0.002): -0.05,
    }
    effects = Effects(SPACE, observations(60, true, 0.005), 1000)
    point = effects.best_combination()
    assert (point["target_reverse"], point["dropout"], point["layers"]) == (True, 0.45, None)
    assert point["learning_rate"] != 0.002
    assert SPACE.allows(point)
    drawn = [effects.best_combination(seed) for seed in range(5)]
    assert drawn == [effects.best_combination(seed) for seed in range(5)]
    assert len({repr(each) for each in drawn}) > 1


def test_one_observation_is_enough():
    effects = Effects(SPACE, [Observation(SPACE.default, 1.0)], 10)
    assert effects.best_combination() == SPACE.default
    assert {each.gain for each in effects.table()} == {0.0}
