import pytest

from henkan.errors import DataError
from henkan.evaluation.task_pairs import task_questions
from henkan.text.data_source import DataSource
from henkan.text.pairs import hold_out
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
