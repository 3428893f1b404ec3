import sys
from types import ModuleType

import pytest

from henkan import Seq2Seq
from henkan.display import notebook
from henkan.display.notebook import NotebookDisplay
from henkan.text.pairs import Pairs
from henkan.training.events import Calibrating, Ended, Step
from markup import Markup
from training_events import run_of, started, step


class Output:
    """The output of a cell: what was shown first, and all updates."""

    def __init__(self):
        self.shown = []

    def display(self, data, *, raw, display_id):
        assert raw
        assert display_id
        self.shown.append(data)
        return self

    def update(self, data, *, raw):
        assert raw
        self.shown.append(data)

    @property
    def last(self):
        return Markup(self.shown[-1]["text/html"])


@pytest.fixture
def output(monkeypatch):
    """Pretends to be IPython."""
    output, module = Output(), ModuleType("IPython.display")
    module.display = output.display
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return output


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    now = [100.0]
    monkeypatch.setattr(notebook.time, "monotonic", lambda: now[0])
    return now


def test_updates_are_rare_except_where_the_next_event_takes_long(output, clock):
    display = NotebookDisplay(None)
    for event in [started(), *(step(1, number) for number in range(1, 10))]:
        display(event)
    assert len(output.shown) == 1
    clock[0] += 1
    display(step(1, 10))
    assert len(output.shown) == 2
    display(Calibrating())
    assert "estimating the confidence" in output.last.text
    assert len(output.shown) == 3


def test_the_end_is_shown_without_a_with_block(output, clock):  # noqa: ARG001
    display = NotebookDisplay(None)
    for event in [*run_of([0.5, 0.6, 0.7]), Ended("finished", 0.7, 1, "run", False)]:
        display(event)
    assert "Training is complete" in output.last.text
    assert "exact match 70.00%" in output.last.text


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (KeyboardInterrupt, "Training was interrupted in epoch 2"),
        (ValueError, "Training was ended in epoch 2 by ValueError"),
    ],
)
def test_the_last_state_remains_after_an_error(output, clock, error, title):  # noqa: ARG001
    def fail():
        with NotebookDisplay(None) as show:
            for event in [*run_of([0.5]), step(2, 14)]:
                show(event)
            raise error

    with pytest.raises(error):
        fail()
    assert title in output.last.text
    assert "epoch 2/3" in output.last.text
    assert output.shown[-1]["text/plain"].startswith(title)


def test_nothing_is_shown_before_the_first_event(output):
    with pytest.raises(ValueError, match="pairs"), NotebookDisplay(None):
        raise ValueError("pairs")
    assert output.shown == []


def test_the_last_examples_are_those_of_the_best_weights(output, clock, words):
    pairs = Pairs(words[0][:10], words[1][:10])
    model = Seq2Seq(recipe="modern", epochs=30, batch_size=8, hidden_size=24, calibrate_outside=False)
    with NotebookDisplay(pairs) as show:

        def callback(event):
            clock[0] += isinstance(event, Step) and event.step == 1  # so the first update is shown, and no later one
            show(event)

        model.fit(*words, dev=(pairs.sources, pairs.targets), callback=callback)
    assert [row[3] for row in output.last.tables[-1][1:]] == model.predict(pairs.sources)


def test_a_training_run_is_shown_to_its_end(output, words):
    pairs = Pairs(words[0][:12], words[1][:12])
    model = Seq2Seq(recipe="modern", epochs=30, batch_size=8, hidden_size=24, calibrate_outside=False, ensemble=2)
    with NotebookDisplay(pairs) as show:
        model.fit(*words, dev=(pairs.sources, pairs.targets), callback=show)
    last = output.last
    assert "Training is complete" in last.text
    assert "epoch 30/30" in last.text
    metrics = model._fitted.saved.metrics["members"][1]
    best = max(each["exact_match"] for each in metrics["epochs"])
    assert f"exact match of all models {model._fitted.saved.metrics['exact_match']:.2%}" in last.text
    assert f"best, in epoch {metrics['best_epoch']} {best:.2%}" in last.text
    header, *rows = last.tables[-1]
    assert header == ["", "source", "target", "prediction of model 2"]
    assert [row[1:3] for row in rows] == [[word, word.upper()] for word in words[0][:10]]
    assert all(row[0] == ("O" if row[2] == row[3] else "X") for row in rows)
    assert {"script", "link", "img"}.isdisjoint(name for name, _ in last.tags)
    assert len(last.elements("polyline")) == 4
