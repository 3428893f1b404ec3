"""What `fit` shows, and the functions that it calls."""

import io
import sys
from inspect import signature

import pytest

from henkan import Ended, Epoch, Seq2Seq, SettingsError, Started
from henkan.training.checkpoint import SECONDS_BETWEEN

SMALL = {"epochs": 2, "hidden_size": 8, "embedding_size": 4, "calibrate_outside": False}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, stream, words, **settings):
    monkeypatch.setattr(sys, "stderr", stream)
    events = []
    Seq2Seq(**SMALL, **settings).fit(*words, dev=words, callback=events.append)
    assert [type(each) for each in events].count(Epoch) == 2
    return stream.getvalue()


def test_progress_is_shown_on_terminals_unless_it_is_turned_off(words, monkeypatch):
    assert shown(monkeypatch, io.StringIO(), words) == ""
    assert shown(monkeypatch, io.StringIO(), words, verbose=False) == ""
    assert shown(monkeypatch, Terminal(), words, verbose=False) == ""
    assert "epoch 2/2" in shown(monkeypatch, io.StringIO(), words, verbose=True)
    assert "epoch 2/2" in shown(monkeypatch, Terminal(), words)


def test_default_interval_of_checkpoints_is_that_of_the_commands():
    assert signature(Seq2Seq.fit).parameters["checkpoint_every"].default == SECONDS_BETWEEN


def test_several_callbacks_receive_every_event(words):
    first, second = [], []
    Seq2Seq(**SMALL).fit(*words, callback=[first.append, lambda event: second.append((event, len(first)))])
    assert isinstance(first[0], Started)
    assert second == [(event, number) for number, event in enumerate(first, start=1)]  # in the order of the list
    for wrong in (3, [first.append, 3]):
        with pytest.raises(SettingsError, match="callback must be a function, or a list of functions, not 3"):
            Seq2Seq(**SMALL).fit(*words, callback=wrong)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_callback_that_raises_does_not_hide_events_from_the_others(words, error):
    """So a tracker closes its run, whatever the order of the callbacks."""
    seen = []

    def fail(event):
        if isinstance(event, Epoch | Ended):
            raise error

    for callbacks in ([fail, seen.append], [seen.append, fail]):
        seen.clear()
        with pytest.raises(error):
            Seq2Seq(**SMALL).fit(*words, callback=callbacks)
        assert [type(each) for each in seen][-2:] == [Epoch, Ended]
        assert seen[-1].outcome == {ZeroDivisionError: "failed", KeyboardInterrupt: "interrupted"}[error]


def test_an_error_of_a_callback_leaves_the_model_as_it_was(words):
    model = Seq2Seq(**SMALL).fit(*words)
    before = model.convert(words[0])

    def fail(event):
        if isinstance(event, Epoch):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        model.set_params(seed=1).fit(*words, callback=fail)
    assert model.convert(words[0]) == before


def test_model_is_shown_in_notebooks(trained):
    trained_html = trained._repr_html_()
    assert "trained on 39 pairs" in trained_html
    assert "<svg" in trained_html  # the learning curve
    assert "hidden_size" in Seq2Seq(hidden_size=8)._repr_html_()
    assert "not trained" in Seq2Seq()._repr_html_()
    assert trained.explain("ab")._repr_html_()
