from itertools import count

import numpy as np
import pytest

from henkan import examination, fitting
from henkan.checkpoint import Checkpoints
from henkan.config import make_configs
from henkan.errors import DataError, Interrupted
from henkan.fitting import DataSource, task_questions
from henkan.text.pairs import Pairs, hold_out
from henkan.text.tasks import TASKS

TASK = TASKS["multiplication"]


def data(**values):
    return DataSource(**{"name": "multiplication", "task": True, "pairs": 600, "seed": 4} | values)


def test_a_model_is_asked_the_part_it_held_out():
    train, held_out = hold_out(TASK.generate(600, 4), 4)
    questions = task_questions(TASK, data(held_out="tenth"))
    assert questions == held_out
    assert not set(questions.sources) & set(train.sources)


@pytest.mark.parametrize("held_out", ["none", "file"])
def test_a_model_that_held_nothing_out_is_asked_other_pairs(held_out):
    questions = task_questions(TASK, data(held_out=held_out))
    assert len(questions) == TASK.count // 10
    assert not set(questions.sources) & set(TASK.generate(600, 4).sources)


def test_a_model_of_a_file_is_asked_pairs_that_generate_does_not_write():
    addition = TASKS["addition"]
    questions = task_questions(addition, data(name="sums", task=False))
    assert not set(questions.sources) & set(addition.generate().sources)


def test_a_model_of_a_file_is_asked_a_tenth_of_a_small_task():
    assert task_questions(TASK, data(name="products", task=False)) == hold_out(TASK.generate(), 0)[1]


def test_when_every_pair_was_trained_on_it_says_so():
    with pytest.raises(DataError, match="evaluate on a file"):
        task_questions(TASK, data(pairs=5050, held_out="none"))


def test_a_training_can_be_stopped_wherever_it_asks(words, tmp_path, monkeypatch):
    """After updates and epochs, and between the parts of an examination: the exact match, the loss, the last one."""
    monkeypatch.setattr(examination, "AT_ONCE", 7)
    monkeypatch.setattr(examination, "BATCH_SIZE", 7)
    model, training = make_configs({"epochs": 2, "batch_size": 20, "hidden_size": 4, "embedding_size": 4})
    pairs, held_out = Pairs(*words), Pairs(words[0][:20], words[1][:20])

    def fit(checkpoints=None):
        fitted = fitting.fit(pairs, held_out, model, training, data=data(), checkpoints=checkpoints)
        return fitted.artefact.members[0], fitted.artefact.temperature

    whole, temperature = fit()
    for place in count(1):
        asked = count(1)
        checkpoints = Checkpoints(tmp_path / str(place), stop=lambda: 2 if next(asked) == place else None)  # noqa: B023
        with checkpoints.held():
            try:
                fit(checkpoints)
                break
            except Interrupted:
                pass
        checkpoints = Checkpoints(tmp_path / str(place), resume=True)
        with checkpoints.held():
            again, its_temperature = fit(checkpoints)
        assert its_temperature == temperature
        assert all(np.array_equal(again[name], array) for name, array in whole.items())
    assert place - 1 == 2 * (2 + 3 + 3 + 1) + 3
