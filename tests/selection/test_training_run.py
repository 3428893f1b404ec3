"""Models that are trained in worker processes."""

import os

import numpy as np
import pytest

from henkan.config import ModelConfig, TrainingConfig
from henkan.selection.processes import default_jobs, worker_processes
from henkan.selection.training_run import TrainingRun, train
from henkan.text.pairs import Pairs
from henkan.training.events import Epoch
from henkan.training.job import Variant

PAIRS = Pairs(["ab", "ba", "aa", "bb"], ["AB", "BA", "AA", "BB"])
VARIANTS = [Variant(ModelConfig(hidden_size=8, embedding_size=4), TrainingConfig(epochs=3, seed=7))]


def weights(fitted):
    (members,) = (each.members for each in fitted.saved.variants)
    return members[0]


def test_model_from_a_worker_process_has_the_same_bits():
    with worker_processes(2) as pool:
        first, second = pool.map(train, [TrainingRun(PAIRS, PAIRS, VARIANTS, seed=seed) for seed in (1, 2)])
    here = weights(train(TrainingRun(PAIRS, PAIRS, VARIANTS, seed=1)))
    assert all(np.array_equal(array, weights(first)[name]) for name, array in here.items())
    assert any(not np.array_equal(array, weights(second)[name]) for name, array in here.items())


def test_seed_replaces_that_of_the_settings_and_corrections_are_not_estimated():
    fitted = train(TrainingRun(PAIRS, PAIRS, VARIANTS, seed=1))
    assert fitted.saved.first.training.seed == 1
    assert not fitted.saved.corrections


def test_report_receives_events_and_can_end_the_run():
    def stop(event):
        if isinstance(event, Epoch):
            raise StopIteration(event.epoch)

    with pytest.raises(StopIteration, match="1"):
        train(TrainingRun(PAIRS, PAIRS, VARIANTS), stop)


def test_worker_processes_use_one_thread_each():
    with worker_processes(1) as pool:
        assert pool.submit(os.getenv, "HENKAN_THREADS").result() == "1"
    assert default_jobs() >= 1
