from dataclasses import replace

from henkan.display.progress_html import progress_html, progress_text
from henkan.display.run_state import RunState
from henkan.drawing import html
from markup import Markup
from training_events import epoch, run_of, started, step

EXAMPLES = [("O", "ab", "AB", "AB"), ("X", "<b>", "שלום", "a\tb")]


def state_after(*events):
    state = RunState()
    for event in events:
        state.update(event)
    return state


def test_numbers_of_a_run():
    shown = Markup(progress_html(state_after(*run_of([0.5, 0.4]), step(3, 24))))
    for name_and_value in (
        "1,200 training pairs, 100 validation pairs; 5,000 weights", "epoch 3/3", "loss 0.167", "exact match 40.00%",
        "best, in epoch 1 50.00%", "pairs per second 200", "time left 00:03",
    ):  # fmt: skip
        assert name_and_value in shown.text
    assert "width:80.00%" in shown.elements("div")[4]["style"]
    assert len(shown.elements("svg")) == 2


def test_examples_are_marked_and_escaped():
    shown = Markup(progress_html(state_after(started(), step(1, 5)), EXAMPLES))
    assert shown.tables == [
        [["", "source", "target", "prediction"], ["O", "ab", "AB", "AB"], ["X", "<b>", "שלום", "a\\tb"]]
    ]
    right, wrong = (each["style"] for each in shown.elements("b") if "style" in each)
    assert html.GREEN in right
    assert html.RED in wrong
    shown = Markup(progress_html(state_after(started(2, 3), step(1, 5)), EXAMPLES))
    assert shown.tables[0][0][-1] == "prediction of model 2"


def test_the_title_says_what_is_done():
    assert progress_text(state_after(started())) == "Training: preparing  epoch 0/3"
    assert progress_text(state_after(started(2, 3), step(1, 5))).startswith("Training: model 2 of 3  epoch 1/3  ")
    teacher = state_after(replace(started(2, 3), teacher=True))
    assert "model 2 of 3, which predicts targets of unlabelled sources: preparing" in progress_text(teacher)
    state = state_after(*run_of([0.5, 0.6, 0.7]))
    state.end()
    assert progress_text(state).startswith("Training is complete  epoch 3/3  loss 0.167  exact match 70.00%")
    assert html.GREEN in progress_html(state)


def test_a_run_that_did_not_finish_keeps_its_state():
    state = state_after(started(), step(1, 10), epoch(1, 0.5, 1.0))
    state.end(KeyboardInterrupt)
    shown = Markup(progress_html(state))
    assert "Training was interrupted in epoch 1" in shown.text
    assert "time left" not in shown.text
    assert html.RED in progress_html(state)
    assert Markup(progress_html(RunState())).text.strip() == "Training: preparing"
