"""Worker processes that run trials."""

import os
import signal

from henkan.config import ModelConfig
from henkan.errors import SettingsError
from henkan.selection.processes import LOST
from henkan.selection.tuning.splits import Examples
from henkan.selection.tuning.trial import Expected, Progress, Trial, TrialResult, run_trial
from henkan.selection.tuning.workers import Failed, Stopped, TrialWorkers
from henkan.training.job import Variant
from tuned import SMALL, UPPER, space

DEV = UPPER.take(range(16))
TRAIN = UPPER.take(range(16, 64))


def variant(**settings):
    found = space({**SMALL, **settings})
    return found.variant(found.default)


EXAMPLES = Examples(TRAIN, DEV, variant().model)


def last_message(workers, key):
    """Wait until a trial has ended; return its last message and the progress before."""
    progress = []
    while True:
        for found, message in workers.messages(60):
            if isinstance(message, Progress):
                progress.append(message)
            elif found == key and not isinstance(message, Expected):
                return message, progress


def test_trials_give_the_same_results_as_in_this_process():
    with TrialWorkers(2, EXAMPLES) as workers:
        assert workers.idle
        workers.start(7, Trial(variant(), 1))
        workers.start(8, Trial(variant(), 2))
        assert not workers.idle
        assert sorted(workers.running) == [7, 8]
        found = {}
        while len(found) < 2:
            found |= {key: each for key, each in workers.messages(60) if isinstance(each, TrialResult)}
        assert workers.idle
    here = run_trial(EXAMPLES, Trial(variant(), 1), lambda _: None)
    assert (found[7].right, found[7].value) == (here.right, here.value)
    assert found[8].epochs == 2


def test_trials_are_stopped_and_errors_returned_and_a_killed_process_replaced():
    with TrialWorkers(1, EXAMPLES) as workers:
        workers.start(1, Trial(variant(epochs=10**6), 1))
        workers.stop(1)
        message, _ = last_message(workers, 1)
        assert message == Stopped()
        unfit = Variant(ModelConfig(architecture="none"), variant().training)
        workers.start(2, Trial(unfit, 1))
        message, _ = last_message(workers, 2)
        assert isinstance(message, Failed)
        assert isinstance(message.error, SettingsError)
        assert "the architecture 'none' is not registered" in message.reason
        workers.start(3, Trial(variant(epochs=10**6), 1))
        os.kill(workers.workers[0].process.pid, signal.SIGKILL)
        assert last_message(workers, 3)[0] == Failed(LOST)
        workers.start(4, Trial(variant(), 1))
        message, progress = last_message(workers, 4)
        assert isinstance(message, TrialResult)
        assert [each.step for each in progress] == [5, 10]


def test_processes_end_with_the_block():
    with TrialWorkers(1, EXAMPLES) as workers:
        workers.start(1, Trial(variant(epochs=10**6), 1))
        process = workers.workers[0].process
    assert not process.is_alive()
