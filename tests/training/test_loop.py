from itertools import pairwise

import numpy as np
import pytest

from henkan.config import TrainingConfig
from henkan.errors import SettingsError
from henkan.nn import one_cycle
from henkan.training.events import Epoch, Rollback, Step
from henkan.training.loop import learning_rate, train
from henkan.training.state import TrainingState
from models import SOURCES, TARGETS, encoded, small_model


class FakeValidator:
    """Returns the given exact matches and losses one by one, then 0.5 and 1."""

    def __init__(self, matches=(), losses=()):
        self.matches, self.losses = iter(matches), iter(losses)

    def exact_match(self):
        return next(self.matches, 0.5)

    def loss(self):
        return next(self.losses, 1.0)


def run(config, seed=0, validator=None):
    converter, _ = small_model(dtype=np.float32, hidden_size=16)
    pairs = encoded(converter, SOURCES, TARGETS)
    state = TrainingState(np.random.default_rng(seed))
    return list(train(converter.model, pairs, config, state, validator or FakeValidator())), converter, state


def test_events_count_updates_and_epochs():
    events, _, state = run(TrainingConfig(epochs=3, batch_size=4))
    event_types = [type(event) for event in events]
    assert event_types == [Step, Step, Epoch] * 3
    steps = [event for event in events if isinstance(event, Step)]
    assert [(step.epoch, step.step, step.steps) for step in steps] == [
        (1, 1, 6), (1, 2, 6), (2, 3, 6), (2, 4, 6), (3, 5, 6), (3, 6, 6),
    ]  # fmt: skip
    assert [step.pairs for step in steps[1::2]] == [6, 12, 18]
    assert {step.pairs for step in steps[::2]} <= {2, 4, 8, 10, 14, 16}  # the smaller batch may come first
    assert state.records == [event for event in events if isinstance(event, Epoch)]
    assert [record.exact_match for record in state.records] == [0.5] * 3
    assert state.records[-1].learning_rate == steps[-1].learning_rate


def test_seconds_include_only_updates():
    events, _, state = run(TrainingConfig(epochs=2, batch_size=4))
    steps = [event for event in events if isinstance(event, Step)]
    assert steps[-1].seconds == pytest.approx(sum(record.seconds for record in state.records))
    assert all(a.seconds < b.seconds for a, b in pairwise(steps))


def test_training_learns_the_pairs():
    _, converter, state = run(TrainingConfig(epochs=150, batch_size=3))
    assert converter.predict(SOURCES) == TARGETS
    assert state.records[-1].loss < 0.05 < state.records[0].loss


def test_epoch_loss_is_the_mean_over_symbols():
    """With a negligible learning rate, it is the loss of all pairs in one batch."""
    config = TrainingConfig(epochs=1, batch_size=4, learning_rate=1e-12)
    _, converter, state = run(config)
    batch = encoded(converter, SOURCES, TARGETS).batch(np.arange(len(SOURCES)))
    assert state.records[0].loss == pytest.approx(converter.model.loss(batch), rel=1e-5)


def test_same_seed_gives_the_same_bits():
    vectors = [run(TrainingConfig(epochs=3, batch_size=4), seed)[1].model.parameters.vector for seed in (1, 1, 2)]
    assert (vectors[0] == vectors[1]).all()
    assert (vectors[0] != vectors[2]).any()


def test_training_resumes_from_its_state():
    config = TrainingConfig(epochs=4, batch_size=4)
    _, uninterrupted, _ = run(config)

    converter, _ = small_model(dtype=np.float32, hidden_size=16)
    pairs = encoded(converter, SOURCES, TARGETS)
    state = TrainingState(np.random.default_rng(0))
    events = train(converter.model, pairs, config, state, FakeValidator())
    while len(state.records) < 2:
        next(events)
    snapshot = converter.model.snapshot()
    resumed, _ = small_model(dtype=np.float32, hidden_size=16, seed=9)
    resumed.model.restore(snapshot)
    list(train(resumed.model, pairs, config, state, FakeValidator()))
    assert (resumed.model.parameters.vector == uninterrupted.model.parameters.vector).all()


def test_snapshot_is_a_copy():
    converter, batch = small_model()
    engine = converter.model
    before = engine.loss(batch)
    snapshot = engine.snapshot()
    for _ in range(3):
        engine.train_step([batch], 0.1)
    assert engine.loss(batch) != before
    engine.restore(snapshot)
    assert engine.loss(batch) == before


