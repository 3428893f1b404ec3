"""Ctrl-C in `Seq2Seq.fit` leaves the best model so far."""

import json
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import henkan
from henkan import Ended, Epoch, Estimated, Preparing, Seq2Seq, Started, Step
from henkan.errors import CheckpointError
from henkan.training import validation
from henkan.training.signals import Interruption
from henkan.training.trainer import Trainer

SETTINGS = {"batch_size": 8, "hidden_size": 8, "embedding_size": 4, "epochs": 6, "schedule": "constant"}


def press_ctrl_c(*_):
    signal.raise_signal(signal.SIGINT)


def raise_interrupt(*_):
    raise KeyboardInterrupt


def at(kind, count, action=press_ctrl_c, events=None):
    """Callback that acts at the `count`th event of a kind."""
    seen = [] if events is None else events

    def callback(event):
        seen.append(event)
        if isinstance(event, kind) and sum(isinstance(each, kind) for each in seen) == count:
            action()

    return callback


def weights(model, member=0):
    return model._fitted.saved.members[member]


def same(first, second):
    return all(np.array_equal(first[name], array) for name, array in second.items())


def interrupted(model, words, **options):
    with pytest.raises(KeyboardInterrupt):
        model.fit(*words, **options)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return model


@pytest.mark.parametrize("action", [press_ctrl_c, raise_interrupt])
def test_model_has_the_weights_after_the_last_complete_batch(words, tmp_path, action):
    events, model = [], Seq2Seq(**SETTINGS)
    interrupted(model, words, callback=at(Step, 12, action, events))
    assert [type(event) for event in events] == [
        Started,
        Preparing,
        Estimated,
        *[Step] * 5,
        Epoch,
        *[Step] * 5,
        Epoch,
        Step,
        Step,
        Ended,
    ]
    assert (events[-1].outcome, events[-1].exact_match) == ("interrupted", None)
    two_epochs = Seq2Seq(**SETTINGS | {"epochs": 2}).fit(*words)
    assert not same(weights(model), weights(two_epochs))  # two updates more
    metrics = model._fitted.saved.metrics
    assert (len(metrics["epochs"]), metrics["best_epoch"], metrics["exact_match"]) == (2, None, None)
    assert model._fitted.saved.temperature is None
    model.save(tmp_path / "m")
    assert henkan.load(tmp_path / "m").convert(words[0]) == model.convert(words[0])


def test_a_callback_can_interrupt_in_any_thread(words):
    model, other = Seq2Seq(**SETTINGS), Seq2Seq(**SETTINGS)

    def run():
        with pytest.raises(KeyboardInterrupt):
            model.fit(*words, callback=at(Step, 12, raise_interrupt))

    worker = threading.Thread(target=run)
    worker.start()
    worker.join()
    assert same(weights(model), weights(interrupted(other, words, callback=at(Step, 12))))


def test_model_has_the_best_epoch_of_the_validation_set(words, tmp_path):
    model = interrupted(Seq2Seq(**SETTINGS), words, dev=words, callback=at(Step, 17))
    best = model._fitted.saved.metrics["best_epoch"]
    assert best is not None
    assert same(weights(model), weights(Seq2Seq(**SETTINGS | {"epochs": best}).fit(*words)))
    model.save(tmp_path / "m")
    assert "training was interrupted" in (tmp_path / "m" / "README.md").read_text()


def test_ensemble_has_the_finished_members_and_the_current_one(words, tmp_path):
    settings = SETTINGS | {"epochs": 1, "ensemble": 3}
    complete = Seq2Seq(**settings).fit(*words)
    model = interrupted(Seq2Seq(**settings), words, callback=at(Step, 7))
    assert len(model._fitted.saved.members) == 2
    assert same(weights(model), weights(complete))
    assert [len(each["epochs"]) for each in model._fitted.saved.metrics["members"]] == [1, 0]
    assert [each["seed"] for each in model._fitted.saved.metrics["members"]] == [0, 1]
    model.save(tmp_path / "m")
    assert henkan.load(tmp_path / "m").predict(words[0]) == model.predict(words[0])
    model = interrupted(Seq2Seq(**settings), words, callback=at(Started, 2))
    assert len(model._fitted.saved.members) == 1


@pytest.mark.parametrize("action", [press_ctrl_c, raise_interrupt])
@pytest.mark.parametrize("kind", [Started, Preparing])
def test_before_the_first_update_the_model_stays_as_it_was(words, kind, action):
    untrained = interrupted(Seq2Seq(**SETTINGS), words, callback=at(kind, 1, action))
    with pytest.raises(henkan.NotFittedError):
        untrained.predict(["ab"])
    model = Seq2Seq(**SETTINGS).fit(*words)
    before = weights(model)
    assert weights(interrupted(model, words, callback=at(kind, 1, action))) is before


@pytest.fixture(scope="module")
def uninterrupted(words):
    """A complete training run with a small validation set."""
    return Seq2Seq(**SETTINGS).fit(*words, dev=(words[0][:9], words[1][:9]))


