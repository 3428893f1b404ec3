import pytest

from henkan.errors import DataError
from henkan.evaluation.task_pairs import task_pairs
from henkan.text.data_source import DataSource
from henkan.text.pairs import hold_out
from henkan.text.tasks import TASKS

TASK = TASKS["multiplication"]


def data(**values):
    return DataSource(**{"name": "multiplication", "task": True, "pairs": 600, "seed": 4} | values)


def test_model_of_the_task_is_evaluated_on_its_validation_set():
    train, validation_set = hold_out(TASK.generate(600, 4), 4)
    pairs = task_pairs(TASK, data(held_out="tenth"))
    assert pairs == validation_set
    assert not set(pairs.sources) & set(train.sources)


@pytest.mark.parametrize("held_out", ["none", "file"])
def test_model_trained_on_all_pairs_is_evaluated_on_new_pairs(held_out):
    pairs = task_pairs(TASK, data(held_out=held_out))
    assert len(pairs) == TASK.count // 10
    assert not set(pairs.sources) & set(TASK.generate(600, 4).sources)


def test_model_of_a_file_is_evaluated_on_pairs_that_generate_does_not_write():
    addition = TASKS["addition"]
    pairs = task_pairs(addition, data(name="sums", task=False))
    assert not set(pairs.sources) & set(addition.generate().sources)


def test_model_of_a_file_is_evaluated_on_a_tenth_of_a_small_task():
    assert task_pairs(TASK, data(name="products", task=False)) == hold_out(TASK.generate(), 0)[1]


def test_model_trained_on_every_existing_pair_is_rejected():
    with pytest.raises(DataError, match="evaluate on a file"):
        task_pairs(TASK, data(pairs=5050, held_out="none"))