def test_learning_rate_schedules():
    constant = TrainingConfig(schedule="constant", learning_rate=0.5)
    assert [learning_rate(constant, step, 10) for step in (0, 5, 9)] == [0.5] * 3
    cycle = TrainingConfig(learning_rate=0.5, warmup=0.5)
    rates = [learning_rate(cycle, step, 11) for step in range(11)]
    assert max(rates) == rates[5] == pytest.approx(0.5)


def test_updates_have_the_scheduled_learning_rate():
    config = TrainingConfig(epochs=3, batch_size=4, learning_rate=0.02)
    events, _, _ = run(config)
    rates = [event.learning_rate for event in events if isinstance(event, Step)]
    assert rates == [one_cycle(step, 6, 0.02, 0.2) for step in range(6)]


def test_best_epoch_is_kept():
    """The highest exact match wins; ties go to the lowest loss, then to the earliest epoch."""
    validator = FakeValidator([0.1, 0.5, 0.4, 0.5, 0.5, 0.3], [9, 3, 2, 2])
    _, _, state = run(TrainingConfig(epochs=6, batch_size=4), validator=validator)
    assert (state.best.epoch, state.best.exact_match, state.best.loss) == (4, 0.5, 2)
    assert [record.dev_loss for record in state.records] == [9, 3, None, 2, 2, None]
    _, four, _ = run(TrainingConfig(epochs=6, batch_size=4), validator=FakeValidator([0.1, 0.2, 0.3, 1.0]))
    assert state.best.weights.keys() == four.model.weights.keys()


def test_best_weights_are_a_copy():
    validator = FakeValidator([0.5, 0.1, 0.1])
    _, converter, state = run(TrainingConfig(epochs=3, batch_size=4), validator=validator)
    _, first, _ = run(TrainingConfig(epochs=1, batch_size=4, learning_rate=0.01, schedule="constant"))
    assert any((state.best.weights[name] != array).any() for name, array in converter.model.weights.items())
    assert first.model.weights.keys() == state.best.weights.keys()


def test_patience_stops_a_constant_schedule():
    validator = FakeValidator([0.1, 0.5, 0.4, 0.4, 0.4, 0.6])
    _, _, state = run(TrainingConfig(epochs=9, batch_size=4, schedule="constant", patience=2), validator=validator)
    assert len(state.records) == 4
    with pytest.raises(SettingsError, match="fixed end"):
        TrainingConfig(patience=2)


def test_rollback_points_are_always_finite(monkeypatch):
    """An update with a finite loss can still leave non-finite weights or moments of Adam."""
    monkeypatch.setattr("henkan.training.loop.ROLLBACK_INTERVAL", 2)
    corrupted = iter([False, True, False, False, False, False, True, False])

    def update(self, parts, rate):
        loss = type(self).train_step(self, parts, rate)
        if next(corrupted, False):
            self._training().v[0] = np.inf
        return loss

    converter, _ = small_model(dtype=np.float32, hidden_size=16)
    engine, pairs = converter.model, encoded(converter, SOURCES, TARGETS)
    monkeypatch.setattr(engine, "train_step", update.__get__(engine))
    state, steps = TrainingState(np.random.default_rng(0)), []
    for event in train(engine, pairs, TrainingConfig(epochs=1, batch_size=1), state, None):
        steps.append(event.step if isinstance(event, Step | Rollback) else "end")
        assert all(np.isfinite(each).all() for each in state.rollback_point.snapshot.values())
    assert steps == [1, 2, 0, 1, 2, 3, 4, 5, 6, 4, 5, 6, "end"]
    assert state.rollbacks == 2


def test_excessive_learning_rate_leaves_the_last_finite_state(monkeypatch):
    monkeypatch.setattr("henkan.training.loop.ROLLBACK_INTERVAL", 2)
    converter, _ = small_model(dtype=np.float32, hidden_size=16)
    pairs = encoded(converter, SOURCES, TARGETS)
    config = TrainingConfig(epochs=20, batch_size=1, learning_rate=1e20, schedule="constant")
    state = TrainingState(np.random.default_rng(0))
    events = list(train(converter.model, pairs, config, state, FakeValidator()))
    assert isinstance(events[-1], Rollback)
    assert events[-1].final
    assert all(np.isfinite(each).all() for each in converter.model.snapshot().values())