@pytest.mark.parametrize("action", [press_ctrl_c, raise_interrupt])
@pytest.mark.parametrize(("kind", "count"), [(Preparing, 1), (Step, 3), (Step, 5), (Epoch, 2), (Step, 13)])
def test_run_resumes_from_the_checkpoint_with_the_same_bits(words, tmp_path, uninterrupted, kind, count, action):
    options = {"dev": (words[0][:9], words[1][:9]), "checkpoint": tmp_path / "c", "checkpoint_every": 1e9}
    model = interrupted(Seq2Seq(**SETTINGS), words, callback=at(kind, count, action), **options)
    if kind is not Preparing:
        model.save(tmp_path / "c")  # does not delete the checkpoint
    events = []
    resumed = Seq2Seq(**SETTINGS).fit(*words, callback=events.append, **options)
    steps = {Preparing: 0, Step: count, Epoch: 5 * count}[kind]
    assert [event.step for event in events if isinstance(event, Step)] == list(range(steps + 1, 31))
    epochs = count if kind is Epoch else max(steps - 1, 0) // 5
    assert (events[0].steps_done, len(events[0].epochs_done)) == (steps, epochs)
    assert same(weights(resumed), weights(uninterrupted))
    assert resumed._fitted.saved.temperature == uninterrupted._fitted.saved.temperature


@pytest.mark.parametrize("call", [1, 2])
def test_interrupted_validation_leaves_the_trained_weights(words, monkeypatch, call):
    """In the first validation there is no best epoch yet; in the calibration at the end, training is complete."""
    real, calls = validation.EvaluationSet.predict, []

    def predict(*arguments):
        calls.append(1)
        if len(calls) == call:
            press_ctrl_c()
        return real(*arguments)

    monkeypatch.setattr(validation.EvaluationSet, "predict", predict)
    model = interrupted(Seq2Seq(**SETTINGS | {"epochs": 1}), words, dev=words)
    assert same(weights(model), weights(Seq2Seq(**SETTINGS | {"epochs": 1}).fit(*words)))
    assert model._fitted.saved.temperature is None


def test_ctrl_c_after_the_last_batch_is_not_lost(words, monkeypatch, tmp_path):
    real = Trainer.fit

    def fit(self, *arguments):
        fitted = real(self, *arguments)
        press_ctrl_c()
        return fitted

    monkeypatch.setattr(Trainer, "fit", fit)
    model = interrupted(Seq2Seq(**SETTINGS), words, dev=words, checkpoint=tmp_path / "c")
    assert model._fitted.saved.temperature is not None  # complete
    model.save(tmp_path / "c")
    assert not (tmp_path / "c" / "checkpoint").exists()


def test_another_seed_and_another_validation_set_are_named(words, tmp_path):
    options = {"checkpoint": tmp_path / "c"}
    interrupted(Seq2Seq(**SETTINGS), words, callback=at(Step, 3), **options)
    with pytest.raises(CheckpointError, match="the seed differs from that of the interrupted run; pass the same value"):
        Seq2Seq(**SETTINGS, seed=4).fit(*words, **options)
    with pytest.raises(CheckpointError, match="the validation set differs from that of the interrupted run"):
        Seq2Seq(**SETTINGS).fit(*words, dev=words, **options)
    Seq2Seq(**SETTINGS).fit(*words, **options)


def test_second_ctrl_c_stops_at_once_and_leaves_finite_weights(words, monkeypatch):
    """In the middle of an update, the weights are those of the last rollback point."""
    from henkan.engine.numpy import NumpyEngine

    real, calls = NumpyEngine.train_step, []

    def train_step(self, *arguments):
        calls.append(1)
        if len(calls) == 13:
            press_ctrl_c()
            self.parameters.vector[...] = np.nan
            press_ctrl_c()
        return real(self, *arguments)

    monkeypatch.setattr(NumpyEngine, "train_step", train_step)
    model = interrupted(Seq2Seq(**SETTINGS), words)
    assert same(weights(model), weights(Seq2Seq(**SETTINGS | {"epochs": 2}).fit(*words)))


def test_handlers_of_the_caller_are_kept(words):
    received = []
    previous = signal.signal(signal.SIGINT, lambda *_: received.append(1))
    try:
        Seq2Seq(**SETTINGS).fit(*words, callback=at(Step, 3))
    finally:
        signal.signal(signal.SIGINT, previous)
    assert received == [1]


SCRIPT = """
import json, sys, henkan
words = json.load(sys.stdin)
model = henkan.Seq2Seq(epochs=100000, batch_size=8, hidden_size=8)
try:
    model.fit(words, words, callback=lambda event: print("event", flush=True))
except KeyboardInterrupt:
    print("interrupted", len(model.predict(words)), flush=True)
"""


def test_signal_from_another_process(words):
    command = [sys.executable, "-c", SCRIPT]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True) as process:
        process.stdin.write(json.dumps(words[0]))
        process.stdin.close()
        for _ in range(20):
            assert process.stdout.readline() == "event\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert rest.endswith(f"interrupted {len(words[0])}\n"), process.stderr.read()
        assert process.wait() == 0
        assert process.stderr.read() == "\nstopping after this batch; press Ctrl-C again to stop immediately\n"


def test_signal_is_recorded_if_nobody_reads_standard_error(monkeypatch):
    """Ctrl-C ends the other program of a pipeline too, such as tee."""

    def broken(_descriptor, _content):
        raise BrokenPipeError

    monkeypatch.setattr("henkan.training.signals.os.write", broken)
    with Interruption() as interruption:
        interruption.defer()
        signal.raise_signal(signal.SIGINT)
        assert interruption.signal == signal.SIGINT
