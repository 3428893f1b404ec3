from dataclasses import replace

import pytest

from henkan.display.run_state import RunState
from henkan.training.events import Calibrating, Ended, Labelled, Labelling, Rollback
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
    assert (state.share, state.seconds_left, state.epoch) == (0, None, 0)


def test_the_epoch_that_is_kept_has_the_best_exact_match_and_then_the_lowest_loss():
    events = [started(epochs=4), epoch(1, 0.5, 2.0), epoch(2, 0.7, 1.0), epoch(3, 0.6), epoch(4, 0.7, 1.5)]
    assert state_after(events).curve.kept == 1
    assert state_after([*events[:-1], epoch(4, 0.7, 0.5)]).curve.kept == 3
    assert state_after(events).curve.exact_matches == [0.5, 0.7, 0.6, 0.7]
    assert state_after([started(), epoch(1)]).curve.kept is None


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
    state.end()
    assert (state.ended, state.failed, state.phase) == ("Training is complete", False, "")


def test_a_run_that_ends_early_has_failed_unless_it_was_out_of_patience():
    patient = state_after(run_of([0.5, 0.4]))
    patient.end()
    assert (patient.ended, patient.failed) == ("Training is complete", False)
    diverged = state_after([*run_of([0.5]), Rollback(2, 12, 0.001, final=True)])
    diverged.end()
    assert (diverged.ended, diverged.failed) == ("Training diverged and was stopped in epoch 1", True)
    assert diverged.notes[-1].endswith("rolled back to update 12, training stopped")


def test_each_model_has_its_own_best_epoch():
    first = [started(1, 2), epoch(1, 0.5, 0.1)]
    assert [curve.kept for curve in state_after([*first, started(2, 2), epoch(1, 0.5), epoch(2, 0.5, 0.4)]).curves] == [
        0,
        1,
    ]


def test_a_resumed_run_has_the_epochs_that_were_finished_before():
    resumed = replace(started(2, 3, 4), epochs_done=[epoch(1, 0.5, 1.0), epoch(2, 0.4)])
    state = state_after([resumed, epoch(3, 0.6, 0.9)])
    assert [curve.epochs for curve in state.curves] == [[], [1, 2, 3]]
    assert (state.curve.kept, state.epoch) == (2, 3)


@pytest.mark.parametrize(
    ("outcome", "ended", "failed"),
    [
        ("finished", "Training is complete", False),
        ("interrupted", "Training was interrupted in epoch 3", True),
        ("failed", "Training was ended in epoch 3 by an error", True),
    ],
)
def test_the_last_event_says_how_the_run_ended(outcome, ended, failed):
    state = state_after([*run_of([0.1, 0.2, 0.3]), Ended(outcome, 0.25, 1, "run", False)])
    assert (state.ended, state.failed, state.exact_match) == (ended, failed, 0.25)
    assert state_after([*run_of([0.1]), Ended(outcome, 0.25, 1, "run", True)]).ended == ""


def test_the_place_names_the_model_of_an_ensemble():
    assert state_after([started(), step(2, 12)]).where == "epoch 2"
    assert state_after([started(2, 3), step(2, 12)]).where == "epoch 2 of model 2"


def test_a_divergence_is_that_of_one_model():
    state = RunState()
    for event in (started(1, 2), Rollback(3, 40, 0.01, final=True), started(2, 2)):
        state.update(event)
    assert state.notes[0].startswith("model 1: loss is not finite in epoch 3")
    assert not state.failed
    state.end()
    assert state.ended == "Training is complete"
