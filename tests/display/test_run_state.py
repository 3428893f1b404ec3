import pytest

from henkan.display.run_state import RunState
from henkan.training.events import Calibrating, Labelled, Labelling, Rollback
from training_events import epoch, run_of, started, step


def state_after(events):
    state = RunState()
    for event in events:
        state.update(event)
    return state


def test_share_and_time_left_are_those_of_all_models():
    state = state_after([*run_of([0.5, 0.6, 0.7], members=2), started(2, 2), step(1, 6)])
    assert state.share == pytest.approx((1 + 6 / 30) / 2)
    assert state.seconds_left == pytest.approx(0.5 * 24)
    first = state_after([started(1, 2), step(1, 6)])
    assert first.share == pytest.approx(6 / 60)
    assert first.seconds_left == pytest.approx(0.5 * (24 + 30))


def test_before_the_first_update_nothing_is_known():
    assert (RunState().share, RunState().seconds_left, RunState().epoch) == (0, None, 0)
    state = state_after([started()])
    assert (state.share, state.seconds_left, state.epoch, state.complete) == (0, None, 0, False)


def test_the_epoch_that_is_kept_has_the_best_exact_match_and_then_the_lowest_loss():
    events = [started(epochs=4), epoch(1, 0.5, 2.0), epoch(2, 0.7, 1.0), epoch(3, 0.6), epoch(4, 0.7, 1.5)]
    assert state_after(events).curve.kept == 1
    assert state_after([*events[:-1], epoch(4, 0.7, 0.5)]).curve.kept == 3
    assert state_after(events).curve.exact_matches == [0.5, 0.7, 0.6, 0.7]
    assert state_after([started(), epoch(1)]).curve.kept is None


def test_a_run_is_complete_after_the_last_epoch_of_the_last_model():
    assert not state_after(run_of([0.1, 0.2])).complete
    assert state_after(run_of([0.1, 0.2, 0.3])).complete
    assert not state_after(run_of([0.1, 0.2, 0.3], members=2)).complete
    assert state_after(run_of([0.1, 0.2, 0.3], member=2, members=2)).complete


def test_phases_and_notes_say_what_happens():
    state = state_after([*run_of([0.1, 0.2, 0.3]), Labelling(20, {"blank": 1200})])
    assert state.phase == "predicting the targets of 20 unlabelled sources"
    assert (state.curves, state.seconds_left) == ([], None)
    assert state.notes == [
        "models trained on the pairs alone, to predict targets: 1",
        "some unlabelled sources are not used: 1,200 blank",
    ]
    state.update(Labelled(10, 9, 20))
    assert state.phase.endswith("10 of 20")
    state.update(Labelled(20, 18, 20))
    assert state.notes[-1] == "18 of 20 unlabelled sources have a usable prediction"
    state.update(Rollback(2, 1500, 0.005, final=False))
    assert state.notes[-1] == (
        "loss is not finite in epoch 2; rolled back to update 1,500, learning rate reduced to 0.005"
    )
    state.update(Calibrating())
    assert state.phase == "estimating the confidence outside the training data"
    state.end("over")
    assert (state.ended, state.phase) == ("over", "")


def test_the_place_names_the_model_of_an_ensemble():
    assert state_after([started(), step(2, 12)]).where == "epoch 2"
    assert state_after([started(2, 3), step(2, 12)]).where == "epoch 2 of model 2"
